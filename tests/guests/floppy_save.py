# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot floppy that reads, formats and writes itself is saved at seeded moments and goes on in
another process: console, image and counted instructions are those of an unbroken run.

usage: floppy_save.py SOURCE MOMENTS [exact]
"""

import random
import re
import sys

from floppy_formats import make_image
from guest import Guest, check, run, work_path


def machine(path, exact, *options, load=None):
    """One process."""
    cfg = ['Devices/i82078/0/Config/Timing=exact'] if exact else []
    return Guest(floppy=path, boot='a', cfg=cfg, debug_exit=True, memory='32M', timeout=90,
                 load=load, options=('--deterministic', '--stats') + options)


def instructions(guest):
    """How many the guest has executed, by --stats."""
    return int(re.search(r'^EM/CPU0/Instructions\s+(\d+)', guest.errors(), re.M).group(1))


def main(source, moments, *words):
    """Unbroken, then in two pieces again and again."""
    exact = 'exact' in words
    path, contents = make_image(source, 160)
    whole = machine(path, exact)
    whole.expect('^floppy: formatted and written back$')
    whole.expect_exit(3)
    last = instructions(whole)
    rng = random.Random(82078)
    for number in range(int(moments)):
        at = rng.randrange(last // 50, last - 1000)
        print('moment %d: after %d instructions' % (number, at), flush=True)
        state = work_path('state%d' % number)
        first = machine(path, exact, '--save', state, '--max-instructions', str(at))
        first.expect_exit(124)
        second = machine(path, exact, load=state)
        second.expect_exit(3)
        check(first.console + second.console == whole.console,
              'the console of the two pieces is another: %r, %r' % (first.console, second.console))
        check(instructions(second) == last, 'the end came after %d instructions instead of %d' % (
            instructions(second), last))
        with open(path, 'rb') as file:
            check(file.read() == contents, 'the image is another one afterwards')


if __name__ == '__main__':
    run(main, *sys.argv[1:])
