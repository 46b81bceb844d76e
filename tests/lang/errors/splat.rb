show(*list)
start "x", **options
a, *b = 1, 2
