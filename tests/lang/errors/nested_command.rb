x = a && show 1
y = [show 1]
z = foo(1, bar 2)
