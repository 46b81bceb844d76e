runbook "r" do
  step "!!!" do
    note "x"
  end
  step "x", id: "A b" do
    note "x"
  end
end
