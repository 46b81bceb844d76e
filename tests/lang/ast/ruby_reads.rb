# Where Ruby's reading is not the first one that comes to mind.
a = +b ** 2
a = +1 ** 2
a = -1 ** 2
a = -1 \
  ** 2
t = <<~T
    one \
  two
   #{a} \
    three
T
foo <<~T, \
  body
T
  a
r = /a\
b/
x = a ? b : c
x = a ? b(1):c
list.each do ;; x end
foo(<<~T)
    

T
