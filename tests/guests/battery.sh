#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Battery, mains and processors under Debian's amd64 kernel (the cloud kernel has no drivers for it).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux amd64
[ -e "$VIV_GUESTS_DIR/amd64/modules/battery.ko" ] || {
    echo "SKIP: $VIV_GUESTS_DIR/amd64 was fetched without battery; remove it to have it fetched again"
    exit 77
}
exec python3 "$here/battery.py" "$GUEST_KERNEL" "$GUEST_INITRD"
