# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel the long way round: BIOS, GRUB from the rescue CD-ROM, the kernel from a hard
disk, all of it typed on the keyboard; then the shell on the VGA console, typed to as well.

usage: grub_boots_linux.py GRUB_ISO DISK [CHIPSET]
"""

import re
import sys

from guest import Guest, check, run


def boot(grub_iso, disk, append, timeout=600, options=()):
    """Types at GRUB's command line what starts the kernel; the machine, when the kernel speaks."""
    guest = Guest(cdrom=grub_iso, disks=[disk], boot='d', timeout=timeout,
                  options=options)
    guest.expect_screen(r'\*GNU/Linux', 180)
    guest.key('c')
    guest.expect_screen(r'^grub> *$')
    # The BIOS keeps 15 keys while GRUB loads a file: wait for the prompt to come back.
    for line in ('linux (hd0,msdos1)/vmlinuz ' + append, 'initrd (hd0,msdos1)/initrd.gz'):
        guest.type(line + '\n')
        guest.expect_screen(re.escape(line) + r' *\ngrub> *\s*\Z')
    guest.type('boot\n')
    return guest


def main(grub_iso, disk, chipset=None):
    """Kernel and initramfs are files of the ISO 9660 file system in the disk's partition."""
    options = ['--chipset', chipset] if chipset else []
    guest = boot(grub_iso, disk, 'console=ttyS0 console=tty0', options=options)
    guest.expect(r'Linux version', 240)
    guest.expect_screen(r'^viv# ?', 300)
    check(b'BIOS-e820' in guest.console, 'the kernel does not tell of a BIOS memory map')
    guest.type('echo sum $((40 + 2))\n')
    guest.expect_screen(r'^sum 42$')
    # The disk's driver found the disk that the BIOS booted from.
    guest.type('mount -t iso9660 /dev/sda1 /mnt; ls /mnt\n')
    guest.expect_screen(r'^initrd.gz +vmlinuz$')
    guest.type('poweroff\n')
    guest.expect(r'reboot: Power down')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
