# Mail: single letters, and campaigns to many. Nobody is written to who bounced, who unsubscribed or whom an operator
# suppressed: the binding sees to that, whichever driver serves it. That list and what operators hold back are in
# `messaging.db` of the state directory, for all runs of a journal; a pause from another terminal stops a campaign under way.
#
# Subject, text and HTML may have places: `{{first_name}}` is the recipient's field of that name, escaped in HTML. Of a
# campaign, `to` is an array of hashes or records with `email` and whatever the places need. `unsubscribe:` is the address
# of a page, with places (`https://example.org/u?who={{email}}`); the letter shows it as `{{unsubscribe}}`, and its headers
# `List-Unsubscribe` and `List-Unsubscribe-Post` offer it to mail programs as one click.
#
# `bounces` and `unsubscribes` read what came back and suppress: every unsubscribe, and bounces that say that there is no such
# mailbox. A full mailbox, or mail that was not wanted, is told and not suppressed. Of each bounce `delayed` says that the server
# still tries, and `again` that a letter with the same subject went there later, or may have, and did not bounce.
#
# ```ruby plan file=unused.rb
#   use "email"
#   step "Check the letter" do
#     people = [{ email: "ana@example.org", first_name: "Ana" }, { email: "bo@example.org", first_name: "Bo" }]
#     link = "https://example.org/u?who={{email}}"
#     text = "Dear {{first_name}}, ... {{unsubscribe}}"
#     html = "<p>Dear {{first_name}}, ...</p><a href=\"{{unsubscribe}}\">no more</a>"
#     found = email.check_template(subject: "News", text: text, html: html, to: people)
#     expect found.problems.empty?, found.problems.join("; ")
#     reached = email.check_unsubscribe(link: link, text: text, html: html, to: people.first)
#     expect reached.problems.empty?, reached.problems.join("; ")
#   end
#   step "Launch" do
#     sent = email.campaign(to: people, subject: "News", text: text, html: html, unsubscribe: link, per_second: 20)
#     show sent.sent
#     rollback { email.pause reason: "launch rolled back" }
#   end
# ```

binding :email, "Mail" do
  setting :sandbox, :array,  default: [],             about: "when it is not empty: only these addresses are written to"
  setting :list,    :string, default: "messaging.db", about: "suppressions and pauses; a name in the state directory, or a path where it has to be"

  action :check_template, effect: :read, about: "What is wrong with a letter: missing parts, places that nobody has a value for" do
    takes :subject, :string
    takes :text,    :string
    takes :html,    :string
    takes :to,      :array,   default: [],                   about: "people that are to have something for each place"
    takes :max,     :integer, default: 102400, min: 1,       about: "bytes of one part"
    gives :problems, :array
    gives :places,   :array
  end

  action :check_unsubscribe, effect: :read, about: "Whether a letter can be unsubscribed from" do
    takes :link, :string,  about: "the page's address, with places"
    takes :text, :string
    takes :html, :string
    takes :to,   :any,     about: "somebody to fill the places with"
    takes :ask,  :boolean, default: false, about: "get the page, and see that nobody is unsubscribed by that"
    gives :problems,  :array
    gives :url,       :string
    gives :one_click, :boolean, about: "mail programs are offered it"
    gives :answered,  :boolean, optional: true, about: "nil when the page was not asked for"
  end

  action :send, effect: :write, about: "Send one letter" do
    takes :to,          :string, match: /\A[^@\s<>"]+@[^@\s<>"]+\z/, form: "an email address, such as ana@example.org"
    takes :subject,     :string, max: 500
    takes :text,        :string
    takes :html,        :string, optional: true
    takes :reply_to,    :string, optional: true
    takes :unsubscribe, :string, optional: true
    takes :fields,      :hash,   default: {}, about: "for the places"
    takes :attachments, :array,  default: [], about: "hashes: path: or text:, name:, type:"
    gives :id,    :string, about: "the Message-ID"
    gives :state, :symbol
  end

  action :campaign, effect: :write, each: :to, by: :email, rate: :per_second, at_once: 8, about: "Send a letter to each of many" do
    takes :to,          :array,   about: "hashes or records with email and what the places need, or addresses"
    takes :subject,     :string,  max: 500
    takes :text,        :string
    takes :html,        :string
    takes :unsubscribe, :string
    takes :per_second,  :integer, default: 20, min: 1, max: 1000
    gives :id,      :string
    gives :total,   :integer
    gives :sent,    :integer
    gives :refused, :array
    gives :unsure,  :array
  end

  action :campaign_status, effect: :read, about: "What became of a campaign, as far as it is known" do
    takes :id, :string
    gives :id,                :string
    gives :sent,              :integer
    gives :bounced,           :integer
    gives :unsubscribed,      :integer
    gives :bounce_ratio,      :float
    gives :unsubscribe_ratio, :float
    gives :paused,            :boolean
  end

  action :earlier, effect: :read, about: "Campaigns that a letter with this subject, its places open, went out in, the latest first" do
    takes :subject, :string
    gives [{ id: :string, people: :integer, at: :time }]
  end

  action :bounces, effect: :write, repeat: :safe, about: "What came back; suppresses mailboxes that are not there" do
    takes :campaign, :string, optional: true
    gives :array
  end

  action :unsubscribes, effect: :write, repeat: :safe, about: "Who unsubscribed; suppresses them" do
    takes :campaign, :string, optional: true
    gives :array
  end

  action :pause, effect: :write, repeat: :safe, about: "Hold a campaign back, or all mail" do
    takes :campaign, :string, optional: true
    takes :reason,   :string
  end

  action :resume, effect: :write, repeat: :safe, about: "Let a campaign, or all mail, go on" do
    takes :campaign, :string, optional: true
  end

  action :terminate, effect: :write, repeat: :safe, about: "What is left of a campaign is never sent" do
    takes :campaign, :string
    takes :reason,   :string
  end

  action :paused?, effect: :read, about: "Whether all mail is held back" do
    gives :boolean
  end

  action :suppress, effect: :write, repeat: :safe, about: "Write to this address no more" do
    takes :to,     :string
    takes :reason, :string
  end

  action :unsuppress, effect: :write, repeat: :safe, about: "Write to this address again" do
    takes :to,     :string
    takes :reason, :string
  end

  action :suppressed?, effect: :read, about: "Whether this address is suppressed" do
    takes :to, :string
    gives :boolean
  end

  action :suppressions, effect: :read, about: "All that are: to, reason, source, at" do
    gives :array
  end

  # Of a campaign, `to` is an address or something with an email.
  admit :to, except: [:suppress, :unsuppress] do |to|
    address = "#{to}".match?(/\A(\{|#<)/) ? "#{to[:email]}" : "#{to}"
    if address.match?(/\A[^@\s<>"]+@[^@\s<>"]+\z/)
      consent.check(channel: :email, to: address, batch: call.batch, sandbox: setting.sandbox, database: setting.list)
    else
      "it is no address: write it as ana@example.org"
    end
  end
end

# A letter is delivered `delay` after it went out, or bounces, and is there once however often it is asked for with one key.
# Whoever unsubscribes is a line of the file email-unsubscribes.txt beside it: ana@example.org
driver :outbox, for: :email, default: true, practice: true, about: "A SQLite outbox: nothing leaves this machine" do
  setting :database,          :string,   default: "email.db",       about: "a path, or a name in the state directory"
  setting :from,              :string,   default: "ops@example.org"
  setting :delay,             :duration, default: 2.seconds,        about: "from going out to arriving"
  setting :bounce_every,      :integer,  default: 0, min: 0,        about: "a bad day: each so-many-th letter bounces; 0 for none"
  setting :unsubscribe_every, :integer,  default: 0, min: 0,        about: "a bad day: each so-many-th recipient unsubscribes; 0 for none"

  perform(:check_template) { |subject, text, html, to, max| mail.problems(subject: subject, text: text, html: html, people: to, max: max, given: ["unsubscribe"]) }

  perform :check_unsubscribe do |link, text, html, to, ask|
    url = mail.fill(text: link, fields: to, form: :url)
    one_click = url.match?(/\Ahttps:\/\//)
    problems = [
      url.match?(/\Ahttps?:\/\/[^\s\/]+/) ? nil : "link: #{url} is not the address of a page",
      link.include?("{{") ? nil : "link: it is the same for everybody; a place in it says who unsubscribes",
      one_click || url.match?(/\Ahttp:\/\/(127\.0\.0\.1|localhost)[:\/]/) ? nil : "link: mail programs offer one click for https:// only",
      text.match?(/\{\{ *unsubscribe *\}\}/) ? nil : "text: {{unsubscribe}} is missing",
      html.match?(/href=["']\{\{ *unsubscribe *\}\}["']/) ? nil : "html: no link goes to {{unsubscribe}}"
    ].compact
    { problems: problems, url: url, one_click: one_click, answered: nil }
  end

  perform :send do |to, subject, text, html, reply_to, unsubscribe, fields, attachments|
    all = fields.merge({ email: to })
    all = all.merge({ unsubscribe: mail.fill(text: unsubscribe, fields: all, form: :url) }) if unsubscribe
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS mail(number INTEGER PRIMARY KEY, key TEXT UNIQUE, id TEXT, campaign TEXT, address TEXT, subject TEXT,
          body TEXT, html TEXT, settled REAL, outcome TEXT, reason TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS mail_campaign ON mail(campaign); CREATE INDEX IF NOT EXISTS mail_address ON mail(address, number)
      SQL
      statements: [
        [<<~SQL, { key: call.key, id: "<#{call.key[0, 40]}@#{setting.from.split("@").last.delete(">")}>", to: to.downcase, subject: mail.fill(text: subject, fields: all), body: mail.fill(text: text, fields: all), html: html ? mail.fill(text: html, fields: all, form: :html) : nil, settled: now.to_f + setting.delay.to_f }],
          INSERT INTO mail(key, id, address, subject, body, html, settled, outcome) VALUES (:key, :id, :to, :subject, :body, :html, :settled, 'delivered') ON CONFLICT DO NOTHING
        SQL
        ["SELECT id FROM mail WHERE key = ?", [call.key]]
      ]
    )
    { id: kept.rows.first.id, state: :sent }
  end

  probe :send do |to, subject, text, html, reply_to, unsubscribe, fields, attachments|
    kept = sql.query(database: setting.database, state: true, text: "SELECT id FROM mail WHERE key = ?", values: [call.key])
    kept.empty? ? :not_done : { id: kept.first.id, state: :sent }
  end

  perform :campaign do |to, subject, text, html, unsubscribe, per_second|
    person = "#{to}".match?(/\A(\{|#<)/) ? to : { email: "#{to}" }
    all = person.merge({ unsubscribe: mail.fill(text: unsubscribe, fields: person, form: :url) })
    kept = sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS mail(number INTEGER PRIMARY KEY, key TEXT UNIQUE, id TEXT, campaign TEXT, address TEXT, subject TEXT,
          body TEXT, html TEXT, settled REAL, outcome TEXT, reason TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS mail_campaign ON mail(campaign); CREATE INDEX IF NOT EXISTS mail_address ON mail(address, number)
      SQL
      statements: [
        [<<~SQL, { key: call.key, id: "<#{call.key[0, 40]}@#{setting.from.split("@").last.delete(">")}>", campaign: call.batch, to: person[:email].downcase, subject: mail.fill(text: subject, fields: all), body: mail.fill(text: text, fields: all), html: mail.fill(text: html, fields: all, form: :html), settled: now.to_f + setting.delay.to_f, bounce_every: setting.bounce_every, unsubscribe_every: setting.unsubscribe_every, nth: call.number + 1 }],
          INSERT INTO mail(key, id, campaign, address, subject, body, html, settled, outcome, reason, unsubscribed)
          SELECT :key, :id, :campaign, :to, :subject, :body, :html, :settled, iif(bad, 'bounced', 'delivered'),
                 iif(bad, '550 5.1.1 there is no such mailbox', NULL),
                 iif(NOT bad AND :unsubscribe_every > 0 AND :nth % max(:unsubscribe_every, 1) = 0, :settled, NULL)
          FROM (SELECT :bounce_every > 0 AND :nth % max(:bounce_every, 1) = 0 AS bad) WHERE true ON CONFLICT DO NOTHING
        SQL
        ["SELECT id FROM mail WHERE key = ?", [call.key]]
      ]
    )
    { id: kept.rows.first.id, state: :sent }
  end

  probe :campaign do |to, subject, text, html, unsubscribe, per_second|
    kept = sql.query(database: setting.database, state: true, text: "SELECT id FROM mail WHERE key = ?", values: [call.key])
    kept.empty? ? :not_done : { id: kept.first.id, state: :sent }
  end

  perform :campaign_status do |id|
    found = sql.query(
      database: setting.database, state: true, values: { id: id, now: now.to_f }, text: <<~SQL
        SELECT count(*) AS sent, coalesce(sum(outcome = 'bounced' AND settled <= :now), 0) AS bounced,
               coalesce(sum(unsubscribed <= :now), 0) AS unsubscribed FROM mail WHERE campaign = :id
      SQL
    )
    seen = found.empty? ? { sent: 0, bounced: 0, unsubscribed: 0 } : found.first
    { id: id, sent: seen[:sent], bounced: seen[:bounced], unsubscribed: seen[:unsubscribed],
      bounce_ratio: seen[:sent] > 0 ? seen[:bounced].to_f / seen[:sent] : 0.0,
      unsubscribe_ratio: seen[:sent] > 0 ? seen[:unsubscribed].to_f / seen[:sent] : 0.0,
      paused: consent.held(channel: :email, batch: id, database: setting.list) == :paused }
  end

  perform :earlier do |subject|
    found = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { subject: subject.gsub(/[\\%_]/, "_").gsub(/\{\{[^}]*\}\}/, "%"), now: now.to_f }, text: <<~SQL
        SELECT campaign, count(DISTINCT address) AS people, strftime('%Y-%m-%dT%H:%M:%fZ', min(settled), 'unixepoch') AS at FROM mail
        WHERE subject LIKE :subject AND campaign IS NOT NULL AND NOT (outcome = 'bounced' AND settled <= :now) GROUP BY campaign ORDER BY max(number) DESC
      SQL
    )
    found.map { |one| { id: one.campaign, people: one.people, at: time(one.at) } }
  end

  perform :bounces do |campaign|
    found = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { campaign: campaign, now: now.to_f }, text: <<~SQL
        SELECT id, address, reason, campaign, strftime('%Y-%m-%dT%H:%M:%fZ', settled, 'unixepoch') AS at FROM mail
        WHERE outcome = 'bounced' AND settled <= :now AND (:campaign IS NULL OR campaign = :campaign) ORDER BY settled, number
      SQL
    )
    found.each { |one| consent.suppress(channel: :email, address: one.address, reason: "bounced: #{one.reason}", source: one.id, database: setting.list) }
    found.map { |one| { to: one.address, status: "5.1.1", reason: one.reason, hard: true, delayed: false, at: time(one.at), campaign: one.campaign, again: false } }
  end

  perform :unsubscribes do |campaign|
    lines = file.exists(path: "email-unsubscribes.txt", state: true) ? file.read(path: "email-unsubscribes.txt", state: true).lines.map { |line| line.strip.downcase }.reject { |line| line.empty? } : []
    lines.tally.each { |address, times| consent.suppress(channel: :email, address: address, reason: "unsubscribed", source: "email-unsubscribes.txt, #{times}", database: setting.list) }
    typed = lines.uniq.select { |address| consent.suppressed(channel: :email, address: address, database: setting.list) }
    sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS mail(number INTEGER PRIMARY KEY, key TEXT UNIQUE, id TEXT, campaign TEXT, address TEXT, subject TEXT,
          body TEXT, html TEXT, settled REAL, outcome TEXT, reason TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS mail_campaign ON mail(campaign); CREATE INDEX IF NOT EXISTS mail_address ON mail(address, number)
      SQL
      statements: typed.map { |address| ["UPDATE mail SET unsubscribed = ? WHERE number = (SELECT max(number) FROM mail WHERE address = ?) AND unsubscribed IS NULL", [now.to_f, address]] } + [["SELECT 1", []]]
    )
    found = sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { campaign: campaign, now: now.to_f }, text: <<~SQL
        SELECT id, address, campaign, strftime('%Y-%m-%dT%H:%M:%fZ', unsubscribed, 'unixepoch') AS at FROM mail
        WHERE unsubscribed <= :now AND (:campaign IS NULL OR campaign = :campaign) ORDER BY unsubscribed, number
      SQL
    )
    found.each { |one| consent.suppress(channel: :email, address: one.address, reason: "unsubscribed", source: one.id, database: setting.list) }
    found.map { |one| { to: one.address, at: time(one.at), campaign: one.campaign } }
  end

  perform :pause do |campaign, reason|
    consent.pause(channel: :email, batch: campaign, reason: reason, database: setting.list)
    nil
  end

  perform :resume do |campaign|
    consent.resume(channel: :email, batch: campaign, database: setting.list)
    nil
  end

  perform :terminate do |campaign, reason|
    consent.terminate(channel: :email, batch: campaign, reason: reason, database: setting.list)
    nil
  end

  perform(:paused?) { consent.held(channel: :email, database: setting.list) == :paused }

  perform :suppress do |to, reason|
    consent.suppress(channel: :email, address: to, reason: reason, database: setting.list)
    nil
  end

  perform :unsuppress do |to, reason|
    consent.lift(channel: :email, address: to, reason: reason, database: setting.list)
    nil
  end

  perform(:suppressed?) { |to| consent.suppressed(channel: :email, address: to, database: setting.list) }

  perform :suppressions do
    consent.suppressions(channel: :email, database: setting.list).map { |one| { to: one.address, reason: one.reason, source: one.source, at: time(one.at) } }
  end
end

# For drills: the same outbox, in the drill's own directory.
driver :simulated, for: :email, same_as: :outbox, about: "The outbox, for drills"

# What was handed to the server is kept in `database`, so that reports find their letter, and so that a run that was killed
# knows which letters never went out. A letter of which nobody knows is told as unsure, and is not sent again.
#
# `bounces` reads delivery reports (RFC 3464) in `bounce_box`, a maildir or a directory of files; `bounce_to` is the address whose
# mail arrives there. `unsubscribes` reads the file that the unsubscribe page writes, a line for each address.
driver :smtp, for: :email, about: "A mail server" do
  setting :url,            :string,   about: "smtp://host:port or smtps://host:port"
  setting :from,           :string,   about: "who writes: ops@example.org, or Ops <ops@example.org>"
  setting :reply_to,       :string,   optional: true
  setting :bounce_to,      :string,   optional: true,  about: "where what cannot be delivered comes back to; `from` unless said"
  setting :bounce_box,     :path,     optional: true,  about: "what came back: a maildir or a directory of files"
  setting :unsubscribed,   :path,     optional: true,  about: "a file with a line for each address that unsubscribed"
  setting :tls,            :symbol,   default: :optional, one_of: [:optional, :required, :never], about: "STARTTLS; with a password :optional is :required"
  setting :user,           :string,   optional: true
  setting :password,       :secret,   optional: true
  setting :ca_file,        :path,     optional: true,  about: "certificates to trust instead of the system's"
  setting :helo,           :string,   optional: true,  about: "the name we go by; this machine's unless said"
  setting :timeout,        :duration, default: 1.minute, about: "for one letter"
  setting :max,            :integer,  default: 26214400, min: 1, about: "bytes of one letter"
  setting :database,       :string,   default: "email-sent.db", about: "a path, or a name in the state directory"

  perform(:check_template) { |subject, text, html, to, max| mail.problems(subject: subject, text: text, html: html, people: to, max: max, given: ["unsubscribe"]) }

  perform :check_unsubscribe do |link, text, html, to, ask|
    url = mail.fill(text: link, fields: to, form: :url)
    who = "#{to}".match?(/\A(\{|#<)/) ? "#{to[:email]}" : "#{to}"
    before = ask && consent.suppressed(channel: :email, address: who, database: setting.list)
    reply = ask ? http.get(url, timeout: setting.timeout, follow: 5) : nil
    after = ask && consent.suppressed(channel: :email, address: who, database: setting.list)
    one_click = url.match?(/\Ahttps:\/\//)
    problems = [
      url.match?(/\Ahttps?:\/\/[^\s\/]+/) ? nil : "link: #{url} is not the address of a page",
      link.include?("{{") ? nil : "link: it is the same for everybody; a place in it says who unsubscribes",
      one_click || url.match?(/\Ahttp:\/\/(127\.0\.0\.1|localhost)[:\/]/) ? nil : "link: mail programs offer one click for https:// only",
      text.match?(/\{\{ *unsubscribe *\}\}/) ? nil : "text: {{unsubscribe}} is missing",
      html.match?(/href=["']\{\{ *unsubscribe *\}\}["']/) ? nil : "html: no link goes to {{unsubscribe}}",
      reply && reply.status >= 400 ? "link: the page answers #{reply.status}" : nil,
      after && !before ? "link: looking at the page unsubscribes; mail programs look at links by themselves" : nil
    ].compact
    { problems: problems, url: url, one_click: one_click, answered: reply ? reply.status < 400 : nil }
  end

  perform :send do |to, subject, text, html, reply_to, unsubscribe, fields, attachments|
    all = fields.merge({ email: to })
    link = unsubscribe ? mail.fill(text: unsubscribe, fields: all, form: :url) : nil
    all = all.merge({ unsubscribe: link }) if link
    headers = link ? { "List-Unsubscribe" => "<#{link}>", "List-Unsubscribe-Post" => "List-Unsubscribe=One-Click" } : {}
    line, body, page = mail.fill(text: subject, fields: all), mail.fill(text: text, fields: all), html ? mail.fill(text: html, fields: all, form: :html) : nil
    sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS sent(key TEXT PRIMARY KEY, id TEXT, campaign TEXT, address TEXT, at REAL, state TEXT, bounced TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS sent_campaign ON sent(campaign); CREATE INDEX IF NOT EXISTS sent_id ON sent(id);
        CREATE INDEX IF NOT EXISTS sent_address ON sent(address, at);
        CREATE TABLE IF NOT EXISTS letter(campaign TEXT PRIMARY KEY, subject TEXT)
      SQL
      statements: [["INSERT INTO sent(key, address, at, state) VALUES (?, ?, ?, 'sending') ON CONFLICT DO NOTHING", [call.key, to.downcase, now.to_f]]]
    )
    reply = smtp.send(url: setting.url, from: setting.from, to: to, subject: line, text: body, html: page, reply_to: reply_to || setting.reply_to,
                      sender: setting.bounce_to, headers: headers, attachments: attachments, tls: setting.tls, user: setting.user,
                      password: setting.password, ca_file: setting.ca_file, helo: setting.helo, timeout: setting.timeout, max: setting.max)
    sql.execute(database: setting.database, state: true, statements: [["UPDATE sent SET state = 'sent', id = ? WHERE key = ?", [reply.id, call.key]]])
    { id: reply.id, state: :sent }
  end

  probe :send do |to, subject, text, html, reply_to, unsubscribe, fields, attachments|
    kept = sql.query(database: setting.database, state: true, text: "SELECT id, state FROM sent WHERE key = ?", values: [call.key])
    if kept.empty?
      :not_done
    else
      kept.first.state == "sent" ? { id: kept.first.id, state: :sent } : :unknown
    end
  end

  # A letter is noted before it is handed over, and after: one that was never noted never went out.
  perform :campaign do |to, subject, text, html, unsubscribe, per_second|
    person = "#{to}".match?(/\A(\{|#<)/) ? to : { email: "#{to}" }
    link = mail.fill(text: unsubscribe, fields: person, form: :url)
    all = person.merge({ unsubscribe: link })
    line, body, page = mail.fill(text: subject, fields: all), mail.fill(text: text, fields: all), mail.fill(text: html, fields: all, form: :html)
    sql.execute(
      database: setting.database, state: true, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS sent(key TEXT PRIMARY KEY, id TEXT, campaign TEXT, address TEXT, at REAL, state TEXT, bounced TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS sent_campaign ON sent(campaign); CREATE INDEX IF NOT EXISTS sent_id ON sent(id);
        CREATE INDEX IF NOT EXISTS sent_address ON sent(address, at);
        CREATE TABLE IF NOT EXISTS letter(campaign TEXT PRIMARY KEY, subject TEXT)
      SQL
      statements: [
        ["INSERT INTO letter(campaign, subject) VALUES (?, ?) ON CONFLICT DO NOTHING", [call.batch, subject]],
        ["INSERT INTO sent(key, campaign, address, at, state) VALUES (?, ?, ?, ?, 'sending') ON CONFLICT DO NOTHING", [call.key, call.batch, person[:email].downcase, now.to_f]]
      ]
    )
    reply = smtp.send(url: setting.url, from: setting.from, to: person[:email], subject: line, text: body, html: page, reply_to: setting.reply_to,
                      sender: setting.bounce_to, headers: { "List-Unsubscribe" => "<#{link}>", "List-Unsubscribe-Post" => "List-Unsubscribe=One-Click" },
                      tls: setting.tls, user: setting.user, password: setting.password, ca_file: setting.ca_file, helo: setting.helo,
                      timeout: setting.timeout, max: setting.max)
    sql.execute(database: setting.database, state: true, statements: [["UPDATE sent SET state = 'sent', id = ? WHERE key = ?", [reply.id, call.key]]])
    { id: reply.id, state: :sent }
  end

  probe :campaign do |to, subject, text, html, unsubscribe, per_second|
    kept = sql.query(database: setting.database, state: true, text: "SELECT id, state FROM sent WHERE key = ?", values: [call.key])
    if kept.empty?
      :not_done
    else
      kept.first.state == "sent" ? { id: kept.first.id, state: :sent } : :unknown
    end
  end

  perform :campaign_status do |id|
    found = sql.query(
      database: setting.database, state: true, values: { id: id }, text: <<~SQL
        SELECT coalesce(sum(state = 'sent'), 0) AS sent, count(bounced) AS bounced, count(unsubscribed) AS unsubscribed FROM sent WHERE campaign = :id
      SQL
    )
    seen = found.empty? ? { sent: 0, bounced: 0, unsubscribed: 0 } : found.first
    { id: id, sent: seen[:sent], bounced: seen[:bounced], unsubscribed: seen[:unsubscribed],
      bounce_ratio: seen[:sent] > 0 ? seen[:bounced].to_f / seen[:sent] : 0.0,
      unsubscribe_ratio: seen[:sent] > 0 ? seen[:unsubscribed].to_f / seen[:sent] : 0.0,
      paused: consent.held(channel: :email, batch: id, database: setting.list) == :paused }
  end

  perform :earlier do |subject|
    kept = sql.query(database: setting.database, state: true, text: "SELECT name FROM sqlite_master WHERE name = 'letter'")
    found = kept.empty? ? [] : sql.query(
      database: setting.database, state: true, max: 1_000_000, values: { subject: subject }, text: <<~SQL
        SELECT sent.campaign, count(DISTINCT address) AS people, strftime('%Y-%m-%dT%H:%M:%fZ', min(at), 'unixepoch') AS at
        FROM sent JOIN letter ON letter.campaign = sent.campaign
        WHERE letter.subject = :subject AND sent.state = 'sent' AND sent.bounced IS NULL GROUP BY sent.campaign ORDER BY max(sent.at) DESC
      SQL
    )
    found.map { |one| { id: one.campaign, people: one.people, at: time(one.at) } }
  end

  # A mailbox is suppressed before its report counts as seen; seen twice, it says the same.
  perform :bounces do |campaign|
    fail! :validation, "the site names no bounce_box: for this driver" if !setting.bounce_box
    reports = mail.bounces(path: setting.bounce_box)
    reports.select { |one| one.hard }.each { |one| consent.suppress(channel: :email, address: one.to, reason: "bounced: #{one.status} #{one.reason}", source: one.id, database: setting.list) }
    known = sql.execute(
      database: setting.database, state: true, max: 1_000_000, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS sent(key TEXT PRIMARY KEY, id TEXT, campaign TEXT, address TEXT, at REAL, state TEXT, bounced TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS sent_campaign ON sent(campaign); CREATE INDEX IF NOT EXISTS sent_id ON sent(id);
        CREATE INDEX IF NOT EXISTS sent_address ON sent(address, at);
        CREATE TABLE IF NOT EXISTS letter(campaign TEXT PRIMARY KEY, subject TEXT)
      SQL
      statements: reports.select { |one| one.action == "failed" }.map { |one| ["UPDATE sent SET bounced = ? WHERE id = ?", [one.status, one.message_id]] } + [
        [<<~SQL, []]
          SELECT sent.id, sent.campaign, EXISTS(SELECT 1 FROM sent later JOIN letter ON letter.campaign = later.campaign
                                                WHERE later.address = sent.address AND later.at > sent.at AND later.campaign <> sent.campaign
                                                AND later.bounced IS NULL AND letter.subject = mine.subject) AS again
          FROM sent LEFT JOIN letter mine ON mine.campaign = sent.campaign WHERE sent.bounced IS NOT NULL
        SQL
      ]
    )
    of = known.rows.map { |row| [row.id, row] }.to_h
    told = reports.map do |one|
      letter = of[one.message_id]
      { to: one.to, status: one.status, reason: one.reason, hard: one.hard, delayed: one.action == "delayed", at: one.at,
        campaign: letter&.campaign, again: letter ? letter.again != 0 : false }
    end
    campaign ? told.select { |one| one[:campaign] == campaign } : told
  end

  perform :unsubscribes do |campaign|
    fail! :validation, "the site names no unsubscribed: for this driver" if !setting.unsubscribed
    lines = file.exists(path: setting.unsubscribed) ? file.read(path: setting.unsubscribed, max: 67108864).lines : []
    told = lines.map { |line| line.strip.downcase }.reject { |line| line.empty? }.tally
    told.each { |address, times| consent.suppress(channel: :email, address: address, reason: "unsubscribed", source: "the unsubscribe page, #{times}", database: setting.list) }
    typed = told.keys.select { |address| consent.suppressed(channel: :email, address: address, database: setting.list) }
    known = sql.execute(
      database: setting.database, state: true, max: 1_000_000, schema: <<~SQL,
        CREATE TABLE IF NOT EXISTS sent(key TEXT PRIMARY KEY, id TEXT, campaign TEXT, address TEXT, at REAL, state TEXT, bounced TEXT, unsubscribed REAL);
        CREATE INDEX IF NOT EXISTS sent_campaign ON sent(campaign); CREATE INDEX IF NOT EXISTS sent_id ON sent(id);
        CREATE INDEX IF NOT EXISTS sent_address ON sent(address, at);
        CREATE TABLE IF NOT EXISTS letter(campaign TEXT PRIMARY KEY, subject TEXT)
      SQL
      statements: typed.map { |address| ["UPDATE sent SET unsubscribed = ? WHERE key = (SELECT key FROM sent WHERE address = ? ORDER BY at DESC LIMIT 1) AND unsubscribed IS NULL", [now.to_f, address]] } + [
        [<<~SQL, { campaign: campaign }]
          SELECT address, campaign, strftime('%Y-%m-%dT%H:%M:%fZ', unsubscribed, 'unixepoch') AS at FROM sent
          WHERE unsubscribed IS NOT NULL AND (:campaign IS NULL OR campaign = :campaign) ORDER BY unsubscribed, address
        SQL
      ]
    )
    known.rows.map { |one| { to: one.address, at: time(one.at), campaign: one.campaign } }
  end

  perform :pause do |campaign, reason|
    consent.pause(channel: :email, batch: campaign, reason: reason, database: setting.list)
    nil
  end

  perform :resume do |campaign|
    consent.resume(channel: :email, batch: campaign, database: setting.list)
    nil
  end

  perform :terminate do |campaign, reason|
    consent.terminate(channel: :email, batch: campaign, reason: reason, database: setting.list)
    nil
  end

  perform(:paused?) { consent.held(channel: :email, database: setting.list) == :paused }

  perform :suppress do |to, reason|
    consent.suppress(channel: :email, address: to, reason: reason, database: setting.list)
    nil
  end

  perform :unsuppress do |to, reason|
    consent.lift(channel: :email, address: to, reason: reason, database: setting.list)
    nil
  end

  perform(:suppressed?) { |to| consent.suppressed(channel: :email, address: to, database: setting.list) }

  perform :suppressions do
    consent.suppressions(channel: :email, database: setting.list).map { |one| { to: one.address, reason: one.reason, source: one.source, at: time(one.at) } }
  end
end
