runbook "r" do
  use "lib/smss"
  step "one" do
    note "x"
  end
end
