#!/usr/bin/env perl
# The site file: how it is found, what each of its mistakes says, and what it hands to drivers.
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Temp 'tempdir';
use JSON::PP;
use Test::More;

my $top_dir = tempdir(CLEANUP => 1);
my $me = getpwuid $<;
my $number = 0;

my $mailer = <<'RUBY';
binding :mailer, "Mail" do
  action :send, effect: :write, repeat: :safe do
    takes :to, :string
    gives :string
  end
end
driver :loud, for: :mailer do
  setting :token, :secret, optional: true
  setting :port,  :integer, default: 25, max: 70000
  setting :from,  :string
  setting :mode,  :symbol, one_of: [:plain, :rich], default: :plain
  perform(:send) { |to| "#{setting.port} #{setting.from} #{setting.mode} #{to}" }
end
driver :quiet, for: :mailer do
  perform(:send) { |to| "quiet" }
end
RUBY

my $runbook = <<"RUBY" . $mailer;
runbook "letters" do
  step "Send" do
    reply = mailer.send(to: "ana")
    show reply, as: "reply"
    irreversible "it is sent"
  end
end
RUBY

# A directory with a site, a runbook in a directory below it, and more files; runs the runbook.
sub case_dir {
  my (%files) = @_;
  my $dir = "$top_dir/" . ++$number;
  mkdir $dir;
  mkdir "$dir/$_" for qw(books keys secrets);
  for my $name (keys %files) {
    write_file("$dir/$name", $files{$name});
    chmod 0600, "$dir/$name" if $name =~ /^secrets/;
  }
  return $dir;
}

sub site_case {
  my ($name, $site, %want) = @_;
  my $dir = case_dir('site.rb' => qq{site "test" do\n$site\nend\n}, 'books/r.rb' => $want{rb} || $runbook, %{$want{files} || {}});
  local %ENV = (%ENV, %{$want{env} || {}});
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/books/r.rb", '--journal', "$dir/j.db", @{$want{args} || []});
  my @problems;
  push @problems, "exit $exit" if $exit != $want{exit};
  for my $pattern (@{$want{has} || []}) { push @problems, "no $pattern" if $said !~ $pattern }
  push @problems, 'there are runs' if $want{exit} == 3 && -e "$dir/j.db" && run_quietly($stepwise, 'runs', '--json', '--journal', "$dir/j.db") =~ /"run"/;
  push @problems, $want{also}->($dir, $said) if $want{also};
  ok(!@problems, $name) or diag join "\n", @problems, $said;
}

my $connected = qq{  connect :mailer, driver: "loud", from: "ops"};

# -- what it hands on --
site_case('settings: given, defaulted, converted from the environment', qq{  connect :mailer, driver: "loud", from: "ops", port: env("TEST_PORT"), mode: "rich"},
  env => {TEST_PORT => '2525'}, exit => 0, has => [qr/reply: 2525 ops rich ana/]);
site_case('a symbol of the site is one of the runbook', qq{  connect :mailer, driver: "loud", from: "ops", mode: :rich}, exit => 0, has => [qr/reply: 25 ops rich ana/]);
site_case('the driver that the site names', qq{  connect :mailer, driver: "quiet"}, exit => 0, has => [qr/reply: quiet/]);
site_case('env with another', qq{  connect :mailer, driver: "loud", from: env("TEST_NOBODY_SETS_THIS", "fallback")}, exit => 0, has => [qr/25 fallback plain/]);
site_case('a secret of a file', qq{  secrets driver: "files", directory: "secrets"\n  connect :mailer, driver: "loud", from: "ops", token: secret("mail")},
  files => {'secrets/mail' => "correct horse\n"}, exit => 0, has => [qr/reply: 25 ops/],
  also => sub { my ($dir) = @_; return grep { (read_file($_) // '') =~ /correct horse/ } glob "$dir/j.db*" });
site_case('a secret of the environment', qq{  secrets driver: "env"\n  connect :mailer, driver: "loud", from: secret("TEST_SECRET")},
  env => {TEST_SECRET => 'battery staple'}, exit => 0, has => [qr/reply: \[secret\]/],
  also => sub { my ($dir, $said) = @_; return ((grep { (read_file($_) // '') =~ /battery/ } glob "$dir/j.db*"), $said =~ /battery/ ? 'shown' : ()) });
site_case('connections that are not used want nothing', qq{$connected\n  connect :sms, driver: "x", token: secret("none"), url: env("TEST_NOBODY_SETS_THIS")}, exit => 0);
site_case('the site is pinned, and part of the plan', $connected, exit => 0, also => sub {
  my ($dir) = @_;
  my ($started) = grep { $_->{kind} eq 'run.started' } map { decode_json $_ } grep { /^\{/ } split /\n/, run_quietly($stepwise, 'journal', 'export', '--journal', "$dir/j.db");
  my $sha = (split ' ', run_quietly('sha256sum', "$dir/site.rb"))[0];
  return (($started->{data}{site} eq $sha ? () : 'site'), ($started->{data}{plan} =~ /^[0-9a-f]{64}$/ ? () : 'plan'), ($started->{data}{site_file} eq "$dir/site.rb" ? () : 'file'));
});

# -- what each mistake says --
my @mistakes = (
  ['a binding without the driver', qq{  connect :mailer, driver: "lod"}, qr/site\.rb:2:3: binding mailer has no driver "lod"\nhelp: did you mean "loud"\?/],
  ['a setting that is not one', qq{$connected, prot: 3}, qr/site\.rb:2:\d+: driver loud of binding mailer has no setting prot\nhelp: did you mean port\?/],
  ['a setting of the wrong type', qq{$connected, port: "many"}, qr/site\.rb:2:\d+: port must be an integer/],
  ['a setting out of bounds', qq{$connected, port: 70001}, qr/site\.rb:2:\d+: port must be at most 70000/],
  ['a setting that is missing', qq{  connect :mailer, driver: "loud"}, qr/site\.rb:2:3: driver loud of binding mailer needs the setting from/],
  ['no driver and no connection', '', qr/no driver serves binding mailer\nhelp: it has several/],
  ['an environment without it', qq{  connect :mailer, driver: "loud", from: env("TEST_NOBODY_SETS_THIS")}, qr/site\.rb:2:\d+: the environment has no TEST_NOBODY_SETS_THIS/],
  ['a secret that is not there', qq{  secrets driver: "files", directory: "secrets"\n$connected, token: secret("mail")}, qr/cannot read the secret \S+secrets\/mail: No such file/],
  ['a secret that leads out', qq{  secrets driver: "files", directory: "secrets"\n$connected, token: secret("../site.rb")}, qr/'\.\.\/site\.rb' names no secret/],
  ['secrets from nowhere', qq{$connected, token: secret("mail")}, qr/the site says nowhere where secrets come from/],
  ['secrets of an unknown driver', qq{$connected\n  secrets driver: "vaults", directory: "x"}, qr/site\.rb:3:\d+: error\[RB209\]: no driver "vaults" for secrets/],
  ['a role without members', qq{$connected\n  role :lead, members: []}, qr/site\.rb:3:3: role :lead has no members/],
  ['a role that lists somebody twice', qq{$connected\n  role :lead, members: %w[ana Ana]}, qr/role :lead lists Ana twice/],
  ['a member that is no account', qq{$connected\n  role :lead, members: ["ana\@desk"]}, qr/role :lead lists 'ana\@desk', which is no name of an account/],
  ['a signed role without keys', qq{$connected\n  role :lead, members: %w[ana], signed: true}, qr/role :lead is signed and needs keys/],
  ['keys that are missing', qq{$connected\n  role :lead, members: %w[ana], signed: true, keys: "keys/none"}, qr/site\.rb:3:3: the keys of role :lead, \S+keys\/none: No such file/],
  ['keys that are a directory', qq{$connected\n  role :lead, members: %w[ana], signed: true, keys: "keys"}, qr/the keys of role :lead, \S+keys: Is a directory/],
  ['glass that pages nobody', qq{$connected\n  role :lead, members: %w[ana], break_glass: :boss}, qr/role :lead names :boss to be paged, and there is no such role/],
  ['glass that pages itself', qq{$connected\n  role :lead, members: %w[ana], break_glass: :lead}, qr/must page another role than itself/],
  ['signed and typed', qq{$connected\n  role :lead, members: %w[ana], signed: true, typed: true, keys: "site.rb"}, qr/cannot be both signed and typed/],
  ['a zone that there is not', qq{$connected\n  timezone "Mars/Olympus"}, qr/site\.rb:3:\d+: this machine knows no time zone "Mars\/Olympus"/],
  ['what the checker finds', qq{  connect :mailer}, qr/site\.rb:2:3: error\[RB\d+\]/],
);
site_case("a mistake: $_->[0]", $_->[1], exit => 3, has => [$_->[2]]) for @mistakes;
{
  my $dir = case_dir('site.rb' => qq{site "t" do\n  secrets driver: "files", directory: "secrets"\n$connected, token: secret("mail")\nend\n}, 'books/r.rb' => $runbook, 'secrets/mail' => 'x');
  chmod 0644, "$dir/secrets/mail";
  my ($said, $exit) = run_quietly($stepwise, 'run', "$dir/books/r.rb", '--journal', "$dir/j.db");
  is($exit, 3, 'a mistake: a secret that everybody can read');
  like($said, qr/the secret \S+ can be read by everybody/, 'and it says so');
}

{
  my $dir = case_dir('site.rb' => qq{site "t" do\n  role :lead, members: []\nend\n});
  my ($said, $exit) = run_quietly($stepwise, 'lint', "$dir/site.rb");
  ok($exit == 3 && $said =~ /site\.rb:2:3: role :lead has no members/, 'lint finds what evaluating finds') or diag $said;
  ($said) = run_quietly($stepwise, 'lint', '--json', "$dir/site.rb");
  like($said, qr/"message":"[^"]*role :lead has no members/, 'and says it in JSON');
}

# -- where it is found --
my $dir = case_dir('site.rb' => qq{site "t" do\n$connected\nend\n}, 'other.rb' => qq{site "t" do\n  connect :mailer, driver: "quiet"\nend\n}, 'books/r.rb' => $runbook,
  'nothing.rb' => "runbook \"x\" do\n  step \"S\" do\n    note \"x\"\n  end\nend\n");
my @run = ($stepwise, 'run', "$dir/books/r.rb", '--journal', "$dir/j.db");
like(scalar(run_quietly(@run, '--site', "$dir/other.rb")), qr/reply: quiet/, '--site goes before what is found');
{
  local $ENV{STEPWISE_SITE} = "$dir/other.rb";
  like(scalar(run_quietly(@run)), qr/reply: quiet/, '$STEPWISE_SITE as well');
  like(scalar(run_quietly(@run, '--site', "$dir/site.rb")), qr/reply: 25 ops/, 'and --site before that');
}
my ($said, $exit) = run_quietly(@run, '--site', "$dir/none.rb");
is($exit, 3, 'a site that is named must be there');
($said, $exit) = run_quietly(@run, '--site', "$dir/nothing.rb");
like($said, qr/nothing\.rb holds no site/, 'and be one');
write_file("$dir/books/site.rb", qq{site "t" do\n  connect :mailer, driver: "quiet"\nend\n});
like(scalar(run_quietly(@run)), qr/reply: quiet/, 'the nearest one counts');
unlink "$dir/books/site.rb";
SKIP: {
  skip 'only root can give files away', 1 if $< != 0;
  chown scalar getpwnam('nobody'), -1, "$dir/site.rb";
  ($said, $exit) = run_quietly(@run);
  like($said, qr/site\.rb was found and belongs to another account/, "somebody else's site above is not used");
  chown 0, -1, "$dir/site.rb";
}

# -- the journal that it names --
write_file("$dir/site.rb", qq{site "t" do\n  journal "var/j.db"\n$connected\nend\n});
($said, $exit) = run_quietly($stepwise, 'run', "$dir/books/r.rb");
is($exit, 0, 'a run with the journal of the site') or diag $said;
ok(-e "$dir/var/j.db", 'it is where the site says');
for my $verb ([qw(runs)], [qw(show)], [qw(journal verify)]) {
  ($said, $exit) = run_quietly('sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', "$dir/books", $stepwise, @$verb);
  is($exit, 0, "@$verb reads it, from below the site") or diag $said;
}
{
  local $ENV{STEPWISE_JOURNAL} = "$dir/third.db";
  run_quietly($stepwise, 'run', "$dir/books/r.rb");
  ok(-e "$dir/third.db", '$STEPWISE_JOURNAL goes before the site');
}

# -- which day it is --
my $days = qq{runbook "d" do\n  step "S" do\n    show today, as: "day"\n  end\nend\n};
for my $zone ('Pacific/Kiritimati', 'Etc/GMT+12') {
  site_case("today is the day of $zone", qq{  timezone "$zone"}, rb => $days, exit => 0, also => sub {
    my (undef, $said) = @_;
    local $ENV{TZ} = $zone;
    my $day = (split /\n/, run_quietly('date', '+%F'))[0];
    return $said =~ /day: $day 00:00:00 UTC/ ? () : "not $day";
  });
}

# -- roles of the operator --
my $guarded = qq{runbook "g" do\n  requires role: :keeper\n  step "S" do\n    note "went"\n  end\nend\n};
site_case('a member may run it', qq{  role :keeper, members: %w[$me ana]}, rb => $guarded, exit => 0, has => [qr/went/]);
site_case('others may not, whatever they claim', qq{  role :keeper, members: %w[ana kim]}, rb => $guarded, args => ['--role', 'keeper'], exit => 3,
  has => [qr/this runbook may be run by :keeper only, and $me\@\S+ is no member of it\nhelp: its members, in \S+site\.rb: ana, kim/]);
site_case('a role that the site does not name', qq{  role :keepers, members: %w[ana]}, rb => $guarded, exit => 3,
  has => [qr/the site test names no role :keeper\nhelp: did you mean :keepers\?/]);

# -- what lint says of connections, before any run, and without the environment --
my $lint = case_dir('site.rb' => <<'RUBY', 'desk.rb' => <<'MODULE');
site "office" do
  connect :sms, driver: "outbox", quiet: "25:00-08:00", per_secnd: 3, delay: "many"
  connect :email, driver: "smpt", url: "smtp://mail.example.org"
  connect :crm, driver: "files", max: 0
  connect :pager, driver: "pagerduty", url: env("TEST_NOBODY_SETS_THIS")
  connect :desk, driver: "plain", floor: "two"
  connect :chat, driver: "of_our_own", anything: 3
end
RUBY
binding :desk, "A desk" do
  action :ask, effect: :read
end
driver :plain, for: :desk do
  setting :floor, :integer
  perform(:ask) { nil }
end
MODULE
my ($found, $code) = run_quietly($stepwise, 'lint', "$lint/site.rb");
is($code, 3, 'connections that do not fit their drivers') or diag $found;
is(join("\n", map { s/^\S*\///r } grep { /error/ } split /\n/, $found), join("\n",
  'site.rb:2:42: error[RB230]: quiet must be two different times of day from 00:00 to 23:59, such as 21:00-08:00, not "25:00-08:00"',
  'site.rb:2:68: error[RB205]: driver outbox of binding sms has no setting per_secnd',
  'site.rb:2:78: error[RB230]: delay must be a duration, not "many"',
  'site.rb:3:3: error[RB209]: binding email has no driver "smpt"',
  'site.rb:4:39: error[RB230]: max must be at least 1, not 0',
  'site.rb:5:3: error[RB222]: driver pagerduty of binding pager needs the setting routing_key',
  'site.rb:6:42: error[RB230]: floor must be an integer, not "two"', '7 errors'), '  each at its place, and those of modules of one\'s own');
like($found, qr/did you mean per_second\?/, '  with what was meant');
write_file("$lint/site.rb", qq{site "office" do\n  connect :sns, driver: "twilio", foo: "bar"\nend\n});
($found, $code) = run_quietly($stepwise, 'lint', "$lint/site.rb");
ok($code == 0 && $found =~ /site\.rb:2:3: warning\[RB280\]: no binding sns is known\n(?s:.*)help: did you mean :sms\?/, '  nor is a binding that is nearly a known one let pass') or diag "$code $found";
write_file("$lint/site.rb", qq{site "office" do\n  connect :sms, driver: "twilio", account_sid: env("TEST_NOBODY_SETS_THIS"), auth_token: secret("none"), from: "+15005550006"\nend\n});
is(join(' ', run_quietly($stepwise, 'lint', "$lint/site.rb")), ' 0', '  what fits is fine, and no secret is asked for');

# -- and of contacts, whether a site connects their bindings or not --
my $contacts = sub { my ($page) = @_; return qq{site "office" do\n  role :lead, members: %w[ana], page: $page\nend\n} };
for my $case (
  ['a number that is none', '{ chat: "#ops", sms: "12" }', qr/site\.rb:2:60: error\[RB230\]: sms must be a phone number with its country, not "12"\n(?s:.*)help: write it like \+15005550006/],
  ['one without its country', '{ sms: "2025550123" }', qr/site\.rb:2:46: error\[RB230\]: sms must be a phone number/],
  ['an address that is none', '{ "email" => "not an address" }', qr/site\.rb:2:52: error\[RB230\]: email must be an email address, such as ana\@example\.org, not "not an address"/],
  ['a channel that is none', '{ chat: "two words" }', qr/site\.rb:2:47: error\[RB230\]: chat must be the name of a channel, such as #data, not "two words"/],
  ['one that the environment gives', '{ sms: env("TEST_NOBODY_SETS_THIS", "12") }', qr/site\.rb:2:46: error\[RB230\]: sms must be/]) {
  write_file("$lint/site.rb", $contacts->($case->[1]));
  ($found, $code) = run_quietly($stepwise, 'lint', "$lint/site.rb");
  ok($code == 3 && $found =~ $case->[2] && $found =~ /^1 error$/m, "a contact: $case->[0]") or diag "$code $found";
}
write_file("$lint/site.rb", $contacts->('{ sms: "+12025550123", email: "ana@example.org", chat: true, pager: "desk" }'));
is(join(' ', run_quietly($stepwise, 'lint', "$lint/site.rb")), ' 0', 'contacts that can be reached are fine');
write_file("$lint/site.rb", qq{site "office" do\n  timezone "Mars/Base"\nend\n});
($found, $code) = run_quietly($stepwise, 'lint', "$lint/site.rb");
ok($code == 3 && $found =~ m{site\.rb:2:12: error\[RB\d+\]: this machine knows no time zone "Mars/Base"}, 'a time zone that is none') or diag("$code $found");
write_file("$lint/site.rb", qq{site "office" do\n  timezone "UTC"\nend\n});
is(join(' ', run_quietly($stepwise, 'lint', "$lint/site.rb")), ' 0', '  and one that is');
my $calls = qq{runbook "c" do\n  step "S" do\n    page :lead, "x"\n    note "went"\n  end\nend\n};
site_case('nor does a run begin that may page one', qq{  role :lead, members: %w[ana], page: { chat: "#ops", sms: "12" }}, rb => $calls, exit => 3,
  has => [qr/site\.rb:2:\d+: sms must be a phone number with its country, not "12"\nhelp: write it like/]);

done_testing;
