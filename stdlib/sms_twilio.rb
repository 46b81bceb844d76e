# Twilio's Programmable Messaging.
#
#   connect :sms, driver: "twilio", account_sid: env("TWILIO_ACCOUNT_SID"), auth_token: secret("twilio/auth_token"),
#           from: "+15005550006"
#
# Twilio heeds no idempotency key and knows no batches. So each message is a line of `twilio.db` in the
# state directory before it is sent, and gets Twilio's SID there after. What was sent and had no answer is
# looked for among Twilio's messages to that number since then, with the same text; only when it is not
# there it is sent again. A batch is what those lines say of it, with the states that Twilio lists.

use "sms"

driver :twilio, for: :sms, about: "Twilio's Programmable Messaging" do
  setting :account_sid,       :string,   match: /\AAC[0-9a-fA-F]{32}\z/, form: "AC and 32 hexadecimal digits", about: "the account"
  setting :auth_token,        :secret,   about: "its auth token"
  setting :from,              :phone,    optional: true, about: "the number that sends"
  setting :messaging_service, :string,   optional: true, match: /\AMG[0-9a-fA-F]{32}\z/, form: "MG and 32 hexadecimal digits", about: "or the Messaging Service that does"
  setting :status_callback,   :url,      optional: true, about: "where Twilio reports each change of a message's state"
  setting :url,               :url,      default: "https://api.twilio.com"
  setting :ca_file,           :path,     optional: true, about: "certificates to trust instead of the system's"
  setting :timeout,           :duration, default: 30.seconds, about: "for one request"
  setting :settle,            :duration, default: 10.seconds, about: "after which a message that was taken is listed"
  setting :skew,              :duration, default: 2.minutes,  about: "by how much Twilio's clock and ours may differ"
  setting :look_back,         :duration, default: 30.days,    about: "how old the replies may be that are read the first time"
  setting :database,          :string,   default: "twilio.db", about: "what was sent; a path, or a name in the state directory"

  perform :send, repeat: :unsafe do |to, body|
    fail! :validation, "`connect :sms` says from: or messaging_service:, one of the two" if setting.from.nil? == setting.messaging_service.nil?
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, key TEXT UNIQUE, sid TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, begun REAL, tried REAL, tries INTEGER DEFAULT 0, refused INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(number INTEGER PRIMARY KEY, sid TEXT UNIQUE, phone TEXT, body TEXT, at REAL, keyword TEXT,
          batch TEXT, handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: [
        ["INSERT INTO message(key, batch, phone, body, begun, tried) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", [call.key, nil, to, body, now.to_f, now.to_f]],
        ["SELECT sid, begun, tried, tries FROM message WHERE key = ?", [call.key]],
        ["UPDATE message SET tries = tries + 1, tried = ?, refused = 0 WHERE key = ?", [now.to_f, call.key]]
      ]
    )
    first = kept.rows.first
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    others = sql.query(database: setting.database, state: true, values: [to, call.key], max: 1_000_000,
                       text: "SELECT sid FROM message WHERE phone = ? AND key <> ? AND sid IS NOT NULL").map { |row| row.sid }
    from = (first ? first.begun.to_f : call.begun.to_f) - setting.skew.to_f
    late = first && now.to_f - first.tried.to_f > (setting.timeout + setting.settle).to_f
    start = "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?To=%2B#{to[1..]}&PageSize=100"
    seen = (1..100).reduce({ uri: first.tries > 0 && first.sid.nil? ? start : nil, looks: late ? 1 : 2, hit: nil, trouble: nil }) do |at, page|
      if at[:uri].nil? || at[:hit] || at[:trouble]
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
        listed = answer.status == 200 && answer.json ? answer.json["messages"].select { |m| m["date_created"] } : []
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        hit = recent.find do |m|
          [body, "Sent from your Twilio trial account - #{body}"].include?(m["body"]) && m["direction"] == "outbound-api" && !others.include?(m["sid"])
        end
        good = answer.status == 200 && answer.json && (answer.json["next_page_uri"].nil? || answer.json["next_page_uri"].start_with?("/2010-04-01/"))
        more = good && recent.size == listed.size ? answer.json["next_page_uri"] : nil
        again = good && hit.nil? && more.nil? && at[:looks] > 1
        clock.sleep(time: setting.settle) if again
        { uri: again ? start : more, looks: again ? 1 : at[:looks], hit: hit, trouble: good ? nil : "#{answer.status}" }
      end
    end
    fail! :transient, "whether it was taken before cannot be seen: Twilio answers #{seen[:trouble] || "too many pages"}" if seen[:trouble] || (seen[:uri] && seen[:hit].nil?)
    known = first.sid || (seen[:hit] ? seen[:hit]["sid"] : nil)
    reply = known ? nil : http.post("#{setting.url}/2010-04-01/Accounts/#{setting.account_sid}/Messages.json",
                                    form: { To: to, Body: body, From: setting.from, MessagingServiceSid: setting.messaging_service, StatusCallback: setting.status_callback },
                                    basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
    said = reply && reply.json ? reply.json : {}
    code = reply && reply.failure ? said["code"] : nil
    kind = case code
           when 21610 then :refused
           when 21211, 21214, 21217, 21408, 21421, 21612, 21614, 21635, 30003, 30004, 30005, 30006 then :validation
           when 14107, 20429, 21611, 30001 then :transient
           when 20003, 20005 then :permission
           when 20404, 21212, 21603, 21606, 21659, 21660, 21701, 21703 then :provider
           else reply ? reply.failure : nil
           end
    sid = known || ("#{said["sid"]}".match?(/\A(SM|MM)[0-9a-fA-F]{32}\z/) && kind.nil? ? said["sid"] : nil)
    refused = kind == :refused || kind == :validation
    surely = kind && reply.status < 500 && reply.status != 408
    consent.suppress(channel: :sms, address: to, reason: "Twilio: unsubscribed (21610)", source: "twilio", database: setting.list) if kind == :refused
    sql.execute(
      database: setting.database, state: true, statements: [
        ["UPDATE OR IGNORE message SET sid = ? WHERE key = ?", [sid, call.key]],
        ["UPDATE message SET tries = iif(?, 0, tries), refused = ? WHERE key = ?", [surely ? true : false, refused, call.key]]
      ]
    )
    wait = surely && kind == :transient ? reply.retry_after || 2.seconds : reply&.retry_after
    fail! kind, "Twilio answers #{reply.status}#{code ? ": #{code} #{"#{said["message"]}"[0, 200]}" : ""}", retry_after: wait if kind
    fail! :provider, "Twilio answers #{reply.status} and names no message" unless sid
    { id: sid, state: :queued }
  end

  probe :send do |to, body|
    first = sql.query(database: setting.database, state: true, values: [call.key], text: "SELECT sid, begun, tried FROM message WHERE key = ?").first
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    others = sql.query(database: setting.database, state: true, values: [to, call.key], max: 1_000_000,
                       text: "SELECT sid FROM message WHERE phone = ? AND key <> ? AND sid IS NOT NULL").map { |row| row.sid }
    from = (first ? first.begun.to_f : call.begun.to_f) - setting.skew.to_f
    late = first && now.to_f - first.tried.to_f > (setting.timeout + setting.settle).to_f
    start = "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?To=%2B#{to[1..]}&PageSize=100"
    seen = (1..100).reduce({ uri: first && first.sid ? nil : start, looks: late ? 1 : 2, hit: nil, trouble: nil }) do |at, page|
      if at[:uri].nil? || at[:hit] || at[:trouble]
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
        listed = answer.status == 200 && answer.json ? answer.json["messages"].select { |m| m["date_created"] } : []
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        hit = recent.find do |m|
          [body, "Sent from your Twilio trial account - #{body}"].include?(m["body"]) && m["direction"] == "outbound-api" && !others.include?(m["sid"])
        end
        good = answer.status == 200 && answer.json && (answer.json["next_page_uri"].nil? || answer.json["next_page_uri"].start_with?("/2010-04-01/"))
        more = good && recent.size == listed.size ? answer.json["next_page_uri"] : nil
        again = good && hit.nil? && more.nil? && at[:looks] > 1
        clock.sleep(time: setting.settle) if again
        { uri: again ? start : more, looks: again ? 1 : at[:looks], hit: hit, trouble: good ? nil : "#{answer.status}" }
      end
    end
    if first && first.sid
      { id: first.sid, state: :queued }
    elsif seen[:hit]
      { id: seen[:hit]["sid"], state: :queued }
    elsif seen[:trouble] || seen[:uri]
      :unknown
    else
      :not_done
    end
  end

  perform :send_batch, repeat: :unsafe do |to, body, per_second|
    fail! :validation, "`connect :sms` says from: or messaging_service:, one of the two" if setting.from.nil? == setting.messaging_service.nil?
    person = "#{to}".match?(/\A(\{|#<)/)
    phone = person ? "#{to[:phone]}" : "#{to}"
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, key TEXT UNIQUE, sid TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, begun REAL, tried REAL, tries INTEGER DEFAULT 0, refused INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(number INTEGER PRIMARY KEY, sid TEXT UNIQUE, phone TEXT, body TEXT, at REAL, keyword TEXT,
          batch TEXT, handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: [
        ["INSERT INTO message(key, batch, phone, body, begun, tried) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", [call.key, call.batch, phone, body, now.to_f, now.to_f]],
        ["SELECT sid, begun, tried, tries FROM message WHERE key = ?", [call.key]],
        ["UPDATE message SET tries = tries + 1, tried = ?, refused = 0 WHERE key = ?", [now.to_f, call.key]]
      ]
    )
    first = kept.rows.first
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    others = sql.query(database: setting.database, state: true, values: [phone, call.key], max: 1_000_000,
                       text: "SELECT sid FROM message WHERE phone = ? AND key <> ? AND sid IS NOT NULL").map { |row| row.sid }
    from = (first ? first.begun.to_f : call.begun.to_f) - setting.skew.to_f
    late = first && now.to_f - first.tried.to_f > (setting.timeout + setting.settle).to_f
    start = "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?To=%2B#{phone[1..]}&PageSize=100"
    seen = (1..100).reduce({ uri: first.tries > 0 && first.sid.nil? ? start : nil, looks: late ? 1 : 2, hit: nil, trouble: nil }) do |at, page|
      if at[:uri].nil? || at[:hit] || at[:trouble]
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
        listed = answer.status == 200 && answer.json ? answer.json["messages"].select { |m| m["date_created"] } : []
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        hit = recent.find do |m|
          [body, "Sent from your Twilio trial account - #{body}"].include?(m["body"]) && m["direction"] == "outbound-api" && !others.include?(m["sid"])
        end
        good = answer.status == 200 && answer.json && (answer.json["next_page_uri"].nil? || answer.json["next_page_uri"].start_with?("/2010-04-01/"))
        more = good && recent.size == listed.size ? answer.json["next_page_uri"] : nil
        again = good && hit.nil? && more.nil? && at[:looks] > 1
        clock.sleep(time: setting.settle) if again
        { uri: again ? start : more, looks: again ? 1 : at[:looks], hit: hit, trouble: good ? nil : "#{answer.status}" }
      end
    end
    fail! :transient, "whether it was taken before cannot be seen: Twilio answers #{seen[:trouble] || "too many pages"}" if seen[:trouble] || (seen[:uri] && seen[:hit].nil?)
    known = first.sid || (seen[:hit] ? seen[:hit]["sid"] : nil)
    reply = known ? nil : http.post("#{setting.url}/2010-04-01/Accounts/#{setting.account_sid}/Messages.json",
                                    form: { To: phone, Body: body, From: setting.from, MessagingServiceSid: setting.messaging_service, StatusCallback: setting.status_callback },
                                    basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
    said = reply && reply.json ? reply.json : {}
    code = reply && reply.failure ? said["code"] : nil
    kind = case code
           when 21610 then :refused
           when 21211, 21214, 21217, 21408, 21421, 21612, 21614, 21635, 30003, 30004, 30005, 30006 then :validation
           when 14107, 20429, 21611, 30001 then :transient
           when 20003, 20005 then :permission
           when 20404, 21212, 21603, 21606, 21659, 21660, 21701, 21703 then :provider
           else reply ? reply.failure : nil
           end
    sid = known || ("#{said["sid"]}".match?(/\A(SM|MM)[0-9a-fA-F]{32}\z/) && kind.nil? ? said["sid"] : nil)
    refused = kind == :refused || kind == :validation
    surely = kind && reply.status < 500 && reply.status != 408
    consent.suppress(channel: :sms, address: phone, reason: "Twilio: unsubscribed (21610)", source: "twilio", database: setting.list) if kind == :refused
    sql.execute(
      database: setting.database, state: true, statements: [
        ["UPDATE OR IGNORE message SET sid = ? WHERE key = ?", [sid, call.key]],
        ["UPDATE message SET tries = iif(?, 0, tries), refused = ? WHERE key = ?", [surely ? true : false, refused, call.key]]
      ]
    )
    wait = surely && kind == :transient ? reply.retry_after || 2.seconds : reply&.retry_after
    fail! kind, "Twilio answers #{reply.status}#{code ? ": #{code} #{"#{said["message"]}"[0, 200]}" : ""}", retry_after: wait if kind
    fail! :provider, "Twilio answers #{reply.status} and names no message" unless sid
    { id: sid, state: :queued }
  end

  probe :send_batch do |to, body, per_second|
    person = "#{to}".match?(/\A(\{|#<)/)
    phone = person ? "#{to[:phone]}" : "#{to}"
    first = sql.query(database: setting.database, state: true, values: [call.key], text: "SELECT sid, begun, tried FROM message WHERE key = ?").first
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    others = sql.query(database: setting.database, state: true, values: [phone, call.key], max: 1_000_000,
                       text: "SELECT sid FROM message WHERE phone = ? AND key <> ? AND sid IS NOT NULL").map { |row| row.sid }
    from = (first ? first.begun.to_f : call.begun.to_f) - setting.skew.to_f
    late = first && now.to_f - first.tried.to_f > (setting.timeout + setting.settle).to_f
    start = "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?To=%2B#{phone[1..]}&PageSize=100"
    seen = (1..100).reduce({ uri: first && first.sid ? nil : start, looks: late ? 1 : 2, hit: nil, trouble: nil }) do |at, page|
      if at[:uri].nil? || at[:hit] || at[:trouble]
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
        listed = answer.status == 200 && answer.json ? answer.json["messages"].select { |m| m["date_created"] } : []
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        hit = recent.find do |m|
          [body, "Sent from your Twilio trial account - #{body}"].include?(m["body"]) && m["direction"] == "outbound-api" && !others.include?(m["sid"])
        end
        good = answer.status == 200 && answer.json && (answer.json["next_page_uri"].nil? || answer.json["next_page_uri"].start_with?("/2010-04-01/"))
        more = good && recent.size == listed.size ? answer.json["next_page_uri"] : nil
        again = good && hit.nil? && more.nil? && at[:looks] > 1
        clock.sleep(time: setting.settle) if again
        { uri: again ? start : more, looks: again ? 1 : at[:looks], hit: hit, trouble: good ? nil : "#{answer.status}" }
      end
    end
    if first && first.sid
      { id: first.sid, state: :queued }
    elsif seen[:hit]
      { id: seen[:hit]["sid"], state: :queued }
    elsif seen[:trouble] || seen[:uri]
      :unknown
    else
      :not_done
    end
  end

  perform :status do |id|
    fail! :validation, "#{id} is no SID of a message, as SM and 32 hexadecimal digits" unless id.match?(/\A(SM|MM)[0-9a-fA-F]{32}\z/)
    reply = http.get("#{setting.url}/2010-04-01/Accounts/#{setting.account_sid}/Messages/#{id}.json",
                     basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout)
    fail! reply.failure, "Twilio answers #{reply.status} to #{id}#{reply.json ? ": #{reply.json["code"]} #{"#{reply.json["message"]}"[0, 200]}" : ""}", retry_after: reply.retry_after if reply.failure
    fail! :provider, "Twilio answers #{reply.status} and tells no state" unless reply.json && reply.json["status"]
    state = case reply.json["status"]
            when "sent" then :sent
            when "delivered", "read", "partially_delivered" then :delivered
            when "failed", "undelivered", "canceled" then :failed
            else :queued
            end
    { id: id, state: state, error: reply.json["error_code"] ? "#{reply.json["error_code"]} #{reply.json["error_message"]}".strip : nil }
  end

  # The account's messages are listed latest first, as far back as the batch began.
  perform :batch do |id|
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    rows = sql.query(database: setting.database, state: true, values: [id], max: 1_000_000,
                     text: "SELECT key, sid, phone, body, begun, refused FROM message WHERE batch = ? ORDER BY number")
    others = sql.query(database: setting.database, state: true, max: 1_000_000, values: [id, id],
                       text: "SELECT sid FROM message WHERE sid IS NOT NULL AND begun >= (SELECT min(begun) FROM message WHERE batch = ?) AND batch IS NOT ?").map { |row| [row.sid, true] }.to_h
    stops = sql.query(database: setting.database, state: true, values: [id],
                      text: "SELECT count(DISTINCT phone) AS n FROM reply WHERE batch = ? AND keyword = 'stop'")
    taken = rows.reject { |row| row.refused == 1 }
    from = taken.empty? ? 0.0 : taken.map { |row| row.begun.to_f }.min - setting.skew.to_f
    seen = (1..1000).reduce({ uri: taken.empty? ? nil : "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?PageSize=1000", messages: [] }) do |at, page|
      if at[:uri].nil?
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout, max: 33554432)
        fail! answer.failure, "Twilio answers #{answer.status} to a list of messages", retry_after: answer.retry_after if answer.failure
        fail! :provider, "Twilio answers #{answer.status} and lists no messages" unless answer.json && answer.json["messages"]
        more = answer.json["next_page_uri"]
        fail! :provider, "Twilio names a next page that is none of it" unless more.nil? || more.start_with?("/2010-04-01/")
        listed = answer.json["messages"].select { |m| m["date_created"] }
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        { uri: recent.size == listed.size ? more : nil,
          messages: at[:messages] + recent.select { |m| m["direction"] == "outbound-api" && !others.key?(m["sid"]) }.map { |m| { sid: m["sid"], to: m["to"], body: m["body"], status: m["status"] } } }
      end
    end
    fail! :provider, "more than 1000 pages of messages since #{id} began" if seen[:uri]
    by_sid = seen[:messages].map { |m| [m[:sid], m] }.to_h
    by_phone = seen[:messages].group_by { |m| m[:to] }
    found = taken.map { |row| row.sid ? by_sid[row.sid] : (by_phone[row.phone] || []).find { |m| [row.body, "Sent from your Twilio trial account - #{row.body}"].include?(m[:body]) } }
    accepted = (0...taken.size).count { |i| taken[i].sid || found[i] }
    delivered = found.count { |m| m && %w[delivered read partially_delivered].include?(m[:status]) }
    failed = found.count { |m| m && %w[failed undelivered canceled].include?(m[:status]) }
    out = stops.empty? ? 0 : stops.first.n
    { id: id, total: rows.size, accepted: accepted, delivered: delivered, failed: failed, pending: accepted - delivered - failed,
      refused: rows.size - taken.size, stops: out, stop_ratio: accepted > 0 ? out.to_f / accepted : 0.0,
      paused: consent.held(channel: :sms, batch: id, database: setting.list) == :paused }
  end

  # Of the last `look_back`, unless a batch is named. A later message that nobody knows of counts as sent.
  perform :failed do |batch, limit|
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    rows = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { batch: batch, since: batch ? 0.0 : (now - setting.look_back).to_f }, text: <<~SQL
        SELECT sid, phone, body, begun,
               (SELECT group_concat(coalesce(later.sid, '?'), ' ') FROM message later
                WHERE later.phone = message.phone AND later.number > message.number AND later.body = message.body
                AND later.refused = 0 AND (later.sid IS NOT NULL OR later.tries > 0)) AS later
        FROM message
        WHERE refused = 0 AND begun >= :since AND (:batch IS NULL OR batch = :batch) ORDER BY number
      SQL
    )
    sids = rows.select { |row| row.sid }.map { |row| [row.sid, "#{row.later}".split] }.to_h
    open = rows.reject { |row| row.sid }.map { |row| ["#{row.phone} #{row.body}", "#{row.later}".split] }.to_h
    from = rows.empty? ? 0.0 : rows.map { |row| row.begun.to_f }.min - setting.skew.to_f
    seen = (1..1000).reduce({ uri: rows.empty? ? nil : "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?PageSize=1000", messages: [] }) do |at, page|
      if at[:uri].nil?
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout, max: 33554432)
        fail! answer.failure, "Twilio answers #{answer.status} to a list of messages", retry_after: answer.retry_after if answer.failure
        fail! :provider, "Twilio answers #{answer.status} and lists no messages" unless answer.json && answer.json["messages"]
        more = answer.json["next_page_uri"]
        fail! :provider, "Twilio names a next page that is none of it" unless more.nil? || more.start_with?("/2010-04-01/")
        listed = answer.json["messages"].select { |m| m["date_created"] }
        recent = listed.select do |m|
          w = m["date_created"].split
          time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f >= from
        end
        { uri: recent.size == listed.size ? more : nil,
          messages: at[:messages] + recent.select { |m| %w[failed undelivered canceled].include?(m["status"]) } }
      end
    end
    fail! :provider, "more than 1000 pages of messages to look through" if seen[:uri]
    lost = seen[:messages].map { |m| [m["sid"], true] }.to_h
    known = seen[:messages].select { |m| sids.key?(m["sid"]) || open.key?("#{m["to"]} #{m["body"]}") }
    known.take(limit).map do |m|
      w = (m["date_updated"] || m["date_created"]).split
      { id: m["sid"], to: m["to"], body: m["body"], error: m["error_code"] ? "#{m["error_code"]} #{m["error_message"]}".strip : m["status"],
        at: time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z"),
        again: (sids[m["sid"]] || open["#{m["to"]} #{m["body"]}"]).any? { |sid| !lost.key?(sid) } }
    end
  end

  # By what is kept here: whether each arrived is not asked.
  perform :earlier do |body|
    found = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { body: body }, text: <<~SQL
        SELECT batch, count(DISTINCT phone) AS people, strftime('%Y-%m-%dT%H:%M:%fZ', min(begun), 'unixepoch') AS at FROM message
        WHERE body = :body AND batch IS NOT NULL AND refused = 0 AND (sid IS NOT NULL OR tries > 0) GROUP BY batch ORDER BY max(number) DESC
      SQL
    )
    found.map { |one| { id: one.batch, people: one.people, at: time(one.at) } }
  end

  # Read from an hour before the latest that is known: one that came late is not missed, and none is taken
  # twice. An opt-out is on the list before its reply counts as seen.
  perform :replies do |since, batch|
    months = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec]
    known = sql.query(database: setting.database, state: true, text: "SELECT max(at) AS latest FROM reply")
    latest = known.empty? || known.first.latest.nil? ? now - setting.look_back : now - (now.to_f - known.first.latest.to_f).seconds
    from = (since && since < latest ? since : latest) - 1.hour
    query = "#{setting.from && setting.messaging_service.nil? ? "To=%2B#{setting.from[1..]}&" : ""}DateSent%3E=#{from.strftime("%Y-%m-%dT%H:%M:%SZ")}&PageSize=1000"
    seen = (1..1000).reduce({ uri: "/2010-04-01/Accounts/#{setting.account_sid}/Messages.json?#{query}", messages: [] }) do |at, page|
      if at[:uri].nil?
        at
      else
        answer = http.get("#{setting.url}#{at[:uri]}", basic_auth: [setting.account_sid, setting.auth_token], ca_file: setting.ca_file, timeout: setting.timeout, max: 33554432)
        fail! answer.failure, "Twilio answers #{answer.status} to a list of replies", retry_after: answer.retry_after if answer.failure
        fail! :provider, "Twilio answers #{answer.status} and lists no messages" unless answer.json && answer.json["messages"]
        more = answer.json["next_page_uri"]
        fail! :provider, "Twilio names a next page that is none of it" unless more.nil? || more.start_with?("/2010-04-01/")
        { uri: more, messages: at[:messages] + answer.json["messages"].select { |m| m["direction"] == "inbound" } }
      end
    end
    fail! :provider, "more than 1000 pages of messages since #{from.iso8601}" if seen[:uri]
    fresh = sql.execute(
      database: setting.database, state: true, max: 1_000_000, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS message(number INTEGER PRIMARY KEY, key TEXT UNIQUE, sid TEXT UNIQUE, batch TEXT, phone TEXT,
          body TEXT, begun REAL, tried REAL, tries INTEGER DEFAULT 0, refused INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS message_batch ON message(batch);
        CREATE INDEX IF NOT EXISTS message_phone ON message(phone, number);
        CREATE TABLE IF NOT EXISTS reply(number INTEGER PRIMARY KEY, sid TEXT UNIQUE, phone TEXT, body TEXT, at REAL, keyword TEXT,
          batch TEXT, handled INTEGER DEFAULT 0);
        CREATE INDEX IF NOT EXISTS reply_batch ON reply(batch)
      SQL
      statements: seen[:messages].reverse.map do |m|
        w = (m["date_sent"] || m["date_created"]).split
        [<<~SQL, { sid: m["sid"], phone: m["from"], body: "#{m["body"]}", at: time("#{w[3]}-#{"%02d" % (months.index(w[2]) + 1)}-#{w[1]}T#{w[4]}Z").to_f, keyword: consent.keyword(text: "#{m["body"]}") }]
          INSERT INTO reply(sid, phone, body, at, keyword, batch)
          VALUES (:sid, :phone, :body, :at, :keyword, (SELECT batch FROM message WHERE phone = :phone ORDER BY number DESC LIMIT 1))
          ON CONFLICT DO NOTHING
        SQL
      end + [["SELECT sid, phone, body, keyword FROM reply WHERE handled = 0 ORDER BY at, number", []]]
    )
    fresh.rows.each do |reply|
      consent.suppress(channel: :sms, address: reply.phone, reason: "replied #{reply.body}", source: reply.sid, database: setting.list) if reply.keyword == "stop"
      consent.lift(channel: :sms, address: reply.phone, reason: "replied #{reply.body}", source: reply.sid, database: setting.list) if reply.keyword == "start"
    end
    all = sql.execute(
      database: setting.database, state: true, max: 1_000_000,
      statements: fresh.rows.map { |reply| ["UPDATE reply SET handled = 1 WHERE sid = ?", [reply.sid]] } + [
        [<<~SQL, { since: since ? since.to_f : 0.0, batch: batch }]
          SELECT sid, phone, body, keyword, strftime('%Y-%m-%dT%H:%M:%fZ', at, 'unixepoch') AS at FROM reply
          WHERE handled = 1 AND at > :since AND (:batch IS NULL OR batch = :batch) ORDER BY reply.at, number
        SQL
      ]
    )
    all.rows.map { |reply| { id: reply.sid, from: reply.phone, body: reply.body, at: time(reply.at), keyword: reply.keyword&.to_sym } }
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
