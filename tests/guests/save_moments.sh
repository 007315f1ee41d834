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
linux)
    need_linux cloud
    exec python3 "$here/save_moments.py" "$@" linux "$GUEST_KERNEL" "$GUEST_INITRD"
    ;;
esac
