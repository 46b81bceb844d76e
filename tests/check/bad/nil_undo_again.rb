runbook "again" do
  use "imports"
  input :database, :path
  step "One" do
    staged = imports.stage(path: "a.csv", database: input.database, table: "t", columns: [{ from: "a", to: "a" }])
    rollback { imports.discard(database: input.database, import: staged.id) if staged }
  end
  step "Two" do
    staged = imports.stage(path: "b.csv", database: input.database, table: "t", columns: [{ from: "a", to: "a" }])
    rollback { imports.discard(database: input.database, import: staged.id) }
  end
  step "Three" do
    count = 1
    imports.stage(path: "c.csv", database: input.database, table: "t", columns: [{ from: "a", to: "a" }])
    count += 1
    rollback { note "#{count + 1}" }
  end
end
