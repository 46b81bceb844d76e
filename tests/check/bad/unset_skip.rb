runbook "r" do
  input :n, :integer
  step "one" do
    guard "needed", input.n > 1, otherwise: :skip
    a = 1
    show a
  end
  step "two" do
    b = 1
    skip! "small" if input.n < 5
    c = 2
    show [b, c]
  end
  step "three" do
    show a
    show b
    show c
  end
end
