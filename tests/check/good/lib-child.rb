runbook "lib-child" do
  input :host, :string, about: "host to look at"
  step "Look" do
    note "at #{input.host}"
  end
end
