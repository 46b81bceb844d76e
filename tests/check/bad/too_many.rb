runbook "r" do
  title "a", "b"
  lock "x", 3
  use "lib/sms"
  step "one" do
    x = sms.status("a", "b")
    show x.state
    note "a", "b"
    show "x".upcase(1, 2)
    show [1].join(",", 2)
    show now(3)
    for_all = 1
    show for_all(3)
  end
end
