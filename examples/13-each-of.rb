# The same steps for each element of a list. A step's id carries the element's key.
# run:
runbook "each-of" do
  title "Restart the workers, one after the other"

  step "List them" do
    workers = [{ host: "web-1", queue: 0 }, { host: "web-2", queue: 12 }]
  end

  each_of workers, as: :host do |worker|
    step "Drain and restart" do
      guard "the queue is empty", worker[:queue].zero?, otherwise: :skip
      note "#{worker[:host]} restarted"
    end
  end
end
