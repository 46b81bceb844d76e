case x
in [1, 2]
  show 1
end
