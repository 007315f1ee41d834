# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's installer to its first dialog, which asks for a language.

usage: installer.py text KERNEL INITRD
       installer.py gtk GRUB_ISO DISK THUMBNAIL

With VIV_UPDATE=1 the second form writes the thumbnail anew.
"""

import os
import sys
import time

from grub import boot_config
from guest import SLOWNESS, Guest, TestFailure, check, run, work_path
from picture import difference, read_thumbnail, thumbnail, write_thumbnail

GRID = (64, 48)
# The pointer, another version's list and the font's smoothing stay far below it; another screen
# does not.
TOLERANCE = 4.0


def text(kernel, initrd):
    """Over the serial console; the answer to the first question brings the second."""
    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0', memory='1G')
    guest.expect(r'Linux version', 120)
    guest.expect(r'Choose the language to be used for the installation', 300)
    guest.expect(r'English')
    guest.send('\r')
    guest.expect(r'Select your location', 120)
    guest.control('quit')
    guest.expect_exit(0)


def gtk(grub_iso, disk, reference):
    """On the screen, compared with the picture of that dialog."""
    guest = boot_config(grub_iso, disk, memory='1G', timeout=700)
    guest.expect(r'Linux version', 240)
    deadline = time.monotonic() + 400 * SLOWNESS
    path = work_path('screen.png')
    best = 255.0
    while time.monotonic() < deadline:
        guest.control('screenshot ' + path)
        if os.environ.get('VIV_UPDATE'):
            write_thumbnail(reference, thumbnail(path, *GRID))
        else:
            best = min(best, difference(thumbnail(path, *GRID), read_thumbnail(reference)))
            if best < TOLERANCE:
                break
        check(guest.wait_console(5), 'the program ended')
    else:
        raise TestFailure('the screen never came nearer than %.1f to the dialog' % best)
    print('difference %.2f' % best)
    guest.control('quit')
    guest.expect_exit(0)


if __name__ == '__main__':
    run({'text': text, 'gtk': gtk}[sys.argv[1]], *sys.argv[2:])
