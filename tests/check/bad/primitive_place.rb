runbook "r" do
  step "one" do
    show file.read(path: "x")
  end
end
