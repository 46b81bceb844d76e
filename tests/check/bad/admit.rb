binding :post, "Letters" do
  setting :blocked, :array, default: []
  setting :blocked, :string, default: "again"

  action :send, effect: :write do
    takes :to, :string
    takes :body, :string
  end
  action :block, effect: :write, repeat: :safe do
    takes :to, :string
  end
  action :look, effect: :read do
    takes :box, :string
    gives :boolean
  end

  admit :box do |box|
    "no" if box == "none"
  end
  admit :recipients do |to|
    nil
  end
  admit :to, except: [:block, :blocking] do |to|
    file.append(path: "log", text: to, state: true)
    return_to = setting.blokced
    if setting.blocked.include?(to)
      false
    elsif to.empty?
      :later
    elsif to == "all"
      { later: "tomorrow" }
    elsif to == "most"
      { wait: "until tomorrow", or: "later" }
    elsif to == "one"
      { wait: 5 }
    elsif to == "some"
      { wait: "until tomorrow" }
    else
      post.look(box: "x")
      nil
    end
  end
end

driver :paper, for: :post, default: true do
  setting :blocked, :boolean, default: true

  perform :send do |to, body|
    fail! :refused, "blocked" if setting.blocked.include?(to)
    nil
  end
  perform(:block) { |to| nil }
  perform(:look) { |box| true }
end
