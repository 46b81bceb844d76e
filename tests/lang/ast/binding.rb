binding :sms, "Text messages" do
  action :send, effect: :write, repeat: :by_key, about: "Send one message" do
    takes :to,   :phone
    takes :body, :string, max: 1600
    gives :id, :string
    gives :state, :symbol, one_of: [:queued, :sent, :delivered, :failed]
  end
  action :paused?, effect: :read do
    gives :boolean
  end
end

driver :twilio, for: :sms do
  setting :account_sid, :string
  setting :auth_token,  :secret
  setting :url,         :string, default: "https://api.twilio.com"

  perform :send do |to, body|
    reply = http.post("#{setting.url}/2010-04-01/Accounts/#{setting.account_sid}/Messages.json",
                      form: { To: to, From: setting.from, Body: body },
                      basic_auth: [setting.account_sid, setting.auth_token])
    fail! :provider, reply.json["message"] if reply.status >= 400
    { id: reply.json["sid"], state: reply.json["status"] }
  end

  probe :send do |to, body|        # after a crash: a result, :not_done, or :unknown
    :unknown
  end
end
