#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Designed for deletion: with two device folders gone the tree builds, its unit tests pass, and `viv run` says what it goes without.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$VIV_SOURCE_DIR"
mkdir "$work/src"
tar cf - --exclude=./build --exclude=./.git . | tar xf - -C "$work/src"
rm -r "$work/src/plugins/devices/vga" "$work/src/plugins/devices/mc146818"
cmake -S "$work/src" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/build" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }
# The core's own tests and those of the machine as a whole; plugins' own tests do not depend on each other.
(cd "$work/build" && ctest -L unit -R 'unit\.(vm|pgm|cfgm|plugin|i8259|serial)' --output-on-failure) || exit 1
"$work/build/bin/viv" run --serial none --timeout 1 </dev/null 2>"$work/err" && exit 1
for device in vga mc146818; do
    grep -q "$device is not installed" "$work/err" || { cat "$work/err"; exit 1; }
done
