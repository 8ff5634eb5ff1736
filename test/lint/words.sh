#!/bin/sh
# SPDX-License-Identifier: MIT
# Code is ASCII; no unfinished business is left in it.
cd "$(dirname "$0")/../.." || exit 1
bad=0
files=$(find src include test bench third_party Makefile -type f \
	\( -name '*.[chS]' -o -name '*.py' -o -name '*.sh' -o -name '*.mk' -o -name '*.proto' \
	-o -name '*.html' -o -name Makefile \))
[ "$(echo "$files" | wc -l)" -gt 100 ] || { echo "found no files"; exit 1; }
LC_ALL=C grep -nP '[^\x00-\x7f]' $files && bad=1
grep -nEi '\b(todo|fixme|xxx)\b' $files | grep -v '^test/lint/words.sh' && bad=1
exit $bad
