runbook "r" do
  title
  step "one" do
    expect
    guard_text = 1
    show guard_text
    show "x".start_with?
    show "x".tr("a")
    fail! :kind
  end
end
