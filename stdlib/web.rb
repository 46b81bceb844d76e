# Health endpoints, pages and records of web servers, and calls of whatever else speaks HTTP. `post`, `put` and
# `delete` send the header `Idempotency-Key`; `post_once` and `call` do not: they are for servers that do not know such keys.
#
# The key is the action's own: the same on every attempt and after a crash, so a server that heeds it carries a
# repeated request out once. One that does not would carry a `post` out twice: use `post_once` there.
#
# An answer from 400 on fails the action, unless `ok:` names its status:
#
# | status | kind |
# |---|---|
# | 408, 425, 429, 500 and above | `:transient` |
# | 401, 403, 407 | `:permission` |
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
# `check` looks at a health endpoint. A server is healthy when it answers within `within:` with a status below 400, or one
# of `status:`, and its JSON says what `json:` expects: `web.check(url: u, json: { "database.state" => "up" })`. What is
# wrong is in `problem`; nothing fails. In a `verify` the short form does:
# `verify(within: 2.minutes, every: 10.seconds) { web.healthy?(url: "https://worker.example.org/health") }`.
#
# What is sent is one of `json:`, `form:`, `body:` and `parts:`, a multipart body: `parts: [{ name: "rows", path: "rows.csv",
# type: "text/csv" }, { name: "note", text: "of today" }]`.
#
# `get` follows up to 5 redirects. One to another origin (scheme, host and port) fails it, unless the site allows that
# origin: `follow_to: ["https://cdn.example.org"]`. Nothing secret goes there: no credentials, and a request with a secret or
# a client's certificate does not go at all.
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
# and only those get the token, or `user` and `password`, and are shown the client's certificate: `cert`, `cert_key`,
# `cert_password`. `proxy: "http://proxy.example.org:3128"` goes by way of a proxy, but for the hosts of `no_proxy`; unless
# they are given, the variables `http_proxy`, `https_proxy` and `no_proxy` are heeded, and `proxy: ""` is none. To a server
# of https it is a way through (CONNECT): the proxy sees its host and port, and no header, no token and no page. HTTP/2 is
# spoken with a server of https that offers it. A request with a body goes in HTTP/1.1, where an answer that comes before
# the body was read, as a refusal may, is not lost. Connections are kept and used again, at most 64 to one host; further
# requests wait for one.

binding :web, "Web servers: health endpoints, and calls of whatever speaks HTTP" do
  action :get, effect: :read, about: "Read a page or a record" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end

  action :check, effect: :read, about: "Look at a health endpoint: what is wrong with it is the result, not a failure" do
    takes :url,       :string,   about: "https://host/path, or a path below the driver's `base`"
    takes :headers,   :hash,     default: {}
    takes :status,    :array,    default: [],         about: "statuses that are well; those below 400 unless said"
    takes :json,      :hash,     default: {},         about: "what the answer's JSON has to say: \"database.state\" => \"up\""
    takes :within,    :duration, default: 10.seconds, about: "how long the answer may take"
    gives :healthy,   :boolean
    gives :reachable, :boolean,                       about: "there was an answer"
    gives :status,    :integer,  optional: true
    gives :took,      :duration
    gives :json,      :any
    gives :problem,   :string,   optional: true,      about: "what is wrong"
  end

  action :healthy?, effect: :read, about: "Whether a health endpoint is well, as `check` finds it" do
    takes :url,     :string,   about: "https://host/path, or a path below the driver's `base`"
    takes :headers, :hash,     default: {}
    takes :status,  :array,    default: [],         about: "statuses that are well; those below 400 unless said"
    takes :json,    :hash,     default: {},         about: "what the answer's JSON has to say: \"database.state\" => \"up\""
    takes :within,  :duration, default: 10.seconds, about: "how long the answer may take"
    gives :boolean
  end

  action :post, effect: :write, repeat: :by_key, about: "Post to a server that knows idempotency keys" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    takes :json,    :any,     optional: true, about: "the body, as JSON"
    takes :form,    :hash,    optional: true, about: "the body, as a form sends it"
    takes :body,    :string,  optional: true, about: "the body, as text"
    takes :parts,   :array,   optional: true, about: "the body, in parts: { name:, text: } or { name:, path: }"
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
    takes :parts,   :array,   optional: true, about: "the body, in parts: { name:, text: } or { name:, path: }"
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
    takes :parts,   :array,   optional: true, about: "the body, in parts: { name:, text: } or { name:, path: }"
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

  action :call, effect: :write, about: "Any other request: its method in capitals; not repeated by itself" do
    takes :method,  :string,  about: "PATCH, PURGE ..."
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    takes :json,    :any,     optional: true, about: "the body, as JSON"
    takes :form,    :hash,    optional: true, about: "the body, as a form sends it"
    takes :body,    :string,  optional: true, about: "the body, as text"
    takes :parts,   :array,   optional: true, about: "the body, in parts: { name:, text: } or { name:, path: }"
    gives :status,  :integer
    gives :headers, :hash,    about: "names in lower case"
    gives :body,    :string
    gives :json,    :any,     about: "nil when the answer is not JSON"
  end
end

driver :http, for: :web, default: true, about: "HTTP and HTTPS" do
  setting :base,          :string,   default: "",       about: "put before URLs that begin with a slash"
  setting :bearer,        :secret,   optional: true,    about: "a token, sent to `base` only"
  setting :user,          :string,   optional: true,    about: "a name, sent to `base` only, with `password`"
  setting :password,      :secret,   optional: true
  setting :cert,          :path,     optional: true,    about: "this client's certificate (PEM), shown to `base` only"
  setting :cert_key,      :path,     optional: true,    about: "its key, when it is in a file of its own"
  setting :cert_password, :secret,   optional: true,    about: "what unlocks the key"
  setting :ca_file,       :path,     optional: true,    about: "certificates to trust instead of the system's"
  setting :proxy,         :string,   optional: true,    about: "http://host:port; \"\": none; as http_proxy and https_proxy say unless set"
  setting :no_proxy,      :string,   optional: true,    about: "hosts that are asked without it"
  setting :follow_to,     [:string], default: [],       about: "origins that redirects of a read may lead to besides the one asked"
  setting :timeout,       :duration, default: 1.minute, about: "for one request"
  setting :max,           :integer,  default: 8388608,  about: "bytes of one answer"

  perform :get do |url, query, headers, ok|
    near = url.start_with?("/")
    reply = http.get((near ? setting.base + url : url), query: query, headers: headers, follow_to: setting.follow_to,
                     bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                     cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                     ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :check do |url, headers, status, json, within|
    near = url.start_with?("/")
    reply = http.check((near ? setting.base + url : url), headers: headers, expect: json, follow_to: setting.follow_to,
                       bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                       cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                       ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: within, max: setting.max)
    well = status.empty? ? !reply.failure : status.include?(reply.status)
    problem = if !reply.reachable
                reply.problem
              elsif !well
                "it answers #{reply.status}"
              elsif !reply.unmet.empty?
                "its JSON does not say #{reply.unmet.join(", ")}"
              end
    { healthy: !problem, reachable: reply.reachable, status: reply.status, took: reply.took, json: reply.json, problem: problem }
  end

  perform :healthy? do |url, headers, status, json, within|
    near = url.start_with?("/")
    reply = http.check((near ? setting.base + url : url), headers: headers, expect: json, follow_to: setting.follow_to,
                       bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                       cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                       ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: within, max: setting.max)
    well = status.empty? ? !reply.failure : status.include?(reply.status)
    reply.reachable && well && reply.unmet.empty?
  end

  perform :post do |url, query, headers, ok, json, form, body, parts|
    near = url.start_with?("/")
    reply = http.post((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                      json: json, form: form, body: body, multipart: parts,
                      bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                      cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                      ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :post_once do |url, query, headers, ok, json, form, body, parts|
    near = url.start_with?("/")
    reply = http.post((near ? setting.base + url : url), query: query, headers: headers,
                      json: json, form: form, body: body, multipart: parts,
                      bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                      cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                      ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :put do |url, query, headers, ok, json, form, body, parts|
    near = url.start_with?("/")
    reply = http.put((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                     json: json, form: form, body: body, multipart: parts,
                     bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                     cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                     ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :delete do |url, query, headers, ok|
    near = url.start_with?("/")
    reply = http.delete((near ? setting.base + url : url), query: query, headers: headers.merge({ "Idempotency-Key" => call.key }),
                        bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                        cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                        ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
    fail! reply.failure, "#{url} answers #{reply.status}", retry_after: reply.retry_after if reply.failure && !ok.include?(reply.status)
    reply
  end

  perform :call do |method, url, query, headers, ok, json, form, body, parts|
    near = url.start_with?("/")
    reply = http.request((near ? setting.base + url : url), method: method, query: query, headers: headers,
                         json: json, form: form, body: body, multipart: parts,
                         bearer: near ? setting.bearer : nil, basic_auth: near && setting.user ? [setting.user, setting.password] : nil,
                         cert: near ? setting.cert : nil, cert_key: near ? setting.cert_key : nil, cert_password: setting.cert_password,
                         ca_file: setting.ca_file, proxy: setting.proxy, no_proxy: setting.no_proxy, timeout: setting.timeout, max: setting.max)
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

  perform :call do |method, url, query, headers, ok, json, form, body, parts|
    file.append(path: "web", text: "#{method} #{url}\n", state: true)
    s = setting.status
    kind = s >= 500 || [408, 425, 429].include?(s) ? :transient : [401, 403].include?(s) ? :permission : [400, 404, 409, 410, 413, 415, 422].include?(s) ? :validation : :provider
    fail! kind, "#{url} answers #{s}" if s >= 400 && !ok.include?(s)
    { status: s, headers: { "content-type" => "application/json" }, body: setting.body, json: setting.body == "{}" ? {} : nil }
  end

  # What is expected of the JSON is taken as there: a drill's answers have none of their own.
  perform :check do |url, headers, status, json, within|
    s = setting.status
    healthy = status.empty? ? s < 400 : status.include?(s)
    { healthy: healthy, reachable: true, status: s, took: 0.seconds, json: nil, problem: healthy ? nil : "it answers #{s}" }
  end

  perform :healthy? do |url, headers, status, json, within|
    status.empty? ? setting.status < 400 : status.include?(setting.status)
  end
end
