# Pages and records of web servers. `get` follows up to 5 redirects; `post`, `put` and `delete` send the header
# `Idempotency-Key`, and `post_once` does not: it is for servers that do not know such keys.
#
# The key is the action's own: the same on every attempt and after a crash, so a server that heeds it carries a
# repeated request out once. One that does not would carry a `post` out twice: use `post_once` there.
#
# An answer from 400 on fails the action, unless `ok:` names its status:
#
# | status | kind |
# |---|---|
# | 408, 425, 429, 500 and above | `:transient` |
# | 401, 403 | `:permission` |
# | 400, 404, 409, 410, 413, 415, 422 | `:validation` |
# | other | `:provider` |
#
# A step that tries again waits as long as the answer's `Retry-After` asks, at least.
#
# No answer (no connection, one that breaks, none within the driver's `timeout`) is `:transient`; a certificate
# that cannot be trusted is `:permission`. A `post_once` whose answer is lost once the request was on its way
# leaves the run in doubt. When the step's time is up or the run is cancelled, the transfer is aborted and its
# connection closed at once.
#
# ```ruby plan file=unused.rb
#   use "web"
#   step "Restart the worker" do
#     retries 3, backoff: 2.seconds, on: [:transient]
#     started = web.post(url: "https://worker.example.org/restarts", json: { reason: "deploy" })
#     show started.json["id"]
#     irreversible "a restart cannot be unmade"
#   end
# ```
#
# A site may say more of its server: `connect :web, driver: "http", base: "https://api.example.org", bearer:
# secret("api/token"), ca_file: "ca.pem", timeout: 20.seconds`. `base` is put before URLs that begin with a slash,
# and only those get the token. `http_proxy`, `https_proxy` and `no_proxy` are heeded.

binding :web, "Web servers" do
  action :get, effect: :read, about: "Get a page or a record" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end

  action :post, effect: :write, repeat: :by_key, about: "Post to a server that knows idempotency keys" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    takes :json,    :any,     optional: true, about: "the body, as JSON"
    takes :form,    :hash,    optional: true, about: "the body, as a form sends it"
    takes :body,    :string,  optional: true, about: "the body, as text"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end

  action :post_once, effect: :write, about: "Post to a server that does not: not repeated by itself" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    takes :json,    :any,     optional: true, about: "the body, as JSON"
    takes :form,    :hash,    optional: true, about: "the body, as a form sends it"
    takes :body,    :string,  optional: true, about: "the body, as text"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end

  action :put, effect: :write, repeat: :by_key, about: "Put a record in its place" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    takes :json,    :any,     optional: true, about: "the body, as JSON"
    takes :form,    :hash,    optional: true, about: "the body, as a form sends it"
    takes :body,    :string,  optional: true, about: "the body, as text"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end

  action :delete, effect: :write, repeat: :by_key, about: "Delete a record; one that is gone may be said to be `ok: [404]`" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end
end

driver :http, for: :web, default: true, about: "HTTP and HTTPS" do
  setting :base,    :string,   default: "",       about: "put before URLs that begin with a slash"
  setting :bearer,  :secret,   optional: true,    about: "a token, sent to `base` only"
  setting :ca_file, :path,     optional: true,    about: "certificates to trust instead of the system's"
  setting :timeout, :duration, default: 1.minute, about: "for one request"
  setting :max,     :integer,  default: 8388608,  about: "bytes of one answer"

  perform :get do |url, query, headers, ok|
    near = url.start_with?("/")
    reply = http.get((near ? setting.base + url : url), query: query, headers: headers,
                    bearer: near ? setting.bearer : nil, ca_file: setting.ca_file, timeout: setting.timeout,
                    max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :post do |url, query, headers, ok, json, form, body|
    near = url.start_with?("/")
    reply = http.post((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                    json: json, form: form, body: body,
                    bearer: near ? setting.bearer : nil, ca_file: setting.ca_file, timeout: setting.timeout,
                    max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :post_once do |url, query, headers, ok, json, form, body|
    near = url.start_with?("/")
    reply = http.post((near ? setting.base + url : url), query: query, headers: headers,
                    json: json, form: form, body: body,
                    bearer: near ? setting.bearer : nil, ca_file: setting.ca_file, timeout: setting.timeout,
                    max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :put do |url, query, headers, ok, json, form, body|
    near = url.start_with?("/")
    reply = http.put((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                    json: json, form: form, body: body,
                    bearer: near ? setting.bearer : nil, ca_file: setting.ca_file, timeout: setting.timeout,
                    max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :delete do |url, query, headers, ok|
    near = url.start_with?("/")
    reply = http.delete((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                    bearer: near ? setting.bearer : nil, ca_file: setting.ca_file, timeout: setting.timeout,
                    max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end
end

# In a drill nothing is sent. What would have been is a line in the drill's directory; every request gets
# the answer that the settings say.
driver :simulated, for: :web, about: "Sends nothing: every request is answered at once" do
  setting :status, :integer, default: 200,  about: "of every answer"
  setting :body,   :string,  default: "{}", about: "of every answer; JSON only as it stands here"

  perform :get do |url, query, headers, ok|
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end

  perform :post do |url, query, headers, ok, json, form, body|
    file.append(path: "web", text: "post #{url}\n", state: true)
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end

  perform :post_once do |url, query, headers, ok, json, form, body|
    file.append(path: "web", text: "post_once #{url}\n", state: true)
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end

  perform :put do |url, query, headers, ok, json, form, body|
    file.append(path: "web", text: "put #{url}\n", state: true)
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end

  perform :delete do |url, query, headers, ok|
    file.append(path: "web", text: "delete #{url}\n", state: true)
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end
end
