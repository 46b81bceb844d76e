x = a and b
y = a or b
z = not a
