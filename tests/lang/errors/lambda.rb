f = lambda { |x| x + 1 }
g = proc { 1 }
h = ->(a, b) { a + b }
