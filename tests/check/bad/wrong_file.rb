runbook "a" do
  step "x" do
    note "y"
  end
end
runbook "b" do
  step "x" do
    note "y"
  end
end
