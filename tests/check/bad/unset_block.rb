runbook "r" do
  step "one" do
    a = nil
    [1].each { |x| b = x; a = b }
    show a
    c = 1
    wait_until within: 1.second do
      d = c
      d > 1
    end
    show d
  end
end
