x = 1 y = 2
show 1 show 2
