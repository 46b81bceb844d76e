binding :a do
  action :b, effect: :read do
    takes :to, :string
    takes :body, :string
    gives :id, :string
    gives :state, :symbol, one_of: [:ok, :bad]
    gives :more, :string, optional: true
  end
  action :n, effect: :read do
    gives :integer
  end
end
driver :x, for: :a do
  setting :url, :url, default: "http://x"
  perform :b do |body, to|
    fail! :no, "no" if body.empty?
    if to == "x"
      { id: setting.ulr, stat: :ok }
    else
      { id: 3, state: :fine }
    end
  end
  perform :n do
    "text"
  end
end
driver :y, for: :a do
  perform :b do |to, body, more|
    { id: call.kee, state: :ok }
  end
  perform :n do
    x = input.y
    title "x"
    3
  end
end
