# `expect` checks on the way, `verify` checks at the end of the step. A step that does not hold
# fails, and the run stops there: nothing more is changed until an operator decides.
# run: exit=1
runbook "verify" do
  title "Find a wrong total"

  step "Add up" do
    amounts = [120, 80, 45]
    expect amounts.all? { |a| a > 0 }, "an amount is not positive"
    total = amounts.sum
    show total, as: "total"
    verify("the total is 250") { total == 250 }
  end

  step "Never reached" do
    note "the total is right"
  end
end
