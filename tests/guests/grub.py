# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel the long way round: BIOS, GRUB from its rescue CD-ROM, and what a configuration file
on a hard disk says. For kernels that call the BIOS, or want a graphics mode set up for them."""

from guest import Guest


def boot_config(grub_iso, disk, **settings):
    """Has GRUB read /grub.cfg of the disk's first partition; the machine, when GRUB goes there."""
    guest = Guest(cdrom=grub_iso, disks=[disk], boot='d', **settings)
    guest.expect_screen(r'\*GNU/Linux', 180)
    guest.key('c')
    guest.expect_screen(r'^grub> *$')
    guest.type('configfile (hd0,msdos1)/grub.cfg\n')
    return guest
