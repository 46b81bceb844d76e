# Actions for each item of a list.
binding :post, "Letters" do
  action :send, effect: :write, repeat: :by_key, each: :to, by: :phone, rate: :per_second, at_once: 16 do
    takes :to, :array
    takes :body, :string
    takes :per_second, :integer, min: 1
    gives :id, :string
    gives :total, :integer
    gives :sent, :integer
    gives :refused, [{ to: :any, kind: :symbol, reason: :string }]
    gives :unsure, :array
  end
  action :tell, effect: :write, each: :whom do
    takes :whom, [:phone]
  end
end
driver :none, for: :post do
  perform :send do |to, body, per_second|
    { id: "#{call.batch}-#{call.number}-#{call.key}", state: :queued, to: to }
  end
  probe :send do |to, body, per_second|
    :unknown
  end
  perform :tell do |whom|
    { id: whom.upcase }
  end
end
