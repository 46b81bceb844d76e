# A binding with two drivers: every kind of declaration.
binding :tickets, "A ticket system" do
  action :open, effect: :write, repeat: :by_key, about: "Opens a ticket" do
    takes :title, :string, about: "one line", min: 3, max: 80
    takes :urgency, :symbol, one_of: [:low, :high], default: :low
    takes :labels, [:string], default: []
    takes :due, :date, optional: true
    takes :owner, :string?
    gives :id, :string, match: /\AT-\d+\z/
    gives :url, :url, optional: true
    gives :token, :secret
  end
  action :find, effect: :read do
    takes :text, :string
    gives [{ id: :string, title: :string, state: :symbol, history: [{ at: :time, by: :string? }] }]
  end
  action :ping, effect: :read
  action :count, effect: :read do
    gives :integer
  end
end

driver :board, for: :tickets, about: "tickets on a board" do
  setting :url, :url, default: "https://tickets.example.org"
  setting :key, :secret
  setting :limit, :duration, default: 30.seconds

  perform :open do |title, urgency, labels, due, owner|
    fail! :validation, "no title" if title.strip.empty?
    marks = labels.reject { |l| l.empty? }
    number = title.size + marks.size
    note_text = owner ? "#{owner}: #{title}" : title
    if urgency == :high
      { id: "T-#{number}", token: setting.key, url: setting.url }
    else
      { id: "T-1", token: "x", url: due && "#{setting.url}/#{due.iso8601}/#{note_text}" }
    end
  end
  probe :open do |title, urgency|
    title == call.key && urgency == :low ? { id: "T-1" } : :unknown
  end
  perform :find do |text|
    [{ id: "T-1", title: text, state: :open, history: [] }]
  end
  perform :ping do
    wait 1.second
    nil
  end
  perform :count do
    3
  end
end

driver :simulated, for: :tickets, default: true do
  perform(:open) { |title| { id: "T-#{title.size}", token: "x" } }
  perform(:find) { [] }
  perform(:ping) { nil }
  perform(:count) { 0 }
end
