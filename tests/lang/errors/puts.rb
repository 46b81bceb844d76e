puts "hello"
print "a"
p x
pp x
printf "%d", 1
puts
