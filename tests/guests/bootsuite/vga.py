# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every mode of a VGA shown and compared, pixel by pixel, with a computed picture.

usage: vga.py [NAME...]         only these pictures
       vga.py --disk FILE       makes a disk that shows all of them by itself

A picture that differs leaves NAME.got.png and NAME.want.png in $VIV_BUILD_DIR/bootsuite.
VIV_BOOTSUITE_KEEP=1 keeps every picture that was taken there.
"""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

# pylint: disable=wrong-import-position
import guest as guests  # noqa: E402
import png  # noqa: E402
import vga_pictures  # noqa: E402

OUT = os.path.join(guests.BUILD_DIR, 'bootsuite')
IMAGE_BYTES = 1 << 20
END = 255
EXIT_CODE = 1
# A blinking picture must show each phase within this time (a period is half a second).
PHASES_SECONDS = 10


def assemble(image, *defines):
    """The disk."""
    for name, contents in vga_pictures.include_files().items():
        with open(guests.work_path(name), 'wb') as file:
            file.write(contents)
    subprocess.run(['nasm', '-f', 'bin', '-I', HERE + '/', '-I', guests.work_path(''), *defines,
                    '-o', image, os.path.join(HERE, 'vga.asm')], check=True)
    with open(image, 'r+b') as file:
        file.truncate(IMAGE_BYTES)


def first_difference(got, want):
    """A sentence."""
    if (len(got), len(got[0])) != (len(want), len(want[0])):
        return 'is %dx%d, not %dx%d' % (len(got[0]) // 3, len(got), len(want[0]) // 3, len(want))
    for y, (a, b) in enumerate(zip(got, want)):
        if a != b:
            x = next(i for i in range(len(a)) if a[i] != b[i]) // 3
            lines = sum(p != q for p, q in zip(got, want))
            return '%d lines differ, first at (%d, %d): %s, not %s' % (
                lines, x, y, a[x * 3:x * 3 + 3].hex(), b[x * 3:x * 3 + 3].hex())
    return 'is right'


class Show:
    """A machine that shows pictures."""

    def __init__(self, image, monitor):
        self.monitor = monitor
        cfg = ['Devices/vga/0/Config/FullRaster=1'] if monitor else []
        self.guest = guests.Guest(disks=[image], debug_exit=True, memory='64M', cfg=cfg,
                                  timeout=300)
        self.guest.expect(r'^ready\r$')
        names = [line.split()[1].decode() for line in self.guest.console.splitlines()
                 if line.startswith(b'picture ')]
        self.numbers = {name: number for number, name in enumerate(names)}

    def take(self):
        """What is on the screen."""
        path = guests.work_path('screen.png')
        self.guest.control('screenshot ' + path)
        return png.read(path)

    def check(self, name):
        """None, or what is wrong."""
        self.guest.send(bytes([self.numbers[name]]))
        self.guest.expect(r'^shown %s\r$' % name)
        wanted = vga_pictures.expected(name, self.monitor)
        seen = set()
        deadline = time.monotonic() + PHASES_SECONDS * guests.SLOWNESS
        while len(seen) < len(wanted):
            got = self.take()
            if got not in wanted:
                return self.report(name, got, wanted[0])
            seen.add(wanted.index(got))
            if time.monotonic() > deadline:
                return 'shows %d of %d phases' % (len(seen), len(wanted))
        if os.environ.get('VIV_BOOTSUITE_KEEP'):
            self.report(name, got, wanted[0])
        return None

    def report(self, name, got, want):
        """Leaves both pictures."""
        os.makedirs(OUT, exist_ok=True)
        kind = '.monitor' if self.monitor else ''
        png.write(os.path.join(OUT, name + kind + '.got.png'), got)
        png.write(os.path.join(OUT, name + kind + '.want.png'), want)
        return first_difference(got, want)

    def end(self):
        """The guest switches off."""
        self.guest.send(bytes([END]))
        self.guest.expect_exit(EXIT_CODE)


def main(*only):
    """All pictures as they are, and those with a border as a monitor shows them."""
    if only[:1] == ('--disk',):
        assemble(only[1], '-DALONE')
        return
    image = guests.work_path('vga.img')
    assemble(image)
    wrong = []
    for monitor, names in ((False, vga_pictures.PICTURES), (True, vga_pictures.BORDERS)):
        names = [name for name in names if not only or name in only]
        if not names:
            continue
        show = Show(image, monitor)
        guests.check(set(show.numbers) == set(vga_pictures.PICTURES),
                     'the disk and the computed pictures are not the same: %s' %
                     sorted(set(show.numbers) ^ set(vga_pictures.PICTURES)))
        for name in names:
            start = time.monotonic()
            problem = show.check(name)
            print('%-28s %s (%.2f s)' % (name, problem or 'ok', time.monotonic() - start),
                  flush=True)
            if problem:
                wrong.append(name)
        show.end()
    guests.check(not wrong, 'wrong pictures (see %s): %s' % (OUT, ', '.join(wrong)))


if __name__ == '__main__':
    guests.run(main, *sys.argv[1:])
