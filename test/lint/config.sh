#!/bin/sh
# SPDX-License-Identifier: MIT
# etc/agni.ini is what the program prints: every key, its unit, default and help.
set -eu
cd "$(dirname "$0")/../.."
make --no-print-directory -j"$(nproc)" agnidata >/dev/null
./agnidata config | diff -u etc/agni.ini - || { echo "run: ./agnidata config > etc/agni.ini"; exit 1; }
./agnidata --config etc/agni.ini --check
