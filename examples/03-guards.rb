# A guard is a precondition. What follows from one that does not hold is part of it.
# run: --set environment=staging
runbook "guards" do
  title "Guard the steps"

  input :environment, :symbol, about: "where", one_of: [:staging, :production]

  step "Warm the cache" do
    guard "the cache is for staging only", input.environment == :staging, otherwise: :skip
    note "cache warmed"
  end

  step "Announce" do
    guard "only production is announced", input.environment == :production, otherwise: :skip
    note "announced"
  end

  step "Carry on" do
    note "both steps were looked at"
  end
end
