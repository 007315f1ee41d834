#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's installer to its first dialog.
#
#   installer.sh amd64|i386        on the serial console
#   installer.sh gtk-amd64         in graphics
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_guest "installer-$1"
files=$VIV_GUESTS_DIR/installer-$1
case $1 in
gtk-*) ;;
*)
    exec python3 "$here/installer.py" text "$files/linux" "$files/initrd.gz"
    ;;
esac
need_program xorriso
need_guest grub
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/grub.cfg" <<'END'
insmod vbe
set gfxpayload=1024x768x32
linux (hd0,msdos1)/linux video=1024x768 console=ttyS0 console=tty0
initrd (hd0,msdos1)/initrd.gz
boot
END
make_iso_disk "$work/disk.img" "grub.cfg=$work/grub.cfg" "linux=$files/linux" \
    "initrd.gz=$files/initrd.gz"
python3 "$here/installer.py" gtk "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img" \
    "$here/installer_gtk.thumbnail"
