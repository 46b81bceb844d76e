runbook "r" do
  step "one" do
    recipients = ["a"]
    show recipients.siez
    show "x".upcas
    show 3.minuts
    show({ a: 1 }.frist)
    show nil.size
    show [1].push(2)
    show recipients.collect { |x| x }
    show 2.minutes.strftime("%H")
    show 5[0]
    show({ a: 1 }.name)
  end
end
