runbook "r" do
  use "lib/sms"
  step "one" do
    sms.list.each { |m| note m.too }
    show sms.list(limit: 1).map { |m| m.cots }
    show sms.status("x")["state"]
    show sms.status("x").sate
    show sms.status("x").state(1)
  end
end
