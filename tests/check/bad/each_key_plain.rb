runbook "r" do
  input :hosts, [:string]
  input :days, [:date]
  each_of input.hosts, as: :host do |h|
    step "one #{h}" do
      note h
    end
  end
  each_of input.days.map { |day| day }, as: :day do |d|
    step "two #{d}" do
      show d
    end
  end
  each_of [:a, :b], as: :name do |s|
    step "three #{s}" do
      show s
    end
  end
  each_of [{ id: "a" }], as: :id do |x|
    step "four #{x[:id]}" do
      show x[:id]
    end
  end
end
