# What the campaign needs of the world.
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
  action :status, effect: :read do
    takes :id, :string
    gives :state, :symbol, one_of: [:queued, :sent, :delivered, :failed]
  end
  action :send_batch, effect: :write do
    takes :to, [:phone]
    takes :body, :string
    takes :per_second, :integer, default: 10
    gives :id, :string
  end
  action :batch, effect: :read do
    takes :id, :string
    gives :accepted, :integer
    gives :stop_ratio, :float
  end
  action :pause, effect: :write do
    takes :batch, :string
    takes :reason, :string
  end
end

binding :crm do
  action :segment, effect: :read do
    takes :name, :string
    gives [{ phone: :phone, consent: :boolean, opted_out: :boolean }]
  end
  action :body, effect: :read do
    takes :campaign, :string
    gives :string
  end
end
