# SPDX-License-Identifier: LGPL-2.1-or-later
"""Discs changed while Linux runs: inserted, ejected from either side, refused, torn out.

usage: removable.py KERNEL INITRD ISO1 ISO2   (ISO1 holds ide_probe and name.txt "first", ISO2
name.txt "second")
"""

import sys

from guest import PEER, Guest, check, run, skip, work_path

SLOT = 'cdrom0'


def in_the_drive(guest):
    """What medium list says of the drive behind its names: "closed PATH", "open empty", ..."""
    lines = [line for line in guest.control('medium list') if line.startswith(SLOT + ' ')]
    check(len(lines) == 1, 'medium list says %s' % lines)
    return lines[0].split(' ', 2)[2]


def mounted(guest, name):
    """The disc that is in has this name, and stays mounted."""
    guest.command('mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/name.txt', '^%s\r$' % name)


def main(kernel, initrd, first, second):
    """One machine, with a PIIX4 for its Ultra DMA."""
    if PEER != 'viv':
        skip('the control socket is our own')
    disk = work_path('disk.img')
    with open(disk, 'wb') as file:
        file.truncate(16 << 20)
    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0 quiet', cdrom='',
                  disks=[disk], cfg=['Devices/piix3ide/0/Config/Type=PIIX4'], timeout=400)
    guest.expect(r'Vivarium guest: ready\r$', 300)
    guest.expect(r'^viv# ')
    guest.command('until [ -b /dev/sda ] && [ -b /dev/sr0 ]; do usleep 100000; done; '
                  'cat /sys/class/ata_device/dev*/xfer_mode | grep -c XFER_UDMA_2', r'^2\r$')

    # Into the empty drive; the first disc brings the tool.
    check(in_the_drive(guest) == 'closed empty', in_the_drive(guest))
    guest.command('mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null; echo m-$?', r'^m-[^0].*\r$')
    guest.control('medium insert %s %s' % (SLOT, first))
    mounted(guest, 'first')
    guest.command('cp /mnt/ide_probe /tmp && echo c-$?', r'^c-0\r$')

    # Mounted is locked: the button does nothing but ask.
    check(in_the_drive(guest).startswith('closed,locked '), in_the_drive(guest))
    for line in ('medium insert %s %s' % (SLOT, second), 'medium eject %s' % SLOT):
        answer = guest.try_control(line)[-1]
        check('locked' in answer and answer.startswith('error:'), '%s said %s' % (line, answer))
    guest.command('cat /mnt/name.txt', r'^first\r$')
    guest.command('umount /mnt; echo u-$?', r'^u-0\r$')
    guest.control('medium insert %s %s' % (SLOT, second))
    mounted(guest, 'second')
    guest.command('umount /mnt; echo u-$?', r'^u-0\r$')

    # Ejected by the guest: the disc lies on the tray until another is put there.
    guest.command('/tmp/ide_probe eject /dev/sr0; echo e-$?', r'^e-0\r$')
    check(in_the_drive(guest).startswith('open '), in_the_drive(guest))
    guest.command('/tmp/ide_probe tray /dev/sr0', r'^open\r$')
    guest.control('medium insert %s %s' % (SLOT, first))
    guest.command('/tmp/ide_probe tray /dev/sr0', r'^disc\r$')
    mounted(guest, 'first')

    # Torn out under a mounted file system: its reads fail, and the next disc is read.
    guest.control('medium eject --force %s' % SLOT)
    guest.command('/tmp/ide_probe tray /dev/sr0', r'^open\r$')
    guest.command('echo 3 >/proc/sys/vm/drop_caches; cat /mnt/ide_probe >/dev/null 2>&1; '
                  'echo r-$?', r'^r-1\r$')
    guest.command('umount /mnt; echo u-$?', r'^u-0\r$')
    guest.control('medium insert %s %s' % (SLOT, second))
    mounted(guest, 'second')

    # A self-test runs, is aborted and logged; the disk's health is good.
    guest.command('/tmp/ide_probe smart /dev/sda', r'^test-f test-1 logged-1 status-4fc2\r$')
    guest.command('umount /mnt; poweroff', '')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
