# SPDX-License-Identifier: LGPL-2.1-or-later
"""GNU Mach, until it misses the programs that a Hurd would give it.

usage: gnumach.py KERNEL GRUB_ISO DISK
"""

import sys

from grub import boot_config
from guest import PEER, Guest, run


def watch(guest):
    """The console from the first line to the end of what a kernel alone can do."""
    guest.expect(r'GNU Mach 1\.8', 60)
    guest.expect(r'biosmem: physical memory map:')
    guest.expect(r'biosmem: 000000000000100000:[0-9a-f]{18}, available')
    guest.expect(r'vm_page: page table size: [56]\d{4} entries')
    guest.expect(r'RTC time is 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d')
    guest.expect(r'bootstrap_create: No bootstrap code loaded with the kernel')
    guest.control('quit')
    guest.expect_exit(0)


def main(kernel, grub_iso, disk):
    """Without firmware and with it; QEMU's own loader does not know 64-bit ELF files."""
    if PEER == 'viv':
        watch(Guest(kernel=kernel, append='console=com0', memory='256M'))
    watch(boot_config(grub_iso, disk, memory='256M'))


if __name__ == '__main__':
    run(main, *sys.argv[1:])
