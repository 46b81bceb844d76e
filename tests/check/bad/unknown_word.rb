runbook "r" do
  titel "x"
  step "one" do
    expct 1 == 1
    noet "x"
    frobnicate 3
  end
end
