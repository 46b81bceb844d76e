# Looking into a spreadsheet before anybody imports it. `inspect` reads the whole file and changes
# nothing; docs/imports.md tells the rest.
# run: --set file=data/sign-ups.csv
runbook "spreadsheet" do
  title "Look into a spreadsheet"

  use "imports"

  input :file, :path, about: "a .csv, .tsv or .xlsx file"

  step "Read it" do
    found = imports.inspect(path: input.file)
    expect found.rows > 0, "there is a header and nothing more"
    show found.rows, as: "rows"
    show found.columns.first(4), as: "first columns"
    note "#{found.damaged} of them does not fit the header" if found.damaged == 1
  end

  step "Look for the columns that are needed" do
    missing = ["Email", "Phone", "Last Name"].reject { |name| found.columns.include?(name) }
    expect missing.empty?, "the file has no #{missing.join(", ")}"
  end
end
