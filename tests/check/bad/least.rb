runbook "r" do
  timeout 0.seconds
  concurrency 0
  trigger "soon", every: 500.milliseconds do
    true
  end
  parallel at_once: 0 do
    step "one" do
      deadline 0.minutes
      note "x"
    end
    step "two" do
      retries(-1)
      note "x"
    end
  end
  each_of [1, 2], at_once: -2 do |i|
    step "three #{i}" do
      approve "go?", by: :lead, within: 0.minutes, use_by: 0.hours
      timeout(-5.minutes)
      note "x"
      rollback timeout: 0.seconds, retries: -1 do
        note "y"
      end
    end
  end
end
