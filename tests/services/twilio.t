#!/usr/bin/env perl
# sms through Twilio against its published API description: Prism answers, and refuses what the
# description does not allow. The description is the file twilio-messages.openapi.json of $SPEC_DIR.
# Batches, which look for replies first, are in campaigns_sms.t: the pages of an example have no end.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use Services;
use Stepwise;
use Test::More;

my $description = ($ENV{SPEC_DIR} // '') . '/twilio-messages.openapi.json';
plan(skip_all => 'no SPEC_DIR with twilio-messages.openapi.json') if !$ENV{SPEC_DIR} || !-e $description;
need('prism');

my $dir = tempdir(CLEANUP => 1);
my $server = start_npm('@stoplight/prism-cli', 'dist/index.js', ['mock', '-h', '127.0.0.1', '-p', PORT, $description], within => 120);
my $url = "http://127.0.0.1:$server->{port}";
my $account = 'AC' . '0a' x 16;
my $token = 'sample-token-' . '7' x 19;
my $number = 0;
my $violation = qr/Violation: request|did not pass the validation|Request terminated with error/; # of answers: the description's own examples have some
mkdir "$dir/secrets";
write_file("$dir/secrets/token", "$token\n");
chmod 0600, "$dir/secrets/token";

# A step against that server: what it said and its exit code.
sub sms {
  my ($body, %more) = @_;
  $number++;
  my $sender = $more{sender} // 'from: "+15005550006"';
  write_file("$dir/t.site", qq{site "t" do\n  timezone "UTC"\n  secrets driver: "files", directory: "secrets"\n  connect :sms, driver: "twilio", account_sid: "$account", auth_token: secret("token"), $sender, url: "$url", quiet: "", settle: 100.milliseconds\nend\n});
  write_file("$dir/case$number.rb", qq{runbook "case$number" do\n  use "sms"\n  step "Do" do\n    timeout @{[$more{timeout} // '2.minutes']}\n$body\n    irreversible "it stays"\n  end\nend\n});
  return run_quietly($stepwise, 'run', "$dir/case$number.rb", '--journal', "$dir/journal.db", '--site', "$dir/t.site");
}
# What the server said of requests since the last time.
my $seen = 0;
sub log_since {
  my $all = read_file($server->{log});
  my $new = substr $all, $seen;
  $seen = length $all;
  return $new;
}

# --- that it does refuse: without credentials, and what the description does not allow ---
sub ask { return scalar run_quietly('curl', '-s', '-m', '30', '-o', '/dev/null', '-w', '%{http_code}', @_) }
my $messages = "$url/2010-04-01/Accounts/$account/Messages.json";
my @form = ('-d', 'To=+15005550009', '-d', 'From=+15005550006', '-d', 'Body=hello');
SKIP: {
  skip 'no curl', 5 if system('command -v curl >/dev/null 2>&1');
  is(ask(@form, $messages), '401', 'the server takes nothing without credentials');
  is(ask('-u', "$account:$token", @form, $messages), '201', '  and a message with them');
  is(ask('-u', "$account:$token", "$messages?PageSize=1001"), '422', '  and refuses what the description does not allow: a page of 1001');
  is(ask('-u', "$account:$token", "$url/2010-04-01/Accounts/nobody/Messages.json"), '422', '  an account that is none');
  like(log_since(), $violation, '  and says so where this test looks');
}
log_since();

# --- the driver's requests pass ---
my ($said, $exit) = sms('    m = sms.send(to: "+15005550009", body: "hello & more, caf\xc3\xa9 100 %")' . "\n" . '    show m.id, as: "id"' . "\n" . '    show m.state, as: "state"');
my $log = log_since();
is($exit, 0, 'a message is sent') or diag $said, $log;
like($said, qr/id: SM[0-9a-f]{32}$/m, '  and has the SID of the answer');
like($log, qr{post /2010-04-01/Accounts/\Q$account\E/Messages\.json}, '  by the request that the description has');
unlike($log, $violation, '  which it allows, as it does the answer');

($said, $exit) = sms('    m = sms.send(to: "+15005550009", body: "hello")' . "\n    show m.id", sender => 'messaging_service: "MG' . '0b' x 16 . '", status_callback: "https://example.org/state"');
$log = log_since();
is($exit, 0, 'a Messaging Service sends') or diag $said, $log;
unlike($log, $violation, '  as the description allows');

my $sid = 'SM' . 'c0' x 16;
($said, $exit) = sms(qq{    show sms.status(id: "$sid"), as: "then"});
$log = log_since();
is($exit, 0, 'a message is fetched') or diag $said, $log;
like($log, qr{get /2010-04-01/Accounts/\Q$account\E/Messages/$sid\.json}, '  by its SID');
unlike($log, $violation, '  as the description allows');
like($said, qr/state\s+(?:queued|sent|delivered|failed)/, '  and its state is one we know');

# Each page of the example names a next one, so it ends with the step's time; the first page tells.
($said, $exit) = sms('    r = sms.replies' . "\n" . '    show r.size, as: "replies"', timeout => '2.seconds');
$log = log_since();
my ($first) = split /(?<=\n)(?=.*Request received)/, $log;
like($first, qr{get /2010-04-01/Accounts/\Q$account\E/Messages\.json}, 'replies are listed') or diag $said;
like($first, qr/The request passed the validation rules/, '  with a filter by date and a page size that the description allows') or diag $log;
unlike($first, $violation, '  and no fault is found in it') or diag $log;

my $all = join '', map { read_file($_) } grep { -f } glob("$dir/journal.db* $dir/state/*"), $server->{log};
unlike($all, qr/\Q$token\E/, 'the token stands nowhere');
done_testing;
