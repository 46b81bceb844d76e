runbook "r" do
  step "one" do
    show later
    later = 1
    show later
    [1].each { |x| inner = x + later }
    show inner
  end
end
