foo
foo()
foo(1)
foo 1
foo 1, 2, a: 3
foo(1, a: 2,)
foo.bar
foo.bar 1
foo&.bar(1)
foo.bar.baz 1, b: 2
foo bar 1
foo(bar 1)
foo(a:, b:)
foo a: 1, if: 2, end: 3
foo.if.class
fail! :a, "b"
foo !x
foo [1], {a: 2}
foo :a, -1
foo x[1]
foo %w[a b], <<~X
  text
X
foo(
  1,
  a: 2
)
foo 1,
  2
foo case x when 1 then 2 end
