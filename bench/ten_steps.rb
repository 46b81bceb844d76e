# Ten steps without an effect: what a run itself costs.
runbook "ten-steps" do
  title "Ten steps"
  step "One" do
    x = 1
  end
  step "Two" do
    x += 1
  end
  step "Three" do
    x += 1
  end
  step "Four" do
    x += 1
  end
  step "Five" do
    x += 1
  end
  step "Six" do
    x += 1
  end
  step "Seven" do
    x += 1
  end
  step "Eight" do
    x += 1
  end
  step "Nine" do
    x += 1
  end
  step "Ten" do
    expect x == 9, "steps were left out"
  end
end
