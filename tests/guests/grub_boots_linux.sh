#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# BIOS, GRUB from CD-ROM, Debian's amd64 kernel from a hard disk, the shell on the VGA console.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 xorriso
need_guest grub
need_linux amd64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The file system lies in a partition, 1 MiB into the disk, as a real one would.
xorriso -as mkisofs -quiet -J -R -V VIVGUEST -o "$work/partition" -graft-points \
    "vmlinuz=$GUEST_KERNEL" "initrd.gz=$GUEST_INITRD" 2>/dev/null
python3 - "$work/partition" "$work/disk.img" <<'END'
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
python3 "$here/grub_boots_linux.py" "$VIV_GUESTS_DIR/grub/grub-rescue-cdrom.iso" "$work/disk.img"
