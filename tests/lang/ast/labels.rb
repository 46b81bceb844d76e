x ? y : z
x ? "a": "b"
x ? foo: bar
x ? 1 :b
{ if: 1, do: 2, nil: 3 }
foo for: 2.hours, in: 3
{ A: 1, "b": 2, 'c': 3 }
x ? nil : true
foo?(a: 1)
x.empty? ? 1 : 2
