#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc and clang without a warning, everything: server, tests, benchmarks. gcc warns of much only while
# it optimizes, so it compiles; clang has said all when it has understood the source.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
for cc in gcc clang; do
	command -v $cc >/dev/null || { echo "no $cc here"; exit 77; }
	case $cc in gcc) how=-g0 ;; *) how=-fsyntax-only ;; esac
	# Folders of their own: objects of one compiler are not taken for the other's.
	make --no-print-directory -j"$(nproc)" FLAVOUR=release B=build/lint-$cc CC=$cc STRICT=1 \
		CFLAGS=$how objects >build/lint-$cc.log 2>&1 || {
		grep -E 'error|warning' build/lint-$cc.log | head -20; exit 1; }
done
