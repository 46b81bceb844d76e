runbook "r" do
  use "lib/sms"
  input :x, :string
  step "one" do
    input = 1
    sms = 2
    now = 3
  end
  step "two" do
    show input.x
  end
end
