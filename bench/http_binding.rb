# What bench/http_batch.rb posts with: what web.post does, for each item of a batch.
binding :posts, "Posts" do
  action :send, effect: :write, repeat: :by_key, each: :to, at_once: 64 do
    takes :to, [:string]
    takes :url, :string
    gives :sent, :integer
  end
end

driver :http, for: :posts, default: true do
  perform :send do |to, url|
    reply = http.post(url: url, json: { to: to }, headers: { "Idempotency-Key" => call.key })
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure
    { id: reply.json["id"], state: reply.json["state"] }
  end
end
