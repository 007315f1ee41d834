# SPDX-License-Identifier: LGPL-2.1-or-later
"""Xen to its own console output and to the start of its first domain.

usage: xen.py GRUB_ISO DISK
"""

import sys

from grub import boot_config
from guest import check, run


def main(grub_iso, disk):
    """What Xen finds must be what the machine has."""
    guest = boot_config(grub_iso, disk, memory='768M')
    guest.expect(r'Xen version 4\.17', 120)
    guest.expect(r'System RAM: 767MB')
    guest.expect(r'Using scheduler: ')
    guest.expect(r'ENABLING IO-APIC IRQs')
    guest.expect(r'Brought up 1 CPUs')
    guest.expect(r'Dom0 kernel: 64-bit')
    guest.expect(r'Freed \d+kB init memory')
    check(b'(XEN) Panic' not in guest.console, 'Xen panicked')
    guest.control('quit')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
