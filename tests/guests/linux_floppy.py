# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux's floppy driver: two drives read and written, a medium that is changed under it.

usage: linux_floppy.py KERNEL INITRD
"""

import hashlib
import random
import sys

from guest import Guest, check, run, work_path

KIB = 1024
PROMPT = r'^viv# '


def digest(data):
    """As sha256sum prints it."""
    return '^' + hashlib.sha256(data).hexdigest()


def image(name, size, seed):
    """A floppy full of noise."""
    data = bytearray(random.Random(seed).randbytes(size))
    path = work_path(name)
    with open(path, 'wb') as file:
        file.write(data)
    return path, data


def main(kernel, initrd):
    """What the guest reads is what is in the images, and the other way round."""
    path0, data0 = image('a.img', 1440 * KIB, 1)
    path1, data1 = image('b.img', 720 * KIB, 2)
    path2, data2 = image('c.img', 1440 * KIB, 3)
    guest = Guest(kernel=kernel, initrd=initrd, floppy=path0,
                  append='console=ttyS0 quiet viv.modules=floppy',
                  options=['--floppy', path1], timeout=400)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(PROMPT)
    guest.command('until [ -b /dev/fd0 ] && [ -b /dev/fd1 ]; do sleep 1; mdev -s; done; echo n-$?',
                  r'^n-0\r$')
    guest.command('dmesg | grep "FDC 0"', r'FDC 0 is an 82078')
    guest.command('sha256sum /dev/fd0', digest(data0), 240)
    guest.command('sha256sum /dev/fd1', digest(data1), 240)
    # Sectors here and there, and a whole track.
    for sector, count in ((0, 1), (17, 3), (1440, 36), (2879, 1)):
        guest.command('dd if=/dev/fd1 of=/dev/fd0 bs=512 skip=5 seek=%d count=%d conv=notrunc '
                      '2>/dev/null; echo w-$?' % (sector, count), r'^w-0\r$', 120)
        data0[sector * 512:(sector + count) * 512] = data1[5 * 512:(5 + count) * 512]
    guest.command('sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum /dev/fd0', digest(data0), 240)
    # Another medium: the driver hears of it by the disk change line.
    guest.control('medium insert floppy0 ' + path2)
    guest.command('sha256sum /dev/fd0', digest(data2), 240)
    guest.send('poweroff -f\n')
    guest.expect_exit(0)
    for path, data in ((path0, data0), (path1, data1), (path2, data2)):
        with open(path, 'rb') as file:
            check(file.read() == data, '%s is not what the guest left' % path)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
