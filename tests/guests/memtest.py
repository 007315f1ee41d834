# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memtest86+ without an error, for as long as its own clock says.

usage: memtest.py ISO SECONDS
"""

import re
import sys
import time

from guest import SLOWNESS, Guest, TestFailure, check, run


def progress(guest):
    """Seconds on the guest's clock, finished passes, errors."""
    text = guest.screen()
    clock = re.search(r'Time: +(\d+):(\d\d):(\d\d)', text)
    passes = re.search(r'Pass: +(\d+)', text)
    errors = re.search(r'Errors: +(\d+)', text)
    check(clock and passes and errors, 'the screen is not that of a running test')
    hours, minutes, seconds = (int(group) for group in clock.groups())
    return hours * 3600 + minutes * 60 + seconds, int(passes.group(1)), int(errors.group(1))


def main(iso, seconds):
    """The first minutes reach every test pattern in 64 MiB."""
    wanted = int(seconds)
    guest = Guest(cdrom=iso, boot='d', memory='64M', serial=(), timeout=wanted + 300)
    guest.expect_screen(r'Time: +0:00:0[1-9](.*\n)*.*Errors: +\d', 120)
    deadline = time.monotonic() + (wanted + 240) * SLOWNESS
    tests = set()
    while True:
        elapsed, passes, errors = progress(guest)
        check(errors == 0, '%d errors' % errors)
        test = re.search(r'Test #(\d+)', guest.screen())
        if test:
            tests.add(int(test.group(1)))
        if elapsed >= wanted:
            break
        if time.monotonic() > deadline:
            raise TestFailure('its clock shows %d s only' % elapsed)
        # The serial console is silent; its pipe is what there is to wait on between two looks.
        check(guest.wait_console(1), 'the program ended')
    check(len(tests) >= 6 or passes, 'only the tests %s were seen' % sorted(tests))
    print('tests seen: %s, passes finished: %d' % (sorted(tests), passes))
    guest.control('quit')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
