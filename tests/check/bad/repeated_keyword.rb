runbook "r" do
  use "lib/sms"
  step "one" do
    x = sms.send(to: "+1", to: "+2", body: "x")
    show({ a: 1, b: 2, a: 3 })
    ask "q", :string, default: "a", default: "b"
    irreversible "sent"
  end
end
