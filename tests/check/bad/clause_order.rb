runbook "r" do
  step "one" do
    note "a"
    guard "x", 1 == 1
    timeout 3.minutes
  end
  step "two" do
    timeout 1.minute
    approve "x", by: :lead
    note "x"
    verify { true }
    note "y"
    rollback { note "z" }
    on_failure :hold
    verify { true }
  end
end
