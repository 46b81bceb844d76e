runbook "r" do
  step "one" do
    a = 2.minutes + 3
    b = 3 + 2.minutes
    c = "x" + 1
    d = 1 + "x"
    e = now + now
    f = 2.minutes < 3
    g = [1] - 1
    h = 2.minutes + now
    i = -"x"
    j = 5 =~ /x/
    k = "3" * "4"
    l = 2.minutes * 2.minutes
    show [a, b, c, d, e, f, g, h, i, j, k, l]
    n = 1
    n += "x"
    show n
  end
end
