# SOS OPS 4.1. Brings a spreadsheet of people into a table, one look at a time: nothing reaches the
# table before the commit, and the commit can be rolled back by the import's id.
runbook "spreadsheet-import" do
  title    "Import a spreadsheet"
  about    "Validate, map, preview, review duplicates, commit, verify"
  source   "SOS OPS 4.1"
  owner    "data"
  reviewed "2026-11-02", by: "ops-lead"
  on_failure :hold

  use "imports"

  input :file,        :path,    about: "the spreadsheet: .csv, .tsv or .xlsx"
  input :database,    :path,    about: "the SQLite database that it goes into"
  input :table,       :string,  about: "the table", default: "people", match: /\A[a-z_][a-z0-9_]*\z/
  input :worksheet,   :string,  about: "of a workbook: the sheet's name or number", optional: true
  input :encoding,    :string,  about: "how a text file is written", default: "utf-8",
                                one_of: ["utf-8", "latin-1", "windows-1252"]
  input :create,      :boolean, about: "make the database and the table when they are missing", default: false
  input :spot_checks, :integer, about: "rows to compare with the file afterwards", default: 10, min: 1, max: 1000

  lock "import into #{input.database}"

  step "Validate file structure" do
    found = imports.inspect(path: input.file, worksheet: input.worksheet, encoding: input.encoding)
    show found, as: "the file"
    expect found.rows > 0, "#{input.file} has a header and no rows"
    note "rows that do not fit the header and will be refused: #{found.damaged}" if found.damaged > 0
  end

  step "Map columns" do
    about "Says which column of the file goes where. Edit it for a spreadsheet with other columns."
    columns = [
      { from: "First Name",    to: "first_name",    convert: :squeeze, required: true },
      { from: "Last Name",     to: "last_name",     convert: :squeeze, required: true },
      { from: "Email",         to: "email",         convert: :email },
      { from: "Phone",         to: "phone",         convert: :phone },
      { from: "Birth Date",    to: "birth_date",    convert: :date },
      { from: "Street",        to: "street",        convert: :squeeze },
      { from: "City",          to: "city",          convert: :squeeze },
      { from: "State",         to: "state",         convert: :state },
      { from: "Zip",           to: "zip",           convert: :zip },
      { from: "County",        to: "county",        convert: :squeeze },
      { from: "Registered On", to: "registered_on", convert: :date },
      { from: "Notes",         to: "notes",         convert: :trim }
    ]
    keys = [:email, :phone, [:first_name, :last_name, :birth_date]]

    named = columns.map { |column| column[:from] }
    unused = found.columns - named
    show columns, as: "mapping"
    note "columns of the file that are not imported: #{unused.join(", ")}" if unused.any?
  end

  step "Preview results" do
    staged = imports.stage(path: input.file, database: input.database, table: input.table, columns: columns,
                           keys: keys, create: input.create, worksheet: input.worksheet, encoding: input.encoding)
    show staged, as: "staged"
    rows = imports.preview(database: input.database, import: staged.id, limit: 8)
    show rows.first, as: "the first row as it would be stored" if rows.any?
    show rows.map { |row| { row: row.row, name: "#{row.first_name} #{row.last_name}", email: row.email, phone: row.phone, born: row.birth_date } }, as: "the first rows, in short"

    problems = imports.problems(database: input.database, import: staged.id, limit: 50)
    if problems.any?
      show problems.map { |problem| { row: problem.row, column: problem.column, value: problem.value, reason: problem.reason } }, as: "problems"
      confirm "#{staged.rejected} of #{staged.rows_read} rows are refused. Go on without them?"
    end
    expect staged.staged > 0, "no row can be imported; see the problems"

    rollback do
      imports.discard database: input.database, import: staged.id if staged
    end
  end

  step "Review duplicate flags" do
    policy = :skip
    if staged.flagged > 0
      show imports.duplicates(database: input.database, import: staged.id, limit: 50), as: "duplicates"
      policy = choose "What becomes of the #{staged.flagged} flagged rows?", [:skip, :update, :keep], suggest: :skip
    end
  end

  step "Commit import" do
    confirm "Commit import #{staged.id} (#{staged.staged} rows, #{staged.flagged} flagged: #{policy}) to table #{input.table}?"
    committed = imports.commit(database: input.database, import: staged.id, duplicates: policy)
    show committed, as: "committed"

    verify "the import is recorded as committed" do
      imports.status(database: input.database, import: staged.id).state == "committed"
    end
    rollback do
      imports.roll_back database: input.database, import: staged.id
    end
  end

  step "Verify counts and spot-check" do
    counts = imports.counts(database: input.database, import: committed.id)
    show counts, as: "counts"
    expect counts.balanced, "the counts do not add up: #{counts.created} rows were created, #{counts.present} are there, #{counts.altered} were altered"

    checks = imports.spot_check(database: input.database, import: committed.id, rows: input.spot_checks)
    different = checks.reject { |check| check.same }
    show checks, as: "rows compared with the file"
    expect different.empty?, "#{different.size} of #{checks.size} rows differ from the file: #{different.map { |check| check.difference }.join(" | ")}"
    note "import #{committed.id}: #{committed.created} created, #{committed.updated} updated, #{committed.skipped} skipped"
  end
end
