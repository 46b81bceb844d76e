step "a" do
  note "x"
