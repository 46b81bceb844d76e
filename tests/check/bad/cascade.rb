runbook "r" do
  step "one" do
    x = nowhere.thing
    y = x.foo + 1
    z = y.bar { |a| a.b }
    show [x, y, z, nowhere]
    q = nowhere.again
    show q
  end
end
