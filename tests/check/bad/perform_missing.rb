binding :a do
  action :b, effect: :read do
    gives :string
  end
  action :c, effect: :read
  action :d, effect: :read
end
driver :x, for: :a do
  perform :c do
    nil
  end
  perform :e do
    nil
  end
end
