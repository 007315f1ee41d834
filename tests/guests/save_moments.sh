#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest saved at many moments of its boot, compared with an unbroken run. Which guest,
# and options for save_moments.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
kind=$1
shift
case $kind in
multiboot)
    need_program "${CC:-gcc}" objcopy
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$here/multiboot/build.sh" "$work"
    python3 "$here/save_moments.py" "$@" multiboot "$work/mb64.elf"
    ;;
grub)
    need_guest grub
    exec python3 "$here/save_moments.py" "$@" grub "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso"
    ;;
ipxe)
    need_guest ipxe
    exec python3 "$here/save_moments.py" "$@" ipxe "$VIV_GUESTS_DIR/ipxe/ipxe.iso"
    ;;
memtest)
    need_guest memtest
    exec python3 "$here/save_moments.py" "$@" memtest "$VIV_GUESTS_DIR/memtest/memtest86+x64.iso"
    ;;
gnumach)
    need_guest gnumach
    exec python3 "$here/save_moments.py" "$@" gnumach "$VIV_GUESTS_DIR/gnumach/gnumach"
    ;;
floppy)
    need_guest grub
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp "$VIV_GUESTS_DIR/grub/grub-rescue-floppy.img" "$work/floppy.img"
    truncate -s 1440K "$work/floppy.img"
    python3 "$here/save_moments.py" "$@" floppy "$work/floppy.img"
    ;;
vga)
    need_program nasm
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 "$here/bootsuite/vga.py" --disk "$work/vga.img"
    python3 "$here/save_moments.py" "$@" vga "$work/vga.img"
    ;;
xen)
    need_program xorriso
    need_guest grub xen
    need_linux cloud
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # The rescue CD-ROM with a menu of its own: nobody types.
    cat >"$work/grub.cfg" <<'END'
multiboot /xen placeholder console=com1,vga com1=115200,8n1 dom0_mem=256M
module /vmlinuz placeholder console=hvc0
module /initrd.gz
boot
END
    xorriso -indev "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" -outdev "$work/xen.iso" \
        -boot_image any replay -map "$work/grub.cfg" /boot/grub/grub.cfg \
        -map "$VIV_GUESTS_DIR/xen/xen" /xen -map "$GUEST_KERNEL" /vmlinuz \
        -map "$GUEST_INITRD" /initrd.gz 2>"$work/log" || {
        cat "$work/log"
        exit 1
    }
    python3 "$here/save_moments.py" "$@" xen "$work/xen.iso"
    ;;
ovmf)
    need_guest ovmf
    VIV_FIRMWARE_PATH=$VIV_GUESTS_DIR/ovmf exec python3 "$here/save_moments.py" "$@" ovmf
    ;;
installer-*)
    need_guest "$kind"
    exec python3 "$here/save_moments.py" "$@" "$kind" "$VIV_GUESTS_DIR/$kind/linux" \
        "$VIV_GUESTS_DIR/$kind/initrd.gz"
    ;;
linux-ich9)
    need_guest grub
    need_linux amd64
    exec python3 "$here/save_moments.py" "$@" "$kind" "$GUEST_KERNEL" "$GUEST_INITRD" \
        "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso"
    ;;
linux-devices)
    need_linux amd64
    exec python3 "$here/save_moments.py" "$@" "$kind" "$GUEST_KERNEL" "$GUEST_INITRD"
    ;;
linux)
    need_linux cloud
    exec python3 "$here/save_moments.py" "$@" linux "$GUEST_KERNEL" "$GUEST_INITRD"
    ;;
esac
