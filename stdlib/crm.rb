# Customers: who is in a segment, and the texts of a campaign. Read only: what a customer asked for (a stop, an
# unsubscription) is kept by the bindings that send, and upheld there.
#
# A segment is a list of people; a field that a person does not have is nil:
#
# ```ruby plan
#   use "crm"
#   step "Look at the segment" do
#     people = crm.segment(name: "spring")
#     missing = people.reject { |person| person.consent && !person.opted_out }
#     expect missing.empty?, "#{missing.size} of #{people.size} have no consent on record"
#     show people.count { |person| person.phone.nil? }, as: "without a phone number"
#   end
# ```

binding :crm, "Customers" do
  action :segment, effect: :read, about: "The people of a segment" do
    takes :name, :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100, about: "the segment"
    gives [{ id: :string, name: :string, phone: :phone?, email: :email?, consent: :boolean, opted_out: :boolean, zone: :string? }]
  end

  action :body, effect: :read, about: "The text message of a campaign" do
    takes :campaign, :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100, about: "the campaign"
    gives :string
  end

  # `{{name}}` and the like stand for what the mail to each person has there; who sends it puts that in.
  action :template, effect: :read, about: "The mail of a campaign" do
    takes :campaign, :string, match: /\A[a-z0-9][a-z0-9._-]*\z/, form: "a name of small letters, digits, dots, dashes and underscores", max: 100, about: "the campaign"
    gives :subject, :string
    gives :text, :string
    gives :html, :string, optional: true, about: "nil when the campaign has none"
  end
end

# The directory holds
#
# | file | what it holds |
# |---|---|
# | `segments/NAME.csv` | the people of a segment |
# | `campaigns/NAME.sms.txt` | the text message of a campaign |
# | `campaigns/NAME.email.subject.txt` | the subject of its mail |
# | `campaigns/NAME.email.txt` | its text |
# | `campaigns/NAME.email.html` | the same as HTML; may be missing |
#
# A byte-order mark at the beginning of a text is no part of it.
#
# A segment is a CSV file in UTF-8, or another that spreadsheets save, with these columns in any order:
#
# | column | |
# |---|---|
# | `id` | needed; each person's own |
# | `name` | needed |
# | `phone` | with the country's code, as +15555550100; the column may be missing, and a value empty |
# | `email` | likewise |
# | `consent` | needed: yes or no |
# | `opted_out` | yes or no; no when it is empty or missing |
# | `zone` | as America/New_York; may be missing and empty |
#
# What somebody refused holds for the number and the address, whatever other rows with them say: `opted_out` in one row is so
# in all of that phone, and of that email in whatever case; likewise a `consent` that is no.
#
# A file that has something else is refused, with the row and what is wrong there: nobody is passed over in silence.
# Texts are UTF-8; one that is not is refused, with the line and the byte.
driver :files, for: :crm, default: true, about: "A directory of files" do
  setting :directory, :path,    default: "crm",  about: "where they are, from where the run was started"
  setting :max,       :integer, default: 100000, min: 1, max: 1000000, about: "people of one segment"
  setting :max_text,  :integer, default: 262144, min: 1, about: "bytes of one text"

  perform :segment do |name|
    path = "#{setting.directory}/segments/#{name}.csv"
    fail! :validation, "there is no segment #{name}: no file #{path}" unless file.exists(path)
    rows = csv.parse(path: path, row_as: "(row)", max: setting.max)
    columns = rows.empty? ? %w[id name consent] : rows.first.keys - ["(row)"]
    lacking = %w[id name consent] - columns
    fail! :validation, "#{path} has no column #{lacking.join(", ")}" unless lacking.empty?
    strange = columns - %w[id name phone email consent opted_out zone]
    fail! :validation, "#{path} has a column #{strange.join(", ")}, which means nothing here" unless strange.empty?
    people = rows.map { |row| row.transform_values { |text| text.to_s.strip } }
    twice = people.map { |person| person["id"] }.tally.select { |id, count| count > 1 }
    wrong = people.flat_map do |person|
      found = [
        person["id"].empty? ? "the id is empty" : nil,
        twice.key?(person["id"]) ? "the id #{person["id"]} stands #{twice[person["id"]]} times" : nil,
        person["phone"].to_s.empty? || person["phone"].match?(/\A\+[1-9][0-9]{7,14}\z/) ? nil : "the phone #{person["phone"].inspect} is not like +15555550100",
        person["email"].to_s.empty? || person["email"].match?(/\A[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\z/) ? nil : "the email #{person["email"].inspect} is no address",
        %w[yes no true false].include?(person["consent"].downcase) ? nil : "consent is #{person["consent"].inspect}, not yes or no",
        ["yes", "no", "true", "false", ""].include?(person["opted_out"].to_s.downcase) ? nil : "opted_out is #{person["opted_out"].inspect}, not yes or no",
        person["zone"].to_s.empty? || clock.zone?(person["zone"]) ? nil : "there is no time zone #{person["zone"].inspect}"
      ]
      found.compact.map { |text| "row #{person["(row)"]}: #{text}" }
    end
    more = wrong.size > 5 ? "; and #{wrong.size - 5} more" : ""
    fail! :validation, "#{path}: #{wrong.first(5).join("; ")}#{more}" unless wrong.empty?
    no = people.reject { |person| %w[yes true].include?(person["consent"].downcase) }.flat_map { |person| [person["phone"].to_s, person["email"].to_s.downcase] }.tally
    out = people.select { |person| %w[yes true].include?(person["opted_out"].to_s.downcase) }.flat_map { |person| [person["phone"].to_s, person["email"].to_s.downcase] }.tally
    people.map do |person|
      {
        id: person["id"], name: person["name"],
        phone: person["phone"].to_s.empty? ? nil : person["phone"],
        email: person["email"].to_s.empty? ? nil : person["email"],
        consent: %w[yes true].include?(person["consent"].downcase) && [person["phone"].to_s, person["email"].to_s.downcase].none? { |at| !at.empty? && no.key?(at) },
        opted_out: %w[yes true].include?(person["opted_out"].to_s.downcase) || [person["phone"].to_s, person["email"].to_s.downcase].any? { |at| !at.empty? && out.key?(at) },
        zone: person["zone"].to_s.empty? ? nil : person["zone"]
      }
    end
  end

  perform :body do |campaign|
    path = "#{setting.directory}/campaigns/#{campaign}.sms.txt"
    fail! :validation, "there is no text message of #{campaign}: no file #{path}" unless file.exists(path)
    text = file.read(path, max: setting.max_text, exact: true).delete_prefix("\uFEFF").strip
    fail! :validation, "#{path} is empty" if text.empty?
    text
  end

  perform :template do |campaign|
    base = "#{setting.directory}/campaigns/#{campaign}.email"
    missing = [".subject.txt", ".txt"].reject { |ending| file.exists(base + ending) }
    fail! :validation, "the mail of #{campaign} is not whole: no file #{missing.map { |ending| base + ending }.join(", no file ")}" unless missing.empty?
    subject = file.read(base + ".subject.txt", max: setting.max_text, exact: true).delete_prefix("\uFEFF").strip
    text = file.read(base + ".txt", max: setting.max_text, exact: true).delete_prefix("\uFEFF")
    fail! :validation, "#{base}.subject.txt is #{subject.empty? ? "empty" : "more than a line"}" if subject.lines.size != 1
    fail! :validation, "#{base}.txt is empty" if text.strip.empty?
    html = file.exists(base + ".html") ? file.read(base + ".html", max: setting.max_text, exact: true).delete_prefix("\uFEFF") : nil
    { subject: subject, text: text, html: html }
  end
end

# Every segment and every campaign is there. Nobody of these people exists: the numbers are +1555501xxxx, the
# addresses at example.org.
driver :simulated, for: :crm, about: "People who are made up" do
  setting :people,          :integer, default: 200, min: 0, max: 10000, about: "how many a segment has"
  setting :without_consent, :integer, default: 0, min: 0, about: "how many of them gave no consent"
  setting :opted_out,       :integer, default: 0, min: 0, about: "how many of them opted out"

  perform :segment do |name|
    given = %w[Ana Sam Kim Lee Noor Ines Paul Mara Theo Rosa Ivan Juno]
    zones = %w[America/New_York America/Chicago America/Denver America/Los_Angeles]
    (0...setting.people).map do |i|
      {
        id: "#{name}-%04d" % i, name: "#{given[i % given.size]} #{i + 1}",
        phone: "+1555501%04d" % i, email: "person%04d@example.org" % i,
        consent: i >= setting.without_consent, opted_out: i >= setting.people - setting.opted_out,
        zone: zones[i % zones.size]
      }
    end
  end

  perform :body do |campaign|
    "Sample message of #{campaign}. Reply STOP to opt out."
  end

  perform :template do |campaign|
    {
      subject: "Sample mail of #{campaign}",
      text: "Hello {{name}},\n\nthis is the sample mail of #{campaign}.\n\nUnsubscribe: {{unsubscribe}}\n",
      html: "<p>Hello {{name}},</p><p>this is the sample mail of #{campaign}.</p><p><a href=\"{{unsubscribe}}\">Unsubscribe</a></p>\n"
    }
  end
end
