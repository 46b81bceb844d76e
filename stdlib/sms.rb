# Text messages. Nobody is written to who opted out, who is not on the sandbox list, or where it is
# night: the binding sees to that, whichever driver serves it.
#
# A number is written with its country, as +12025550123. The list of opt-outs and what operators hold
# back is in `messaging.db` of the state directory: all runs of a journal go by it, and a pause from
# another terminal stops a batch that is under way. docs/messaging.md tells operators more.

use "sms_twilio"

binding :sms, "Text messages" do
  setting :quiet,   :string,  default: "21:00-08:00", match: /\A((?!(.{5})-\2)([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?\z/, form: "two different times of day from 00:00 to 23:59, such as 21:00-08:00", about: "no messages then, where the recipient is; \"\" for none"
  setting :sandbox, :array,   default: [],            about: "when it is not empty: only these numbers are written to"
  setting :list,    :string,  default: "messaging.db", about: "opt-outs and pauses; a name in the state directory, or a path where it has to be"
  setting :ceiling, :integer, default: 100_000, min: 1, about: "recipients of one batch, at most"

  action :send, effect: :write, repeat: :by_key, about: "Send one message" do
    takes :to,   :phone
    takes :body, :string, min: 1, max: 1600
    gives :id,    :string
    gives :state, :symbol
  end

  # Each recipient is a number or { phone:, zone: }, with the recipient's own time zone.
  action :send_batch, effect: :write, repeat: :by_key, each: :to, by: :phone, rate: :per_second, at_once: 16, first: :replies,
                      every: 1.minute, about: "Send a message to many people, each once" do
    takes :to,         :array
    takes :body,       :string, min: 1, max: 1600
    takes :per_second, :integer, default: 20, min: 1, max: 1000
    gives :id,      :string
    gives :total,   :integer
    gives :sent,    :integer
    gives :refused, :array, about: "who was not written to: to, kind, reason"
    gives :unsure,  :array, about: "of whom nobody knows"
  end

  action :status, effect: :read, about: "What became of a message" do
    takes :id, :string
    gives :id,    :string
    gives :state, :symbol, one_of: [:queued, :sent, :delivered, :failed]
    gives :error, :string, optional: true
  end

  action :batch, effect: :read, about: "What became of a batch, as far as the driver took it" do
    takes :id, :string
    gives :id,         :string
    gives :total,      :integer
    gives :accepted,   :integer
    gives :delivered,  :integer
    gives :failed,     :integer
    gives :pending,    :integer
    gives :refused,    :integer
    gives :stops,      :integer
    gives :stop_ratio, :float
    gives :paused,     :boolean
  end

  action :failed, effect: :read, about: "Messages that failed, the latest first" do
    takes :batch, :string,  optional: true
    takes :limit, :integer, default: 1000, min: 1, max: 100_000
    gives [{ id: :string, to: :string, body: :string, error: :string?, at: :time, again: :boolean }], about: "again: the same text went to that number later, or may have, and did not fail"
  end

  action :earlier, effect: :read, about: "Batches that a text went out in, the latest first" do
    takes :body, :string
    gives [{ id: :string, people: :integer, at: :time }]
  end

  action :replies, effect: :write, repeat: :safe, about: "Replies that came in; records who opts out or in" do
    takes :since, :time,   optional: true
    takes :batch, :string, optional: true, about: "only of people whose last message was of this batch"
    gives [{ id: :string, from: :string, body: :string, at: :time, keyword: :symbol? }]
  end

  action :pause, effect: :write, repeat: :safe, about: "Hold a batch back, or all messages" do
    takes :batch,  :string, optional: true
    takes :reason, :string
  end

  action :resume, effect: :write, repeat: :safe, about: "Let a batch, or all messages, go on" do
    takes :batch, :string, optional: true
  end

  action :terminate, effect: :write, repeat: :safe, about: "What is left of a batch is never sent" do
    takes :batch,  :string
    takes :reason, :string
  end

  action :paused?, effect: :read, about: "Whether all messages are held back" do
    gives :boolean
  end

  action :suppress, effect: :write, repeat: :safe, about: "Write to this number no more" do
    takes :to,     :phone
    takes :reason, :string
  end

  action :unsuppress, effect: :write, repeat: :safe, about: "Write to this number again" do
    takes :to,     :phone
    takes :reason, :string
  end

  action :suppressed?, effect: :read, about: "Whether this number opted out" do
    takes :to, :phone
    gives :boolean
  end

  action :suppressions, effect: :read, about: "All numbers that opted out: to, reason, source, at" do
    gives [{ to: :string, reason: :string, source: :string, at: :time }]
  end

  # Of numbers whose own zone nobody knows; docs/messaging.md tells the rule.
  action :clocks, effect: :read, about: "By whose clock quiet hours go where numbers are" do
    takes :to, :array, about: "numbers"
    gives :quiet,     :string,  about: "quiet hours; empty for none"
    gives :area_code, :integer, about: "how many have them by the zones of their area code"
    gives :site,      :integer, about: "how many by the clock of the site, for want of another"
    gives :zone,      :string,  about: "which that is"
  end

  # Of a batch, `to` is a number or {phone:, zone:}.
  admit :to, except: [:suppress, :unsuppress] do |to|
    person = "#{to}".match?(/\A(\{|#<)/)
    phone = person ? "#{to[:phone]}" : "#{to}"
    if phone.match?(/\A\+[1-9]\d{7,14}\z/)
      consent.check(channel: :sms, to: phone, zone: person && to[:zone] ? "#{to[:zone]}" : nil, otherwise: call.zone, batch: call.batch,
                    quiet: call.page ? "" : setting.quiet, sandbox: setting.sandbox, database: setting.list)
    else
      "it is no phone number with its country, as +12025550123"
    end
  end
end

# An outbox in a SQLite file: messages go nowhere, and everything else is as with a provider. One goes out
# at `per_second`, is delivered after `delay`, and is there once, however often it is asked for with one
# key. A reply is typed in as a line of the file sms-replies.txt beside it: +12025550123 STOP
driver :outbox, for: :sms, default: true, practice: true, about: "A SQLite outbox: nothing leaves this machine" do
  setting :database,   :string,   default: "outbox.db",  about: "a path, or a name in the state directory"
  setting :per_second, :integer,  default: 200, min: 1,  about: "messages that go out"
  setting :delay,      :duration, default: 2.seconds,    about: "from going out to being delivered"
  setting :fail_every, :integer,  default: 0, min: 0,    about: "a bad day: each so-many-th message fails; 0 for none"
  setting :stop_every, :integer,  default: 0, min: 0,    about: "a bad day: each so-many-th recipient replies STOP; 0 for none"

  perform :send do |to, body|
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, id TEXT UNIQUE, key TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, due REAL, settled REAL, outcome TEXT, error TEXT);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(id TEXT PRIMARY KEY, phone TEXT, body TEXT, at REAL, keyword TEXT, batch TEXT,
          handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: [
        [<<~SQL, { id: "msg-#{call.key[0, 16]}", key: call.key, batch: nil, phone: to, body: body, now: now.to_f, rate: setting.per_second, delay: setting.delay, fail_every: setting.fail_every }],
          INSERT INTO message(id, key, batch, phone, body, due, settled, outcome, error)
          SELECT :id, :key, :batch, :phone, :body, due, due + :delay, iif(bad, 'failed', 'delivered'), iif(bad, 'the carrier refused it', NULL)
          FROM (SELECT max(:now, coalesce((SELECT due FROM message ORDER BY number DESC LIMIT 1) + 1.0 / :rate, :now)) AS due,
                       :fail_every > 0 AND coalesce((SELECT max(number) FROM message), 0) % max(:fail_every, 1) = :fail_every - 1 AS bad)
          WHERE true ON CONFLICT DO NOTHING
        SQL
        [<<~SQL, [setting.stop_every, setting.stop_every, call.key]],
          INSERT INTO reply(id, phone, body, at, keyword, batch)
          SELECT 'reply-' || id, phone, 'STOP', settled, 'stop', batch FROM message
          WHERE ? > 0 AND number % max(?, 1) = 0 AND outcome = 'delivered' AND key = ? ON CONFLICT DO NOTHING
        SQL
        ["SELECT id, max(due - ?, 0) AS early FROM message WHERE key = ?", [now.to_f, call.key]]
      ]
    )
    clock.sleep(time: kept.rows.first.early.to_f.seconds)
    { id: kept.rows.first.id, state: :sent }
  end

  perform :send_batch do |to, body, per_second|
    person = "#{to}".match?(/\A(\{|#<)/)
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, id TEXT UNIQUE, key TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, due REAL, settled REAL, outcome TEXT, error TEXT);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(id TEXT PRIMARY KEY, phone TEXT, body TEXT, at REAL, keyword TEXT, batch TEXT,
          handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: [
        [<<~SQL, { id: "msg-#{call.key[0, 16]}", key: call.key, batch: call.batch, phone: person ? "#{to[:phone]}" : "#{to}", body: body, now: now.to_f, rate: setting.per_second, delay: setting.delay, fail_every: setting.fail_every }],
          INSERT INTO message(id, key, batch, phone, body, due, settled, outcome, error)
          SELECT :id, :key, :batch, :phone, :body, due, due + :delay, iif(bad, 'failed', 'delivered'), iif(bad, 'the carrier refused it', NULL)
          FROM (SELECT max(:now, coalesce((SELECT due FROM message ORDER BY number DESC LIMIT 1) + 1.0 / :rate, :now)) AS due,
                       :fail_every > 0 AND coalesce((SELECT max(number) FROM message), 0) % max(:fail_every, 1) = :fail_every - 1 AS bad)
          WHERE true ON CONFLICT DO NOTHING
        SQL
        [<<~SQL, [setting.stop_every, setting.stop_every, call.key]],
          INSERT INTO reply(id, phone, body, at, keyword, batch)
          SELECT 'reply-' || id, phone, 'STOP', settled, 'stop', batch FROM message
          WHERE ? > 0 AND number % max(?, 1) = 0 AND outcome = 'delivered' AND key = ? ON CONFLICT DO NOTHING
        SQL
        ["SELECT id, max(due - ?, 0) AS early FROM message WHERE key = ?", [now.to_f, call.key]]
      ]
    )
    clock.sleep(time: kept.rows.first.early.to_f.seconds)
    { id: kept.rows.first.id, state: :sent }
  end

  probe :send_batch do |to, body, per_second|
    found = sql.query(database: setting.database, state: true, values: [call.key], text: "SELECT id FROM message WHERE key = ?")
    found.empty? ? :not_done : { id: found.first.id, state: :sent }
  end

  perform :status do |id|
    found = sql.query(
      database: setting.database, state: true, values: { id: id, now: now.to_f }, text: <<~SQL
        SELECT id, iif(due > :now, 'queued', iif(settled > :now, 'sent', outcome)) AS state,
               iif(settled > :now, NULL, error) AS error FROM message WHERE id = :id
      SQL
    )
    fail! :validation, "the outbox has no message #{id}" if found.empty?
    { id: id, state: found.first.state.to_sym, error: found.first.error }
  end

  perform :batch do |id|
    found = sql.query(
      database: setting.database, state: true, values: { id: id, now: now.to_f }, text: <<~SQL
        SELECT count(*) AS accepted, coalesce(sum(settled <= :now AND outcome = 'delivered'), 0) AS delivered,
               coalesce(sum(settled <= :now AND outcome = 'failed'), 0) AS failed,
               (SELECT count(DISTINCT phone) FROM reply WHERE batch = :id AND keyword = 'stop' AND at <= :now) AS stops
        FROM message WHERE batch = :id
      SQL
    )
    held = consent.held(channel: :sms, batch: id, database: setting.list)
    accepted = found.empty? ? 0 : found.first.accepted
    delivered = found.empty? ? 0 : found.first.delivered
    failed = found.empty? ? 0 : found.first.failed
    stops = found.empty? ? 0 : found.first.stops
    { id: id, total: accepted, accepted: accepted, delivered: delivered, failed: failed, pending: accepted - delivered - failed,
      refused: 0, stops: stops, stop_ratio: accepted > 0 ? stops.to_f / accepted : 0.0, paused: held == :paused }
  end

  perform :failed do |batch, limit|
    found = sql.query(
      database: setting.database, state: true, max: limit, values: { batch: batch, now: now.to_f, limit: limit }, text: <<~SQL
        SELECT id, phone, body, error, strftime('%Y-%m-%dT%H:%M:%fZ', settled, 'unixepoch') AS at,
               EXISTS(SELECT 1 FROM message later WHERE later.phone = message.phone AND later.number > message.number
                      AND later.body = message.body AND NOT (later.outcome = 'failed' AND later.settled <= :now)) AS again
        FROM message
        WHERE outcome = 'failed' AND settled <= :now AND (:batch IS NULL OR batch = :batch) ORDER BY number DESC LIMIT :limit
      SQL
    )
    found.map { |one| { id: one.id, to: one.phone, body: one.body, error: one.error, at: time(one.at), again: one.again != 0 } }
  end

  perform :earlier do |body|
    found = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { body: body, now: now.to_f }, text: <<~SQL
        SELECT batch, count(DISTINCT phone) AS people, strftime('%Y-%m-%dT%H:%M:%fZ', min(due), 'unixepoch') AS at FROM message
        WHERE body = :body AND batch IS NOT NULL AND NOT (outcome = 'failed' AND settled <= :now) GROUP BY batch ORDER BY max(number) DESC
      SQL
    )
    found.map { |one| { id: one.batch, people: one.people, at: time(one.at) } }
  end

  # An opt-out is on the list before its reply counts as seen; seen twice, it says the same.
  perform :replies do |since, batch|
    typed = file.exists(path: "sms-replies.txt", state: true) ? file.read(path: "sms-replies.txt", state: true).lines : []
    lines = (0...typed.size).map { |i| { id: "typed-#{i + 1}", phone: typed[i].split.first, body: typed[i].split.drop(1).join(" ") } }
    fresh = sql.execute(
      database: setting.database, state: true, max: 1_000_000, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, id TEXT UNIQUE, key TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, due REAL, settled REAL, outcome TEXT, error TEXT);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(id TEXT PRIMARY KEY, phone TEXT, body TEXT, at REAL, keyword TEXT, batch TEXT,
          handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: lines.select { |line| line[:phone] }.map do |line|
        [<<~SQL, { id: line[:id], phone: line[:phone], body: line[:body], at: now.to_f, keyword: consent.keyword(text: line[:body]) }]
          INSERT INTO reply(id, phone, body, at, keyword, batch)
          VALUES (:id, :phone, :body, :at, :keyword, (SELECT batch FROM message WHERE phone = :phone ORDER BY number DESC LIMIT 1))
          ON CONFLICT DO NOTHING
        SQL
      end + [["SELECT id, phone, body, keyword FROM reply WHERE handled = 0 AND at <= ? ORDER BY at, id", [now.to_f]]]
    )
    fresh.rows.each do |reply|
      consent.suppress(channel: :sms, address: reply.phone, reason: "replied #{reply.body}", source: reply.id, database: setting.list) if reply.keyword == "stop"
      consent.lift(channel: :sms, address: reply.phone, reason: "replied #{reply.body}", source: reply.id, database: setting.list) if reply.keyword == "start"
    end
    known = sql.execute(
      database: setting.database, state: true, max: 1_000_000,
      statements: fresh.rows.map { |reply| ["UPDATE reply SET handled = 1 WHERE id = ?", [reply.id]] } + [
        [<<~SQL, { since: since ? since.to_f : 0.0, batch: batch }]
          SELECT id, phone, body, keyword, strftime('%Y-%m-%dT%H:%M:%fZ', at, 'unixepoch') AS at FROM reply
          WHERE handled = 1 AND at > :since AND (:batch IS NULL OR batch = :batch) ORDER BY reply.at, id
        SQL
      ]
    )
    known.rows.map { |reply| { id: reply.id, from: reply.phone, body: reply.body, at: time(reply.at), keyword: reply.keyword&.to_sym } }
  end

  perform :pause do |batch, reason|
    consent.pause(channel: :sms, batch: batch, reason: reason, database: setting.list)
    nil
  end

  perform :resume do |batch|
    consent.resume(channel: :sms, batch: batch, database: setting.list)
    nil
  end

  perform :terminate do |batch, reason|
    consent.terminate(channel: :sms, batch: batch, reason: reason, database: setting.list)
    nil
  end

  perform(:paused?) { consent.held(channel: :sms, database: setting.list) == :paused }

  perform :suppress do |to, reason|
    consent.suppress(channel: :sms, address: to, reason: reason, database: setting.list)
    nil
  end

  perform :unsuppress do |to, reason|
    consent.lift(channel: :sms, address: to, reason: reason, database: setting.list)
    nil
  end

  perform(:suppressed?) { |to| consent.suppressed(channel: :sms, address: to, database: setting.list) }

  perform :clocks do |to|
    known = to.count { |phone| consent.zones(phone: "#{phone}").any? }
    { quiet: setting.quiet, area_code: known, site: to.size - known, zone: call.zone }
  end

  perform :suppressions do
    consent.suppressions(channel: :sms, database: setting.list).map { |one| { to: one.address, reason: one.reason, source: one.source, at: time(one.at) } }
  end
end

# For drills: the same outbox, in the drill's own directory, at every hour of the day.
driver :simulated, for: :sms, same_as: :outbox, about: "The outbox, for drills" do
  setting :quiet, :string, default: "", match: /\A((?!(.{5})-\2)([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?\z/, form: "two different times of day from 00:00 to 23:59, such as 21:00-08:00", about: "quiet hours, where they are to be practised"
end
