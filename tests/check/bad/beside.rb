runbook "beside" do
  input :n, :integer, default: 1
  step "Before" do
    x = 1
    total = 0
    seen = 1
  end
  parallel do
    step "A" do
      x = 2
      y = 1
    end
    step "B" do
      show x
      y = 3
    end
    section "C" do
      step "C1" do
        p1 = 1
        finish "enough" if input.n > 3
        p2 = 2
      end
      step "C2" do
        p3 = 2
      end
    end
  end
  step "After" do
    show p1
    show p2
    show p3
    show x + y
  end
  each_of [1, 2], at_once: 2 do |i|
    step "Sum" do
      total += i
      seen = i
    end
  end
  each_of [1, 2] do |i|
    step "Sum two" do
      total += i
    end
  end
  step "End" do
    show total
    show seen
  end
end
