# SPDX-License-Identifier: LGPL-2.1-or-later
"""A raw disk and a CD-ROM inside a Linux guest: read, written, and looked at again from outside.

usage: disk_cdrom.py KERNEL INITRD ISO PAYLOAD   (ISO holds PAYLOAD as payload.bin)
"""

import hashlib
import random
import sys

from guest import Guest, check, run, work_path

SECTOR = 512
DISK_SECTORS = 65536
# Where the guest copies the payload to: no multiple of anything that a cache could like.
PAYLOAD_AT = 20001


def digest(data):
    """As sha256sum prints it."""
    return hashlib.sha256(data).hexdigest()


def main(kernel, initrd, iso, payload_path):
    """The disk's every sector is known before and after."""
    rng = random.Random(7)
    disk = bytearray(rng.randbytes(SECTOR * 1024) * (DISK_SECTORS // 1024))
    for sector in range(0, DISK_SECTORS, 97):
        disk[sector * SECTOR:sector * SECTOR + 8] = sector.to_bytes(8, 'little')
    disk_path = work_path('disk.img')
    with open(disk_path, 'wb') as file:
        file.write(disk)
    with open(payload_path, 'rb') as file:
        payload = file.read()
    scratch_path = work_path('scratch.img')
    with open(scratch_path, 'wb') as file:
        file.truncate(8 << 20)

    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0 quiet', cdrom=iso,
                  disks=[disk_path, scratch_path], timeout=600)
    guest.expect(r'Vivarium guest: ready\r$', 300)
    guest.expect(r'^viv# ')
    # Linux probes disks side by side: which is sda is chance, which is master and slave is not.
    guest.command('S=/sys/bus/scsi/devices; '
                  'until ls $S/0:0:0:0/block $S/0:0:1:0/block >/dev/null 2>&1; do sleep 1; done; '
                  'A=$(ls $S/0:0:0:0/block) B=$(ls $S/0:0:1:0/block); echo disks-$?', r'^disks-0\r$')
    guest.command('cat /sys/block/$A/size', r'^%d\r$' % DISK_SECTORS)
    guest.command('sha256sum /dev/$A', '^' + digest(disk), 240)

    # The CD-ROM: its file system, one file, and that it cannot be written.
    guest.command('mount -t iso9660 -o ro /dev/sr0 /mnt; echo m-$?', r'^m-0\r$')
    guest.command('sha256sum /mnt/payload.bin', '^' + digest(payload), 120)
    guest.command('cat /sys/block/sr0/ro', r'^[01]\r$')

    # From CD-ROM to disk, then single sectors and one large transfer.
    guest.command('dd if=/mnt/payload.bin of=/dev/$A bs=512 seek=%d conv=notrunc 2>/dev/null; '
                  'echo c-$?' % PAYLOAD_AT, r'^c-0\r$', 120)
    disk[PAYLOAD_AT * SECTOR:PAYLOAD_AT * SECTOR + len(payload)] = payload
    guest.command('tr "\\0" Z </dev/zero | dd of=/dev/$A bs=512 count=1 seek=%d 2>/dev/null; '
                  'echo l-$?' % (DISK_SECTORS - 1), r'^l-0\r$')
    disk[-SECTOR:] = b'Z' * SECTOR
    guest.command('tr "\\0" Y </dev/zero | dd of=/dev/$A bs=1M count=2 seek=3 iflag=fullblock '
                  '2>/dev/null; echo y-$?', r'^y-0\r$', 120)
    disk[3 << 20:5 << 20] = b'Y' * (2 << 20)
    # Past the caches: what the disk itself says now.
    guest.command('sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum /dev/$A', '^' + digest(disk),
                  240)

    # A file system of the guest's own on the second disk, through unmount and mount.
    guest.command('mke2fs /dev/$B >/dev/null 2>&1; modprobe ext4 2>/dev/null; umount /mnt; '
                  'mount /dev/$B /mnt; echo f-$?', r'^f-0\r$', 120)
    guest.command('i=0; while [ $i -lt 50 ]; do echo "file $i" >/mnt/f$i; i=$((i+1)); done; '
                  'umount /mnt; mount /dev/$B /mnt; cat /mnt/f49; ls /mnt | wc -l',
                  r'^file 49\r\n51\r$', 120)
    guest.command("dmesg | grep -cE 'ata[0-9.]+: (exception|failed|error)|I/O error'", r'^0\r$')
    guest.send('poweroff\n')
    guest.expect_exit(0)

    with open(disk_path, 'rb') as file:
        after = file.read()
    check(len(after) == len(disk), 'the disk image changed its size')
    for sector in range(DISK_SECTORS):
        at = sector * SECTOR
        check(after[at:at + SECTOR] == disk[at:at + SECTOR], 'sector %d is wrong' % sector)
    with open(scratch_path, 'rb') as file:
        scratch = file.read()
    check(scratch[1024 + 56:1024 + 58] == b'\x53\xef', 'no ext2 superblock on the second disk')
    check(b'file 49\n' in scratch, 'the last file is not on the second disk')


if __name__ == '__main__':
    run(main, *sys.argv[1:])
