x = Foo::Bar.new
y = ::Baz
