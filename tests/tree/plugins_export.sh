#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every plugin exports its entry and nothing else, and needs no symbol and no library of the core's.
set -eu
command -v nm >/dev/null 2>&1 || { echo "SKIP: nm (binutils) is not installed"; exit 77; }
bad=0
count=0
for so in "$VIV_BUILD_DIR"/lib/vivarium/plugins/*/*.so; do
    count=$((count + 1))
    exported=$(nm -D --defined-only "$so" | awk '{ print $3 }' | grep -v -e '^viv_plugin_entry_v1$' -e '^__' -e '^_init$' -e '^_fini$' || true)
    [ -z "$exported" ] || { echo "$so exports $exported"; bad=1; }
    nm -D --defined-only "$so" | grep -q 'viv_plugin_entry_v1' || { echo "$so has no entry"; bad=1; }
    ! objdump -p "$so" | grep -E 'NEEDED.*libviv' || { echo "$so links the core"; bad=1; }
done
[ "$count" -gt 0 ] || { echo "no plugin was built"; bad=1; }
echo "$count plugins looked at"
exit $bad
