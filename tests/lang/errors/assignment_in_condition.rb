if x = 1
  note "a"
end
y = z = 2
