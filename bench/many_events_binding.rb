binding :counter, "Counts in memory" do
  action :count, effect: :write, repeat: :safe, about: "Gives the number back" do
    takes :n, :integer
    gives :n, :integer
  end
end

driver :memory, for: :counter, default: true do
  perform :count do |n|
    { n: n }
  end
end
