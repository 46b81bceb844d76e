# Who is on call and how they are reached. Every `page:` here ends in an outbox beside the journal.
site "office" do
  role :on_call, members: %w[ana kim], page: { pager: true, chat: "#ops" }, ack_within: 5.minutes
  role :manager, members: %w[lee], page: { chat: "#managers" }

  escalation do
    severity :sev2, page: [:manager], ack_within: 15.minutes, about: "work stands"
  end
end
