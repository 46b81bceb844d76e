a = 1 +
  2
b = foo
  .bar
  # why
  .baz(1)
  &.qux
c = [
  1,
  2,
]
d = {
  a: 1,
  b: 2
}
e = x ?
  1 :
  2
f = x ? 1
  : 2
foo(
  1
)
;g = 1; h = 2;
i = (
  1
)
j = a &&
  b ||
  c
foo a:
      1
k = 1 # trailing
# last
__END__
this is ) not read
