a === b
x ^ y
x >> 2
~x
