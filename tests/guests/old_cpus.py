# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with an 8086, an 80286 and later CPUs, each started at its own reset vector.

usage: old_cpus.py SOURCE
"""

import subprocess
import sys

from guest import Guest, run, work_path


def main(source):
    """The ROM finds out by itself what runs it."""
    rom = work_path('rom.bin')
    subprocess.run(['nasm', '-f', 'bin', '-o', rom, source], check=True)
    for model, name in (('8086', '8086'), ('286', '80286'), ('386', '80386 or later'),
                        ('x86-64-v2', '80386 or later')):
        guest = Guest(cfg=['Devices/pcbios/0/Config/BiosRom=' + rom], debug_exit=True,
                      options=['--cpu', model], timeout=60)
        guest.expect('^rom: cpu %s$' % name)
        guest.expect_exit(3)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
