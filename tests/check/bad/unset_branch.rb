runbook "r" do
  input :n, :integer
  step "one" do
    if input.n > 1
      a = 1
    end
    show a
    if input.n > 1
      b = 1
    else
      b = 2
    end
    show b
    c = 1 if input.n > 3
    show c
    case input.n
    when 1 then d = 1
    when 2 then d = 2
    end
    show d
    if input.n > 5
      e = 1
    else
      fail! :small, "too small"
    end
    show e
    f = 1 unless input.n > 1
    show f
  end
end
