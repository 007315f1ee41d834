# SPDX-License-Identifier: LGPL-2.1-or-later
"""Saved at many seeded moments of its boot, loaded each time in a new process: the same run.

Time counts instructions (--deterministic), so that runs can be compared to the byte. The unbroken
run stops after so many instructions and is saved there. Then the same guest goes the same way in
pieces: each process loads what the one before has saved, runs to the next moment, and saves. At the
end console, screen and the whole saved state must be those of the unbroken run. If they are not, the
first moment that went wrong is looked for, and the unit that differs is named.

Last, a machine is saved live, amid its run: what that process and a new one make of it must be
the unbroken run again.

usage: save_moments.py [--moments N] [--seed N] [--limit N] [--live N] GUEST FILE [INITRD]
"""

import argparse
import hashlib
import json
import os
import random
import subprocess

from guest import BUILD_DIR, Guest, TestFailure, check, run, work_path

LINUX = ('for i in 1 2 3; do echo round $i; dd if=/dev/urandom bs=64k count=8 2>/dev/null | md5sum; '
         'cat /proc/interrupts; date; done; ls -lR /sys/devices/pci0000:00 | md5sum')

# What to boot, how far, and what its console or screen must show by then.
GUESTS = {
    'grub': dict(limit=250000000, shows='GNU GRUB', options=dict(
        boot='d', memory='128M', serial=('none',))),
    'ipxe': dict(limit=300000000, shows='', options=dict(
        boot='d', memory='128M', serial=('none',))),
    'memtest': dict(limit=1500000000, shows='Memtest86+', options=dict(
        boot='d', memory='64M', serial=('none',))),
    'gnumach': dict(limit=30000000, shows='No bootstrap code loaded', options=dict(
        memory='256M', append='console=com0')),
    'multiboot': dict(limit=63000, shows='mb: command line', options=dict(
        memory='96M', append='mem=96 exit=44', debug_exit=True)),
    'linux': dict(limit=1870000000, shows='Vivarium guest: init reached', options=dict(
        memory='192M', append='console=ttyS0 "viv.run=%s"' % LINUX)),
}


class Boot:
    """A guest that is run to instruction counts, in one piece or several."""

    def __init__(self, kind, files):
        self.kind = kind
        self.limit = GUESTS[kind]['limit']
        self.options = dict(GUESTS[kind]['options'])
        if self.options.get('boot') == 'd':
            self.options['cdrom'] = files[0]
        else:
            self.options['kernel'] = files[0]
            self.options['initrd'] = files[1] if len(files) > 1 else None

    def start(self, name, stop, load=None):
        """A process that runs on from `load` to instruction `stop`, and is saved as `name`."""
        return Guest(load=load, timeout=300, **self.options, options=(
            '--deterministic', '--seed', '11', '--save', work_path(name),
            '--screen-text', work_path(name + '.screen'), '--max-instructions', str(stop)))

    def to(self, name, stop, load=None):
        """The same until it is there; gives its console."""
        guest = self.start(name, stop, load)
        guest.expect_exit(124, 300)
        check('stopped after' in guest.errors(), 'no word of the stop: ' + guest.errors())
        return guest.console


def contents(name):
    """The bytes of a file of this test."""
    with open(work_path(name), 'rb') as file:
        return file.read()


def digest(name):
    """What stands for a state: there are too many of them to keep."""
    return hashlib.sha256(contents(name)).digest()


def units(name):
    """Each unit's bytes, by its name."""
    program = os.environ.get('VIV_PROGRAM', os.path.join(BUILD_DIR, 'bin/viv'))
    listing = subprocess.run([program, 'state', 'info', '--json', work_path(name)], check=True,
                             stdout=subprocess.PIPE).stdout
    data = contents(name)
    result = {}
    for unit in json.loads(listing)['units']:
        start = unit['offset'] + 40 + len(unit['name'])
        result['%s/%d' % (unit['name'], unit['instance'])] = data[start:start + unit['bytes'] + 8]
    return result


def difference(one, other):
    """The names of the units in which two states differ."""
    first, second = units(one), units(other)
    return ', '.join(name for name in first if first[name] != second.get(name))


def find_first(boot, moments, digests):
    """The first moment at which the chain's state is not what an unbroken run has there."""
    low, high = 0, len(moments) - 1
    while low < high:
        middle = (low + high) // 2
        boot.to('probe', moments[middle])
        if digest('probe') == digests[middle]:
            low = middle + 1
        else:
            high = middle
    load = None
    if low:
        boot.to('before', moments[low - 1])
        load = work_path('before')
    boot.to('one', moments[low])
    boot.to('other', moments[low], load)
    return 'saved at instruction %s, at %d they differ in: %s' % (
        moments[low - 1] if low else 'none', moments[low], difference('one', 'other'))


def pieces(boot, whole, moments):
    """The run in pieces, compared with the unbroken one."""
    console, load, digests = b'', None, []
    for number, moment in enumerate(moments):
        name = 'piece%d' % (number % 2)
        console += boot.to(name, moment, load)
        load = work_path(name)
        digests.append(digest(name))
    if digests[-1] != digest('whole'):
        raise TestFailure('the states differ: ' + find_first(boot, moments, digests))
    check(console == whole, 'the consoles differ')
    check(contents(name + '.screen') == contents('whole.screen'), 'the screens differ')


def live(boot, count):
    """Saved while it runs, wherever that is; both go on to the end."""
    guest = boot.start('going', boot.limit)
    saved = 0
    for number in range(count):
        try:
            guest.control('save --live ' + work_path('live%d' % number))
            saved += 1
        except (TestFailure, OSError):
            break  # it has reached the end
    guest.expect_exit(124, 300)
    check(contents('going') == contents('whole'), 'a machine that was saved live went another way')
    for number in range(saved):
        boot.to('live-end', boot.limit, work_path('live%d' % number))
        check(contents('live-end') == contents('whole'),
              'live save %d: the states differ: %s' %
              (number, difference('live-end', 'whole')))
    return saved


def main(options):
    """The unbroken run, the one in pieces, the one that is saved live."""
    boot = Boot(options.kind, options.files)
    shows = GUESTS[options.kind]['shows'].encode()
    if options.limit:
        boot.limit, shows = options.limit, b''
    whole = boot.to('whole', boot.limit)
    check(shows in whole or shows in contents('whole.screen'),
          'the unbroken run does not come to "%s"' % shows.decode())
    rand = random.Random(options.seed)
    moments = sorted(rand.sample(range(1, boot.limit), options.moments)) + [boot.limit]
    pieces(boot, whole, moments)
    print('%d moments, %d live saves' % (options.moments, live(boot, options.live)))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--moments', type=int, default=16)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--limit', type=int, help='stop earlier, after so many instructions')
    parser.add_argument('--live', type=int, default=1, help='how many live saves (1)')
    parser.add_argument('kind', choices=GUESTS)
    parser.add_argument('files', nargs='+')
    run(main, parser.parse_args())
