#!/bin/bash
# One test for tools/check.sh: it ends after $LIMIT s, and what it says is kept in $SAID.
set -o pipefail
timeout -k 5 "$LIMIT" "$1" | tee "$SAID/${1//\//_}"
