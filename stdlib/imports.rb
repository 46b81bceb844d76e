# Spreadsheets (CSV, TSV, XLSX) into a table of a SQLite database, and back out of it:
# [imports.md](imports.md) tells it with examples.
#
# An import goes by its id. `stage` reads, converts and checks the file and finds duplicates without touching
# the table; `commit` stores the rows in one transaction; `roll_back` undoes a commit: rows it created go, rows
# it changed get their earlier values back. The database keeps the state of every import, so each action may
# be repeated and a probe gives an exact answer.
#
# `columns` is an array of hashes:
#
# | key | meaning |
# |---|---|
# | `from:` | the name in the file's header |
# | `to:` | the column of the table (from "First Name": `first_name`) |
# | `convert:` | one converter or several in order: `text trim squeeze upcase downcase integer decimal boolean phone email date date_dmy state zip` |
# | `required:` | true when an empty value refuses the row, and a missing column the file |
# | `blank:` | true when a value that does not convert is left blank instead of refusing its row |
# | `country:` | for `phone`: whose numbers those without a country code are (`"US"`) |
#
# `keys` is an array of columns of the table, or of arrays of them: rows that agree in one of them are
# duplicates; exactly, or similar: but for case, accents, spaces and punctuation.

binding :imports, "Spreadsheet imports into a SQLite database" do
  action :inspect, effect: :read, about: "Read a whole file and say what it holds" do
    takes :path,      :path
    takes :worksheet, :string, optional: true, about: "of a workbook: the sheet's name or number"
    takes :encoding,  :string, optional: true, about: "utf-8, latin-1 or windows-1252"
    takes :delimiter, :string, optional: true, about: "one of , ; | or tab"
    gives :format,     :string
    gives :columns,    :array
    gives :rows,       :integer
    gives :blank,      :integer
    gives :damaged,    :integer
    gives :header_row, :integer
    gives :encoding,   :string
    gives :delimiter,  :string
    gives :sheet,      :string
    gives :sheets,     :array
  end

  action :stage, effect: :write, repeat: :safe, about: "Read, convert and check a file; find duplicates" do
    takes :path,      :path
    takes :database,  :path
    takes :table,     :string
    takes :columns,   :array
    takes :keys,      :array,   default: []
    takes :create,    :boolean, default: false, about: "make the database and the table when missing"
    takes :pad,       :boolean, default: false, about: "fill up rows shorter than the header"
    takes :worksheet, :string,  optional: true
    takes :encoding,  :string,  optional: true
    takes :delimiter, :string,  optional: true
    gives :id,        :string
    gives :state,     :string
    gives :rows_read, :integer
    gives :blank,     :integer
    gives :rejected,  :integer
    gives :staged,    :integer
    gives :flagged,   :integer
    gives :problems,  :integer
  end

  action :restage, effect: :write, repeat: :safe, about: "Stage an import again, with corrections" do
    takes :database,  :path
    takes :import,    :string
    takes :path,      :path,    optional: true, about: "a corrected file"
    takes :rename,    :hash,    default: {},    about: "names in the mapping to names in the file"
    takes :blank,     :array,   default: [],    about: "columns whose bad values are left blank"
    takes :pad,       :boolean, optional: true, about: "fill up rows shorter than the header"
    takes :worksheet, :string,  optional: true
    takes :encoding,  :string,  optional: true
    takes :delimiter, :string,  optional: true
    gives :id,        :string
    gives :state,     :string
    gives :rows_read, :integer
    gives :blank,     :integer
    gives :rejected,  :integer
    gives :staged,    :integer
    gives :flagged,   :integer
    gives :problems,  :integer
  end

  action :preview, effect: :read, about: "The first staged rows, as they would be stored" do
    takes :database, :path
    takes :import,   :string
    takes :limit,    :integer, default: 10, min: 1, max: 1000
    gives :array
  end

  action :problems, effect: :read, about: "What was wrong: row, column, value, reason, refused" do
    takes :database, :path
    takes :import,   :string
    takes :limit,    :integer, default: 20, min: 1, max: 1000
    gives :array
  end

  action :duplicates, effect: :read, about: "Flagged rows, what they match, and by which key" do
    takes :database, :path
    takes :import,   :string
    takes :limit,    :integer, default: 20, min: 1, max: 1000
    gives :array
  end

  action :commit, effect: :write, repeat: :by_key, about: "Store the staged rows, in one transaction" do
    takes :database,   :path
    takes :import,     :string
    takes :duplicates, :symbol, one_of: [:skip, :update, :keep], default: :skip
    takes :keep,       :array,  default: [], about: "flagged rows that are stored all the same"
    gives :id,      :string
    gives :state,   :string
    gives :created, :integer
    gives :updated, :integer
    gives :merged,  :integer
    gives :skipped, :integer
  end

  action :counts, effect: :read, about: "Whether what was read, stored and is there adds up" do
    takes :database, :path
    takes :import,   :string
    gives :rows_read,    :integer
    gives :rejected,     :integer
    gives :staged,       :integer
    gives :created,      :integer
    gives :updated,      :integer
    gives :merged,       :integer
    gives :skipped,      :integer
    gives :flagged,      :integer
    gives :present,      :integer
    gives :altered,      :integer
    gives :removed,      :integer
    gives :table_before, :integer
    gives :table_after,  :integer
    gives :balanced,     :boolean
  end

  action :spot_check, effect: :read, about: "Rows drawn by the import's id, compared with the file" do
    takes :database, :path
    takes :import,   :string
    takes :rows,     :integer, default: 10, min: 1, max: 1000
    gives :array
  end

  action :roll_back, effect: :write, repeat: :safe, about: "Remove the rows an import created, restore those it changed" do
    takes :database, :path
    takes :import,   :string
    takes :changed,  :symbol, one_of: [:refuse, :keep], default: :refuse, about: "rows that somebody changed since"
    gives :id,       :string
    gives :state,    :string
    gives :removed,  :integer
    gives :restored, :integer
    gives :kept,     :integer
  end

  action :stop, effect: :write, repeat: :safe, about: "Stop an import that is not committed" do
    takes :database, :path
    takes :import,   :string
    takes :reason,   :string, default: "stopped by an operator"
    gives :id,    :string
    gives :state, :string
  end

  action :discard, effect: :write, repeat: :safe, about: "Give an import up; its staged rows are removed" do
    takes :database, :path
    takes :import,   :string
    gives :id,    :string
    gives :state, :string
  end

  action :status, effect: :read, about: "The state and the numbers of an import" do
    takes :database, :path
    takes :import,   :string
    gives :id,        :string
    gives :state,     :string
    gives :table,     :string
    gives :path,      :string
    gives :message,   :string
    gives :policy,    :string
    gives :rows_read, :integer
    gives :rejected,  :integer
    gives :staged,    :integer
    gives :flagged,   :integer
    gives :problems,  :integer
    gives :created,   :integer
    gives :updated,   :integer
    gives :started,   :string
    gives :changed,   :string
  end

  action :list, effect: :read, about: "All imports of a database" do
    takes :database, :path
    gives :array
  end
end

driver :embedded, for: :imports, default: true, about: "SQLite files on this machine" do
  setting :copies, :boolean, default: false, about: "work on copies, and leave the databases as they are"

  perform :inspect do |path, worksheet, encoding, delimiter|
    found = sheet.inspect(path: path, sheet: worksheet, encoding: encoding, delimiter: delimiter)
    {
      format: found.format, columns: found.columns, rows: found.rows, blank: found.blank,
      damaged: found.damaged, header_row: found.header_row, encoding: found.encoding,
      delimiter: found.delimiter, sheet: found.sheet, sheets: found.sheets
    }
  end

  # The id comes from the action's key, so an attempt that is repeated stages the same import.
  perform :stage do |path, database, table, columns, keys, create, pad, worksheet, encoding, delimiter|
    row = sheet.stage(path: path, database: sheet.database(path: database, copy: setting.copies), table: table, columns: columns, keys: keys,
                        create: create, pad: pad, sheet: worksheet, encoding: encoding, delimiter: delimiter)
    {
      id: row.id, state: row.state, rows_read: row.rows_read, blank: row.blank,
      rejected: row.rejected, staged: row.staged, flagged: row.flagged, problems: row.problems
    }
  end

  perform :restage do |database, import, path, rename, blank, pad, worksheet, encoding, delimiter|
    row = sheet.restage(database: sheet.database(path: database, copy: setting.copies), import: import, path: path, rename: rename, blank: blank,
                          pad: pad, sheet: worksheet, encoding: encoding, delimiter: delimiter)
    {
      id: row.id, state: row.state, rows_read: row.rows_read, blank: row.blank,
      rejected: row.rejected, staged: row.staged, flagged: row.flagged, problems: row.problems
    }
  end

  perform :preview do |database, import, limit|
    sheet.preview(database: sheet.database(path: database, copy: setting.copies), import: import, limit: limit)
  end

  perform :problems do |database, import, limit|
    sheet.problems(database: sheet.database(path: database, copy: setting.copies), import: import, limit: limit)
  end

  perform :duplicates do |database, import, limit|
    sheet.duplicates(database: sheet.database(path: database, copy: setting.copies), import: import, limit: limit)
  end

  perform :commit do |database, import, duplicates, keep|
    row = sheet.commit(database: sheet.database(path: database, copy: setting.copies), import: import, duplicates: duplicates, keep: keep)
    {
      id: row.id, state: row.state, created: row.created, updated: row.updated,
      merged: row.merged, skipped: row.skipped
    }
  end

  # The state stands in the database, written by the transaction that stored the rows.
  probe :commit do |database, import, duplicates, keep|
    row = sheet.status(database: sheet.database(path: database, copy: setting.copies), import: import)
    if row.state == "committed"
      {
        id: row.id, state: row.state, created: row.created, updated: row.updated,
        merged: row.merged, skipped: row.skipped
      }
    else
      :not_done
    end
  end

  perform :counts do |database, import|
    found = sheet.counts(database: sheet.database(path: database, copy: setting.copies), import: import)
    {
      rows_read: found.rows_read, rejected: found.rejected, staged: found.staged,
      created: found.created, updated: found.updated, merged: found.merged, skipped: found.skipped,
      flagged: found.flagged, present: found.present, altered: found.altered, removed: found.removed,
      table_before: found.table_before, table_after: found.table_after, balanced: found.balanced
    }
  end

  perform :spot_check do |database, import, rows|
    sheet.spot_check(database: sheet.database(path: database, copy: setting.copies), import: import, limit: rows)
  end

  perform :roll_back do |database, import, changed|
    row = sheet.roll_back(database: sheet.database(path: database, copy: setting.copies), import: import, changed: changed)
    { id: row.id, state: row.state, removed: row.removed, restored: row.restored, kept: row.kept }
  end

  perform :stop do |database, import, reason|
    row = sheet.stop(database: sheet.database(path: database, copy: setting.copies), import: import, reason: reason)
    { id: row.id, state: row.state }
  end

  perform :discard do |database, import|
    row = sheet.discard(database: sheet.database(path: database, copy: setting.copies), import: import)
    { id: row.id, state: row.state }
  end

  perform :status do |database, import|
    row = sheet.status(database: sheet.database(path: database, copy: setting.copies), import: import)
    {
      id: row.id, state: row.state, table: row.table, path: row.path, message: row.message,
      policy: row.policy, rows_read: row.rows_read, rejected: row.rejected, staged: row.staged,
      flagged: row.flagged, problems: row.problems, created: row.created, updated: row.updated,
      started: row.started, changed: row.changed
    }
  end

  perform :list do |database|
    sheet.list(database: sheet.database(path: database, copy: setting.copies))
  end
end

# In a drill everything is done for real, to copies in the drill's own directory.
driver :simulated, for: :imports, same_as: :embedded, about: "The same, on copies of the databases" do
  setting :copies, :boolean, default: true, about: "work on copies, and leave the databases as they are"
end
