a = 1 + 2 * 3 ** 2
b = -2 ** 2
c = -x ** 2
d = !a == b
e = a || b && c
f = a == b || !c
g = a < b == true
h = a | b & c
i = 2 ** -1
j = a ? b : c ? d : e
k = a - -b
l = 1..x + 1
m = a <=> b
n = a =~ /x/
o = a !~ /x/
q = (1 + 2) * 3
r = a % b
s = +x
t = -2.abs
u = a-b
v = a -
  b
