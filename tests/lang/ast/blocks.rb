foo do end
foo do |x| x end
foo { |x| x }
foo 1 do |a, (b, c)| a end
x = foo a do |y| y end
foo a.map do |x| x end
foo(a.map do |x| x end)
foo a.map { |x| x }
foo(1) do 2 end
foo [a do 1 end]
foo bar 1 do end
a.b(1) { 2 }.c do 3 end
foo.map(&:size)
foo do; a; 2; end
if a.any? do |x| x end then 1 end
verify "text", within: 5.minutes do
  a == b
end
foo { { a: 1 } }
foo {
  1
}
