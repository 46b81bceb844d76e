#!/usr/bin/env perl
# The binding shell and the primitive exec: what a program gets, and what becomes of one in a branch.
use strict;
use warnings;
use lib 'tests/lib';
use Children;
use File::Temp 'tempdir';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $number = 0;

sub shell {
  my ($text, @args) = @_;
  $number++;
  write_file("$dir/case.rb", $text =~ s/DIR/$dir/gr);
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/case.rb", '--journal', "$dir/$number.db", @args);
  my ($events) = run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/$number.db");
  return ($said, $exit, $events);
}

# --- what a program gets ---
$ENV{KEPT} = 'kept';
$ENV{TAKEN} = 'taken';
my ($said, $exit, $events) = shell(<<'RUBY', '--set', 'token=hush-hush');
runbook "given" do
  use "shell"
  input :token, :string, secret: true
  step "Look" do
    show shell.read(args: ["sh", "-c", "echo $KEPT ${TAKEN-none} $OWN $PWD", "sh"], dir: "/", env: { OWN: 5, TAKEN: nil }).out, as: "env"
    show shell.read(args: ["tr", "a-z", "A-Z"], stdin: "input\n").out, as: "stdin"
    show shell.read(args: ["echo", 1, 2.5, :sym, "$HOME `id`; *"]).out, as: "args"
    show shell.read(args: ["sh", "-c", "printf %s \"$0\" | wc -c", input.token]).out.strip, as: "length"
    show shell.read(args: ["sh", "-c", "printf %s \"$T\" | wc -c"], env: { T: input.token }).out.strip, as: "length"
    show shell.read(args: ["sh", "-c", "kill -9 $$"], ok: [137]).status, as: "killed"
  end
end
RUBY
is($exit, 0, 'programs run') or diag $said;
like($said, qr{env:\s+kept none 5 /\n}, 'variables and directory');
like($said, qr{stdin:\s+INPUT\n}, 'its input');
like($said, qr{args:\s+1 2\.5 sym \$HOME `id`; \*\n}, 'arguments as they are');
is(() = $said =~ /length: 9\n/g, 2, 'a secret reaches it');
unlike($said . $events, qr/hush-hush/, 'and nothing else');
like($said, qr/killed: 137/, 'a signal is told as 128 and more');

my %bad = ('args: ["false"]' => qr/false ended with status 1$/m, 'args: []' => qr/args: is empty/, 'args: [nil]' => qr/args: is a list of texts; number 1 is nil/, 'args: ["", "x"]' => qr/number 1 is empty/,
  'args: ["true", [1]]' => qr/number 2 is array/, 'args: ["true"], env: { "A=B" => "c" }' => qr/env: has a name that cannot be one: A=B/,
  'args: ["true"], env: { A: [1] }' => qr/env: A is array, not a text/, 'args: ["true"], dir: "/nowhere"' => qr{cannot start true in the directory /nowhere: No such file});
for my $args (sort keys %bad) {
  ($said, $exit) = shell(qq{runbook "bad" do\n  use "shell"\n  step "Look" do\n    show shell.read($args).status\n  end\nend\n});
  like($said, $bad{$args}, $args);
}

# --- a driver's own limit: transient; of a write that may not be repeated, in doubt ---
my $slow = <<'RUBY';
binding :slow, "Slow programs" do
  action :look, effect: :read do
    gives :integer
  end
  action :change, effect: :write do
    gives :integer
  end
  action :missing, effect: :write do
    gives :integer
  end
end
driver :programs, for: :slow, default: true do
  perform(:look) { exec.read(["sleep", "600"], timeout: 0.1.seconds).status }
  perform(:change) { exec.run(args: ["sleep", "600"], timeout: 0.1.seconds).status }
  perform(:missing) { exec.run(args: ["no-such-program"]).status }
end
RUBY
($said, $exit) = shell(qq{runbook "slow" do\n  step "Look" do\n    retries 2, backoff: 1.second, on: [:transient]\n    show slow.look\n  end\nend\n$slow}, '--virtual-clock');
is($exit, 1, 'a program that is too slow fails') or diag $said;
like($said, qr/sleep was stopped: it did not end within 100 ms/, 'says so');
is(() = $said =~ /trying again|retry|attempt/gi, 2, 'and is tried again') or diag $said;
($said, $exit) = shell(qq{runbook "slow" do\n  step "Change" do\n    done = slow.change\n    show done\n    irreversible "no"\n  end\nend\n$slow});
is($exit, 5, 'one that changes something is in doubt') or diag $said;
like($said, qr/slow\.change has no answer \(sleep was stopped: it did not end within 100 ms\): whether it happened is not known/, 'says why');
($said, $exit) = shell(qq{runbook "slow" do\n  step "Change" do\n    done = slow.missing\n    show done\n    irreversible "no"\n  end\nend\n$slow});
is($exit, 1, 'but not when it never started') or diag $said;

# --- a branch that fails stops what the others wait for ---
($said, $exit) = shell(<<'RUBY');
runbook "branches" do
  use "shell"
  parallel do
    step "Hang" do
      show shell.read(args: ["sh", "-c", "echo $$ > DIR/pid; exec sleep 600"]).status
    end
    step "Fail" do
      show shell.read(args: ["sh", "-c", "while [ ! -s DIR/pid ]; do sleep 0.02; done; exit 3"]).status
    end
  end
end
RUBY
is($exit, 1, 'a branch fails') or diag $said;
my ($pid) = (read_file("$dir/pid") // '') =~ /(\d+)/;
ok($pid && wait_for(sub { !is_alive($pid) }), 'the program of the other one is gone');
done_testing;
