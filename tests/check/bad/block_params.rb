runbook "r" do
  step "one" do
    show [1, 2].map { |a, b| a }
    wait_until within: 1.second do |x|
      true
    end
  end
  each_of [1] do |a, b|
    step "two" do
      show a
    end
  end
end
