class Foo < Bar
  show 1
end
