step "a" do
  note "x"
else
  note "y"
end
