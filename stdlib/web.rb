# Pages and records of web servers. An answer with a status from 400 on fails the action, unless `ok`
# has it: 408, 429 and 5xx as :transient, 401 and 403 as :permission, 400, 404, 409 and 422 as
# :validation, others as :provider. So does no answer at all, as :transient.
#
# post, put and delete send the header Idempotency-Key with the action's key, the same on every attempt
# and after a crash. A server that does not heed it would carry a post out twice: use post_once there.

binding :web, "Web servers" do
  action :get, effect: :read, about: "Get a page or a record" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    gives :status,  :integer
    gives :headers, :hash
    gives :body,    :string
    gives :json,    :any
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
    gives :headers, :hash
    gives :body,    :string
    gives :json,    :any
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
    gives :headers, :hash
    gives :body,    :string
    gives :json,    :any
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
    gives :headers, :hash
    gives :body,    :string
    gives :json,    :any
  end

  action :delete, effect: :write, repeat: :by_key, about: "Delete a record; one that is gone may be said to be `ok: [404]`" do
    takes :url,     :string,  about: "https://host/path, or a path below the driver's `base`"
    takes :query,   :hash,    default: {},    about: "added to the URL"
    takes :headers, :hash,    default: {}
    takes :ok,      :array,   default: [],    about: "statuses from 400 on that are no failure"
    gives :status,  :integer
    gives :headers, :hash
    gives :body,    :string
    gives :json,    :any
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
