#!/bin/bash
# A runbook with 20 inputs that reads a file ten times, or the inputs' values.
# usage: gen_secrets.sh string|secret FILE; gen_secrets.sh inputs
set -eu
if [ "$1" = inputs ]; then
  for i in $(seq 20); do
    printf '%s"word_%d":"%s"' "$([ "$i" = 1 ] && echo '{' || echo ',')" "$i" "$(echo "word $i" | sha256sum | cut -c1-32)"
  done
  echo '}'
  exit
fi
printf 'runbook "secrets" do\n  use "shell"\n'
for i in $(seq 20); do echo "  input :word_$i, :$1"; done
printf '  step "Know them" do\n    words = ['
for i in $(seq 20); do printf 'input.word_%d, ' "$i"; done
printf ']\n    expect words.size == 20\n  end\n'
for i in $(seq 10); do
  printf '  step "Read %d" do\n    said = shell.read(args: ["cat", "%s"])\n    expect said.out.size > 1000\n  end\n' "$i" "$2"
done
echo end
