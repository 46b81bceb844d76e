runbook "lib-report" do
  input :text, :string, about: "what to say"
  step "Say" do
    note input.text
  end
end
