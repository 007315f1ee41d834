#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# virtio devices under Debian's amd64 kernel, by one of their interfaces.
#   virtio.sh modern|split|legacy
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux amd64
[ -e "$VIV_GUESTS_DIR/amd64/modules/virtio_balloon.ko" ] || {
    echo "SKIP: $VIV_GUESTS_DIR/amd64 was fetched without virtio; remove it to have it fetched again"
    exit 77
}
exec python3 "$here/virtio.py" "$GUEST_KERNEL" "$GUEST_INITRD" "$1"
