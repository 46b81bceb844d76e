runbook "r" do
  timeout 1.millisecond
  concurrency 1
  trigger "soon", every: 1.second do
    1 == 2
  end
  step "one" do
    retries 0, backoff: 0.seconds
    wait 0.seconds
    note "x"
    verify within: 0.seconds do
      1 == 1
    end
  end
end
