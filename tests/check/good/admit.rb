binding :post, "Letters" do
  setting :blocked, :array, default: [], about: "who gets none"

  action :send, effect: :write do
    takes :to, :string
    takes :body, :string
  end
  action :block, effect: :write, repeat: :safe do
    takes :to, :string
  end

  admit :to, except: :block do |to|
    closed = sql.query(database: "closed.db", state: true, text: "SELECT why FROM closed WHERE name = ?", values: [to])
    if setting.blocked.include?(to)
      "#{to} is blocked"
    elsif !closed.empty?
      closed.first.why
    elsif call.batch && now.hour < 8
      :wait
    end
  end
end

driver :paper, for: :post, default: true do
  setting :stamp, :string, default: "first class"

  perform :send do |to, body|
    file.append(path: "sent", text: "#{to} #{setting.stamp} #{setting.blocked.size}\n", state: true)
    nil
  end
  perform(:block) { |to| file.append(path: "blocked", text: to, state: true) }
end
