x = [1, 2]
show x [1]
x [1]
tags ["a"]
