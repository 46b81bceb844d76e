runbook "r" do
  on_failure :stop
  step "one" do
    guard "x", 1 == 1, otherwise: :skp
    approve "Go?", by: :lead, otherwise: :skip
    finding "x", kind: :root_caus
    on_failure :abort
  end
end
