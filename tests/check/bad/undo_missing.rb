runbook "r" do
  use "lib/sms"
  step "one" do
    x = sms.send(to: "+1", body: "x")
    show x
  end
  step "two" do
    sms.list.each { |m| sms.send(to: m.to, body: "x") }
  end
end
