x = /(?<a>b)/ =~ y
x = 0b12
x = 0o9
foo(1.. %b)
