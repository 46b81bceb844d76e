#!/bin/sh
# Writes an assembler file that holds a page, the given text files, and tables of these (stdlib/embed.h):
# one of those that end in .rb, one of the others.
# usage: tools/embed.sh PAGE FILE... > embed.S
set -eu
page=$1
shift
n=0
library= primitives=
echo '/* generated: the standard library, as it stands in stdlib/, and pages of docs/ */'
echo '.section .rodata'
echo '.globl language_page'
echo "language_page: .incbin \"$page\""
echo 'page_end: .byte 0'
for file; do
  name=$(basename "$file")
  echo "file$n: .incbin \"$file\""
  echo "end$n: .byte 0, 0"
  echo "name$n: .asciz \"${name%.*}\""
  case $name in
    *.rb) library="$library $n" ;;
    *) primitives="$primitives $n" ;;
  esac
  n=$((n + 1))
done
table() {
  echo ".globl $1"
  echo "$1:"
  shift
  for i; do echo ".quad name$i, file$i, end$i - file$i"; done
  echo '.quad 0, 0, 0'
}
echo '.section .data.rel.ro,"aw"'
echo '.balign 8'
echo '.globl language_page_len'
echo 'language_page_len: .quad page_end - language_page'
table stdlib_files $library
table primitive_pages $primitives
echo '.section .note.GNU-stack,"",@progbits'
