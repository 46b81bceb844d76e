show <<~A, "b
  text
A
c"
