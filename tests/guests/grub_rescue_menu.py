# SPDX-License-Identifier: LGPL-2.1-or-later
"""GRUB's rescue CD-ROM through real BIOS code: its menu follows the keys, its command line answers.

usage: grub_rescue_menu.py IMAGE cdrom|floppy
"""

import sys

from guest import Guest, run


def main(image, medium):
    """Menu, selection, command line, editor, and a power-off from GRUB itself."""
    guest = Guest(**{medium: image}, boot={'cdrom': 'd', 'floppy': 'a'}[medium], memory='128M',
                  serial=(), timeout=300)
    guest.expect_screen(r'GNU GRUB +version', 180)
    guest.expect_screen(r'\*GNU/Linux')
    # Any key stops the countdown; the star marks the selected entry.
    guest.key('down')
    guest.expect_screen(r'\*GNU \(aka GNU/Hurd\)')
    guest.key('down')
    guest.expect_screen(r'\*FreeBSD \(or GNU/kFreeBSD\), direct boot')
    guest.key('up')
    guest.expect_screen(r'\*GNU \(aka GNU/Hurd\)')
    guest.key('home')
    guest.expect_screen(r'\*GNU/Linux')
    # The entry's editor shows what the entry says.
    guest.key('e')
    guest.expect_screen(r'linux /vmlinuz root=/dev/sda1')
    guest.key('esc')
    guest.expect_screen(r'\*GNU/Linux')
    guest.key('c')
    guest.expect_screen(r'^grub> *$')
    guest.type('echo Vivarium-9\n')
    guest.expect_screen(r'^Vivarium-9 *$')
    # What the BIOS found: the medium itself lists its folder.
    guest.type('ls /boot/grub/\n')
    guest.expect_screen(r'i386-pc/')
    guest.type('halt\n')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
