runbook "r" do
  input :campaign, :string
  step "one" do
    show input.compaign
    show input.campaign
  end
end
