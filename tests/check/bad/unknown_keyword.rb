runbook "r" do
  use "lib/sms"
  step "one" do
    x = sms.send(to: "+1", bod: "x")
    irreversible "sent"
  end
  step "two" do
    note "x", colour: 1
    ask "q", :string, defalt: "x"
    show [1].first(limit: 3)
  end
end
