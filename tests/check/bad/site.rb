site "x" do
  timezon "UTC"
  timezone 3
  role :a, members: 3
  role :a, members: %w[x]
  connect :sms, url: "x"
  secrets directory: "x"
  journal env("X", 1, 2)
  step "x" do
  end
  escalation do
    severity :sev1, page: "x"
    role :b, members: %w[x]
  end
end
