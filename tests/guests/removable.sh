#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Discs changed while Debian's cloud kernel runs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso "${CC:-cc}"
need_linux cloud
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -static -O1 -o "$work/ide_probe" "$here/ide_probe.c" 2>"$work/errors" ||
    skip "no static program can be built: $(head -n 1 "$work/errors")"
for name in first second; do
    echo "$name" >"$work/name.txt"
    xorriso -as mkisofs -quiet -R -V "VIV$name" -o "$work/$name.iso" -graft-points \
        "name.txt=$work/name.txt" "ide_probe=$work/ide_probe" 2>/dev/null
done
python3 "$here/removable.py" "$GUEST_KERNEL" "$GUEST_INITRD" "$work/first.iso" "$work/second.iso"
