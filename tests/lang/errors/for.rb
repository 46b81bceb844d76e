for x in [1, 2] do
  show x
end
