x = 1 +
step "a" do
  y = 2 *
  note "b"
end
