#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# GRUB's rescue CD-ROM (or floppy, with the argument "floppy") to its menu, keys followed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_guest grub
case ${1:-cdrom} in
cdrom) image=grub-rescue-cdrom.iso ;;
*) image=grub-rescue-floppy.img ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$VIV_GUESTS_DIR/grub/$image" "$work/"
# The floppy image ends where GRUB does; a floppy does not.
[ "$image" = grub-rescue-cdrom.iso ] || truncate -s 1440K "$work/$image"
python3 "$here/grub_rescue_menu.py" "$work/$image" "${1:-cdrom}"
