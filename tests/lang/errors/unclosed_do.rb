runbook "x" do
  step "a" do
    if x
      note "y"
    note "z"
  end

  step "b" do
    note "c"
  end
end
