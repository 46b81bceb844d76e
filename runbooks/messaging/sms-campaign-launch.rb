# SOS OPS 3.1. Launches an SMS campaign, one look at a time: nobody in the segment is written to before
# the test message was read and a lead approved. A surge of STOP replies, or messages that fail, end the
# watch: the incident's runbook is started, which pauses the batch.
runbook "sms-campaign-launch" do
  title    "Launch an SMS campaign"
  about    "Verify segment and consent, send a test, confirm the throttle, launch, monitor"
  source   "SOS OPS 3.1"
  owner    "messaging"
  reviewed "2026-11-02", by: "ops-lead"
  severity :sev2
  on_failure :hold

  use "messaging"

  input :campaign,   :string,   about: "campaign id", match: /\A[a-z0-9][a-z0-9-]*\z/
  input :segment,    :string,   about: "segment to send to", match: /\A[a-z0-9][a-z0-9._-]*\z/
  input :test_phone, :phone,    about: "who gets the test message, as +12025550123"
  input :throttle,   :integer,  about: "messages per second", default: 20, min: 1, max: 200
  input :monitor,    :duration, about: "how long delivery and replies are watched", default: 2.hours, min: 1.second, max: 8.hours
  input :tolerate,   :duration, about: "how long looks may fail in a row, as when the provider does not answer", default: 15.minutes, max: 2.hours
  input :stop_limit, :float,    about: "share of STOP replies that is a surge", default: 0.02, min: 0.001, max: 0.5
  input :fail_limit, :float,    about: "share of failed messages that is an incident", default: 0.1, min: 0.001, max: 0.9

  lock    "campaign/#{input.campaign}"
  timeout 12.hours

  step "Verify segment" do
    people = crm.segment(name: input.segment)
    expect people.any?, "segment #{input.segment} is empty"
    body = crm.body(campaign: input.campaign)
    expect body.match?(/\bSTOP\b/i), "the text of #{input.campaign} does not say how to opt out: write \"Reply STOP to opt out\""
    expect body.size <= 1600, "the text of #{input.campaign} has #{body.size} characters, and a message takes 1600"
    show people.size, as: "people"
    show people.take(5).map { |person| { id: person.id, phone: person.phone, zone: person.zone } }, as: "the first of them"
    show body, as: "text"
    earlier = sms.earlier(body: body)
    if earlier.any?
      show earlier.take(5), as: "the same text went out before"
      most = earlier.sort_by { |one| one.people }.last
      confirm "The text of #{input.campaign} went out before, at #{most.at} as batch #{most.id}: #{most.people} people have it. Launch it again?"
    end
    confirm "Is this the segment, and the text, of campaign #{input.campaign}?"
    on_failure :rollback # nobody of the segment was written to: the launch is over, and its lock free
  end

  step "Verify consent" do
    about "Who gave no consent, opted out or has no number is never written to. Many of them: mend the segment first."
    recipients = people.select { |person| person.consent && !person.opted_out && person.phone }
    if recipients.size < people.size
      without = people.count { |person| !person.consent }
      out = people.count { |person| person.consent && person.opted_out }
      show({ without_consent: without, opted_out: out, no_phone: people.size - recipients.size - without - out }, as: "not written to")
      answer = choose "#{people.size - recipients.size} of #{people.size} people cannot be written to. And the others?", [:leave_out, :stop], suggest: :stop
      expect answer == :leave_out, "#{people.size - recipients.size} of #{people.size} people cannot be written to; mend segment #{input.segment}"
    end
    expect recipients.any?, "nobody in segment #{input.segment} may be written to"
    replies = sms.replies
    note "#{replies.count { |reply| reply.keyword == :stop }} replies ever said STOP; who is on the list of opt-outs (#{sms.suppressions.size}) is not written to"
    note "#{recipients.size} recipients, each with consent on record"
    nowhere = recipients.reject { |person| person.zone }.map { |person| person.phone }
    clocks = nowhere.any? ? sms.clocks(to: nowhere) : nil
    if clocks && clocks.quiet != ""
      note "#{nowhere.size} of #{recipients.size} have no zone of their own: quiet hours (#{clocks.quiet}) of #{clocks.area_code} go by their area code, of #{clocks.site} by the clock of #{clocks.zone}"
    end
    irreversible "who replied STOP stays opted out"
    on_failure :rollback
  end

  step "Send test message" do
    guard   "outbound sending is not paused", !sms.paused?
    timeout 30.minutes
    retries 2, backoff: 10.seconds, on: [:transient]
    message = sms.send(to: input.test_phone, body: body)
    wait_until within: 5.minutes, every: 5.seconds do
      sms.status(id: message.id).state != :queued
    end
    fate = sms.status(id: message.id)
    expect fate.state != :failed, "the test message failed: #{fate.error}"
    confirm "Did the test message arrive at #{input.test_phone}, and does it read correctly?"
    irreversible "a message cannot be unsent"
    on_failure :rollback
  end

  step "Confirm throttle" do
    takes = (recipients.size.to_f / input.throttle).ceil.seconds
    show({ recipients: recipients.size, per_second: input.throttle, takes: takes }, as: "throttle")
    confirm "Send #{recipients.size} messages at #{input.throttle} a second?"
    on_failure :rollback
  end

  step "Launch campaign" do
    guard   "outbound sending is not paused", !sms.paused?
    approve "Send #{input.campaign} to #{recipients.size} people at #{input.throttle} a second", by: :messaging_lead, within: 30.minutes, otherwise: :rollback

    # Who said STOP while this waited for its approval, or while others were written to, is not: send_batch takes
    # replies in first, and each minute.
    batch = sms.send_batch(to: recipients.map { |person| { phone: person.phone, zone: person.zone } }, body: body, per_second: input.throttle)
    show({ batch: batch.id, total: batch.total, sent: batch.sent, refused: batch.refused.size, unsure: batch.unsure.size }, as: "launched")
    batch.refused.map { |one| one.reason }.tally.sort_by { |reason, count| -count }.take(20).each { |reason, count| note "#{count} refused: #{reason}" }
    if batch.unsure.any?
      show batch.unsure.take(20).map { |one| "#{one}" }, as: "of whom nobody knows, the first of them"
      follow_up "Find out whether #{batch.unsure.size} people got #{input.campaign} (batch #{batch.id})", owner: "messaging", due: 1.day
    end
    expect batch.sent > 0, "nobody was written to: all #{batch.refused.size} were refused"
    met = { stops: 0, failed: 0 } # by an incident

    verify "what was sent was taken", within: 2.minutes, every: 5.seconds do
      sms.batch(id: batch.id).accepted >= batch.sent
    end
    rollback { sms.pause(batch: batch.id, reason: "the launch of #{input.campaign} was rolled back") if batch }
  end

  step "Monitor delivery and replies" do
    deadline input.monitor + 1.hour
    known = 0
    so_far = nil
    watch every: 1.minute, for: input.monitor, tolerate: input.tolerate do
      replies = sms.replies(batch: batch.id)
      fresh = replies.drop(known).reject { |reply| reply.keyword }
      show fresh.last(20).map { |reply| { from: reply.from, body: reply.body } }, as: "replies to answer" if fresh.any?
      known = replies.size
      so_far = sms.batch(id: batch.id)
      note "#{so_far.delivered} delivered, #{so_far.failed} failed, #{so_far.pending} on their way; #{known} replies, #{so_far.stops} of them STOP"
      # Resumed after an incident it watches on: what that one dealt with starts no other.
      surge = so_far.stops - met[:stops] > so_far.accepted * input.stop_limit
      failing = so_far.failed - met[:failed] > so_far.accepted * input.fail_limit
      met = { stops: so_far.stops, failed: so_far.failed } if surge || failing
      fail! :stop_surge, "STOP replies at #{(so_far.stop_ratio * 100).round(1)}% in batch #{batch.id}" if surge
      fail! :delivery, "#{so_far.failed} of #{so_far.accepted} messages failed in batch #{batch.id}" if failing
    end
    expect so_far, "no look at batch #{batch.id} succeeded"
    note "campaign #{input.campaign}: #{so_far.delivered} of #{so_far.accepted} delivered, #{so_far.failed} failed, #{so_far.stops} opted out"
    irreversible "who replied STOP stays opted out"
  end

  # What does harm is stopped before people are waited for. Nobody is called for a launch that reached nobody. The
  # failure's text names the batch.
  on_failure do |failure|
    surge = [:stop_surge, :delivery].include?(failure.kind)
    sms.pause batch: failure.message[/[0-9a-f]{16}/], reason: failure.message if surge
    begun = ["launch-campaign", "monitor-delivery-and-replies"].include?(failure.step) && ![:guard, :declined, :expired].include?(failure.kind)
    page :messaging_lead, "SMS campaign #{input.campaign} failed: #{failure.message}" if begun
    if surge
      start "sms-incident", campaign: input.campaign, batch: failure.message[/[0-9a-f]{16}/], reason: failure.message
    end
  end
end
