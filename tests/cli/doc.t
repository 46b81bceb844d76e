#!/usr/bin/env perl
# stepwise doc: what it says of modules, actions, drivers, primitives and words; names it does not know.
use strict;
use warnings;
use lib 'tests/lib';
use File::Temp 'tempdir';
use JSON::PP;
use Stepwise;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
sub doc { return run_quietly($stepwise, 'doc', @_) }

write_file("$dir/lamps.rb", <<'RUBY');
# Lamps of the hall. A lamp goes by its number.
#
# ```ruby plan
# lamps.set(number: 1, on: true)
# ```

# The second paragraph belongs to the binding.
binding :lamps, "Lamps" do
  # A lamp that is gone cannot be set.
  action :set, effect: :write, repeat: :safe, lease: 10.minutes, about: "Switch one" do
    takes :number, :integer, min: 1, max: 40, about: "painted on its foot"
    takes :on, :boolean
    takes :colour, :symbol, one_of: [:white, :red], default: :white
    takes :token, :secret, optional: true
  end
  action :out, effect: :write, ends: :set do
    takes :number, :integer, min: 1, max: 40
  end
  action :list, effect: :read, about: "All of them" do
    takes :names, [:string], default: []
    gives :count, :integer
    gives :broken, :integer, optional: true, about: "nobody knows at night"
  end
end

# Over the wire of 1974.
driver :wire, for: :lamps, about: "The old wire" do
  setting :port, :path, about: "its device"
  setting :key, :secret, optional: true
  perform(:set) { |number, on, colour, token| file.write(setting.port, "#{number} #{on} #{colour}") }
  renew(:set) { |number, on, colour, token| file.write(setting.port, "again #{number}") }
  perform(:out) { |number| file.write(setting.port, "#{number} out") }
  perform(:list) { |names| { count: names.size } }
end
RUBY

my ($said, $exit) = doc("$dir/lamps.rb");
is($exit, 0, 'a module of one\'s own');
is($said, <<'TEXT', 'all of it');
lamps: Lamps

  use "lamps"

Lamps of the hall. A lamp goes by its number.

    lamps.set(number: 1, on: true)

The second paragraph belongs to the binding.

Actions
  lamps.set(number:, on:, ...)  write  Switch one
  lamps.out(number:)            write
  lamps.list(...)               read   All of them

Drivers
  wire: The old wire
    port  path    required; its device
    key   secret  optional

More of each: stepwise doc lamps.set
TEXT

($said, $exit) = doc('--module', "$dir/lamps.rb", 'lamps.set');
is($said, <<'TEXT', 'an action of it');
lamps.set: Switch one

  lamps.set(number: 1, on: true)

  module  use "lamps"
  effect  write: may be done again without harm: retries and a resume may repeat
          it
  lease   10.minutes: what it creates ends by itself then, unless the run renews
          it, which it does

A lamp that is gone cannot be set.

Takes
  number  integer  required, 1 to 40; painted on its foot
  on      boolean  required
  colour  symbol   default :white, one of :white, :red
  token   secret   optional

Drivers
  wire: The old wire
    port  path    required; its device
    key   secret  optional
TEXT
is((doc("$dir/lamps.rb", 'lamps.set'))[0], $said, 'a path in front is the same');
($said) = doc("$dir/lamps.rb", 'lamps.out');
like($said, qr/effect  write: not done twice by itself: cut off, it leaves the run in doubt$/m, 'effect of an action that says none');
like($said, qr/ends    the lease of lamps\.set with the same arguments$/m, 'what it ends');
($said) = doc("$dir/lamps.rb", 'lamps.list');
like($said, qr/^Takes\n  names  array of string  default \[\]\n\nGives a record\n  count   integer\n  broken  integer  may be nil; nobody knows at night$/m, 'results');
($said) = doc("$dir/lamps.rb", 'lamps.wire');
is($said, <<'TEXT', 'a driver');
lamps.wire: The old wire

  connect :lamps, driver: "wire", port: ...   # in the site

Over the wire of 1974.

Settings
  port  path    required; its device
  key   secret  optional
TEXT
my $json = decode_json((doc("$dir/lamps.rb", 'lamps.set', '--json'))[0]);
is_deeply([@$json{qw(name kind effect repeat lease usage)}],
  ['lamps.set', 'action', 'write', 'safe', '10.minutes', 'lamps.set(number: 1, on: true)'], 'as JSON');
is_deeply($json->{takes}[0], { name => 'number', type => 'integer', about => 'painted on its foot', optional => JSON::PP::false,
  secret => JSON::PP::false, min => '1', max => '40' }, 'a parameter as JSON');
is($json->{takes}[3]{secret}, JSON::PP::true, 'a secret one is marked');
like((doc("$dir/lamps.rb", '--markdown'))[0], qr/^## lamps: Lamps\n\n`use "lamps"`\n\nLamps of the hall.*^### lamps\.set\n.*^### Driver wire of lamps\n/ms, 'as Markdown');

write_file("$dir/sizes.rb", qq{binding :sizes, "Sizes" do\n  action :put, effect: :write do\n    takes :long, :string, min: 6\n    takes :short, :string, max: 2\n    takes :list, [:integer], min: 2\n  end\nend\n});
is((doc("$dir/sizes.rb", 'sizes.put', '--json'))[0] =~ s/.*"usage":"(.*?)\)".*/$1/sr, 'sizes.put(long: \"textte\", short: \"te\", list: [1, 1]', 'samples have a size that lint accepts');

# -- the standard library --
($said, $exit) = doc();
is($exit, 0, 'all there is');
like($said, qr/^  \Q$_\E  +\S/m, "$_ is listed") for qw(freeze shell web exec file http clock);
like((doc('web.get'))[0], qr/\A.*\n\n  result = web\.get\(url: "[^"]+"\)\n\n  module  use "web"\n  effect  read: changes nothing\n/, 'web.get');
like((doc('shell'))[0], qr/^ +found = shell\.read\(args: /m, 'examples of a module stand without their fences');
like((doc('file.read'))[0], qr/\Afile\.read: The text of a file\n\n  file\.read\(path, \.\.\.\)   # in drivers only\n\n  effect  read\n/, 'a primitive');
like((doc('file'))[0], qr/^  file\.write\(path, text, \.\.\.\) +write  Replaces/m, 'a group of primitives');
is((decode_json((doc('http.post', '--json'))[0]))->{effect}, 'write', 'a primitive as JSON');
like((doc('wait_until'))[0], qr/\Await_until within: D, every: D do CONDITION end\n    waits until/, 'a statement');
like((doc('fail!'))[0], qr/fails the step/, 'one with a mark');
like((doc('phone'))[0], qr/digits/, 'a type');
like((doc('while'))[0], qr/wait_until/, 'a word of Ruby: what to write instead');
like((doc('strftime'))[0], qr/strftime\("%Y-%m-%d %H:%M"\) +# => /, 'a method');

# -- every name that is listed is known --
my $all = decode_json((doc('--json'))[0]);
my @names = map { my $m = $_; ($m->{name}, map { my $b = $_; map { $_->{name} } $b, @{ $b->{actions} }, @{ $b->{drivers} } } @{ $m->{bindings} }) } @{ $all->{modules} };
push @names, map { my $g = $_; ($g->{name}, map { $_->{name} } @{ $g->{primitives} }) } @{ $all->{primitives} };
cmp_ok(scalar @names, '>', 60, 'names were listed');
is(join(' ', grep { (doc($_))[1] != 0 } @names), '', scalar(@names) . ' names are known');
my @lines = map { split /\n/, (doc($_))[0] } @names;
is((grep { length > 100 && !/^    / } @lines), 0, 'nothing runs far beyond the width');
is((grep { / $/ } @lines), 0, 'no line ends in blanks');

# -- what is not there --
for (['web.gte', 'web.get'], ['htpp.get', 'http.get'], ['wait_untli', 'wait_until'], ['wbe', 'web']) {
  my ($name, $near) = @$_;
  ($said, $exit) = doc($name);
  is("$exit $said", "3 stepwise: there is nothing called `$name`\nhelp: did you mean `$near`?\n", "$name: did you mean");
}
is((doc('quite_unheard_of'))[0], "stepwise: there is nothing called `quite_unheard_of`\nhelp: `stepwise doc` lists what there is\n", 'far from everything');
is((doc("$dir/none.rb"))[1], 3, 'no such file');
is((doc('web', 'shell'))[1], 2, 'two names');
is((doc('web', '--markdown'))[1], 2, 'Markdown is of all');
is((doc('--jsno'))[1], 2, 'no such option');
write_file("$dir/broken.rb", "binding :x do\n  action :y, efect: :read\nend\n");
($said, $exit) = doc("$dir/broken.rb");
is($exit, 3, 'a module with an error');
like($said, qr/broken\.rb:2:14: error\[RB\d+\]/, 'the error is told as lint tells it');

# --- batches, and who is asked first ---
($said) = doc('sms.send_batch');
like($said, qr/^  items   for each of to, told apart by phone, per_second a second, 16 at a\s+time,\s+replies\s+first\s+and\s+meanwhile$/m, 'an action for each item of a list says how it goes');
like($said, qr/^  admits  to: the binding is asked first/m, 'and that its binding is asked');
is(decode_json((doc('sms.send_batch', '--json'))[0])->{items}, 'for each of to, told apart by phone, per_second a second, 16 at a time, replies first and meanwhile', 'for machines too');
unlike((doc('sms.suppress'))[0], qr/^  admits/m, 'what its admit leaves out is not asked about');
unlike((doc('shell.run'))[0], qr/^  (?:items|admits)/m, 'nothing of it elsewhere');
done_testing;
