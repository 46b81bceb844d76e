# What an investigation leaves behind: findings and follow-ups, kept in the journal.
# run:
runbook "findings" do
  title "Write down what was found"

  step "Look at the errors" do
    errors = ["timeout db-1", "timeout db-1", "refused mail"]
    counts = errors.tally
    show counts, as: "errors"
    worst = counts.max_by { |text, n| n }
    finding "#{worst[0]}, #{worst[1]} times", kind: :root_cause
    follow_up "Watch db-1 for a day", owner: "platform", due: 1.day
  end

  step "Stop here if it is small" do
    finish "nothing else is broken" if errors.size < 5
  end

  step "Dig deeper" do
    manual "Read the full log"
  end
end
