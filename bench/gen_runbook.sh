#!/bin/sh
# Prints a runbook of about so many lines: steps with about, guard, assignments with blocks,
# interpolation, a condition. usage: gen_runbook.sh LINES
set -eu
exec awk -v lines="${1:?usage: gen_runbook.sh LINES}" 'BEGIN {
  print "runbook \"big\" do"
  print "  title \"Big\""
  print "  input :who, :string, default: \"x\""
  for (n = 1; 4 + 11 * n <= lines; n++) {
    printf "  step \"Step number %d\" do\n", n
    printf "    about \"what step %d does\"\n", n
    printf "    guard \"ready %d\", input.who.size > 0\n", n
    printf "    a%d = [1, 2, %d].map { |x| x * 2 + %d }\n", n, n, n
    printf "    b%d = a%d.sum + %d\n", n, n, n
    printf "    expect b%d > 0, \"sum of %d is #{b%d}\"\n", n, n, n
    printf "    if b%d > 100\n", n
    printf "      note \"large #{b%d}\"\n", n
    printf "    end\n"
    printf "  end\n\n"
  }
  print "end"
}'
