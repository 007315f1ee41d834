#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# viv run --deterministic: the same machine runs the same way twice. multiboot, grub or linux.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
case $1 in
multiboot)
    need_program "${CC:-gcc}" objcopy
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$here/multiboot/build.sh" "$work"
    python3 "$here/deterministic.py" multiboot "$work/mb64.elf"
    ;;
grub)
    need_guest grub
    exec python3 "$here/deterministic.py" grub "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso"
    ;;
linux)
    need_linux cloud
    exec python3 "$here/deterministic.py" linux "$GUEST_KERNEL" "$GUEST_INITRD"
    ;;
esac
