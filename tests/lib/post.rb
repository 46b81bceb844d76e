# A binding with batches, whose driver sends over HTTP to tests/lib/post_server.py. Its `url` comes
# from the site.
binding :post, "Letters" do
  action :send, effect: :write, repeat: :by_key, each: :to, by: :phone, rate: :per_second, at_once: 8 do
    takes :to, :array
    takes :body, :string
    takes :per_second, :integer, optional: true
    gives :id, :string
    gives :total, :integer
    gives :sent, :integer
    gives :refused, [{ to: :any, kind: :symbol, reason: :string }]
    gives :unsure, :array
  end
  action :send_once, effect: :write, each: :to, rate: :per_second, at_once: 4 do
    takes :to, [:string]
    takes :body, :string
    takes :per_second, :integer, optional: true
    gives :id, :string
    gives :total, :integer
    gives :sent, :integer
    gives :refused, :array
    gives :unsure, :array
  end
  action :send_sure, effect: :write, each: :to, at_once: 4, about: "Not to be repeated, and nothing may be unsure" do
    takes :to, [:string]
    takes :body, :string
    gives :sent, :integer
  end
  action :stop, effect: :write, repeat: :safe do
    takes :batch, :string
  end
end

driver :http, for: :post, default: true do
  setting :url, :string
  setting :ceiling, :integer, default: nil
  setting :sandbox, :array, default: nil

  perform :send do |to, body, per_second|
    phone = "#{to}".start_with?("+") ? to : to["phone"]
    reply = http.post(url: "#{setting.url}/send", json: { to: phone, body: body, batch: call.batch, number: call.number },
                      headers: { "Idempotency-Key" => call.key })
    fail! :refused, reply.body if reply.status == 403
    fail! reply.failure, reply.body, retry_after: reply.retry_after if reply.failure
    { id: reply.json["id"], state: reply.json["state"] }
  end
  perform :send_once do |to, body, per_second|
    reply = http.post(url: "#{setting.url}/once", json: { to: to, body: body, batch: call.batch, number: call.number },
                      headers: { "X-Key" => call.key })
    fail! :refused, reply.body if reply.status == 403
    fail! reply.failure, reply.body, retry_after: reply.retry_after if reply.failure
    { id: reply.json["id"] }
  end
  probe :send_once do |to, body, per_second|
    found = http.get(url: "#{setting.url}/known", query: { key: call.key })
    if found.json["known"] == "yes"
      { id: found.json["id"] }
    elsif found.json["known"] == "no"
      :not_done
    else
      :unknown
    end
  end
  perform :send_sure do |to, body|
    reply = http.post(url: "#{setting.url}/once", json: { to: to, body: body }, headers: { "X-Key" => call.key })
    fail! :provider, reply.body if reply.status >= 400
    nil
  end
  perform :stop do |batch|
    http.post(url: "#{setting.url}/stop", json: { batch: batch })
    nil
  end
end
