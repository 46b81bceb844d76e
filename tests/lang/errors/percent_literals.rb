a = %q(one)
b = %Q(two #{x})
c = %(three)
d = %W[a b]
e = %r{x}
f = %s(y)
