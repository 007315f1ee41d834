# SPDX-License-Identifier: LGPL-2.1-or-later
"""Saved amid a Linux boot, loaded in new processes: the same console as an unbroken run.

Time advances by retired instructions (--deterministic), so that the runs can be compared byte by
byte. The second machine is saved three times: as the kernel starts, in process 1, and while a
command computes; each time a new process goes on.

usage: save_load.py KERNEL INITRD
"""

import sys

from guest import Guest, check, run, work_path

# Computes long enough for a save to fall into the middle of it, and prints as it goes.
COMMAND = ('i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; '
           'dd if=/dev/zero bs=64k count=4 2>/dev/null | md5sum; done; cat /proc/meminfo | head -1')
APPEND = 'console=ttyS0 nokaslr "viv.run=%s"' % COMMAND
MOMENTS = (r'Linux version', r'Vivarium guest: init reached', r'^line 20\r$')


def difference(one, other):
    """Where two consoles part, for a person."""
    at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b),
              min(len(one), len(other)))
    return 'at byte %d: %r ... %r' % (at, one[max(at - 80, 0):at + 60],
                                      other[max(at - 20, 0):at + 60])


def machine(kernel, initrd, load=None):
    """The machine of all runs, new or loaded. It has a disk-less chipset and all devices."""
    return Guest(kernel=kernel, initrd=initrd, append=APPEND, memory='192M', load=load,
                 options=('--deterministic',), timeout=600)


def main(kernel, initrd):
    """The unbroken run, then the one in four pieces."""
    whole = machine(kernel, initrd)
    whole.expect(r'Vivarium guest: exit 0\r$', 600)
    whole.expect_exit(0)

    pieces = b''
    load = None
    for number, moment in enumerate(MOMENTS):
        guest = machine(kernel, initrd, load)
        guest.expect(moment, 600)
        guest.control('pause')
        load = work_path('state%d' % number)
        guest.control('save ' + load)
        guest.control('quit')
        guest.finish()
        pieces += guest.console
    guest = machine(kernel, initrd, load)
    guest.expect(r'Vivarium guest: exit 0\r$', 600)
    guest.expect_exit(0)
    pieces += guest.console

    check(whole.console == pieces,
          'the consoles differ ' + difference(whole.console, pieces))

    # What is no saved state, or half of one, is refused with a sentence that names it.
    with open(load, 'rb') as file:
        state = file.read()
    for name, damaged in (('cut', state[:len(state) // 2]),
                          ('flipped', state[:-1000] + bytes([state[-1000] ^ 4]) + state[-999:]),
                          ('foreign', b'no state at all' * 100)):
        path = work_path(name)
        with open(path, 'wb') as file:
            file.write(damaged)
        guest = machine(kernel, initrd, path)
        code = guest.finish(60)
        check(code not in (0, 124) and 0 < code < 128, 'a %s state file: exit code %d' %
              (name, code))
        check(path in guest.errors(), 'the message does not name the %s state file: %s' %
              (name, guest.errors()))


if __name__ == '__main__':
    run(main, *sys.argv[1:])
