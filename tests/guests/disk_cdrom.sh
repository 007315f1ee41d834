#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A raw disk and a CD-ROM read and written inside Debian's cloud kernel, verified from outside.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso
need_linux cloud
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# 700 KiB and a bit, other bytes in every sector.
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(3).randbytes(717000))' \
    >"$work/payload.bin"
xorriso -as mkisofs -quiet -J -R -V VIVPAYLOAD -o "$work/cd.iso" -graft-points \
    "payload.bin=$work/payload.bin" 2>/dev/null
python3 "$here/disk_cdrom.py" "$GUEST_KERNEL" "$GUEST_INITRD" "$work/cd.iso" "$work/payload.bin"
