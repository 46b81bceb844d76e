#!/bin/sh
# Writes an assembler file that holds the given text files, and a table of them (stdlib/embed.h).
# usage: tools/embed.sh FILE... > embed.S
set -eu
echo '/* generated: the standard library, as it stands in stdlib/ */'
echo '.section .rodata'
n=0
for file; do
  echo "file$n: .incbin \"$file\""
  echo "end$n: .byte 0, 0"
  echo "name$n: .asciz \"$(basename "$file" .rb)\""
  n=$((n + 1))
done
echo '.section .data.rel.ro,"aw"'
echo '.balign 8'
echo '.globl stdlib_files'
echo 'stdlib_files:'
i=0
while [ $i -lt $n ]; do
  echo ".quad name$i, file$i, end$i - file$i"
  i=$((i + 1))
done
echo '.quad 0, 0, 0'
echo '.section .note.GNU-stack,"",@progbits'
