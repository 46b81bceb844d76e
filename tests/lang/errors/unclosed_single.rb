x = 'abc
show x
