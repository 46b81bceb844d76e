runbook "r" do
  step "one" do
    wait_until within: 3.seconds
    verify
    show [1].map
  end
  section "x"
  parallel
  step "two"
end
