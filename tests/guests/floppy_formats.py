# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot floppy of every format from 160K to 2.88M reads all of itself, formats, writes, verifies.

usage: floppy_formats.py SOURCE [KIB...]
"""

import struct
import subprocess
import sys

from guest import Guest, check, run, work_path

# KiB: cylinders, heads, sectors a track, those that the BIOS takes a track to have, data rate
FORMATS = {160: (40, 1, 8, 8, 2), 180: (40, 1, 9, 9, 2), 320: (40, 2, 8, 8, 2),
           360: (40, 2, 9, 9, 2), 720: (80, 2, 9, 9, 2), 1200: (80, 2, 15, 15, 0),
           1440: (80, 2, 18, 18, 0), 1680: (80, 2, 21, 18, 0), 2880: (80, 2, 36, 36, 3)}


def make_image(source, kib):
    """The program, then sectors that hold their own number."""
    names = ('CYLS', 'HEADS', 'SECTORS', 'BIOS_SECTORS', 'RATE')
    defines = ['-D%s=%d' % pair for pair in zip(names, FORMATS[kib])]
    program = work_path('program%d.bin' % kib)
    subprocess.run(['nasm', '-f', 'bin', '-o', program, *defines, source], check=True)
    with open(program, 'rb') as file:
        contents = file.read()
    for number in range(len(contents) // 512, kib * 2):
        contents += struct.pack('<I', number) * 128
    path = work_path('floppy%d.img' % kib)
    with open(path, 'wb') as file:
        file.write(contents)
    return path, contents


def boot(source, kib, exact):
    """One floppy; what it wrote back is what was there."""
    path, contents = make_image(source, kib)
    # A drive's own speed shows only where the host's does not.
    cfg = ['Devices/i82078/0/Config/Timing=exact'] if exact else []
    guest = Guest(floppy=path, boot='a', cfg=cfg, debug_exit=True, memory='64M', timeout=90,
                  options=['--deterministic'] if exact else [])
    for line in ('here', 'BIOS read it', 'DMA read it', 'FIFO read it',
                 'formatted and written back'):
        guest.expect('^floppy: %s$' % line)
    guest.expect_exit(3)
    with open(path, 'rb') as file:
        check(file.read() == contents, 'the %d KiB image is another one afterwards' % kib)


def main(source, *sizes):
    """Every format with the drive in no hurry to be slow; or one as slow as it was."""
    exact = 'exact' in sizes
    for kib in [int(size) for size in sizes if size != 'exact'] or FORMATS:
        print('%d KiB' % kib, flush=True)
        boot(source, kib, exact)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
