a = <<~TEXT
  one #{x}
    two

  three
TEXT
b = <<~'RAW'
  one #{x} \n
RAW
c = <<-OLD
  kept
  OLD
d = <<PLAIN
 kept too
PLAIN
foo(<<~A, <<~B)
  a
A
  b
B
e = <<~X.strip + "z"
  text
X
f = <<~OUT
  a #{foo(<<~IN)} b
    inner #{1 + 1}
  IN
  c
OUT
g = <<~"Q Q"
  q
Q Q
h = <<~T
  	a
  b\tc
  d \
  e
T
i = <<~EMPTY
EMPTY
j = <<~T
  #{x}
    y
T
k = [<<~A, 1]
  a
A
foo <<~T do |x|
  body
T
  x
end
