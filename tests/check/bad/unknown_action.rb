runbook "r" do
  use "lib/sms"
  step "one" do
    show sms.staus("x")
    show sms.explode
    x = sms
    show x
  end
end
