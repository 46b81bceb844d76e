yield 1
yield
