list[0] = 1
h["a"] ||= 2
user.name = "x"
a.b, c = 1, 2
5 = x
Name = 1
fine? = 2
