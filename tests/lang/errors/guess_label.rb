start "x", campaign:
show 1
