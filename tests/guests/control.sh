#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The control socket: pictures, keys, mouse, pause, reset, power button, with Debian's amd64 kernel.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso
need_guest grub
need_linux amd64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_boot_disk "$work/disk.img"
python3 "$here/control.py" "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img" \
    "$GUEST_KERNEL" "$GUEST_INITRD"
