runbook "r" do
  title "x #{1}"
  input :a, :string, default: now.to_s
  input :b, :string, one_of: :c
  input :c, :string, match: "x"
  input "d", :string
  step "one" do
    approve "x", by: "lead"
    retries 2, on: ["a"]
    show [input.a, input.b, input.c]
    page :lead, "x", severity: 2
    manual "x", evidence: 1
    page "lead", "x"
  end
  step 3 do
    note "x"
  end
end
