#!/bin/sh
# SPDX-License-Identifier: MIT
# `make help` names every target that the Makefile explains, each with its line.
set -eu
cd "$(dirname "$0")/../.."
want=$(sed -n 's/^\([a-z-]*\):.*## .*/\1/p' Makefile)
have=$(make --no-print-directory help | sed -n 's/^\([a-z-]*\)  *[^ ].*/\1/p')
[ "$(echo "$want" | wc -l)" -ge 12 ] || { echo "found no targets"; exit 1; }
[ "$have" = "$want" ] || { echo "make help prints:"; make --no-print-directory help; exit 1; }
