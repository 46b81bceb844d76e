# What bench/batch.rb sends with.
binding :letters, "Letters" do
  action :send, effect: :write, repeat: :by_key, each: :to, at_once: 32 do
    takes :to, [:string]
    takes :url, :string
    gives :sent, :integer
  end
end

driver :http, for: :letters, default: true do
  perform :send do |to, url|
    reply = http.post(url: url, json: { to: to }, headers: { "Idempotency-Key" => call.key })
    fail! reply.failure, "status #{reply.status}" if reply.failure
    { id: reply.json["id"], state: reply.json["state"] }
  end
end
