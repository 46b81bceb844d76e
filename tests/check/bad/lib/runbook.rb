runbook "other" do
  step "x" do
    note "y"
  end
end
