#!/usr/bin/env perl
# What bad input gets: an error of one screen that says what, where and what to do, the documented
# exit code, and nothing half-written. One block below for each kind of input.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
chdir $dir or die $!;
$ENV{HOME} = $dir;
my $hello = <<'RB';
runbook "hello" do
  title "Hello"
  input :count, :integer, default: 1, min: 1
  step "Say" do
    note "hello #{input.count}"
  end
end
RB
write_file('hello.rb', $hello);

# -- a runbook's text --
refused('a missing file', 3, qr/cannot read gone\.rb: No such file/, 'lint', 'gone.rb');
refused('a missing file, run', 3, qr/cannot read gone\.rb: No such file/, 'run', 'gone.rb');
mkdir 'folder.rb';
refused('a directory', 3, qr/folder\.rb: it is a directory/, 'run', 'folder.rb');
write_file('binary.rb', join '', map { chr(($_ * 7 + 128) % 256) } 0 .. 4000);
refused('binary data', 3, qr/binary\.rb/, 'lint', 'binary.rb');
write_file('latin.rb', "runbook \"x\" do\n  title \"caf\xe9\"\nend\n");
refused('invalid UTF-8', 3, qr/latin\.rb:2.*UTF-8/s, 'lint', 'latin.rb');
write_file('nul.rb', "runbook \"x\" do\n  title \"a\0b\"\nend\n");
refused('a NUL byte', 3, qr/nul\.rb:2.*NUL/s, 'lint', 'nul.rb');
write_file('large.rb', '# ' . 'x' x (17 << 20) . "\n");
refused('17 MiB of source', 3, qr/large\.rb.*16 MiB/, 'lint', 'large.rb');
for my $bracket ('(', '[', '{ a: ', '"#{', '-', '!') {
  write_file('deep.rb', "runbook \"x\" do\n  step \"s\" do\n    x = " . $bracket x 100_000);
  refused("100,000 of $bracket", 3, qr/deep\.rb:3:\d+: error\[RB\d+\].*(?:256|deep|nest|exhausted|sign)/is, 'lint', 'deep.rb');
}
write_file('blocks.rb', "runbook \"x\" do\n" . "section \"s\" do\n" x 100_000);
refused('100,000 blocks', 3, qr/blocks\.rb:\d+:\d+: error\[RB\d+\]/, 'lint', 'blocks.rb');
my $ten = 'x' x (10 << 20);
write_file('line.rb', $hello =~ s/hello #/$ten #/r);
my ($out, $code) = run('lint', 'line.rb');
ok($code == 0 && $out eq '', 'a string of 10 MiB on one line is a string') or diag screen($out);
write_file('unclosed.rb', $hello =~ s/hello #\{input.count\}"/$ten/r);
refused('the same, not closed', 3, qr/unclosed\.rb:5:\d+: error/, 'lint', 'unclosed.rb');
write_file('wrong.rb', $hello =~ s/hello #/$ten" + nope + "#/r);
refused('an error behind 10 MiB of line', 3, qr/wrong\.rb:5:\d+: error/, 'lint', 'wrong.rb');
write_file('empty.rb', '');
refused('an empty file', 3, qr/empty\.rb/, 'run', 'empty.rb');

# -- names given twice, and what is no text --
write_file('twice.json', '{"count": 1, "count": 2}');
refused('an inputs file that names an input twice', 3, qr/twice\.json.*duplicate.*count/s, 'run', 'hello.rb', '--inputs', 'twice.json', '--journal', 'in.db');
refused('an answers file that names a question twice', 3, qr/twice\.json.*duplicate.*count/s, 'run', 'hello.rb', '--answers', 'twice.json', '--journal', 'in.db');
write_file('nulls.json', '{"count": "a\u0000b"}');
refused('NUL in an inputs file', 3, qr/nulls\.json.*a NUL character is not allowed/s, 'run', 'hello.rb', '--inputs', 'nulls.json', '--journal', 'in.db');
write_file('huge.json', '{"count": "' . 'x' x (17 << 20) . '"}');
refused('an inputs file of 17 MiB', 3, qr/huge\.json.*16 MiB.*help: an input names a file/s, 'run', 'hello.rb', '--inputs', 'huge.json', '--journal', 'in.db');
refused('invalid UTF-8 in --set', 2, qr/'count=\?\?' is not text in UTF-8/, 'run', 'hello.rb', '--set', "count=\xff\xfe", '--journal', 'in.db');
refused('invalid UTF-8 in --reason', 2, qr/is not text in UTF-8/, 'run', 'hello.rb', '--skip', 'say', '--reason', "\xff", '--journal', 'in.db');
refused('a terminal\'s commands in --set', 3, qr/no input 'x\?\]0;owned\?'/, 'run', 'hello.rb', '--set', "x\e]0;owned\a=1", '--journal', 'in.db');

SKIP: {
  write_file('secret.rb', $hello);
  chmod 0, 'secret.rb';
  my ($said, $exit) = run_as_nobody('lint', 'secret.rb');
  skip 'cannot become another user', 1 unless defined $said;
  one_screen('an unreadable file', 3, qr/cannot read secret\.rb: Permission denied/, $said, $exit);
}

# -- inputs and options --
write_file('two.rb', $hello =~ s/^(?=  step)/  input :size, :integer, min: 1\n/mr =~ s/(hello )/$1#{input.size} /r);
my @before = files();
refused('an input of the wrong type', 3, qr/count must be an integer, not "many"/, 'run', 'hello.rb', '--set', 'count=many');
refused('an input out of range', 3, qr/count must be at least 1, not 0/, 'run', 'hello.rb', '--set', 'count=0');
refused('an unknown --set', 3, qr/no input 'cuont'; did you mean 'count'\?/, 'run', 'hello.rb', '--set', 'cuont=2');
refused('two wrong inputs, both told', 3, qr/count.*size/s, 'run', 'two.rb', '--set', 'count=many', '--set', 'size=0');
refused('--set without a value', 2, qr/--set wants NAME=VALUE, not 'count'/, 'run', 'hello.rb', '--set', 'count');
refused('an unknown option', 2, qr/no option --sett; did you mean --set\?/, 'run', 'hello.rb', '--sett', 'count=1');
refused('an unknown verb', 2, qr/no verb 'rum'; did you mean 'run'\?/, 'rum', 'hello.rb');
write_file('broken.json', '{"count": ');
refused('broken JSON', 3, qr/broken\.json.*line 1/s, 'run', 'hello.rb', '--inputs', 'broken.json');
write_file('list.json', '[1]');
refused('JSON that is no object', 3, qr/list\.json.*object/s, 'run', 'hello.rb', '--inputs', 'list.json');
is(join(' ', files()), join(' ', sort @before, 'broken.json', 'list.json'), 'none of these wrote anything');

# -- the journal --
sub journal { refused($_[0], 9, $_[1], 'run', 'hello.rb', '--journal', $_[2]) }
my $text = "this is not a database, however long it may be\n" x 100;
write_file('text.db', $text);
journal('a journal that is not SQLite', qr/text\.db is not a journal: it is not an SQLite database.*help: /s, 'text.db');
is(read_file('text.db'), $text, 'it is left as it was');
SKIP: {
  skip 'sqlite3 is not installed', 6 if system('sqlite3 -version >/dev/null 2>&1') != 0;
  system('sqlite3', 'other.db', 'CREATE TABLE music (title TEXT); PRAGMA application_id = 77;');
  my $other = read_file('other.db');
  journal("another application's database", qr/other\.db is not a journal.*help: /s, 'other.db');
  is(read_file('other.db'), $other, 'it is left as it was');
  run('run', 'hello.rb', '--journal', 'newer.db');
  my ($version) = `sqlite3 newer.db 'PRAGMA user_version'` =~ /(\d+)/;
  system('sqlite3', 'newer.db', 'PRAGMA user_version = 999;');
  journal('a journal newer than the program', qr/newer\.db.*newer.*help: /s, 'newer.db');
  system('sqlite3', 'newer.db', "PRAGMA user_version = $version;");
  my ($said, $exit) = run('journal', 'verify', '--journal', 'newer.db');
  is($exit, 0, 'and it was not touched: the older one still verifies') or diag $said;
}
journal('a journal in a directory that is not there', qr{gone/j\.db.*No such file.*help: }s, 'gone/j.db');
journal('a directory as journal', qr/folder\.rb is not a journal: it is a directory/, 'folder.rb');
run('run', 'hello.rb', '--journal', 'small.db');
SKIP: {
  mkdir 'locked';
  system('cp', 'small.db', 'locked/j.db') == 0 or die;
  chmod 0444, 'locked/j.db';
  chmod 0555, 'locked';
  my ($said, $exit) = run_as_nobody('run', 'hello.rb', '--journal', 'locked/j.db');
  chmod 0755, 'locked';
  skip 'cannot become another user', 1 unless defined $said;
  one_screen('a read-only journal', 9, qr{locked/j\.db.*help: }s, $said, $exit);
}
{
  # A disk that fills up in the middle of a run, as a limit on the size of files.
  my $size = int((-s 'small.db') / 1024) + 40;
  write_file('full.rb', "runbook \"full\" do\n  title \"Full\"\n" . join('', map { "  step \"S$_\" do\n    note \"" . 'x' x 900 . "\"\n  end\n" } 1 .. 200) . "end\n");
  my ($said, $exit) = run_quietly('sh', '-c', "trap '' XFSZ; ulimit -f $size; exec \"\$@\"", 'sh', $stepwise, 'run', 'full.rb', '--journal', 'small.db');
  my ($good, $verified) = run('journal', 'verify', '--journal', 'small.db');
  ok($exit == 9 && $said =~ /small\.db/, 'a full disk ends the run with code 9') or diag "exit $exit\n", substr $said, -800;
  is($verified, 0, 'and the journal still verifies') or diag $good;
}

# -- tables of the spreadsheet import --
my $import = "$top/runbooks/imports/spreadsheet-import.rb";
my $header = "First Name,Last Name,Email,Phone,Birth Date,Street,City,State,Zip,County,Registered On,Notes\n";
my $row = "Ana,Lopez,ana\@example.org,501-555-0101,1987-03-14,1 Main St,Conway,AR,72032,Faulkner,2026-01-12,";
my $imports = 0; # a run that is held holds the database: each has a journal of its own
sub table {
  my ($what, $file, $content, $like) = @_;
  write_file($file, $content) if defined $content;
  my ($said, $exit) = run('run', $import, '--set', "file=$file", '--set', 'database=people.db', '--set', 'create=true', '--journal', "imports." . ++$imports . ".db");
  my $tail = $said =~ s/\A.*?(?=^\s+FAILED)//smr;
  one_screen($what, 1, $like, $tail, $exit);
  ok(!-e 'people.db', "$what: no database was made");
}
table('a missing table', 'gone.csv', undef, qr/gone\.csv.*No such file/s);
table('a directory as table', 'folder.rb', undef, qr/folder\.rb.*directory/s);
table('an empty CSV', 'empty.csv', '', qr/empty\.csv.*(?:empty|header)/s);
table('a CSV without header', 'bare.csv', ("1,2,3,4,5,6,7,8,9,10,11,12\n" x 3), qr/has no column "First Name".*help: the file's columns are: 1, 2/s);
table('duplicate headers', 'twice.csv', $header =~ s/Phone/Email/r . "$row\n", qr/Email.*(?:twice|3.*4|more than once|duplicate)/s);
table('cut in the middle of a quoted field', 'cut.csv', "$header$row\"and then", qr/cut\.csv.*(?:quot|row 2)/s);
table('binary data as CSV', 'binary.csv', join('', map { chr($_ * 37 % 256) } 0 .. 5000), qr/binary\.csv/);
table('Latin-1', 'latin.csv', $header . $row =~ s/Lopez/L\xf3pez/r . "\n", qr/latin\.csv.*(?:UTF-8|latin-1)/s);
SKIP: {
  my $made = system('python3', '-c', <<'PYTHON') == 0;
import zipfile
head = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
with zipfile.ZipFile("bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
    z.writestr("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
    z.writestr("xl/workbook.xml", '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>')
    z.writestr("xl/_rels/workbook.xml.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
    with z.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as f:
        f.write(head.encode())
        for _ in range(400):
            f.write(b" " * (1 << 20))
PYTHON
  skip 'no python3', 2 unless $made;
  cmp_ok(-s 'bomb.xlsx', '<', 8 << 20, 'a zip bomb of 400 MiB is small');
  table('a zip bomb as XLSX', 'bomb.xlsx', undef, qr/bomb\.xlsx/);
}
my @unsound = grep { (run('journal', 'verify', '--journal', "imports.$_.db"))[1] != 0 } 1 .. $imports;
is("@unsound", '', 'the journals of these runs verify');

sub files { opendir my $d, '.' or die; return sort grep { !/^\.|^stepwise$/ } readdir $d }

done_testing;

sub run { return run_quietly($stepwise, @_) }

# As a plain user, from a copy of the program: the tree may lie in root's home.
sub run_as_nobody {
  return run(@_) if $> != 0;
  my @command = @_;
  system('cp', $stepwise, "$dir/stepwise") == 0 or return unless -x "$dir/stepwise";
  my $pid = open(my $from, '-|') // die "fork: $!";
  if (!$pid) {
    ($(, $)) = (65534, '65534 65534');
    ($<, $>) = (65534, 65534);
    exit 99 if $> != 65534 || !-x "$dir/stepwise";
    open STDIN, '<', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec "$dir/stepwise", @command or exit 99;
  }
  local $/;
  my $said = <$from> // '';
  close $from;
  return $? >> 8 == 99 ? () : ($said, $? >> 8);
}

sub refused {
  my ($what, $code, $like, @arguments) = @_;
  my ($said, $exit) = run(@arguments);
  one_screen($what, $code, $like, $said, $exit);
}

sub one_screen {
  my ($what, $code, $like, $said, $exit) = @_;
  my $lines = () = $said =~ /\n/g;
  my $good = $exit == $code && $said =~ $like && $lines <= 24 && length $said <= 4000;
  ok($good, "$what: exit $code, one screen") or diag "exit $exit, $lines lines, ", length $said, " bytes\n", screen($said);
}

sub screen { return substr $_[0], 0, 1500 }
