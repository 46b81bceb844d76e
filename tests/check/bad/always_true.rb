runbook "r" do
  use "lib/sms"
  step "one" do
    guard "some", sms.list
    list = sms.list
    expect list, "nothing"
    if list.size
      note "#{list.size}"
    end
    note "x" if sms.status("x").id
    wait_until within: 1.minute do
      sms.status("x").state
    end
    show list.any? ? 1 : 2
    show list.first ? 1 : 2
    show "text" ? 1 : 2
    verify { list.size }
  end
end
