#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A vendor's way: install, build the sample out of tree against the installed SDK with CMake and with pkg-config, load it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$VIV_BUILD_DIR" --prefix "$work/usr" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
sample=$(find "$work/usr" -type d -path '*examples/postcode')
[ -n "$sample" ] || { echo "the sample is not installed"; exit 1; }
cmake -S "$sample" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/usr" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/out" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
so=$(find "$work/out" -name 'postcode.so')
[ -n "$so" ] || { echo "no postcode.so was built"; exit 1; }
viv=$work/usr/bin/viv
VIV_PLUGIN_PATH=$work/out XDG_CACHE_HOME=$work/cache "$viv" plugin list | tee "$work/list" | grep -q postcode || { cat "$work/list"; exit 1; }
VIV_PLUGIN_PATH=$work/out XDG_CACHE_HOME=$work/cache "$viv" plugin info postcode >"$work/info"
grep -q 'POST' "$work/info" || { cat "$work/info"; exit 1; }
# With pkg-config alone.
pc=$(find "$work/usr" -name viv-sdk.pc)
cflags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-prefix --cflags viv-sdk)
# shellcheck disable=SC2086
${CC:-cc} $cflags -fPIC -shared -fvisibility=hidden -Wl,-z,defs -o "$work/pc.so" "$sample"/postcode.c
# In a machine: it starts with it, and refuses a bad value by the key's path.
VIV_PLUGIN_PATH=$work/out XDG_CACHE_HOME=$work/cache "$viv" run --serial none --device postcode,base=0x99999 --timeout 1 </dev/null 2>"$work/err" && exit 1
grep -q 'Devices/postcode/0/Config/base' "$work/err" || { cat "$work/err"; exit 1; }
