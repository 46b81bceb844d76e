runbook "r" do
  input :campaign, :string
  step "one" do
    total = 1
    show totl
    show totl
    show total
    show nowhere
  end
  step "two" do
    show campaign
    show input.campaign
  end
end
