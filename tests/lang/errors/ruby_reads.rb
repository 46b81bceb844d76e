# Each of these Ruby reads in another way, or not at all.
x = a ? b :-1
x = a ? b:[1]
x = a ? b??1 : 2
x = nil!= a
list.map { ; |a| a }
list.map { |a!| a }
list.map(&:"a b")
show :||a
show :&&a
x = 1.. || a
x = 1.. == a
x = a if 1..2
x = !(1..) && b
if a && /b/
  show 1
end
