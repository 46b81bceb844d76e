runbook "r" do
  each_of [1, 2] do |x|
    step "in" do
      a = x
      show a
    end
  end
  parallel do
    step "left" do
      b = 1
    end
    step "right" do
      show b
    end
  end
  step "after" do
    show a
    show b
  end
end
