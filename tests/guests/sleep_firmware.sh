#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# S3 under SeaBIOS, on the standard PC, or on another chipset if one is named.
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
python3 "$here/sleep_firmware.py" "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img" "$@"
