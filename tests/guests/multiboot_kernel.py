# SPDX-License-Identifier: LGPL-2.1-or-later
"""Multiboot 1 images started without firmware: a 32-bit one and one that enters long mode.

usage: multiboot_kernel.py MB32 MB64
"""

import re
import sys

from guest import Guest, check, run, work_path


def module_sum(data):
    """The sum that the kernel makes of a module."""
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xFFFFFFFF
    return total


def boot(image, bits):
    """All checks of the kernel's own pass; what it says of the modules is true; exit code 2N+1."""
    first, second = bytes(range(256)) * 33, b'short'
    paths = work_path('first'), work_path('second')
    for path, data in zip(paths, (first, second)):
        with open(path, 'wb') as file:
            file.write(data)
    debugcon = work_path('debugcon')
    guest = Guest(kernel=image, initrd='%s one two,%s' % paths, memory='96M', timeout=60,
                  append='mem=96 modules=2 exit=44', debug_exit=True, debugcon=debugcon)
    guest.expect('^mb: entered, %d-bit' % bits, 30)
    guest.expect(r'^mb: command line \[.*mem=96 modules=2 exit=44\]')
    guest.expect(r'^mb: memory base=100000 length=[0-9a-f]+ type=1')
    guest.expect(r'^mb: module size=%x sum=%x \[%s one two\]' %
                 (len(first), module_sum(first), re.escape(paths[0])))
    guest.expect(r'^mb: module size=%x sum=%x \[%s ?\]' %
                 (len(second), module_sum(second), re.escape(paths[1])))
    guest.expect_exit(44 * 2 + 1)
    check(b'mb: PASSED' in guest.console, 'the kernel found a fault')
    with open(debugcon, 'rb') as file:
        check(file.read() == guest.console, 'the debug console said something else than COM1')

    # Without modules, and with the least exit value; the failing check shows in the exit code.
    guest = Guest(kernel=image, memory='96M', append='mem=96 exit=0', timeout=60,
                  debug_exit=True)
    guest.expect(r'^mb: PASSED')
    guest.expect_exit(1)
    guest = Guest(kernel=image, memory='96M', append='mem=200', timeout=60,
                  debug_exit=True)
    guest.expect(r'^mb: FAIL less memory')
    guest.expect(r'^mb: FAILED')
    guest.expect_exit(3)


def main(mb32, mb64):
    """Both images."""
    boot(mb32, 32)
    boot(mb64, 64)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
