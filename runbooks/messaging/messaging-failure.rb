# SOS OPS 5.1. Messages fail, by text or by mail. Everything outbound is paused first, so that a failure
# does not become many. Then the provider and the log are looked at, and a person decides: try what
# failed once more, or escalate and leave it paused.
runbook "messaging-failure" do
  title    "Deal with failing messages"
  about    "Pause outbound sends, verify the provider's status, inspect logs, retry or escalate"
  source   "SOS OPS 5.1"
  owner    "messaging"
  reviewed "2026-11-02", by: "ops-lead"
  severity :sev2
  on_failure :hold

  use "messaging"
  use "web"

  input :channel,     :symbol, about: "what fails", one_of: [:sms, :email]
  input :reason,      :string, about: "what was noticed", default: "reported by staff"
  input :batch,       :string, about: "the batch that failed, as the launch shows it", optional: true
  input :campaign,    :string, about: "mail: the campaign whose letter is sent again", optional: true
  input :segment,     :string, about: "mail: the segment it went to", optional: true
  input :unsubscribe, :string, about: "mail: its unsubscribe page", optional: true
  input :status_page, :url,    about: "the provider's health endpoint", optional: true
  input :test_to,     :string, about: "a phone number or an address of staff, for the test before sending goes on"

  lock "messaging failure/#{input.channel}"

  step "Verify test recipient" do
    if input.channel == :sms
      expect input.test_to.match?(/\A\+[1-9]\d{7,14}\z/), "test_to must be a phone number with its country, not \"#{input.test_to}\"; write it like +15005550006"
    else
      expect input.test_to.match?(/\A[^@\s<>"]+@[^@\s<>"]+\z/), "test_to must be an address, not \"#{input.test_to}\"; write it like ana@example.org"
    end
    on_failure :rollback # nothing was paused yet: it can be started again at once
  end

  step "Pause outbound sends" do
    if input.channel == :sms
      sms.pause reason: "failure: #{input.reason}"
    else
      email.pause reason: "failure: #{input.reason}"
    end
    verify("nothing goes out") { input.channel == :sms ? sms.paused? : email.paused? }
    irreversible "it stays paused until a person lets it go on"
  end

  step "Verify provider status" do
    suggestion = :works
    if input.status_page
      health = web.check(url: input.status_page)
      show({ healthy: health.healthy, status: health.status, took: health.took, problem: health.problem }, as: "the provider says")
      suggestion = :down unless health.healthy
    end
    provider = choose "How is the provider, by its status page and by our account there?", [:works, :degraded, :down, :refuses_us], suggest: suggestion
    finding "the provider #{provider}, at #{now.strftime("%H:%M")} UTC", kind: :gap if provider != :works
  end

  step "Inspect logs" do
    if input.channel == :sms
      failed = sms.failed(batch: input.batch)
      reasons = failed.map { |one| one.error || "no reason given" }.tally
      reached = failed.select { |one| one.again }.map { |one| one.to }.uniq
      again = failed.map { |one| one.to }.uniq - reached
      body = failed.any? ? failed.first.body : ""
      same = failed.all? { |one| one.body == body }
    else
      back = email.bounces(campaign: input.batch)
      reasons = back.map { |one| "#{one[:status]} #{one[:reason]}" }.tally
      soft = back.reject { |one| one[:hard] || one[:delayed] }
      reached = soft.select { |one| one[:again] }.map { |one| one[:to] }.uniq
      again = soft.map { |one| one[:to] }.uniq - reached
      body = ""
      same = true
    end
    if input.batch && reasons.empty?
      known = input.channel == :sms ? sms.batch(id: input.batch).total : email.campaign_status(id: input.batch).sent
      finding "nothing is known of a batch #{input.batch}: its id stands in the launch, under \"launched\"", kind: :gap if known == 0
    end
    show reasons, as: "failures, and how often" if reasons.any?
    note "#{reasons.values.sum} messages failed; #{again.size} people could be written to again"
    note "#{reached.size} people were written to again since, and are not once more" if reached.any?
    finding "#{input.reason}: #{reasons.values.sum} messages failed", kind: :blast_radius
    cause = ask "Why do they fail, as far as the logs tell?", :string, default: "not known yet"
    finding cause, kind: :root_cause
    irreversible "mailboxes that are not there stay suppressed"
  end

  step "Decide" do
    decision = choose "Retry, or escalate?", [:retry, :escalate], suggest: provider == :works ? :retry : :escalate
  end

  if decision == :retry
    # The test goes out only when nothing is held back. When it fails, the rollback holds everything back again.
    step "Let sending go on" do
      approve "Let #{input.channel} go out again after: #{input.reason}", by: :messaging_lead, within: 1.hour
      if input.channel == :sms
        sms.resume
        text = sms.send(to: input.test_to, body: "A test by operations. No answer is needed.")
        wait_until within: 5.minutes, every: 5.seconds do
          sms.status(id: text.id).state != :queued
        end
        fate = sms.status(id: text.id)
        expect fate.state != :failed, "the test message failed: #{fate.error}"
      else
        email.resume
        mail = email.send(to: input.test_to, subject: "A test by operations", text: "No answer is needed.\n")
        show mail.id, as: "message id"
      end
      confirm "Did the test message arrive at #{input.test_to}?"
      rollback do
        if input.channel == :sms
          sms.pause reason: "letting it go on was rolled back"
        else
          email.pause reason: "letting it go on was rolled back"
        end
        note "#{input.channel} is paused again: nothing goes out until messaging-failure, or a person, lets it go on"
      end
      on_failure :rollback
    end

    step "Retry" do
      guard "there is somebody to write to again", again.any?, otherwise: :skip
      confirm "Write to #{again.size} people again?"
      if input.channel == :sms
        expect same, "the failed messages have several texts: name the batch"
        retried = sms.send_batch(to: again, body: body)
        show({ batch: retried.id, sent: retried.sent, refused: retried.refused.size, unsure: retried.unsure.size }, as: "retried")
        retried.refused.map { |one| one.reason }.tally.sort_by { |reason, count| -count }.take(20).each { |reason, count| note "#{count} refused: #{reason}" }
      else
        expect input.campaign && input.segment && input.unsubscribe, "a letter is sent again with campaign=, segment= and unsubscribe="
        letter = crm.template(campaign: input.campaign)
        people = crm.segment(name: input.segment).select { |person| person.consent && !person.opted_out && again.include?(person.email&.downcase) }
        resent = email.campaign(to: people.map { |person| { email: person.email, name: person.name } }, subject: letter.subject, text: letter.text,
                                html: letter.html || "", unsubscribe: input.unsubscribe, per_second: 5)
        show({ campaign: resent.id, sent: resent.sent, refused: resent.refused.size, unsure: resent.unsure.size }, as: "retried")
        resent.refused.map { |one| one.reason }.tally.sort_by { |reason, count| -count }.take(20).each { |reason, count| note "#{count} refused: #{reason}" }
      end
      irreversible "a message cannot be unsent"
    end
  else
    step "Escalate" do
      page :leadership, "#{input.channel} is paused: #{input.reason}. The provider: #{provider}. #{cause}"
      chat.post text: "#{input.channel} is paused (#{input.reason}); leadership knows"
      follow_up "#{input.channel} is paused: let it go on with messaging-failure once the provider works", owner: "messaging", due: 4.hours
      irreversible "people have been told"
    end
  end
end
