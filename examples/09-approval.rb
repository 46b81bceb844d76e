# A gate before the body: somebody of a role says yes, or the step does not begin.
# run: --answers 09-approval.json
runbook "approval" do
  title "Ask before the change"

  input :table, :string, about: "table to rebuild", default: "orders"

  step "Count what is touched" do
    rows = 1_200
    note "#{rows} rows in #{input.table}"
  end

  step "Rebuild" do
    approve "Rebuild #{input.table} with #{rows} rows", by: :dba, within: 30.minutes
    note "#{input.table} rebuilt"
  end
end
