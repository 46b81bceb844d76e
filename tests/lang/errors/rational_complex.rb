a = 3r
b = 2i
c = 1.5ri
