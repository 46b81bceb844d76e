binding :a do
  action :b, effect: :write, repeat: :safe do
    takes :to, :string
  end
  action :c, effect: :read do
    gives :integer
  end
end
driver :x, for: :a do
  setting :url, :string
  perform :b do |to|
    nil
  end
  perform :c do
    1
  end
end
driver :none, for: :a
driver :late, for: :a, same_as: :y
driver :y, for: :a, same_as: :x do
  setting :url, :integer
  perform :c do
    "text"
  end
  perform :c do
    2
  end
end
driver :simulated, for: :a, same_as: :x do
  setting :url, :string, default: "here"
  perform :c do
    setting.url.size
  end
end
