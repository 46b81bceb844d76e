#!/usr/bin/env perl
# The binding crm: segments and texts from files, what is refused in them and where, people who are made up.
use strict;
use warnings;
use lib 'tests/lib';
use File::Path 'make_path';
use File::Temp 'tempdir';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
chdir $dir;
make_path("$dir/crm/segments", "$dir/crm/campaigns");
my $number = 0;

# Runs one step with this body; what it shows, or why it failed.
sub says {
  my ($body, @options) = @_;
  write_file("$dir/case.rb", qq{runbook "case" do\n  title "Case"\n  use "crm"\n  step "Do" do\n    show($body, as: "it")\n  end\nend\n});
  my ($said) = run_quietly($stepwise, 'run', "$dir/case.rb", '--journal', "$dir/" . ++$number . '.db', @options);
  return $said =~ /^      (?:it: ?|FAILED: )(.*)\n/m ? $1 : $said;
}
sub segment { write_file("$dir/crm/segments/s.csv", $_[0]) }

segment("id,name,phone,email,consent,opted_out,zone\n1,Ana,+15555010100,ana\@example.org,yes,no,America/New_York\n"
  . "\n2, Sam ,,,No,TRUE,\n3,Kim,+15555010101,,true,,UTC\n");
is(says('crm.segment(name: "s").map { |p| [p.id, p.name, p.phone, p.email, p.consent, p.opted_out, p.zone].inspect }.join(" ")'),
  '["1", "Ana", "+15555010100", "ana@example.org", true, false, "America/New_York"] ["2", "Sam", nil, nil, false, true, nil] ["3", "Kim", "+15555010101", nil, true, false, "UTC"]',
  'people of a segment');
segment("name;consent;id\nAna;yes;7\n");
is(says('crm.segment(name: "s").map { |p| [p.id, p.phone, p.zone].inspect }.join(" ")'), '["7", nil, nil]', 'columns may be missing, in any order, with another delimiter');
segment("id,name,consent\n");
is(says('crm.segment(name: "s").size'), '0', 'nobody');

# What one row says of a number or an address holds in the others, before it and after.
segment("id,name,phone,email,consent,opted_out\n1,Ana,+15555010100,,yes,yes\n2,Ana L.,+15555010100,,yes,no\n3,Sam,,Sam\@example.org,yes,\n4,Kim,+15555010101,,yes,\n"
  . "5,Sam S.,+15555010102,sam\@Example.org,yes,yes\n6,Noor,+15555010103,,yes,\n7,Noor,+15555010103,noor\@example.org,no,\n8,Ines,,,yes,yes\n9,Paul,,,no,\n10,Mara,,,yes,\n");
is(says('crm.segment(name: "s").select { |p| p.opted_out }.map { |p| p.id }.join(" ")'), '1 2 3 5 8', 'who opted out in one row is out in all rows of that number or address, and nobody else');
is(says('crm.segment(name: "s").reject { |p| p.consent }.map { |p| p.id }.join(" ")'), '6 7 9', 'a consent that is no likewise');

my @wrong = (
  ["id,name,phone,consent\n1,Ana,5555010100,yes\n", 'row 2: the phone "5555010100" is not like +15555550100'],
  ["id,name,phone,consent\n1,Ana,+1 555 501 0100,yes\n", 'row 2: the phone "+1 555 501 0100" is not like +15555550100'],
  ["id,name,email,consent\n1,Ana,\"ana\@\",yes\n", 'row 2: the email "ana@" is no address'],
  ["id,name,consent\n\n1,Ana,maybe\n", 'row 3: consent is "maybe", not yes or no'],
  ["id,name,consent\n1,Ana,\n", 'row 2: consent is "", not yes or no'],
  ["id,name,consent,opted_out\n1,Ana,yes,perhaps\n", 'row 2: opted_out is "perhaps", not yes or no'],
  ["id,name,consent,zone\n1,Ana,yes,Mars/Base\n", 'row 2: there is no time zone "Mars/Base"'],
  ["id,name,consent\n1,Ana,yes\n1,Sam,yes\n", 'row 2: the id 1 stands 2 times; row 3: the id 1 stands 2 times'],
  ["id,name,consent\n,Ana,yes\n", 'row 2: the id is empty'],
  ["id,name,consent\n" . join('', map { "$_,Ana,x\n" } 1 .. 8), 'row 2: consent is "x", not yes or no; row 3: consent is "x", not yes or no; row 4: consent is "x", not yes or no; row 5: consent is "x", not yes or no; row 6: consent is "x", not yes or no; and 3 more'],
);
for (@wrong) {
  segment($_->[0]);
  is(says('crm.segment(name: "s").size'), "crm/segments/s.csv: $_->[1]", substr $_->[1], 0, 60);
}
segment("id,phone\n1,+15555010100\n");
is(says('crm.segment(name: "s").size'), 'crm/segments/s.csv has no column name, consent', 'columns that are lacking');
segment("id,name,consent,fone\n1,Ana,yes,1\n");
is(says('crm.segment(name: "s").size'), 'crm/segments/s.csv has a column fone, which means nothing here', 'a column by another name');
segment("id,name,consent\n1,Ana\n");
is(says('crm.segment(name: "s").size'), 'crm/segments/s.csv: row 2 has fewer fields than the header', 'a short row');
is(says('crm.segment(name: "none").size'), 'there is no segment none: no file crm/segments/none.csv', 'no such segment');
like(says('crm.segment(name: "../x").size'), qr/must be a name of small letters, digits, dots, dashes and underscores/, 'a name is no path');

write_file("$dir/crm/campaigns/c.sms.txt", "\nHello from us. Reply STOP to opt out.\n\n");
is(says('crm.body(campaign: "c")'), 'Hello from us. Reply STOP to opt out.', 'a text message');
is(says('crm.body(campaign: "d")'), 'there is no text message of d: no file crm/campaigns/d.sms.txt', 'no such campaign');
write_file("$dir/crm/campaigns/d.sms.txt", "\xef\xbb\xbfSTOP\n");
is(says('crm.body(campaign: "d")'), 'STOP', 'a byte-order mark is no part of a text');
write_file("$dir/crm/campaigns/d.sms.txt", "\n");
is(says('crm.body(campaign: "d")'), 'crm/campaigns/d.sms.txt is empty', 'an empty one');
is(says('crm.template(campaign: "c").subject'), 'the mail of c is not whole: no file crm/campaigns/c.email.subject.txt, no file crm/campaigns/c.email.txt', 'no mail');
write_file("$dir/crm/campaigns/c.email.subject.txt", "Spring\n");
write_file("$dir/crm/campaigns/c.email.txt", "Hello {{name}}\n");
is(says('crm.template(campaign: "c").subject + crm.template(campaign: "c").text.strip + crm.template(campaign: "c").html.inspect'), 'SpringHello {{name}}nil', 'a mail without HTML');
write_file("$dir/crm/campaigns/c.email.html", "<p>\n");
is(says('crm.template(campaign: "c").html.strip'), '<p>', 'and with it');
write_file("$dir/crm/campaigns/c.email.subject.txt", "Spring\nSummer\n");
is(says('crm.template(campaign: "c").subject'), 'crm/campaigns/c.email.subject.txt is more than a line', 'a subject of two lines');

for (["caf\xe9. Reply STOP", 'byte 4 of line 1 is 0xE9'], ["One\nTwo \xc3", 'byte 5 of line 2 is 0xC3'], ["\0STOP", 'byte 1 of line 1 is 0x00'],
  ["\xed\xa0\x80", 'byte 1 of line 1 is 0xED']) {
  write_file("$dir/crm/campaigns/c.sms.txt", $_->[0]);
  is(says('crm.body(campaign: "c")'), "crm/campaigns/c.sms.txt is no text in UTF-8: $_->[1]", "a text message that is no UTF-8: $_->[1]");
}
write_file("$dir/crm/campaigns/c.sms.txt", "caf\xc3\xa9 STOP");
is(says('crm.body(campaign: "c")'), "caf\xc3\xa9 STOP", 'one that is');
for my $part ('subject.txt', 'txt', 'html') {
  write_file("$dir/crm/campaigns/c.email.$_", "Spring\n") for 'subject.txt', 'txt', 'html';
  write_file("$dir/crm/campaigns/c.email.$part", "Spr\xefng\n");
  is(says('crm.template(campaign: "c").subject'), "crm/campaigns/c.email.$part is no text in UTF-8: byte 4 of line 1 is 0xEF", "a mail whose $part is none");
}

# -- a site's directory, and its limits --
make_path("$dir/elsewhere/segments");
write_file("$dir/elsewhere/segments/s.csv", "id,name,consent\n1,Ana,yes\n2,Sam,yes\n");
write_file("$dir/site.rb", qq{site "x" do\n  connect :crm, driver: "files", directory: "$dir/elsewhere"\nend\n});
is(says('crm.segment(name: "s").size', '--site', "$dir/site.rb"), '2', 'the site says where');
write_file("$dir/site.rb", qq{site "x" do\n  connect :crm, driver: "files", directory: "$dir/elsewhere", max: 1\nend\n});
is(says('crm.segment(name: "s").size', '--site', "$dir/site.rb"), "$dir/elsewhere/segments/s.csv has more than 1 rows", 'and how many at most');

# -- drills --
my @drill = ('--drill');
is(says('crm.segment(name: "any").size', @drill), '200', 'people who are made up');
is(says('crm.segment(name: "any").map { |p| p.phone }.uniq.size', @drill, '--drill-set', 'crm.people=10000'), '10000', 'each with a number of its own');
is(says('crm.segment(name: "any").count { |p| !p.phone.start_with?("+1555501") || !p.email.end_with?("@example.org") }', @drill), '0', 'that is plainly none');
is(says('crm.segment(name: "any").count { |p| !p.consent }', @drill, '--drill-set', 'crm.without_consent=3'), '3', 'a bad day');
is(says('crm.segment(name: "any").count { |p| p.opted_out }', @drill, '--drill-set', 'crm.opted_out=4'), '4', 'another');
like(says('crm.body(campaign: "any")', @drill), qr/Reply STOP/, 'a message');
like(says('crm.template(campaign: "any").html.strip', @drill), qr/\{\{unsubscribe\}\}/, 'a mail');
done_testing;
