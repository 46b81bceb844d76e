# Somebody is called, one contact after the other, until somebody says that they have it.
# run: --site data/office.rb --answers 15-paging.json --virtual-clock
runbook "paging" do
  title "Call who is on call"

  step "Look at the queue" do
    waiting = 1_200
    page :on_call, "#{waiting} messages wait in the queue", severity: 2 if waiting > 1_000
    note "somebody looks at it"
  end
end
