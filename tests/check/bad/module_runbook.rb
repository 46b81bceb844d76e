runbook "r" do
  use "lib/runbook"
  step "one" do
    note "x"
  end
end
