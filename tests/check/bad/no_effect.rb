runbook "r" do
  step "one" do
    x = 1
    x == 2
    "text"
    x
    [x]
    note "#{x}"
    [1].each { |y| y + 1; note "#{y}" }
  end
end
