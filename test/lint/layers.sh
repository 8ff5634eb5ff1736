#!/bin/sh
# SPDX-License-Identifier: MIT
# A file includes headers of its own folder and of folders to its left in this list; nothing but
# main.c and the command line knows sim.
set -eu
cd "$(dirname "$0")/../.."
order="core market tape upstox store http ws auth token refdata options signals api stream dashboard sim feed cli"
bad=0
rank() { i=0; for m in $order; do i=$((i + 1)); [ "$m" != "$1" ] || { echo $i; return; }; done; echo 0; }
checked=0
for dir in src/*/; do
	me=$(basename "$dir")
	mine=$(rank "$me")
	if [ "$mine" = 0 ]; then echo "$dir is not in the order of layers"; bad=1; continue; fi
	for f in "$dir"*.[ch]; do
		checked=$((checked + 1))
		for other in $(sed -n 's/^#include "\([a-z0-9_]*\)\/.*/\1/p' "$f" | sort -u); do
			[ "$other" != agnidata ] || continue # include/agnidata: for everybody
			theirs=$(rank "$other")
			if [ "$theirs" = 0 ] || [ "$theirs" -gt "$mine" ]; then
				echo "$f includes from $other, which is to its right"; bad=1
			fi
			if [ "$other" = sim ] && [ "$me" != sim ] && [ "$me" != cli ]; then
				echo "$f knows the simulated exchange"; bad=1
			fi
		done
	done
done
[ "$checked" -gt 50 ] || { echo "only $checked files were looked at"; bad=1; }
for lib in libwebsockets.h:ws mbedtls/:http hiredis/:store llhttp.h:http; do
	for f in $(grep -l "#include <${lib%%:*}" -r src || true); do
		case "$f" in src/"${lib##*:}"/*) ;; *) echo "$f includes ${lib%%:*}"; bad=1 ;; esac
	done
done
exit $bad
