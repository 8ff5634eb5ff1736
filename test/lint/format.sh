#!/bin/sh
# SPDX-License-Identifier: MIT
# .clang-format decides, read by clang-format 14; another version would decide otherwise.
cd "$(dirname "$0")/../.." || exit 1
tool=$(command -v clang-format-14 || command -v clang-format)
case $("$tool" --version 2>/dev/null) in
*" 14."*) ;;
*) echo "no clang-format 14 here"; exit 77 ;;
esac
files=$(find src include test bench -name '*.[ch]')
[ "$(echo "$files" | wc -l)" -gt 50 ] || { echo "found no files"; exit 1; }
"$tool" --dry-run -Werror $files
