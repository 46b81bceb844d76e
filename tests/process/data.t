#!/usr/bin/env perl
# The primitives of the groups crypto, json and csv, through a driver: what they give, and what they refuse.
use strict;
use warnings;
use lib 'tests/lib';
use Digest::SHA qw(sha256_hex hmac_sha1_base64);
use File::Temp 'tempdir';
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $number = 0;

# A driver whose one read evaluates the line, with `a` and `key` at hand; shows what comes of it.
sub gives {
  my ($line, $a) = @_;
  $number++;
  my $made = "$dir/$number";
  mkdir $made;
  write_file("$made/data.rb", <<"RUBY");
binding :data, "Data" do
  action :get, effect: :read do
    takes :a, :any
    takes :key, :secret
    gives :any
  end
end
driver :plain, for: :data, default: true do
  perform :get do |a, key|
    $line
  end
end
RUBY
  my $value = $a // '"x"';
  write_file("$made/case.rb", qq{runbook "data" do\n  title "Data"\n  use "data"\n  input :key, :secret, about: "a key"\n  step "Do" do\n    show data.get(a: $value, key: input.key), as: "it"\n  end\nend\n});
  my ($said) = run_quietly($stepwise, 'run', "$made/case.rb", '--set', 'key=Jefe-is-the-key', '--journal', "$made/j.db");
  return $1 if $said =~ /^      (?:it: ?|FAILED: )(.*?)\n(?:      (?:ok|at )|held)/ms;
  return $said;
}

# -- crypto --
is(gives('[crypto.password].map { |p| "#{p}" }.first'), '[secret]', 'a password is a secret');
is(gives('crypto.password == crypto.password'), 'false', 'two are two');
is(gives('crypto.equal?(crypto.password(length: 4, lower: 4, upper: 0, digits: 0, symbols: 0, exclude: "bcdefghijklmnopqrstuvwxyz"), "aaaa")'),
  'true', 'a policy that leaves one password');
like(gives('crypto.password(length: 2)'), qr/^length: 2 has no room for the 4 characters asked for/, 'a policy that cannot be kept');
like(gives('crypto.password(length: 1000)'), qr/^length: is from 1 to 256/, 'too long');
like(gives('crypto.password(digits: 0 - 1)'), qr/^a number of characters is from 0 to 256/, 'fewer than none');
is(gives('crypto.token'), '[secret]', 'so is a token');
like(gives('crypto.token(bytes: 8)'), qr/^bytes: is from 16 to 1024/, 'a token that could be guessed');
is(gives('crypto.sha256(text: a)'), sha256_hex('x'), 'a digest');
is(gives('crypto.sha256(text: key)'), '[secret]', 'of a secret a secret');
write_file("$dir/large", join '', map { "line $_\n" } 1 .. 700_000);
is(gives("crypto.sha256(path: \"$dir/large\")"), sha256_hex(read_file("$dir/large")), 'of a large file');
like(gives("crypto.sha256(path: \"$dir/none\")"), qr/^cannot read .*none: No such file/, 'of a file that is not there');
like(gives("crypto.sha256(path: \"$dir\")"), qr/^cannot read .*: Is a directory/, 'of a directory');
like(gives('crypto.sha256'), qr/^say text: or path:/, 'of nothing');
is(gives('crypto.hmac(key: key, text: a, algorithm: :sha1, encoding: :base64)'),
  hmac_sha1_base64('x', 'Jefe-is-the-key') . '=', 'a signature, for providers that sign so');
like(gives('crypto.hmac(key: key, text: a, algorithm: :md5)'), qr/^algorithm: is :sha256, :sha512 or :sha1, not md5/, 'an algorithm that signs nothing');
like(gives('crypto.hmac(key: "", text: a)'), qr/^key: is empty/, 'an empty key');
like(gives('crypto.hmac(key: key, text: a, encoding: :hexx)'), qr/^encoding: is :hex, :base64 or :base64url, not hexx/, 'an encoding');
is(gives('crypto.equal?(key, "Jefe-is-the-key")'), 'true', 'equal');
is(gives('crypto.equal?(key, "Jefe-is-the-kex")'), 'false', 'not equal');
is(gives('crypto.equal?(key, "Jefe")'), 'false', 'of another length');
is(gives('crypto.base64(a)', '"fö~~~"'), 'ZsO2fn5+', 'base64');
is(gives('crypto.base64(a, url: true)', '"fö~~~"'), 'ZsO2fn5-', 'for URLs');
is(gives('crypto.from_base64(crypto.base64(a))', '"fö~~~"'), 'fö~~~', 'and back');
is(gives('crypto.base64(key)'), '[secret]', 'of a secret a secret');
is(gives('crypto.equal?(crypto.from_base64(crypto.base64(key)), key)'), 'true', 'and back');
like(gives('crypto.from_base64(a)', '"no base64!"'), qr/^text: is not base64/, 'no base64');
like(gives('crypto.from_base64(a)', '"//778A=="'), qr/^text: stands for bytes that are no text/, 'base64 of no text');

# -- json --
is(gives('json.parse(a)["list"][1]["b"]', q('{"list": [1, {"b": "two"}]}')), 'two', 'JSON is read');
like(gives('json.parse(a)', q("{\n  \"a\": 1,\n  \"b\": }")), qr/line 3/, 'where it is wrong');
like(gives('json.parse(a, max: 3)', '"[1, 2]"'), qr/^the JSON has 6 bytes, more than 3/, 'too large');
like(gives('json.parse("[" * 300 + "]" * 300)'), qr/nest|deep|depth/, 'too deep');
is(gives('json.text(a)', '{ name: :ana, list: [1, 2.5, nil, true], "q" => "a\"b" }'), '{"name":"ana","list":[1,2.5,null,true],"q":"a\\"b"}', 'JSON is written');
like(gives('json.text({ key: [key] })'), qr/^a secret stands in it, and the text would show it/, 'a secret is not');

# -- csv --
is(gives('csv.parse(text: a).map { |r| "#{r["name"]}/#{r["note"]}" }.join(" ")', q("name,note\nana,\"x, \"\"y\"\"\"\n\nsam,\n")), 'ana/x, "y" sam/', 'a table is read');
is(gives('csv.parse(text: a, row_as: "row").map { |r| "#{r["row"]}#{r["name"]}" }.join(" ")', q("name\n\nana\n\nsam\n")), '3ana 5sam', 'with the numbers of its rows');
is(gives('csv.parse(text: a, header: false).map { |r| r.join("|") }.join(" ")', q("1;2\n3;4;5\n")), '1|2 3|4|5', 'without a header');
is(gives('csv.parse(text: a, delimiter: "tab").first["b"]', q("a\tb\n1\t2,3\n")), '2,3', 'a delimiter');
write_file("$dir/people.csv", "\xEF\xBB\xBFname,zone\r\nana,UTC\r\n");
is(gives("csv.parse(path: \"$dir/people.csv\").first[\"name\"]"), 'ana', 'a file');
like(gives("csv.parse(path: \"$dir/none.csv\")"), qr/^cannot read .*none\.csv: No such file/, 'a file that is not there');
like(gives('csv.parse(text: a)', q("a,b\n1,2\n3\n")), qr/^the text: row 3 has fewer fields than the header/, 'a short row');
like(gives('csv.parse(text: a)', q("a,a\n1,2\n")), qr/columns 1 and 2 are both named "a"/, 'two columns of a name');
like(gives('csv.parse(text: a)', q("a\n\"open\n")), qr/the text: the file ends inside a quoted field in row 2/, 'an open quote');
like(gives('csv.parse(text: a, max: 1)', q("a\n1\n2\n")), qr/^the text has more than 1 rows/, 'too many rows');
like(gives('csv.parse'), qr/^say text: or path:/, 'no table');
is(gives('csv.parse(text: csv.text(a, columns: ["n", "t"])).map { |r| "#{r["n"]}=#{r["t"]}" }.join(" ")', q([{ n: 1, t: "a,b" }, { "n" => 2, "t" => " \"q\" " }, { n: nil, t: 0 }])), '1=a,b 2= "q"  =0', 'what is written is read back');
is(gives('csv.text(a, delimiter: ";").lines.map { |l| l.strip }.join("/")', '[[1, "x;y"], [true, nil]]'), '1;"x;y"/true;', 'arrays are rows');
is(gives('csv.text(a).lines.map { |l| l.strip }.join("/")', '[[""], ["x"], [nil], ["", ""]]'), '""/x/""/"",', 'a row of empty fields is written as one');
is(gives('csv.parse(text: csv.text(a), header: false).map { |r| r.inspect }.join', '[[""], ["x"], [nil], ["", ""]]'), '[""]["x"][""]["", ""]', '  and read back');
is(gives('csv.parse(text: csv.text(a, columns: ["n", "t"])).map { |r| "#{r["n"]}=#{r["t"]}" }.join(" ")', '[{ n: 1, t: 2 }, {}, { n: nil, t: "" }, { n: 3, t: 4 }]'), '1=2 = = 3=4', '  under a header too');
is(gives('csv.parse(text: csv.text(a, columns: ["n"])).size', '[["x"], [""], ["y"]]'), '3', '  with one column');
is(gives('csv.parse(text: csv.text(a, columns: ["n", "t"])).map { |r| "#{r["n"].size}#{r["t"].size}" }.join(" ")', q([["\t", ""], ["\u00a0", "\t"], [" ", "  "]])), '10 11 12', '  nor is one of blanks passed over');
is(gives('csv.parse(text: a).size', q("a,b\n,\n\n1,2\n ,\n")), '1', 'a row that nothing is written in is blank');
like(gives('csv.text([[key]])'), qr/^row 1 holds secret, which is no text/, 'no secrets');
like(gives('csv.text([[[1]]])'), qr/^row 1 holds array, which is no text/, 'no lists');
like(gives('csv.text([1])'), qr/^row 1 is integer, not an array/, 'no rows');
like(gives('csv.text([[1]], columns: ["a", "b"])'), qr/^row 1 has 1 values for 2 columns/, 'too few');
like(gives(qq{s = "x" * 1000000\n    row = [s, s, s, s, s, s, s, s, s, s]\n    $_([row, row, row, row, row, row, row]).size}), qr/^a string over 64 MiB/, "$_ is not cut off where a string ends") for qw(csv.text json.text);
like(gives('csv.text([["a"]], delimiter: "ab")'), qr/^delimiter: is one of/, 'no delimiter');
done_testing;
