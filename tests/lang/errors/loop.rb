loop do
  sleep 5
end
