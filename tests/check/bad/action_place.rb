runbook "r" do
  x = sms.list
  lock "a/#{sms.list.size}"
  if sms.paused?
    step "in" do
      note "x"
    end
  end
  use "lib/sms"
  step "one" do
    show x
  end
end
