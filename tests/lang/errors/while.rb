step "a" do
  while queue.size > 0 do
    note "waiting"
  end
end
note "x" while true
