# SOS OPS 3.2. Something is wrong with an SMS campaign: many people reply STOP, or messages fail. It is
# paused first and looked at then. Whether it goes on or is given up is a choice; a lead approves when it
# goes on.
runbook "sms-incident" do
  title    "Deal with an SMS incident"
  about    "Pause, review replies, verify suppression, tell leadership, resume or terminate"
  source   "SOS OPS 3.2"
  owner    "messaging"
  reviewed "2026-11-02", by: "ops-lead"
  severity :sev2
  on_failure :hold

  use "messaging"

  input :campaign, :string,   about: "campaign id", match: /\A[a-z0-9][a-z0-9-]*\z/
  input :batch,    :string,   about: "the batch, as the launch shows it; without it all messages are paused", optional: true
  input :reason,   :string,   about: "what was noticed", default: "reported by staff"
  input :since,    :duration, about: "without a batch: how far back replies are read", default: 1.day
  input :tell_from, :float,   about: "share of STOP replies from which leadership is told", default: 0.02, min: 0.0, max: 1.0

  lock "incident of campaign/#{input.campaign}"

  step "Pause campaign" do
    sms.pause batch: input.batch, reason: "incident of #{input.campaign}: #{input.reason}"
    if input.batch
      expect sms.batch(id: input.batch).total > 0, "nothing is known of a batch #{input.batch}, so pausing it stops nothing; its id stands in the launch, under \"launched\". Leave batch out, and all messages are paused"
    end
    verify "sending is paused" do
      input.batch ? sms.batch(id: input.batch).paused : sms.paused?
    end
    irreversible "it stays paused until this runbook's last step, or a person, says otherwise"
  end

  step "Review inbound replies" do
    replies = sms.replies(batch: input.batch, since: input.batch ? nil : now - input.since)
    stops = replies.select { |reply| reply.keyword == :stop }
    other = replies.reject { |reply| reply.keyword }
    show({ replies: replies.size, stop: stops.size, other: other.size }, as: "replies")
    show other.last(20).map { |reply| { at: reply.at, from: reply.from, body: reply.body } }, as: "in their own words" if other.any?
    share = 0.0
    if input.batch
      stats = sms.batch(id: input.batch)
      share = stats.stop_ratio
      show stats, as: "batch"
    end
    finding "#{input.reason}: #{stops.size} people of campaign #{input.campaign} asked to stop", kind: :blast_radius
    confirm "Have the replies been read?"
    irreversible "who replied STOP stays opted out"
  end

  step "Verify suppression rules" do
    missing = stops.map { |reply| reply.from }.uniq - sms.suppressions.map { |one| one.to }
    if missing.any?
      show missing, as: "asked to stop, and not on the list"
      choice = choose "#{missing.size} people who asked to stop are not on the list of opt-outs. Put them there?", [:suppress, :they_opted_in_again], suggest: :suppress
      if choice == :suppress
        missing.each { |phone| sms.suppress to: phone, reason: "asked to stop, campaign #{input.campaign}" }
        finding "#{missing.size} people who asked to stop were not on the list", kind: :gap
      end
    end
    note "#{stops.map { |reply| reply.from }.uniq.size} people asked to stop"
    irreversible "who asked to stop stays opted out"
  end

  step "Communicate with leadership" do
    serious = share >= input.tell_from && stops.any?
    told = choose "Who is told?", [:page_leadership, :post_to_chat, :nobody], suggest: serious ? :page_leadership : :post_to_chat
    words = "SMS campaign #{input.campaign} is paused: #{input.reason}; #{stops.size} STOP replies"
    if told == :page_leadership
      page :leadership, words
    elsif told == :post_to_chat
      chat.post text: words
    end
    irreversible "what was said was said"
  end

  step "Decide" do
    if input.batch
      decision = choose "What becomes of campaign #{input.campaign}?", [:resume, :terminate], suggest: serious ? :terminate : :resume
    else
      decision = choose "No batch is named, so none can be terminated. All messages are paused: and now?", [:resume, :stay_paused], suggest: serious ? :stay_paused : :resume
    end
    cause = ask "Why did it happen, as far as it is known?", :string, default: "not known yet"
    finding cause, kind: :root_cause
  end

  if decision == :resume
    step "Resume campaign" do
      approve "Resume SMS campaign #{input.campaign} after: #{input.reason}", by: :messaging_lead, within: 1.hour
      sms.resume batch: input.batch
      verify "sending goes on" do
        input.batch ? !sms.batch(id: input.batch).paused : !sms.paused?
      end
      rollback { sms.pause batch: input.batch, reason: "the resumption was rolled back" }
    end
  elsif decision == :terminate
    step "Terminate campaign" do
      confirm "Terminate campaign #{input.campaign}? What is not sent yet is never sent"
      sms.terminate batch: input.batch, reason: cause
      follow_up "Review campaign #{input.campaign}: #{cause}", owner: "messaging", due: 2.days
      irreversible "this batch sends no more"
    end
  else
    step "Leave all messages paused" do
      guard "all messages are paused", sms.paused?
      note "no message goes out, of any campaign, until sms.resume: runbooks/messaging/sms-incident.rb without batch, and resume"
      follow_up "All messages are paused: let them go on, or terminate the batch of campaign #{input.campaign} by sms-incident with batch=", owner: "messaging", due: 4.hours
    end
  end
end
