runbook "r" do
  input :n, :integer, min: 1, max: 10, default: 20
  input :s, :string, min: 3, default: "ab"
  use "lib/sms"
  step "one" do
    approve "x", by: :lead, quorum: 0
    show [input.n, input.s]
    show sms.list(limit: 1000)
    x = sms.send(to: "+1", body: "a text that is longer than it may be")
    irreversible "sent"
  end
end
