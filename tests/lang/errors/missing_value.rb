x =
show(1 + )
y = [1, , 2]
z = a ? : b
