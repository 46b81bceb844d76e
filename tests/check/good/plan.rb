# Every construct a plan is made of.
runbook "plan" do
  title "Everything a plan may hold"
  about "Sections, branches, loops over lists, child runs."
  source "operations handbook 4.2"
  owner "operations"
  tags "plan", "example"
  reviewed "2026-11-02", by: "ops-lead"
  review_every 90.days
  requires role: :operator
  severity :sev2
  concurrency 4
  on_failure :rollback

  use "lib/messaging"

  input :mode, :symbol, about: "how far to go", one_of: [:check, :fix], default: :check
  input :hosts, [:string], about: "host names", default: ["a", "b"]
  input :limit, :duration, about: "how long", default: "30m"
  input :quiet, :boolean, default: false
  input :note, :string?, about: "said at the end"

  lock "plan/#{input.mode}"
  timeout input.limit
  schedule "0 8 * * 1-5"

  trigger "messages wait too long", every: 1.minute do
    sms.batch("last").accepted > 100
  end

  count = input.hosts.size
  first, second = ["a", "b"]

  section "Look" do
    step "Look at #{first} and #{second}", id: "look" do
      total = count + 1
      note "#{total} hosts"
    end
  end

  parallel at_once: 2 do
    step "Left" do
      left = 1
      note "left #{left}"
    end
    section "Right" do
      step "Right" do
        right = 2
        note "right"
      end
    end
  end

  step "Both" do
    expect left < right, "left comes first"
  end

  each_of input.hosts, at_once: count do |host|
    step "Visit #{host}" do
      answer = host.upcase
      note answer
    end
  end

  if input.mode == :fix
    step "Fix" do
      fixed = true
    end
  elsif input.quiet
    step "Say nothing" do
      fixed = nil
    end
  else
    step "Say so" do
      fixed = false
    end
  end

  unless input.quiet
    step "Tell" do
      note "fixed: #{fixed}"
    end
  end

  case input.mode
  when :check
    step "Check again" do
      outcome = "checked"
    end
  when :fix
    step "Confirm the fix" do
      outcome = "fixed"
    end
  end

  result = run "lib-child", host: first
  start "lib-report", text: outcome if result.state == :succeeded

  step "End" do
    note input.note || "done"
  end

  on_failure do |failure|
    note "#{failure.kind} in #{failure.step}: #{failure.message}"
    page :operator, "the plan failed", severity: 2
    follow_up "look at the plan", owner: "operations", due: 2.days
  end
end
