#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# BIOS, GRUB from CD-ROM, Debian's amd64 kernel from a hard disk, the shell on the VGA console; on
# another chipset if one is named.
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
python3 "$here/grub_boots_linux.py" "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img" "$@"
