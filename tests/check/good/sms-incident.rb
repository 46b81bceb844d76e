runbook "sms-incident" do
  input :campaign, :string, about: "campaign id"
  step "Say" do
    note "look at #{input.campaign}"
  end
end
