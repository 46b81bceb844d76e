$stdout = 1
@count += 1
@@all = 2
show "#@count"
show "costs #$price"
