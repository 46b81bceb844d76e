runbook "r" do
  on_failure :hold
  step "one" do
    a = 1
    on_failure :continue
  end
  step "two" do
    show a
  end
end
