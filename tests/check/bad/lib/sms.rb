binding :sms, "Text messages" do
  action :send, effect: :write, repeat: :by_key, about: "Send one message" do
    takes :to,   :phone
    takes :body, :string, max: 20
    takes :kind, :symbol, one_of: [:plain, :flash], default: :plain
    gives :id, :string
    gives :state, :symbol, one_of: [:queued, :sent, :delivered, :failed]
  end
  action :status, effect: :read do
    takes :id, :string
    gives :state, :symbol, one_of: [:queued, :sent, :delivered, :failed]
  end
  action :list, effect: :read do
    takes :limit, :integer, default: 10, min: 1, max: 100
    gives [{ id: :string, to: :phone, cost: :float, tags: [:string] }]
  end
  action :paused?, effect: :read do
    gives :boolean
  end
end
