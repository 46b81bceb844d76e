def retry_it(a, b = 1)
  show a
end
show 1
