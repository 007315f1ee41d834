#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Xen 4.17, loaded by GRUB with Debian's cloud kernel as dom0, to its own console output.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso
need_guest grub xen
need_linux cloud
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/grub.cfg" <<'END'
multiboot (hd0,msdos1)/xen placeholder console=com1,vga com1=115200,8n1 dom0_mem=256M
module (hd0,msdos1)/vmlinuz placeholder console=hvc0
module (hd0,msdos1)/initrd.gz
boot
END
make_iso_disk "$work/disk.img" "grub.cfg=$work/grub.cfg" "xen=$VIV_GUESTS_DIR/xen/xen" \
    "vmlinuz=$GUEST_KERNEL" "initrd.gz=$GUEST_INITRD"
python3 "$here/xen.py" "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img"
