a = "x" "y"
b = "x" 'y' "#{z}"
c = "a #{b} c #{"d #{e}"}"
d = :"a #{b}"
e = "multi
line"
f = "a#b # c"
g = 'a\\b'
h = "\#{x} \" \
  joined"
i = "#{foo 1}"
j = /a#{b}c/x
k = "#{h["x"]}"
l = "a" \
  "b"
