runbook "r" do
  use "lib/sms"
  step "one" do
    x = sms.send(to: "+1", body: "x")
    show x
    rollback { note "x" }
    irreversible "sent"
  end
end
