# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# What the guest scripts share. The caller sets $here (the folder of this file) first.
#
# Environment: VIV_BUILD_DIR (default: build/ of this tree), VIV_GUESTS_DIR (the cache of fetched
# guests, default: $VIV_BUILD_DIR/guests, but build trees under build/ share its cache).

# shellcheck disable=SC2154 # the caller's
VIV_SOURCE_DIR=$(cd "$here/../.." && pwd)
: "${VIV_BUILD_DIR:=$VIV_SOURCE_DIR/build}"
case $VIV_BUILD_DIR in
"$VIV_SOURCE_DIR"/build/*) : "${VIV_GUESTS_DIR:=$VIV_SOURCE_DIR/build/guests}" ;;
*) : "${VIV_GUESTS_DIR:=$VIV_BUILD_DIR/guests}" ;;
esac
export VIV_SOURCE_DIR VIV_BUILD_DIR VIV_GUESTS_DIR

# The exit code that ctest counts as "skipped".
skip()
{
    echo "SKIP: $*"
    exit 77
}

# need_guest NAME...: the guests are in the cache afterwards, or the test is skipped.
need_guest()
{
    "$here/fetch.sh" "$@" || skip "guest $* is not cached and could not be fetched"
}

# need_linux FLAVOUR: sets $GUEST_KERNEL and $GUEST_INITRD (Debian's kernel, our initramfs for it)
# and $GUEST_VERSION.
need_linux()
{
    need_guest "$1"
    GUEST_KERNEL=$VIV_GUESTS_DIR/$1/vmlinuz
    GUEST_INITRD=$VIV_GUESTS_DIR/$1/initramfs.gz
    "$here/mkinitramfs.sh" "$1" || skip "no initramfs for guest $1"
    GUEST_VERSION=$(cat "$VIV_GUESTS_DIR/$1/version")
    export GUEST_KERNEL GUEST_INITRD GUEST_VERSION
}

need_program()
{
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 || skip "$program is not installed"
    done
}

# make_iso_disk OUT NAME=FILE...: a disk image with these files, on ISO 9660 in a partition that
# starts 1 MiB into the disk, as a real one would.
make_iso_disk()
{
    out=$1
    shift
    xorriso -as mkisofs -quiet -J -R -V VIVGUEST -o "$out.partition" -graft-points "$@" 2>/dev/null
    python3 - "$out.partition" "$out" <<'END'
import struct, sys
contents = open(sys.argv[1], 'rb').read()
contents += bytes(-len(contents) % (1 << 20))
entry = struct.pack('<B3sB3sII', 0x80, b'\x20\x21\0', 0x83, b'\xfe\xff\xff', 2048,
                    len(contents) // 512)
with open(sys.argv[2], 'wb') as disk:
    disk.write(bytes(446) + entry + bytes(48) + b'\x55\xaa')
    disk.seek(1 << 20)
    disk.write(contents)
END
    rm "$out.partition"
}

# make_boot_disk OUT: a disk image with /vmlinuz and /initrd.gz of need_linux.
make_boot_disk()
{
    make_iso_disk "$1" "vmlinuz=$GUEST_KERNEL" "initrd.gz=$GUEST_INITRD"
}
