runbook "many-events" do
  title "A run of a hundred thousand events that waits for an answer"
  use "many_events_binding"

  numbers = (1..25_000).to_a
  each_of numbers do |n|
    step "Count" do
      counted = counter.count(n: n)
      irreversible "counting leaves nothing behind"
    end
  end

  step "Ask" do
    confirm "Are all counted?"
  end
end
