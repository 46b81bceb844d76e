runbook "r" do
  input :a, :string
  input :a, :integer
  step "one" do
    show input.a
  end
end
