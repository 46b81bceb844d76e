runbook "sms-campaign-launch" do
  title    "Launch an SMS campaign"
  source   "SOS OPS 3.1"
  owner    "messaging"
  reviewed "2026-11-02", by: "ops-lead"
  on_failure :hold

  use "lib/messaging"

  input :campaign,   :string,  about: "campaign id", match: /\A[a-z0-9-]+\z/
  input :segment,    :string,  about: "segment to send to"
  input :throttle,   :integer, about: "messages per second", default: 20, min: 1, max: 200
  input :test_phone, :phone,   about: "who gets the test message"

  lock    "campaign/#{input.campaign}"
  timeout 6.hours

  step "Verify segment" do
    recipients = crm.segment(input.segment)
    expect recipients.any?, "segment #{input.segment} is empty"
    show recipients.size, as: "recipients"
  end

  step "Verify consent" do
    missing = recipients.reject { |r| r.consent && !r.opted_out }
    expect missing.empty?, "#{missing.size} recipients have no consent on record"
  end

  step "Send test message" do
    timeout 2.minutes
    retries 2, backoff: 10.seconds, on: [:transient]
    message = sms.send(to: input.test_phone, body: crm.body(input.campaign))
    wait_until within: 90.seconds, every: 5.seconds do
      sms.status(message.id).state == :delivered
    end
    confirm "Did the test message arrive and read correctly?"
    irreversible "a message cannot be unsent"
  end

  step "Launch campaign" do
    guard   "outbound sending is not paused", !sms.paused?
    approve "Send #{recipients.size} messages at #{input.throttle}/s", by: :messaging_lead, within: 30.minutes

    batch = sms.send_batch(to: recipients.map { |r| r.phone }, body: crm.body(input.campaign), per_second: input.throttle)

    verify   { sms.batch(batch.id).accepted == recipients.size }
    rollback { sms.pause batch: batch.id, reason: "launch rolled back" if batch }
  end

  step "Monitor delivery and replies" do
    watch every: 1.minute, for: 2.hours do
      stats = sms.batch(batch.id)
      show stats
      fail! :stop_surge, "STOP replies at #{stats.stop_ratio.percent}" if stats.stop_ratio > 2.percent
    end
  end

  on_failure do |failure|
    page :messaging_lead, "SMS launch failed: #{failure.message}", severity: 2
    start "sms-incident", campaign: input.campaign if failure.kind == :stop_surge
  end
end
