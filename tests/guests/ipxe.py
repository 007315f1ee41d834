# SPDX-License-Identifier: LGPL-2.1-or-later
"""iPXE to its prompt, where it says what it found.

usage: ipxe.py ISO
"""

import sys

from guest import Guest, run


def main(iso):
    """Ctrl-B within the two seconds in which iPXE waits for it."""
    guest = Guest(cdrom=iso, boot='d', memory='128M', serial=())
    guest.expect_screen(r'iPXE initialising devices\.\.\.ok', 120)
    guest.expect_screen(r'Press Ctrl-B for the iPXE command line')
    guest.key('ctrl-b')
    guest.expect_screen(r'^iPXE> *$')
    guest.type('show platform\n')
    guest.expect_screen(r'^builtin/platform:string = pcbios')
    guest.type('cpuid --ext 29 && echo long mode\n')
    guest.expect_screen(r'^long mode$')
    guest.control('quit')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
