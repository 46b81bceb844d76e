x = "abc
show x
