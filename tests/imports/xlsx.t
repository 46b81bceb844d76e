#!/usr/bin/env python3
"""Workbooks: what is read out of them, and what is refused. The fixtures are made here."""
import os, shutil, sqlite3, subprocess, sys, tempfile, zipfile

STEPWISE = os.environ["STEPWISE"]
work = tempfile.mkdtemp()
count = 0

RUNBOOK = '''runbook "read" do
  title "Read a workbook"
  use "imports"
  input :file, :path
  input :database, :path
  input :worksheet, :string, optional: true
  step "Import" do
    found = imports.inspect(path: input.file, worksheet: input.worksheet)
    show found.sheets, as: "sheets"
    columns = found.columns.map { |name| { from: name } }
    staged = imports.stage(path: input.file, database: input.database, table: "t", columns: columns,
                           worksheet: input.worksheet, create: true)
    imports.commit database: input.database, import: staged.id
    irreversible "a test"
  end
end
'''
with open(f"{work}/read.rb", "w") as f:
    f.write(RUNBOOK)


def ok(good, name, *details):
    global count
    count += 1
    print(("ok" if good else "not ok"), count, "-", name)
    if not good:
        for d in details:
            for line in str(d).splitlines():
                print("#", line)


def run(path, sheet=None):
    """Exit code, output, and the rows of the table (None: there is no database)."""
    db = path + ".db"
    for stale in (db, path + ".journal"):
        if os.path.exists(stale):
            os.unlink(stale)
    args = [STEPWISE, "run", f"{work}/read.rb", "--journal", path + ".journal", "--set", f"file={path}", "--set", f"database={db}"]
    if sheet:
        args += ["--set", f"worksheet={sheet}"]
    p = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    rows = None
    if os.path.exists(db):
        con = sqlite3.connect(db)
        try:
            rows = [r[1:] for r in con.execute("select * from t order by id")]
        except sqlite3.OperationalError:
            rows = []
        con.close()
    return p.returncode, p.stdout.decode(), rows


NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RNS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def workbook(name, sheets, strings=None, styles=None, props="", extra=(), compression=zipfile.ZIP_DEFLATED):
    """sheets: [(title, state, xml of sheetData)]"""
    path = f"{work}/{name}"
    with zipfile.ZipFile(path, "w", compression) as z:
        listed = "".join(f'<sheet name="{t}" sheetId="{i}" {f"state={chr(34)}{s}{chr(34)}" if s else ""} r:id="rId{i}"/>'
                         for i, (t, s, _) in enumerate(sheets, 1))
        z.writestr("xl/workbook.xml", f'<?xml version="1.0"?><workbook {NS} {RNS}>{props}<sheets>{listed}</sheets></workbook>')
        rels = "".join(f'<Relationship Id="rId{i}" Type="t" Target="worksheets/sheet{i}.xml"/>' for i in range(1, len(sheets) + 1))
        z.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{rels}</Relationships>")
        for i, (_, _, data) in enumerate(sheets, 1):
            if data is not None:
                z.writestr(f"xl/worksheets/sheet{i}.xml", data if data.startswith("<?") else
                           f'<?xml version="1.0"?><worksheet {NS}><sheetData>{data}</sheetData></worksheet>')
        if strings is not None:
            z.writestr("xl/sharedStrings.xml", f"<sst {NS}>{strings}</sst>")
        if styles is not None:
            z.writestr("xl/styles.xml", f"<styleSheet {NS}>{styles}</styleSheet>")
        for n, data in extra:
            z.writestr(n, data)
    return path


def inline(ref, text):
    return f'<c r="{ref}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(n, *cells):
    return f'<row r="{n}">{"".join(cells)}</row>'


def header(*names):
    return row(1, *(inline(chr(65 + i) + "1", n) for i, n in enumerate(names)))


# --- what is read ---
strings = ("<si><t>Name</t></si><si><t>Ana &amp; Bo</t></si>"
           "<si><r><t>rich </t></r><r><rPr><b/></rPr><t xml:space='preserve'>text</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si>"
           "<si><t>line_x000A_end _x005F_x</t></si><si><t/></si>")
data = (row(1, '<c r="A1" t="s"><v>0</v></c>', inline("B1", "Value"))
        + row(2, '<c r="A2" t="s"><v>1</v></c>', '<c r="B2"><v>5.015550101E9</v></c>')
        + row(3, '<c r="A3" t="s"><v>2</v></c>', '<c r="B3"><v>0.1</v></c>')
        + row(5, '<c r="A5" t="s"><v>3</v></c>', '<c r="B5" t="b"><v>1</v></c>')
        + row(6, '<c r="B6" t="str"><f>A1</f><v>formula</v></c>')
        + "<row>" + inline("", "after").replace('r=""', "") + '<c t="s"><v>4</v></c></row>')
code, out, rows = run(workbook("cells.xlsx", [("Data", "", data)], strings))
ok(code == 0, "a workbook is imported", out)
ok(rows == [("Ana & Bo", "5015550101"), ("rich text", "0.1"), ("line\nend _x", "TRUE"), (None, "formula"), ("after", None)],
   "shared, inline, rich and formula strings, numbers, booleans, gaps", rows)

styles = ('<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="&quot;day&quot; 0.00"/>'
          '<numFmt numFmtId="166" formatCode="[Red]0"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
          '<cellXfs count="6"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs>')
cells = [("1", "45366"), ("2", "45366.75"), ("3", "1"), ("3", "59"), ("3", "61"), ("4", "45366"), ("5", "7"), ("0", "45366"), ("1", "0.5")]
data = header("When") + "".join(row(i, f'<c r="A{i}" s="{s}"><v>{v}</v></c>') for i, (s, v) in enumerate(cells, 2))
path = workbook("dates.xlsx", [("Data", "", data)], styles=styles)
code, out, rows = run(path)
ok([r[0] for r in rows or []] == ["2024-03-15", "2024-03-15 18:00:00", "1900-01-01", "1900-02-28", "1900-03-01", "45366", "7", "45366", "12:00:00"],
   "dates by their formats, the day that never was, and numbers that are no dates", out, rows)
path = workbook("dates1904.xlsx", [("Data", "", header("When") + row(2, '<c r="A2" s="1"><v>43904</v></c>'))], styles=styles,
                props='<workbookPr date1904="1"/>')
code, out, rows = run(path)
ok(rows == [("2024-03-15",)], "dates of the 1904 system", out, rows)

path = workbook("sheets.xlsx", [("Secret", "hidden", header("A") + row(2, inline("A2", "hidden"))),
                                ("First", "", header("A") + row(2, inline("A2", "one"))),
                                ("Zwei &amp; drei", "", header("A") + row(2, inline("A2", "two")))])
ok(run(path)[2] == [("one",)], "without a choice, the first sheet that is not hidden")
ok(run(path, "zwei & drei")[2] == [("two",)], "a sheet by its name")
ok(run(path, "1")[2] == [("hidden",)], "a sheet by its number")
code, out, rows = run(path, "Drei")
ok(code in (1, 3) and 'has no sheet "Drei"' in out and "Secret, First, Zwei & drei" in out and rows is None, "an unknown sheet: the others are named", out)

data = header("A") + row(2, inline("A2", "x")) + row(3, '<c r="A3" t="e"><v>#N/A</v></c>') + row(4, inline("A4", "y"))
path = workbook("errors.xlsx", [("Data", "", data)])
code, out, rows = run(path)
con = sqlite3.connect(path + ".db")
ok(rows == [("x",), ("y",)] and con.execute('select row, "column", value, reason from stepwise_import_problem').fetchall()
   == [(3, "A", "#N/A", "is a formula's error")], "a cell that holds an error is a problem of its row", out, rows)
con.close()

many = header("Number", "Text") + "".join(row(i, f'<c r="A{i}"><v>{i}</v></c>', inline(f"B{i}", f"t{i}")) for i in range(2, 20002))
code, out, rows = run(workbook("many.xlsx", [("Data", "", many)]))
ok(rows is not None and len(rows) == 20000 and rows[19999] == ("20001", "t20001") and rows[777] == ("779", "t779"), "twenty thousand rows", out)

# --- what is refused ---
def refused(path, name, *texts, sheet=None):
    code, out, rows = run(path, sheet)
    said = all(t in out for t in texts)
    ok(code in (1, 3) and said and rows is None and "help:" in out and out.count("\n") < 40, name, f"code {code}", out, rows)


def raw(name, data):
    with open(f"{work}/{name}", "wb") as f:
        f.write(data)
    return f"{work}/{name}"


good = open(workbook("good.xlsx", [("Data", "", header("A") + row(2, inline("A2", "x" * 5000)))], compression=zipfile.ZIP_STORED), "rb").read()
refused(raw("cut.xlsx", good[: len(good) // 2]), "a workbook cut in the middle", "damaged workbook")
refused(raw("flipped.xlsx", good.replace(b"xxxx", b"xx\x00x", 3)), "a workbook with changed bytes", "damaged workbook")
refused(raw("empty.xlsx", b"PK\5\6" + bytes(18)), "an empty archive", "empty zip archive")
refused(raw("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "an encrypted or old workbook", "encrypted workbook or an old .xls", "password")
refused(raw("text.xlsx", b"a,b\n1,2\n"), "text named .xlsx", "is not a workbook")
refused(workbook("nosheets.xlsx", []), "a workbook without sheets", "without sheets")


def archive(name, entries):
    with zipfile.ZipFile(f"{work}/{name}", "w", zipfile.ZIP_DEFLATED) as z:
        for n, data in entries:
            z.writestr(n, data)
    return f"{work}/{name}"


refused(archive("x.docx", [("word/document.xml", "<w/>")]), "a text document", "is a text document (.docx)")
refused(archive("x.ods", [("content.xml", "<o/>")]), "an OpenDocument file", "OpenDocument file", "save it as .xlsx")
refused(archive("x.xlsb", [("xl/workbook.bin", "x")]), "a binary workbook", "binary workbook (.xlsb)")
refused(archive("x.zip", [("readme.txt", "x")]), "another archive", "not a workbook")
refused(archive("entries.xlsx", [(f"f{i}", "") for i in range(10001)]), "an archive of more than 10,000 parts", "more than 10,000 parts")

bomb = f'<?xml version="1.0"?><worksheet {NS}><sheetData>' + header("A") + " " * (24 << 20)
refused(workbook("bomb.xlsx", [("Data", "", bomb)]), "a zip bomb in a sheet", "unpacks to more than a workbook does", "worksheets/sheet1.xml")
refused(workbook("bomb2.xlsx", [("Data", "", header("A"))], strings=" " * (24 << 20)), "a zip bomb in the shared strings", "unpacks to more than a workbook does", "sharedStrings.xml")
laughs = '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData><row><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
refused(workbook("entities.xlsx", [("Data", "", laughs)]), "entities", "a document type, which no workbook has")
deep = '<?xml version="1.0"?><worksheet>' + "<a>" * 1000
refused(workbook("deep.xlsx", [("Data", "", deep)]), "elements nested too deep", "nested too deep")
refused(workbook("broken.xlsx", [("Data", "", '<?xml version="1.0"?><worksheet><sheetData><row></sheetData>')]), "broken XML", "damaged workbook", "line 1")
refused(workbook("index.xlsx", [("Data", "", row(1, '<c r="A1" t="s"><v>9</v></c>'))], strings="<si><t>x</t></si>"), "a shared string that there is not", "shared string that there is not")
refused(workbook("wide.xlsx", [("Data", "", row(1, inline("ALM1", "x")))]), "more than 1000 columns", "more than 1000 columns")
refused(workbook("repeated.xlsx", [("Data", "", header("A") + "<row>" + inline("A2", "x") * 1002 + "</row>")]), "a cell given over and over", "more than 1000 columns")
inside = header("A") + row(2, '<c r="A2" t="inlineStr"><is><t>x</t></is><row r="3"></row></c>')
code, out, rows = run(workbook("inside.xlsx", [("Data", "", inside)]))
ok(code == 0 and rows == [], "a row that begins inside of a cell takes the cell's place", code, out, rows)
refused(workbook("nohead.xlsx", [("Data", "", "")]), "a sheet without rows", "has no header")
refused(workbook("dup.xlsx", [("Data", "", header("A", "b", "a"))]), "a header with the same name twice", 'columns 1 and 3 are both named "a"')

print(f"1..{count}")
shutil.rmtree(work)
