runbook "r" do
  use "lib/sms"
  trigger "x", every: 1.minute do
    sms.send(to: "+1", body: "x").state == :sent
  end
  step "one" do
    guard "x", sms.send(to: "+1", body: "x").state == :sent
    if sms.send(to: "+1", body: "x").state == :sent
      note "x"
    end
    note "#{sms.send(to: "+1", body: "x").id}"
    show sms.send(to: "+1", body: "x")
    x = sms.paused? && sms.send(to: "+1", body: "x")
    show x
    wait_until within: 1.second do
      sms.send(to: "+1", body: "x").state == :sent
    end
    verify { sms.send(to: "+1", body: "x").state == :sent }
    irreversible "sent"
  end
end
