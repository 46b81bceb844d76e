# Durations and times have types of their own; adding a bare number to one is an error.
# run: --set begins=2026-11-02T22:30:00Z
runbook "time" do
  title "Work out a window"

  input :begins, :time,     about: "when the window opens"
  input :length, :duration, about: "how long it is", default: 90.minutes

  step "Work it out" do
    closes = input.begins + input.length
    note "closes #{closes.iso8601}"
    note "over midnight" if closes.day != input.begins.day
    expect closes - input.begins <= 4.hours, "a window is at most 4 hours"
    share = input.length.to_f / 1.day.to_f
    show share.round(4), as: "part of a day"
  end
end
