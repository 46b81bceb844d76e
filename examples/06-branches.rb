# Sections group steps; branches choose them. The plan is read from the text: every branch can be
# seen before anything runs.
# run: --set severity=2
runbook "branches" do
  title "Choose by severity"

  input :severity, :integer, about: "1 is worst", min: 1, max: 4

  section "Assess" do
    step "Name it" do
      word = case input.severity
             when 1 then "outage"
             when 2..3 then "degradation"
             else "nuisance"
             end
      note "severity #{input.severity}: #{word}"
    end
  end

  if input.severity <= 2
    step "Open a bridge" do
      note "bridge for the #{word}"
    end
  else
    step "Open a ticket" do
      note "ticket for the #{word}"
    end
  end
end
