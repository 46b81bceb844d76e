runbook "r" do
  use "lib/sms"
  step "one" do
    note "x" do
      1
    end
    show "x".upcase { 1 }
    show(sms.status("x") { 1 })
  end
end
