step "one" foo do
  show -x
end
if a b
  note "skipped"
end
step "two" do
  show 1 2
  note "fine"
  x = (1 + 
  note "lost"
end
show -y
