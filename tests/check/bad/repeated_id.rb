runbook "r" do
  step "Send it!" do
    note "x"
  end
  step "send IT" do
    note "x"
  end
  step "other", id: "send-it" do
    note "x"
  end
end
