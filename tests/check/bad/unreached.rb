runbook "r" do
  step "one" do
    note "a"
    fail! :broken, "x"
    note "b"
    note "c"
  end
  step "two" do
    note "x"
  end
end
