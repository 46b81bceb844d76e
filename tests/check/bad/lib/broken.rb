binding :x do
  action :y, effect: :read do
    gives :string,
  end
end
