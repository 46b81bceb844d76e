# SOS OPS 3.3. Launches an email campaign: the template and its unsubscribe link are checked by a program
# and by a person's eyes before anybody in the segment gets it. Bounces that are many end the watch, and
# the runbook for failing messages is started.
runbook "email-campaign-launch" do
  title    "Launch an email campaign"
  about    "Verify template and unsubscribe link, test, launch, monitor bounces and unsubscribes"
  source   "SOS OPS 3.3"
  owner    "messaging"
  reviewed "2026-11-02", by: "ops-lead"
  severity :sev2
  on_failure :hold

  use "messaging"

  input :campaign,     :string,   about: "campaign id", match: /\A[a-z0-9][a-z0-9-]*\z/
  input :segment,      :string,   about: "segment to send to", match: /\A[a-z0-9][a-z0-9._-]*\z/
  input :test_address, :email,    about: "who gets the test letter"
  input :unsubscribe,  :string,   about: "the unsubscribe page, as https://example.org/u?who={{email}}", match: /\Ahttps?:/
  input :throttle,     :integer,  about: "letters per second", default: 10, min: 1, max: 200
  input :monitor,      :duration, about: "how long bounces and unsubscribes are watched", default: 2.hours, min: 1.second, max: 8.hours
  input :tolerate,     :duration, about: "how long looks may fail in a row, as when a disk does not answer", default: 15.minutes, max: 2.hours
  input :bounce_limit, :float,    about: "share of bounces that is a surge", default: 0.05, min: 0.001, max: 0.5
  input :leave_limit,  :float,    about: "share of unsubscribes that is a surge", default: 0.02, min: 0.001, max: 0.5

  lock    "email campaign/#{input.campaign}"
  timeout 12.hours

  step "Verify template" do
    people = crm.segment(name: input.segment)
    expect people.any?, "segment #{input.segment} is empty"
    recipients = people.select { |person| person.consent && !person.opted_out && person.email }
    if recipients.size < people.size
      without = people.count { |person| !person.consent }
      out = people.count { |person| person.consent && person.opted_out }
      show({ without_consent: without, opted_out: out, no_address: people.size - recipients.size - without - out }, as: "not written to")
      answer = choose "#{people.size - recipients.size} of #{people.size} people cannot be written to. And the others?", [:leave_out, :stop], suggest: :stop
      expect answer == :leave_out, "#{people.size - recipients.size} of #{people.size} people cannot be written to; mend segment #{input.segment}"
    end
    expect recipients.any?, "nobody in segment #{input.segment} may be written to"

    letter = crm.template(campaign: input.campaign)
    html = letter.html
    expect html, "the letter of #{input.campaign} has no HTML form"
    fields = recipients.map { |person| { email: person.email, name: person.name } }
    found = email.check_template(subject: letter.subject, text: letter.text, html: html, to: fields)
    expect found.problems.empty?, "the letter of #{input.campaign}: #{found.problems.join("; ")}"
    show letter.subject, as: "subject"
    show letter.text, as: "text"
    show recipients.size, as: "recipients"
    on_failure :rollback # nobody of the segment was written to: the launch is over, and its lock free
  end

  step "Verify unsubscribe link" do
    link = email.check_unsubscribe(link: input.unsubscribe, text: letter.text, html: html, to: fields.first, ask: true)
    show link.url, as: "for the first of them"
    expect link.problems.empty?, "people could not unsubscribe: #{link.problems.join("; ")}"
    note "the page answers" if link.answered
    note "mail programs are offered one click" if link.one_click

    left = email.unsubscribes
    back = email.bounces
    note "known from before: #{left.size} unsubscribes, #{back.size} bounces; they are not written to"
    earlier = email.earlier(subject: letter.subject)
    if earlier.any?
      show earlier.take(5), as: "a letter with this subject went out before"
      most = earlier.sort_by { |one| one.people }.last
      confirm "The letter of #{input.campaign} went out before, at #{most.at} as campaign #{most.id}: #{most.people} people have it. Launch it again?"
    end
    irreversible "who unsubscribed stays unsubscribed"
    on_failure :rollback
  end

  step "Test send" do
    guard   "outbound mail is not paused", !email.paused?
    timeout 30.minutes
    message = email.send(to: input.test_address, subject: letter.subject, text: letter.text, html: html,
                         fields: { name: "Test" }, unsubscribe: input.unsubscribe)
    show message.id, as: "message id"
    confirm "Did the test letter arrive at #{input.test_address}, does it read correctly, and does its link unsubscribe?"
    irreversible "a letter cannot be unsent"
  end

  step "Launch" do
    guard   "outbound mail is not paused", !email.paused?
    approve "Send #{input.campaign} to #{recipients.size} addresses at #{input.throttle} a second", by: :messaging_lead, within: 30.minutes, otherwise: :rollback

    sent = email.campaign(to: fields, subject: letter.subject, text: letter.text, html: html, unsubscribe: input.unsubscribe, per_second: input.throttle)
    show({ campaign: sent.id, total: sent.total, sent: sent.sent, refused: sent.refused.size, unsure: sent.unsure.size }, as: "launched")
    sent.refused.map { |one| one.reason }.tally.sort_by { |reason, count| -count }.take(20).each { |reason, count| note "#{count} refused: #{reason}" }
    if sent.unsure.any?
      show sent.unsure.take(20).map { |one| "#{one}" }, as: "of whom nobody knows, the first of them"
      follow_up "Find out whether #{sent.unsure.size} people got #{input.campaign} (#{sent.id})", owner: "messaging", due: 1.day
    end
    expect sent.sent > 0, "nobody was written to: all #{sent.refused.size} were refused"
    met = { bounced: 0, unsubscribed: 0 } # by an incident

    verify("what was sent is on record") { email.campaign_status(id: sent.id).sent >= sent.sent }
    rollback { email.pause(campaign: sent.id, reason: "the launch of #{input.campaign} was rolled back") if sent }
  end

  step "Monitor bounces and unsubscribes" do
    deadline input.monitor + 1.hour
    so_far = nil
    watch every: 5.minutes, for: input.monitor, tolerate: input.tolerate do
      bounced = email.bounces(campaign: sent.id)
      gone = email.unsubscribes(campaign: sent.id)
      so_far = email.campaign_status(id: sent.id)
      note "#{so_far.sent} sent, #{bounced.size} bounced (#{bounced.count { |one| one[:hard] }} for good), #{gone.size} unsubscribed"
      # Resumed after an incident it watches on: what that one dealt with starts no other.
      bouncing = so_far.bounced - met[:bounced] > so_far.sent * input.bounce_limit
      leaving = so_far.unsubscribed - met[:unsubscribed] > so_far.sent * input.leave_limit
      met = { bounced: so_far.bounced, unsubscribed: so_far.unsubscribed } if bouncing || leaving
      fail! :bounce_surge, "#{so_far.bounced} of #{so_far.sent} letters bounced in campaign #{sent.id}" if bouncing
      fail! :unsubscribe_surge, "#{so_far.unsubscribed} of #{so_far.sent} people unsubscribed from campaign #{sent.id}" if leaving
    end
    expect so_far, "no look at campaign #{sent.id} succeeded"
    note "campaign #{input.campaign}: #{so_far.sent} sent, #{so_far.bounced} bounced, #{so_far.unsubscribed} unsubscribed"
    irreversible "who unsubscribed, and mailboxes that are not there, stay suppressed"
  end

  # What does harm is stopped before people are waited for. Nobody is called for a launch that reached nobody. The
  # failure's text names the campaign as the launch shows it.
  on_failure do |failure|
    surge = [:bounce_surge, :unsubscribe_surge].include?(failure.kind)
    email.pause campaign: failure.message[/[0-9a-f]{16}/], reason: failure.message if surge
    begun = ["launch", "monitor-bounces-and-unsubscribes"].include?(failure.step) && ![:guard, :declined, :expired].include?(failure.kind)
    page :messaging_lead, "Email campaign #{input.campaign} failed: #{failure.message}" if begun
    if surge
      start "messaging-failure", channel: :email, campaign: input.campaign, segment: input.segment, batch: failure.message[/[0-9a-f]{16}/],
                                 test_to: input.test_address, unsubscribe: input.unsubscribe, reason: failure.message
    end
  end
end
