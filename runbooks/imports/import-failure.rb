# SOS OPS 4.2. An import went wrong: stop it, read its error log, correct the mapping or the data,
# then try again or roll back. Works on imports that failed, that are being staged by another run or
# wait for their commit, and on committed ones that turned out to be wrong.
runbook "import-failure" do
  title    "Deal with a failed import"
  about    "Stop, review the error log, correct, retry or roll back"
  source   "SOS OPS 4.2"
  owner    "data"
  reviewed "2026-11-02", by: "ops-lead"
  on_failure :hold

  use "imports"

  input :database, :path,   about: "the SQLite database of the import"
  input :import,   :string, about: "the import's id, such as imp-0123456789ab", match: /\A[a-z0-9-]+\z/

  lock "failure of import #{input.import}"

  step "Stop import" do
    found = imports.status(database: input.database, import: input.import)
    show found, as: "the import"
    expect found.state != "rolled_back", "import #{input.import} is rolled back already; there is nothing to do"
    if found.state == "committed"
      note "it is committed; it can only be rolled back"
    else
      imports.stop database: input.database, import: input.import, reason: "stopped to be looked at: #{found.message}"
    end
    irreversible "a stopped import is staged again, not resumed"
  end

  step "Review error log" do
    note found.message unless found.message.empty?
    problems = imports.problems(database: input.database, import: input.import, limit: 200)
    reasons = problems.map { |problem| "#{problem.column} #{problem.reason}".strip }.tally
    show reasons, as: "reasons and how often"
    show problems, as: "error log"
    note "the error log is empty" if problems.empty?
  end

  step "Correct mapping or data" do
    path = found.path
    rename = {}
    blank = []
    pad = false
    decision = :roll_back
    if found.state != "committed"
      decision = choose "What is to be corrected?", [:data, :column_name, :bad_values, :short_rows, :nothing, :roll_back], suggest: :data
    end
    case decision
    when :data
      path = ask "Path of the corrected file", :path, default: found.path
    when :column_name
      old = ask "Name of the column in the mapping", :string
      new_name = ask "Its name in the file", :string
      rename = { old => new_name }
    when :bad_values
      names = ask "Columns of the table whose bad values are left blank, parted by commas", :string
      blank = names.split(",").map { |name| name.strip }
    when :short_rows
      pad = true
    end
  end

  if decision == :roll_back
    step "Roll back" do
      confirm "Roll import #{input.import} back (#{found.created} rows created, #{found.updated} updated)?"
      if found.state == "committed"
        undone = imports.roll_back(database: input.database, import: input.import)
        show undone, as: "rolled back"
      else
        imports.discard database: input.database, import: input.import
      end
      verify "nothing of the import is left" do
        ["rolled_back", "discarded"].include?(imports.status(database: input.database, import: input.import).state)
      end
      irreversible "what was rolled back is imported again from the file"
    end
  else
    step "Retry staging" do
      staged = imports.restage(database: input.database, import: input.import, path: path, rename: rename,
                               blank: blank, pad: pad)
      show staged, as: "staged"
      if staged.problems > 0
        show imports.problems(database: input.database, import: input.import, limit: 50), as: "problems now"
      end
      expect staged.staged > 0, "no row can be imported; see the problems"
      rollback do
        imports.discard database: input.database, import: input.import
      end
    end

    step "Retry commit" do
      policy = :skip
      if staged.flagged > 0
        show imports.duplicates(database: input.database, import: input.import, limit: 50), as: "duplicates"
        policy = choose "What becomes of the #{staged.flagged} flagged rows?", [:skip, :update, :keep], suggest: :skip
      end
      confirm "Commit #{staged.staged} rows (#{staged.rejected} refused, #{staged.flagged} flagged: #{policy}) to table #{found.table}?"
      committed = imports.commit(database: input.database, import: input.import, duplicates: policy)
      show committed, as: "committed"
      rollback do
        imports.roll_back database: input.database, import: input.import
      end
    end

    step "Verify retry" do
      counts = imports.counts(database: input.database, import: input.import)
      show counts, as: "counts"
      expect counts.balanced, "the counts do not add up: #{counts.created} rows were created, #{counts.present} are there"
      checks = imports.spot_check(database: input.database, import: input.import, rows: 10)
      expect checks.all? { |check| check.same }, "rows of the table differ from the file"
      note "import #{input.import}: #{committed.created} created, #{committed.updated} updated, #{committed.skipped} skipped"
    end
  end
end
