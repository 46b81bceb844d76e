# Every clause of a step, in its order, and every statement of a body.
runbook "step" do
  use "lib/messaging"

  input :segment, :string
  input :phone, :phone

  step "All clauses" do
    about "What the operator reads."
    link "https://example.org/one"
    link "https://example.org/two"
    requires role: :operator
    guard "sending is not paused", !sms.paused?
    guard "there is somebody", crm.segment(input.segment).any?, otherwise: :ask
    approve "Send to #{input.segment}?", by: :lead, quorum: 2, within: 30.minutes, use_by: 1.hour, self_ok: false, otherwise: :rollback
    timeout 2.minutes
    deadline 1.hour
    retries 3, backoff: 1.second, max_backoff: 1.minute, jitter: true, on: [:transient, :provider]

    people = crm.segment(input.segment)
    batch = sms.send_batch(to: people.map { |p| p.phone }, body: crm.body("x"))

    verify "all were accepted", within: 1.minute, every: 5.seconds do
      sms.batch(batch.id).accepted == people.size
    end
    verify { sms.batch(batch.id).stop_ratio < 2.percent }
    rollback do
      sms.pause batch: batch.id, reason: "undone" if batch
      note "paused #{batch&.id}"
    end
    on_failure :rollback
  end

  step "All statements" do
    expect people.any? && people.first.phone != nil, "nobody"
    confirm "Go on?"
    colour = choose("Which one?", %w[red green], suggest: "red")
    size = ask("How many?", :integer, default: 3)
    ticket = manual("Call the provider", evidence: true)
    note "#{colour} #{size + 1} #{ticket}"
    show people, as: "people"
    show({ size: size, colour: colour })
    wait 30.seconds
    wait_until within: 90.seconds, every: 5.seconds do
      state = sms.status(batch.id).state
      state == :delivered || state == :failed
    end
    watch every: 1.minute, for: 2.hours do
      stats = sms.batch(batch.id)
      show stats
      fail! :stop_surge, "too many: #{stats.stop_ratio}" if stats.stop_ratio > 2.percent
    end
    page [:lead, :operator], "look at this", severity: 1
    finding "the pool was full", kind: :root_cause
    follow_up "make it larger", owner: "dba", due: 1.week
    skip! "nothing to do" if size == 0
    finish "enough" if size == 1
  end

  step "One message", id: "one" do
    message = sms.send(to: input.phone, body: "hello")
    irreversible "a message cannot be unsent: #{message.id}"
  end

  step "Many messages" do
    sent = people.map { |p| sms.send(p.phone, "hello") }
    rest = people.each do |p|
      sms.send to: p.phone, body: "again" unless p.opted_out
    end
    show [sent.map { |m| m.id }.join(", "), rest.size]
    irreversible "sent"
  end
end
