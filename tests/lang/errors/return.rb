return 5 if x
