foo (1)+2
expect (a || b), "x"
