#!/usr/bin/env perl
# The primitives of the group `file`, through a driver: whole or not at all, and clear when they cannot.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use POSIX 'mkfifo';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
write_file("$dir/files.rb", <<'RUBY');
binding :files, "Files" do
  action :put, effect: :write, repeat: :safe do
    takes :path, :path
    takes :text, :any
    takes :mode, :integer, optional: true
    takes :append, :boolean, default: false
    takes :state, :boolean, default: false
    takes :times, :integer, default: 1
  end
  action :remove, effect: :write, repeat: :safe do
    takes :path, :path
    gives :boolean
  end
  action :text, effect: :read do
    takes :path, :path
    takes :max, :integer, optional: true
    gives :string
  end
  action :there, effect: :read do
    takes :path, :path
    gives :boolean
  end
end
driver :plain, for: :files, default: true do
  perform :put do |path, text, mode, append, state, times|
    whole = times == 1 ? text : "#{text}" * times
    if append
      file.append(path, whole, mode: mode, state: state)
    else
      file.write(path, whole, mode: mode, state: state)
    end
    nil
  end
  perform(:remove) { |path| file.remove(path) }
  perform(:text) { |path, max| file.read(path, max: max) }
  perform(:there) { |path| file.exists(path) }
end
RUBY

my $number = 0;
sub files {
  my ($body) = @_;
  $number++;
  write_file("$dir/case.rb", qq{runbook "files" do\n  use "files"\n  step "Do" do\n$body\n    irreversible "it stays"\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case.rb", '--journal', "$dir/$number.db");
}

sub fails {
  my ($name, $body, $pattern) = @_;
  my ($said, $exit) = files($body);
  is($exit, 1, $name) or diag $said;
  like($said, $pattern, '  and says why');
}

my $file = "$dir/note.txt";
my ($said, $exit) = files(qq{    files.put(path: "$file", text: "one\\n", mode: 384)\n    show files.there(path: "$file")});
is($exit, 0, 'a new file') or diag $said;
is(read_file($file), "one\n", 'has its text');
is((stat $file)[2] & 07777, 0600, 'and its mode');
files(qq{    files.put(path: "$file", text: "two\\n", append: true)});
is(read_file($file), "one\ntwo\n", 'a text is added at its end');
chmod 0640, $file;
files(qq{    files.put(path: "$file", text: "three\\n")});
is(read_file($file), "three\n", 'it is replaced');
is((stat $file)[2] & 07777, 0640, 'and keeps the mode it has');
($said) = files(qq{    show files.text(path: "$file")\n    gone = files.remove(path: "$file")\n    again = files.remove(path: "$file")\n    show "#{gone} then #{again}"});
like($said, qr/three\n.*true then false/s, 'it is read, and removed once');
ok(!-e $file, 'and gone');
files(qq{    files.put(path: "own.txt", text: "mine", state: true)});
is(read_file("$dir/state/own.txt"), 'mine', 'what a driver keeps stands beside the journal');

mkdir "$dir/sub";
mkfifo("$dir/pipe", 0600);
write_file("$dir/large", 'x' x 5000);
fails('a directory that is not there', qq{    files.put(path: "$dir/none/x", text: "a")}, qr{cannot write \S+/none/x: No such file or directory});
fails('the same, to add to', qq{    files.put(path: "$dir/none/x", text: "a", append: true)}, qr{cannot append to \S+/none/x: No such file or directory});
fails('a directory in its place', qq{    files.put(path: "$dir/sub", text: "a")}, qr{cannot write \S+/sub: Is a directory});
fails('a file that is not there', qq{    show files.text(path: "$dir/none")}, qr{cannot read \S+/none: No such file or directory});
fails('a pipe that nobody writes', qq{    show files.text(path: "$dir/pipe")}, qr{cannot read \S+/pipe: it is not a file});
fails('a directory', qq{    show files.text(path: "$dir/sub")}, qr{cannot read \S+/sub: it is not a file});
fails('a file that is too large', qq{    show files.text(path: "$dir/large", max: 4999)}, qr{large is larger than 4999 bytes});
fails('something that is no text', qq{    files.put(path: "$file", text: [1, 2])}, qr{file\.write: text: takes text, not array});
like((files(qq{    files.put(path: "$file", text: [1, 2])}))[0], qr{at \S*files\.rb:30:}, '  and where the driver does it');
fails('what only the primitive can tell', qq{    show files.text(path: "$file", max: 0)}, qr{max: is from 1 to .*help: the driver calls file\.read at \S*files\.rb:\d+:\d+}s);
write_file("$dir/wrong.rb", read_file("$dir/files.rb") =~ s/path, whole, mode: mode/path, 1.5, mode: mode/gr);
like((run_quietly($stepwise, 'lint', "$dir/wrong.rb"))[0], qr/error\[RB230\]: `text:` of `file\.write` is a text, not a float/, 'lint knows what a primitive takes');
fails('a full disk, to replace', qq{    files.put(path: "/dev/full", text: "a", append: true)}, qr{cannot append to /dev/full: No space left on device});

# A disk that takes only so much: the old file stays whole.
write_file($file, "old\n");
$number++;
write_file("$dir/case.rb", qq{runbook "files" do\n  use "files"\n  step "Do" do\n    files.put(path: "$file", text: "n", times: 3000000)\n    irreversible "no"\n  end\nend\n});
($said, $exit) = run_quietly('sh', '-c', "trap '' XFSZ; ulimit -f 2000; exec '$stepwise' run '$dir/case.rb' --journal '$dir/$number.db'");
like($said, qr/cannot write .*: File too large/, 'a text that does not fit') or diag $said;
is(read_file($file), "old\n", 'leaves the old one');
$number++;
write_file("$dir/case.rb", read_file("$dir/case.rb") =~ s/text: /append: true, text: /r);
($said, $exit) = run_quietly('sh', '-c', "trap '' XFSZ; ulimit -f 2000; exec '$stepwise' run '$dir/case.rb' --journal '$dir/$number.db'");
like($said, qr/cannot append to .*: File too large/, 'nor is a part of it added') or diag $said;
is(read_file($file), "old\n", 'to the old one');
is(join(' ', map { s{.*/}{}r } glob "$dir/.note*"), '', 'no drafts are left');
# While it is written: what a file does not let others read, its draft does not either.
{
  mkdir "$dir/closed";
  write_file("$dir/closed/a", 'a');
  chmod 0600, "$dir/closed/a";
  my $watcher = fork // die;
  if (!$watcher) {
    require POSIX;
    my ($seen, $until) = (0, time + 60);
    while (time < $until && !-e "$dir/closed/ended") {
      for my $draft (glob "$dir/closed/.a.*") {
        my @is = stat $draft or next;
        $seen |= $is[2];
      }
    }
    POSIX::_exit($seen & 077 ? 1 : 0);
  }
  ($said, $exit) = files(qq{    files.put(path: "$dir/closed/a", text: "n", times: 30000000)});
  write_file("$dir/closed/ended", '');
  waitpid $watcher, 0;
  is("$exit $?", '0 0', 'a draft is as closed as its file') or diag $said;
  is((stat "$dir/closed/a")[2] & 07777, 0600, 'which stays so');
}
done_testing;
