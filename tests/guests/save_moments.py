# SPDX-License-Identifier: LGPL-2.1-or-later
"""Saved at many seeded moments of its boot, loaded each time in a new process: the same run.

Time counts instructions (--deterministic), so that runs can be compared to the byte. The unbroken
run stops after so many instructions and is saved there. Then the same guest goes the same way in
pieces: each process loads what the one before has saved, runs to the next moment, and saves. At the
end console, screen and the whole saved state must be those of the unbroken run. If they are not, the
first moment that went wrong is looked for, and the unit that differs is named. A saved machine that
is loaded and saved again without running must be the same, and show the same; that is tried at one
moment in so many. Files that the guest writes to (the UEFI variables) go with the saved states:
each process gets them as they were.

Last, a machine is saved live, amid its run: what that process and a new one make of it must be
the unbroken run again.

usage: save_moments.py [--moments N] [--seed N] [--limit N] [--live N] [--again N]
                       GUEST FILE...
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bootsuite'))

# pylint: disable=wrong-import-position
import png  # noqa: E402
import vga_pictures  # noqa: E402
from guest import BUILD_DIR, Guest, TestFailure, check, run, work_path

LINUX = ('for i in 1 2 3; do echo round $i; dd if=/dev/urandom bs=64k count=8 2>/dev/null | md5sum; '
         'cat /proc/interrupts; date; done; ls -lR /sys/devices/pci0000:00 | md5sum')

# A watchdog that counts all the while, sometimes to its end, and what else can be had beside it.
# Those of the devices that are not there are left out.
DEVICES = ('i6300esb,Action=none', 'pvpanic', 'virtio-rng', 'virtio-console', 'virtio-balloon')
WATCHDOG = (
    'cd /sys/bus/pci/devices; for d in *; do '
    'grep -q 0x25ab $d/device && w=$d; done; cd $w; echo 1 >enable; '
    "a=$(sed -n '1s/ .*//p' resource); "
    'open() { devmem $((a + 12)) 16 0x80; devmem $((a + 12)) 16 0x86; }; '
    "printf '\\003' | dd of=config bs=1 seek=96 conv=notrunc 2>/dev/null; "
    'open; devmem $a 32 10; open; devmem $((a + 4)) 32 15; '
    "printf '\\002' | dd of=config bs=1 seek=104 conv=notrunc 2>/dev/null; "
    'for i in 1 2 3 4 5 6; do devmem $((a + 8)) 8; devmem $((a + 8)) 8 1; devmem $((a + 12)) 16; '
    'open; devmem $((a + 12)) 16 0x100; dd if=/dev/port bs=1 skip=1285 count=1 2>/dev/null | '
    'od -An -tx1; head -c 64 /dev/hwrng 2>/dev/null | od -An -tx1; ls -lR . | md5sum; '
    'sleep 0.0$i; done; echo moments end; sleep 9999')
CDROM = ('for i in 1 2 3; do md5sum /dev/sr0; echo 3 >/proc/sys/vm/drop_caches; done; '
         'cat /proc/interrupts; echo moments end; sleep 9999')
ICH9 = ('--chipset', 'ich9', '--device', 'ich9pcibridge', '--device', 'ich9pcibridge')
ICH9_PLACES = (
    'Devices/ich9pcibridge/1/PCIBusNo=1', 'Devices/ich9pcibridge/1/PCIDeviceNo=0',
    'Devices/vga/0/PCIBusNo=2', 'Devices/vga/0/PCIDeviceNo=0')
INSTALLER = dict(shows='Choose the language', files=('kernel', 'initrd'), options=dict(
    memory='1G', append='console=ttyS0'))

# What to boot from which files, how far, and what its console or screen must show by then. Half of
# the moments lie after `busy`, where it is at its devices.
GUESTS = {
    'grub': dict(limit=250000000, shows='GNU GRUB', files=('cdrom',), options=dict(
        boot='d', memory='128M', serial=('none',))),
    'floppy': dict(limit=200000000, shows='GNU GRUB', files=('floppy',), options=dict(
        boot='a', memory='64M', serial=('none',))),
    'ipxe': dict(limit=300000000, shows='', files=('cdrom',), options=dict(
        boot='d', memory='128M', serial=('none',))),
    'memtest': dict(limit=1500000000, shows=r'Memtest86\+', files=('cdrom',), options=dict(
        boot='d', memory='64M', serial=('none',))),
    'gnumach': dict(limit=30000000, shows='No bootstrap code loaded', files=('kernel',),
                    options=dict(memory='256M', append='console=com0')),
    'multiboot': dict(limit=63000, shows='mb: command line', files=('kernel',), options=dict(
        memory='96M', append='mem=96 exit=44', debug_exit=True)),
    'vga': dict(limit=1300000000, shows='shown', files=('disk',), pictures=True, options=dict(
        memory='64M')),
    'xen': dict(limit=2500000000, shows='init memory', files=('cdrom',), options=dict(
        boot='d', memory='512M')),
    'ovmf': dict(limit=2350000000, shows='Shell>', files=(), nvram=True, options=dict(
        memory='256M', options=('--firmware', 'efi'))),
    'linux': dict(limit=1870000000, shows='Vivarium guest: init reached',
                  files=('kernel', 'initrd'), options=dict(
                      memory='192M', append='console=ttyS0 "viv.run=%s"' % LINUX)),
    'linux-ich9': dict(limit=6650000000, busy=5500000000, shows='^moments end',
                       files=('kernel', 'initrd', 'cdrom'), options=dict(
                           memory='192M', append='console=ttyS0 "viv.run=%s"' % CDROM,
                           cfg=ICH9_PLACES, options=ICH9)),
    'linux-devices': dict(limit=6600000000, busy=5800000000, shows='^moments end',
                          files=('kernel', 'initrd'), devices=DEVICES, options=dict(
                              memory='192M', append='console=ttyS0 "viv.run=%s"' % WATCHDOG)),
    'installer-i386': dict(INSTALLER, limit=11500000000),
    'installer-amd64': dict(INSTALLER, limit=11500000000),
}


def program():
    """The program under test."""
    return os.environ.get('VIV_PROGRAM', os.path.join(BUILD_DIR, 'bin/viv'))


def known(device):
    """Is there a plugin for it?"""
    return subprocess.run([program(), 'plugin', 'info', device.split(',')[0]], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Boot:
    """A guest that is run to instruction counts, in one piece or several."""

    def __init__(self, kind, files):
        guest = GUESTS[kind]
        self.limit = guest['limit']
        self.pictures = guest.get('pictures', False)
        self.nvram = guest.get('nvram', False)
        self.options = dict(guest['options'])
        self.arguments = tuple(self.options.pop('options', ()))
        for device in filter(known, guest.get('devices', ())):
            self.arguments += ('--device', device)
        check(len(files) == len(guest['files']), '%s wants: %s' % (kind, ', '.join(guest['files'])))
        for name, file in zip(guest['files'], files):
            self.options.update({'disks': [file]} if name == 'disk' else {name: file})

    def start(self, name, stop, load=None):
        """A process that runs on from the state `load` to instruction `stop`, saved as `name`."""
        arguments = self.arguments
        if self.nvram:
            file = work_path(name + '.nvram')
            if load:
                shutil.copy(work_path(load + '.nvram'), file)
            elif os.path.exists(file):
                os.remove(file)
            arguments += ('--nvram', file)
        if self.pictures:
            arguments += ('--screenshot', work_path(name + '.png'))
        arguments += ('--deterministic', '--seed', '11', '--save', work_path(name), '--screen-text',
                      work_path(name + '.screen'), '--max-instructions', str(stop))
        return Guest(load=load and work_path(load), timeout=300, **self.options, options=arguments)

    def to(self, name, stop, load=None):
        """The same until it is there; gives its console."""
        guest = self.start(name, stop, load)
        guest.expect_exit(124, 300)
        check('stopped after' in guest.errors(), 'no word of the stop: ' + guest.errors())
        return guest.console

    def same(self, one, other):
        """What of two saved machines is not the same, or None."""
        kinds = {'screens': '.screen'}
        if self.pictures:
            kinds['pictures'] = '.png'
        if self.nvram:
            kinds['variables'] = '.nvram'
        if contents(one) != contents(other):
            return 'the states differ: ' + difference(one, other)
        for word, end in kinds.items():
            if contents(one + end) != contents(other + end):
                return 'the %s differ' % word
        return None


def contents(name):
    """The bytes of a file of this test."""
    with open(work_path(name), 'rb') as file:
        return file.read()


def digest(name):
    """What stands for a state: there are too many of them to keep."""
    return hashlib.sha256(contents(name)).digest()


def units(name):
    """Each unit's bytes, by its name."""
    listing = subprocess.run([program(), 'state', 'info', '--json', work_path(name)], check=True,
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
        load = 'before'
    boot.to('one', moments[low])
    boot.to('other', moments[low], load)
    return 'saved at instruction %s, at %d they differ in: %s' % (
        moments[low - 1] if low else 'none', moments[low], difference('one', 'other'))


def look(name, console, moment):
    """While the guest shows a picture, and says so, it is to be seen. True if it does."""
    shown = re.search(rb'\nshown (\S+)\r\n$', console)
    if shown:
        picture = shown.group(1).decode()
        check(png.read(work_path(name + '.png')) in vga_pictures.expected(picture),
              'at %d the picture %s is not to be seen' % (moment, picture))
    return shown is not None


def pieces(boot, whole, moments, again):
    """The run in pieces, compared with the unbroken one."""
    console, load, digests, seen = b'', None, [], 0
    for number, moment in enumerate(moments):
        name = 'piece%d' % (number % 2)
        console += boot.to(name, moment, load)
        load = name
        digests.append(digest(name))
        if boot.pictures:
            seen += look(name, console, moment)
        if again and number % again == 0:
            check(boot.to('again', moment, load) == b'', 'loaded at %d, it speaks' % moment)
            problem = boot.same(name, 'again')
            check(not problem, 'loaded at %d and saved again: %s' % (moment, problem))
    if digests[-1] != digest('whole'):
        raise TestFailure('the states differ: ' + find_first(boot, moments, digests))
    check(console == whole, 'the consoles differ')
    problem = boot.same(name, 'whole')
    check(not problem, problem)
    if boot.pictures:
        print('%d moments with a whole picture' % seen)


def live(boot, count, rand):
    """Saved while it runs, wherever that is; both go on to the end."""
    if not count:
        return 0
    guest = boot.start('going', boot.limit)
    saved = 0
    for number in range(count):
        try:
            guest.control('save --live ' + work_path('live%d' % number))
            saved += 1
            guest.wait_console(rand.random())
        except (TestFailure, OSError):
            break  # it has reached the end
    guest.expect_exit(124, 300)
    problem = boot.same('going', 'whole')
    check(not problem, 'a machine that was saved live went another way: %s' % problem)
    for number in range(saved):
        name = 'live%d' % number
        if boot.nvram:
            shutil.copy(work_path('going.nvram'), work_path(name + '.nvram'))
        boot.to('live-end', boot.limit, name)
        problem = boot.same('live-end', 'whole')
        check(not problem, 'live save %d: %s' % (number, problem))
    return saved


def seeded_moments(rand, count, limit, busy):
    """So many of all instructions, half of them after the busy one, and the last."""
    if busy >= limit:
        busy = 0
    late = count // 2 if busy else 0
    return sorted(set(rand.sample(range(1, limit), count - late) +
                      rand.sample(range(busy + 1, limit), late))) + [limit]


def main(options):
    """The unbroken run, the one in pieces, the one that is saved live."""
    boot = Boot(options.kind, options.files)
    boot.limit = options.limit or boot.limit
    shows = re.compile(GUESTS[options.kind]['shows'].encode(), re.MULTILINE)
    whole = boot.to('whole', boot.limit)
    check(options.limit or shows.search(whole) or shows.search(contents('whole.screen')),
          'the unbroken run does not come to "%s"' % shows.pattern.decode())
    rand = random.Random(options.seed)
    moments = seeded_moments(rand, options.moments, boot.limit, GUESTS[options.kind].get('busy', 0))
    pieces(boot, whole, moments, options.again)
    print('%d moments, %d live saves' % (options.moments, live(boot, options.live, rand)))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--moments', type=int, default=16)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--limit', type=int, help='stop earlier, after so many instructions')
    parser.add_argument('--live', type=int, default=1, help='how many live saves (1)')
    parser.add_argument('--again', type=int, default=8,
                        help='load and save again at one moment of so many (8); 0: never')
    parser.add_argument('kind', choices=GUESTS)
    parser.add_argument('files', nargs='*')
    run(main, parser.parse_args())
