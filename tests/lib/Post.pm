# Batches against a provider of letters: tests/lib/post.rb is the binding, tests/lib/post_server.py what
# it sends to. One server has all rooms of a test, and is ended with it.
package Post;
use strict;
use warnings;
use lib 'tests/lib';
use Stepwise;
use File::Copy 'copy';
use File::Temp 'tempdir';
use JSON::PP;
use Exporter 'import';
our @EXPORT = qw(post_room post_plan post_log post_sent post_settings batch_items batch_problems);

my ($base, $pid, $port, $rooms);
END { my $was = $?; kill 'TERM', $pid if $pid; $? = $was }

# One server for all rooms of a test.
sub serve {
  $base = tempdir(CLEANUP => 1);
  pipe my $from, my $to or die "pipe: $!";
  $pid = fork // die "fork: $!";
  if (!$pid) {
    open STDIN, '<', '/dev/null';
    open STDOUT, '>&', $to;
    exec 'python3', "$top/tests/lib/post_server.py", $base or die "python3: $!";
  }
  close $to;
  chomp($port = <$from> // die 'no server');
}

# {dir, rb, journal, url, run => [arguments]}; further settings of the driver as they stand in a site.
sub post_room {
  my ($text, $settings) = @_;
  serve() if !$pid;
  my $name = 'room-' . ++$rooms;
  my $dir = "$base/$name";
  mkdir $dir or die "$dir: $!";
  copy("$top/tests/lib/post.rb", "$dir/post.rb") or die "post.rb: $!";
  write_file("$dir/case.rb", $text);
  my $room = { dir => $dir, rb => "$dir/case.rb", journal => "$dir/journal.db", url => "http://127.0.0.1:$port/$name" };
  post_settings($room, $settings);
  $room->{run} = ['run', $room->{rb}, '--site', "$dir/site.rb", '--journal', $room->{journal}];
  return $room;
}

sub post_settings {
  my ($room, $more) = @_;
  $more = $more ? ", $more" : '';
  write_file("$room->{dir}/site.rb", qq{site "desk" do\n  connect :post, driver: "http", url: "$room->{url}"$more\nend\n});
}

# What is to go wrong from now on: lines as post_server.py says.
sub post_plan {
  my ($room, @lines) = @_;
  write_file("$room->{dir}/plan", join '', map { "$_\n" } @lines);
}

# Lines "WHAT KEY TO", in order.
sub post_log {
  my ($room) = @_;
  return map { [split] } split /\n/, read_file("$room->{dir}/log") // '';
}

# How often each recipient was sent to.
sub post_sent {
  my ($room) = @_;
  my %sent;
  $sent{ $_->[2] }++ for grep { $_->[0] eq 'sent' } post_log($room);
  return \%sent;
}

# What the journal alone says of each item: by recipient {as, id, state, kind, begun}.
sub batch_items {
  my (@events) = @_;
  my %items;
  for my $e (@events) {
    for my $item (@{ $e->{data}{items} // [] }) {
      my $i = $items{ $item->{to} } //= { begun => 0 };
      if ($e->{kind} eq 'items.started') { $i->{begun}++; delete @$i{qw(as kind)}; $i->{key} = $item->{key} }
      elsif ($item->{n} != ($i->{n} // $item->{n})) { $i->{twice} = $item->{kind}; next }
      else { @$i{qw(as id state kind reason by)} = @$item{qw(as id state kind reason by)} }
      $i->{n} //= $item->{n};
    }
  }
  return \%items;
}

# What must hold of a batch by key that came to its end, as texts: everybody got it once, and the journal
# says so of each, with the provider's id and the key that the provider saw.
sub batch_problems {
  my ($room, $events, @to) = @_;
  my ($sent, $items, %key, @problems) = (post_sent($room), batch_items(@$events));
  $key{ $_->[2] }{ $_->[1] } = 1 for post_log($room);
  for my $to (@to) {
    my $n = delete $sent->{$to} // 0;
    push @problems, "$to was sent to $n times" if $n != 1;
    push @problems, "$to had several keys" if keys %{ $key{$to} // {} } > 1;
    my $i = $items->{$to} // {};
    push @problems, "the journal has $to as " . ($i->{as} // 'nothing') if ($i->{as} // '') ne 'sent';
    push @problems, "no id of $to" if !$i->{id};
    push @problems, "another key of $to" if !$key{$to}{ $i->{key} // '' };
  }
  push @problems, "$_ was not to be" for sort keys %$sent;
  return @problems > 10 ? (@problems[0 .. 9], '...') : @problems;
}

1;
