runbook "r" do
  reviewed "yesterday", by: "me"
  schedule "0 8"
  schedule "0 8 * * x"
  step "one" do
    show "x" =~ /a(b/
  end
end
