name = gets
n = rand(6)
raise "broken"
exit 1
abort "x"
