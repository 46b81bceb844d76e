runbook "r" do
  use "lib/broken"
  step "one" do
    note "x"
  end
end
