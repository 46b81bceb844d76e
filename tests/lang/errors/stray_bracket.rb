show 1)
note "x"]
x = }
note "ok"
