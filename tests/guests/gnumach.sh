#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# GNU Mach, loaded by the machine itself and by GRUB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso
need_guest grub gnumach
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'multiboot (hd0,msdos1)/gnumach console=com0\nboot\n' >"$work/grub.cfg"
make_iso_disk "$work/disk.img" "grub.cfg=$work/grub.cfg" "gnumach=$VIV_GUESTS_DIR/gnumach/gnumach"
python3 "$here/gnumach.py" "$VIV_GUESTS_DIR/gnumach/gnumach" \
    "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img"
