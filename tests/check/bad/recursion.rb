runbook "r" do
  run "r"
  start "r"
  step "one" do
    note "x"
  end
end
