#!/bin/sh
# `make install PREFIX= DESTDIR=`: what is installed runs from there, without the source tree.
set -u
echo 1..8
n=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ok() { # ok STATUS NAME
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else
    echo "not ok $n - $2"
    sed 's/^/# /' "$dir/log" >&2
  fi
}
# In a directory of its own, knowing nothing of the tree.
away() {
  (cd "$dir" && env -i HOME="$dir" LC_ALL=C.UTF-8 PATH="$dir/root/opt/sw/bin:/usr/bin:/bin" "$@") >"$dir/log" 2>&1 </dev/null
}
make --no-print-directory -s install STEPWISE_NO_INSTALL=1 PREFIX=/opt/sw DESTDIR="$dir/root" >"$dir/log" 2>&1
ok $? 'make install'
cmp "$dir/root/opt/sw/bin/stepwise" "$STEPWISE" >"$dir/log" 2>&1
ok $? 'it is the program that was built'
away stepwise version && grep -qx "stepwise $(cat VERSION)" "$dir/log"
ok $? 'it starts, and says the version of this tree'
away stepwise run root/opt/sw/share/stepwise/examples/01-hello.rb
ok $? 'an installed example runs'
away stepwise lint root/opt/sw/share/stepwise/runbooks
ok $? 'the installed runbooks find their modules'

# A workbook is read by a module, which is looked for beside the installed program.
python3 - "$dir/book.xlsx" <<'PYTHON'
import sys, zipfile
ns = 'xmlns="http://schemas.openxmlformats.org/'
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("[Content_Types].xml", '<Types %spackage/2006/content-types"/>' % ns)
    z.writestr("xl/workbook.xml", '<workbook %sspreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>' % ns)
    z.writestr("xl/_rels/workbook.xml.rels", '<Relationships %spackage/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>' % ns)
    cell = '<c r="%s" t="inlineStr"><is><t>%s</t></is></c>'
    rows = [("Email", "Phone", "Last Name"), ("ana@example.org", "501-555-0101", "Lopez")]
    xml = "".join('<row r="%d">%s</row>' % (r, "".join(cell % ("ABC"[c] + str(r), text) for c, text in enumerate(row))) for r, row in enumerate(rows, 1))
    z.writestr("xl/worksheets/sheet1.xml", '<worksheet %sspreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>' % (ns, xml))
PYTHON
away stepwise run root/opt/sw/share/stepwise/examples/14-spreadsheet.rb --set file=book.xlsx
ok $? 'an installed module is found'
away sh -c 'stepwise runs | grep -c succeeded | grep -qx 2 && stepwise journal verify'
ok $? 'its journal is where it says'
make --no-print-directory -s uninstall PREFIX=/opt/sw DESTDIR="$dir/root" >"$dir/log" 2>&1 &&
  find "$dir/root" -type f >"$dir/log" && [ ! -s "$dir/log" ]
ok $? 'make uninstall leaves no file'
