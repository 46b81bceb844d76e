site "x" do
  role :on_call, members: %w[ana], page: { smss: "+15005550006", "pigeon" => "roof" }, ack_within: 5.minutes
  role :lead, members: %w[kim], page: { chat: "#ops" }
  escalation do
    severity :sev1, page: [:on_cal, :lead]
    severity :sev2, page: :boss, repeat: "twice", ack_within: 5
    severity :sev1, ticket: true
  end
end
