show(1, 2
note "x"
show [1, 2
note "y"
x = {a: 1
note "z"
