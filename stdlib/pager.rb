# Incidents of a paging service: triggered, acknowledged and resolved by a key that the caller or the
# engine gives, so that saying it again is no second incident. A page's way `pager:` comes here too.
#
#   pager.trigger(summary: "the queue stands", severity: :critical, dedup_key: "queue-7")

binding :pager, "A paging service" do
  action :trigger, effect: :write, repeat: :by_key, about: "Open an incident, or add to the one of this key" do
    takes :summary,   :string, min: 1, max: 1024, about: "what is wrong, in a sentence"
    takes :severity,  :symbol, one_of: [:critical, :error, :warning, :info], default: :critical
    takes :source,    :string, min: 1, max: 255, default: "stepwise", about: "what is affected: a host, a service"
    takes :dedup_key, :string, optional: true, min: 1, max: 255, about: "which incident; the action's own key unless said"
    takes :service,   :string, optional: true, max: 80, about: "who is paged: a service the driver knows; its own unless said"
    takes :details,   :hash,   default: {}, about: "more for whoever is called"
    gives :dedup_key, :string
  end

  action :acknowledge, effect: :write, repeat: :safe, about: "Say that somebody has the incident" do
    takes :dedup_key, :string, min: 1, max: 255
    takes :service,   :string, optional: true, max: 80
    gives :dedup_key, :string
  end

  action :resolve, effect: :write, repeat: :safe, about: "Close the incident" do
    takes :dedup_key, :string, min: 1, max: 255
    takes :service,   :string, optional: true, max: 80
    gives :dedup_key, :string
  end
end

driver :outbox, for: :pager, default: true, practice: true, about: "One line an event in pager-outbox.log beside the journal" do
  perform :trigger do |summary, severity, source, dedup_key, service, details|
    file.append(path: "pager-outbox.log", text: "#{(dedup_key || call.key).inspect}\ttrigger\t#{now.iso8601}\t#{service}\t#{severity}\t#{source.inspect}\t#{summary.inspect}\t#{details.inspect}\n", state: true, sync: true)
    { dedup_key: dedup_key || call.key }
  end

  perform :acknowledge do |dedup_key, service|
    file.append(path: "pager-outbox.log", text: "#{dedup_key.inspect}\tacknowledge\t#{now.iso8601}\t#{service}\n", state: true, sync: true)
    { dedup_key: dedup_key }
  end

  perform :resolve do |dedup_key, service|
    file.append(path: "pager-outbox.log", text: "#{dedup_key.inspect}\tresolve\t#{now.iso8601}\t#{service}\n", state: true, sync: true)
    { dedup_key: dedup_key }
  end
end

# In a drill the file is the drill's own.
driver :simulated, for: :pager, same_as: :outbox, about: "The same, in the drill's own directory"

# Events API v2. The routing key is that of an integration of the service that is to be called; other
# services have theirs in `services`. PagerDuty takes an event with 202 and says no more of it: whether
# somebody acknowledged there cannot be asked for.
driver :pagerduty, for: :pager, about: "PagerDuty, Events API v2" do
  setting :routing_key, :secret,   about: "the integration key of the service"
  setting :services,    :hash,     default: {}, about: "integration keys of other services, by name"
  setting :url,         :string,   default: "https://events.pagerduty.com", about: "the events server"
  setting :ca_file,     :path,     optional: true, about: "certificates to trust instead of the system's"
  setting :timeout,     :duration, default: 20.seconds, about: "for one event"

  perform :trigger do |summary, severity, source, dedup_key, service, details|
    fail! :validation, "no integration key for the service #{service}: the site's `services:` has none" if service && !setting.services.key?(service)
    fail! :validation, "the details are longer than 512 KiB" if details.to_s.size > 524288
    reply = http.post("#{setting.url}/v2/enqueue",
                      json: { routing_key: service ? setting.services[service] : setting.routing_key, event_action: "trigger",
                              dedup_key: dedup_key || call.key,
                              payload: { summary: summary, source: source, severity: severity, timestamp: now.iso8601, custom_details: details } },
                      ca_file: setting.ca_file, timeout: setting.timeout, max: 65536)
    said = reply.json || {}
    why = [said["message"], (said["errors"] || []).join(", ")].reject { |t| t.nil? || t.empty? }.join(": ")
    fail! reply.failure, "PagerDuty answers #{reply.status}#{why.empty? ? "" : ": #{why}"}", retry_after: reply.retry_after if reply.failure
    fail! :provider, "PagerDuty answers #{reply.status} and does not say that it took the event" if reply.status != 202 || said["status"] != "success"
    { dedup_key: said["dedup_key"] || dedup_key || call.key }
  end

  perform :acknowledge do |dedup_key, service|
    fail! :validation, "no integration key for the service #{service}: the site's `services:` has none" if service && !setting.services.key?(service)
    reply = http.post("#{setting.url}/v2/enqueue",
                      json: { routing_key: service ? setting.services[service] : setting.routing_key, event_action: "acknowledge", dedup_key: dedup_key },
                      ca_file: setting.ca_file, timeout: setting.timeout, max: 65536)
    said = reply.json || {}
    why = [said["message"], (said["errors"] || []).join(", ")].reject { |t| t.nil? || t.empty? }.join(": ")
    fail! reply.failure, "PagerDuty answers #{reply.status}#{why.empty? ? "" : ": #{why}"}", retry_after: reply.retry_after if reply.failure
    fail! :provider, "PagerDuty answers #{reply.status} and does not say that it took the event" if reply.status != 202 || said["status"] != "success"
    { dedup_key: dedup_key }
  end

  perform :resolve do |dedup_key, service|
    fail! :validation, "no integration key for the service #{service}: the site's `services:` has none" if service && !setting.services.key?(service)
    reply = http.post("#{setting.url}/v2/enqueue",
                      json: { routing_key: service ? setting.services[service] : setting.routing_key, event_action: "resolve", dedup_key: dedup_key },
                      ca_file: setting.ca_file, timeout: setting.timeout, max: 65536)
    said = reply.json || {}
    why = [said["message"], (said["errors"] || []).join(", ")].reject { |t| t.nil? || t.empty? }.join(": ")
    fail! reply.failure, "PagerDuty answers #{reply.status}#{why.empty? ? "" : ": #{why}"}", retry_after: reply.retry_after if reply.failure
    fail! :provider, "PagerDuty answers #{reply.status} and does not say that it took the event" if reply.status != 202 || said["status"] != "success"
    { dedup_key: dedup_key }
  end
end
