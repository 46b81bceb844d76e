# Messages to a chat. A page's way `chat:` posts here too, to the channel the site names.
#
#   chat.post(text: "the import is through", channel: "#data")
#
# Chat services know no idempotency key, so a post is not repeated by itself: cut off on its way, it
# leaves the run in doubt, for an operator who looks at the channel.

binding :chat, "A team's chat" do
  action :post, effect: :write, about: "Post a message" do
    takes :text,    :string, min: 1, max: 4000, about: "the message, as plain text"
    takes :channel, :string, optional: true, match: /\A#?[^\s#][^\s]{0,79}\z/, form: "the name of a channel, such as #data", about: "a channel the driver knows; its own unless said"
    takes :blocks,  :array,  default: [], max: 50, about: "the provider's own layout, shown instead of the text"
    gives :id,      :string, about: "the provider's id of the message, or the action's key"
    gives :channel, :string, optional: true
  end
end

driver :outbox, for: :chat, default: true, practice: true, about: "One line a message in chat-outbox.log beside the journal" do
  perform :post do |text, channel, blocks|
    file.append(path: "chat-outbox.log", text: "#{call.key}\t#{now.iso8601}\t#{channel}\t#{text.inspect}\n", state: true, sync: true)
    { id: call.key, channel: channel }
  end

  # A line is there whole or not at all.
  probe :post do |text, channel, blocks|
    kept = file.exists(path: "chat-outbox.log", state: true) ? file.read(path: "chat-outbox.log", state: true, max: 67108864) : ""
    kept.lines.any? { |line| line.start_with?(call.key) } ? { id: call.key, channel: channel } : :not_done
  end
end

# In a drill the file is the drill's own.
driver :simulated, for: :chat, same_as: :outbox, about: "The same, in the drill's own directory"

# Incoming webhooks of Slack, and of services that take the same. A webhook belongs to one channel and
# cannot post to another, so each channel has its own:
#
#   connect :chat, driver: "slack", url: secret("slack/ops"), channels: { "#data" => secret("slack/data") }
driver :slack, for: :chat, about: "Incoming webhooks of Slack" do
  setting :url,      :secret,   about: "the webhook of messages that name no channel"
  setting :channels, :hash,     default: {},          about: "the webhooks of channels, by name"
  setting :ca_file,  :path,     optional: true,       about: "certificates to trust instead of the system's"
  setting :timeout,  :duration, default: 20.seconds,  about: "for one message"

  # & < > begin markup there: as they stand they would ping people or be lost.
  perform :post do |text, channel, blocks|
    names = setting.channels.keys.sort.join(", ")
    fail! :validation, "no webhook for the channel #{channel}: #{names.empty? ? "the site names none" : "there are #{names}"}" if channel && !setting.channels.key?(channel)
    plain = text.gsub("&", "&amp;").gsub("<", "&lt;").gsub(">", "&gt;")
    reply = http.post(channel ? setting.channels[channel] : setting.url,
                      json: blocks.empty? ? { text: plain } : { text: plain, blocks: blocks },
                      ca_file: setting.ca_file, timeout: setting.timeout, max: 65536)
    why = reply.body.strip[0..99]
    fail! reply.failure, "the webhook answers #{reply.status}: #{why}", retry_after: reply.retry_after if reply.failure
    fail! :provider, "the webhook answers #{reply.status} and not ok: #{why}" if why != "ok"
    { id: call.key, channel: channel }
  end
end
