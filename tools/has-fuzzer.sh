#!/bin/sh
# Ends 0 when clang is here and can link a libFuzzer target.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' >"$dir/f.c"
clang -fsanitize=fuzzer -o "$dir/f" "$dir/f.c" >/dev/null 2>&1
