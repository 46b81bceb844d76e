show a: 1, 2
show(&:x, 1)
show "Key": , b: 1
