a = 1
a += 1
a ||= foo 1
a &&= 2
a **= 2
a, b = 1, 2
a, b = foo
a, (b, c) = 1, [2, 3]
(a, b), c = x
h = { "a" => 1, b: 2, "c d": 3, e: }
a = foo 1, 2
a = foo 1 do 2 end
