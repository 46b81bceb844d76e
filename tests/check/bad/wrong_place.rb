runbook "r" do
  note "x"
  guard "x", 1 == 1
  5
  sms.list
  "x".size
  use "lib/sms"
  step "one" do
    title "x"
    if 1 > 0
      guard "x", 1 == 1
    end
    x = approve("x", by: :lead)
    show x
    step "inner" do
      note "x"
    end
    wait_until within: 1.second do
      note "x"
    end
    show env("X")
  end
  section "s" do
    input :late, :string
  end
end
