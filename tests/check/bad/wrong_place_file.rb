note "x"
step "y" do
end
5
runbook "r" do
  step "x" do
    note "x"
  end
end
