x = 1
x %w[a]
