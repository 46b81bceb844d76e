step "a" do
  note "x"
  end
end
