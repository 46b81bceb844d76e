# A site file.
site "field-office" do
  timezone "America/New_York"
  journal  "var/journal.db"
  role     :messaging_lead, members: %w[ana sam], page: { sms: "+15005550006" }
  role     :on_call, members: %w[kim lee], page: { pager: true, sms: "+15005550007", chat: "#ops" }, ack_within: 5.minutes
  role     :security_lead, members: %w[kim], page: { email: "security@example.org" }
  role     :dba, members: %w[kim], signed: true, keys: "keys/dba.allowed_signers"
  secrets  driver: "files", directory: "secrets"
  connect  :sms,   driver: "twilio", account_sid: env("TWILIO_ACCOUNT_SID"), auth_token: secret("twilio/auth_token")
  connect  :email, driver: "smtp", url: env("SMTP_URL", "smtp://127.0.0.1:1025"), from: "ops@example.org"
  escalation do
    severity :sev1, page: [:on_call, :security_lead], about: "full outage or cross-tenant risk",
             ack_within: 10.minutes, repeat: 2
    severity :sev3, ticket: true, about: "partial degradation with workaround"
  end
end
