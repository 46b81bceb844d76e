runbook "r" do
  use "lib/sms"
  step "one" do
    approve "go?"
    x = sms.send(body: "x")
    wait_until do
      x.state == :sent
    end
    watch every: 1.minute do
      show x
    end
    verify(every: 1.second) { true }
    irreversible "sent"
  end
  step "two" do
    requires
    note "x"
  end
end
