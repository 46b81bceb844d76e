# What branches may share: what was set before them, and what each sets by itself.
runbook "branches" do
  input :early, :boolean, default: false, about: "whether the first branch ends early"
  step "Before" do
    base = 1
    last = 0
  end
  parallel do
    section "First" do
      step "One" do
        one = base + 1
        finish "that will do" if input.early
      end
      step "One more" do
        note "more"
      end
    end
    step "Two" do
      two = base + 2
      again = two
      show again
    end
    step "Stop" do
      finish "here"
    end
  end
  each_of [1, 2], at_once: 2 do |n|
    step "Item" do
      last = n
      show last
    end
  end
  each_of [1, 2] do |n|
    step "In turn" do
      last += n
    end
  end
  step "After" do
    show one + two + last
  end
end
