binding :a do
  action :b, effect: :read do
    takes :x, :string
    takes :x, :integer
    gives :y, :string
    gives :y, :string
  end
  action :b, effect: :read
  action :c, effect: :read do
    gives :string
    gives :y, :string
  end
end
binding :a do
  action :z, effect: :read
end
driver :d, for: :a, default: true do
  setting :s, :string
  setting :s, :string
  perform :b do |x|
    { y: x }
  end
  perform :b do |x|
    { y: x }
  end
  perform :c do
    "x"
  end
end
driver :d, for: :a do
  perform(:b) { |x| { y: x } }
  perform(:c) { "x" }
end
driver :e, for: :a, default: true do
  perform(:b) { |x| { y: x } }
  perform(:c) { "x" }
end
