runbook "r" do
  title "a"
  title "b"
  timeout 1.hour
  timeout 2.hours
  step "one" do
    about "a"
    about "b"
    timeout 1.minute
    timeout 2.minutes
    note "x"
    rollback { note "a" }
    rollback { note "b" }
  end
end
