runbook "r" do
  timeout 5
  concurrency "x"
  lock 3
  use "lib/sms"
  step "one" do
    timeout 30
    retries "x"
    note 5
    wait 3
    x = sms.status(3)
    show x.state
    show sms.list(limit: "3")
    show "x".start_with?("a")
    show "x".include?(3)
    show [1].join(2)
    choose "q", "a"
    ask "q", :integer, default: "x"
    ask "q", [:string]
    a, b = 5
    show [a, b]
    show(1.."a")
    show [1]["x"]
  end
  each_of 5 do |x|
    step "two" do
      show x
    end
  end
end
