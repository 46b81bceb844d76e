# What a person is asked. On a terminal it asks; without one, an answers file says.
# run: --answers 05-questions.json
runbook "questions" do
  title "Ask the operator"

  step "Choose a replica" do
    replica = choose "Which replica takes over?", ["db-1", "db-2"], suggest: "db-2"
    lag = ask "How many seconds is it behind?", :integer, default: 0
    expect lag < 10, "#{replica} is too far behind"
    note "#{replica}, #{lag} s behind"
  end

  step "Be sure" do
    confirm "Is the maintenance page up?"
    manual "Tell the shift lead on the phone", evidence: true
  end
end
