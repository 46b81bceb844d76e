runbook "r" do
  input :never, :string
  step "one" do
    a = 1
    _b = 2
    list = [1].map { |x| y = x; 3 }
    show list
  end
end
