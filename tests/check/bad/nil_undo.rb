runbook "r" do
  use "lib/sms"
  step "one" do
    before = sms.status(id: "a")
    sent = sms.send(to: "+1", body: "x")
    state = sms.status(id: sent.id).state
    rollback do
      sms.send to: "+1", body: "undo #{sent.id}"
      sms.send to: "+1", body: "undo #{state}" unless sent
      sms.send to: "+1", body: "was #{before.state}"
    end
  end
  step "two" do
    again = sms.send(to: "+1", body: "x")
    rollback do
      if again.nil?
        note again.id
      else
        note again.id
      end
      note again.id unless again.nil?
      note again.id if again && again.state == :queued
      note again.id if again != nil
      note again&.id || "none"
      note(again ? again.id : "none")
      if !again || again.id == "x"
        note "nothing"
      end
      again ||= sms.send(to: "+2", body: "x")
      note again.id
    end
  end
end
