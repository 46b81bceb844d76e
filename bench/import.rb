# The import that the bench measures: twelve columns, three converters, duplicates by a key.
runbook "bench-import" do
  title "Import a large file"

  use "imports"

  input :file,     :path, about: "a file of bench/gen_csv"
  input :database, :path, about: "a database that is not there yet"

  step "Import" do
    columns = [
      { from: "First Name" }, { from: "Last Name" }, { from: "Email", convert: :email }, { from: "Phone", convert: :phone },
      { from: "Birth Date", convert: :date }, { from: "Street" }, { from: "City" }, { from: "State" }, { from: "Zip" },
      { from: "County" }, { from: "Registered On" }, { from: "Notes" }
    ]
    staged = imports.stage(path: input.file, database: input.database, table: "people", columns: columns,
                           keys: [:email], create: true)
    committed = imports.commit(database: input.database, import: staged.id, duplicates: :skip)
    expect committed.created > 0, "nothing was imported"
    irreversible "a bench throws its database away"
  end
end
