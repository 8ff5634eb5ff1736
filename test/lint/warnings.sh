#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc and clang without a warning, everything: server, tests, benchmarks.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
for cc in gcc clang; do
	command -v $cc >/dev/null || { echo "no $cc here"; exit 77; }
	# Folders of their own: objects of one compiler are not taken for the other's.
	make --no-print-directory -j2 FLAVOUR=release B=build/lint-$cc CC=$cc STRICT=1 \
		build/lint-$cc/agnidata tests benches >build/lint-$cc.log 2>&1 || {
		grep -E 'error|warning' build/lint-$cc.log | head -20; exit 1; }
done
