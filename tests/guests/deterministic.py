# SPDX-License-Identifier: LGPL-2.1-or-later
"""viv run --deterministic: what is the same in every run, whatever the host is doing.

Each machine runs once undisturbed; then again while other processes keep the host busy, while it is
paused time and again, with a small code cache, and in two pieces by way of a saved state. Console,
counters and, where a run is stopped in the middle, the whole saved state must be the same.

usage: deterministic.py multiboot KERNEL | grub IMAGE | linux KERNEL INITRD
"""

import contextlib
import os
import subprocess
import sys

from guest import Guest, TestFailure, check, run, work_path

SMALL_CACHE = 'Engine/interpreter/CodeCacheMiB=1'


@contextlib.contextmanager
def busy_host():
    """Keeps more processes busy than the host has CPUs."""
    spinners = []
    try:
        for _ in range((os.cpu_count() or 1) + 1):
            spinners.append(subprocess.Popen([sys.executable, '-c', 'while True: pass']))
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def counters(guest, engine=True):
    """The lines of --stats; without those that tell how the engine did its work, if asked."""
    lines = {}
    for line in guest.errors().splitlines():
        words = line.split()
        if len(words) > 1 and '/' in words[0] and words[1].isdigit():
            lines[words[0]] = int(words[1])
    check(lines.get('EM/CPU0/Instructions', 0) > 1000 and lines.get('TM/VirtualTime', 0) > 1000,
          '--stats counts neither instructions nor time: %s' % guest.errors())
    # A pause takes the vCPU out of the engine.
    own = ('EM/CPU0/Runs', 'EM/CPU0/Halts') if engine else ('EM/CPU0/Runs', 'EM/CPU0/Halts',
                                                            'EM/CPU0/interpreter/')
    return {name: value for name, value in lines.items() if not name.startswith(own)}


def same(what, one, other):
    """Two results are equal, or the first difference is shown."""
    if one == other:
        return
    if isinstance(one, dict):
        names = [n for n in sorted(set(one) | set(other)) if one.get(n) != other.get(n)]
        raise TestFailure('%s: %s' % (what, ', '.join(
            '%s %s, %s' % (n, one.get(n), other.get(n)) for n in names)))
    at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    raise TestFailure('%s: differs at byte %d of %d and %d: %r ... %r' % (
        what, at, len(one), len(other), one[max(at - 60, 0):at + 60], other[max(at - 20, 0):at + 60]))


def state(name):
    """The bytes of a saved state."""
    with open(work_path(name), 'rb') as file:
        return file.read()


def pause_often(guest, times):
    """Pauses and goes on; the machine may end meanwhile."""
    for _ in range(times):
        try:
            guest.control('pause')
            guest.control('resume')
        except (TestFailure, OSError):
            return


def multiboot(kernel):
    """A kernel of our own, from its first instruction to its exit code."""
    def machine(*options, cfg=()):
        guest = Guest(kernel=kernel, memory='96M', append='mem=96 exit=44', debug_exit=True,
                      cfg=cfg, timeout=60, options=('--stats',) + options)
        guest.expect_exit(44 * 2 + 1)
        return guest

    first = machine('--deterministic')
    with busy_host():
        second = machine('--deterministic')
    same('console of the second run', first.console, second.console)
    same('counters of the second run', counters(first), counters(second))
    small = machine('--deterministic', cfg=[SMALL_CACHE])
    same('counters with a small code cache', counters(first, False), counters(small, False))
    # Another rate is another course of time, for the same instructions where nobody waits.
    slow = counters(machine('--deterministic=1000'))
    check(slow['TM/VirtualTime'] > 10 * counters(first)['TM/VirtualTime'],
          'the rate of --deterministic has no effect')
    # One vCPU, and sense.
    for bad, text in ((['--deterministic', '--cpus', '2'], 'one vCPU'),
                      (['--deterministic=0'], '1 to 1000000'),
                      (['--seed', '1'], '--deterministic')):
        guest = Guest(kernel=kernel, timeout=60, options=bad)
        guest.expect_exit(2)
        check(text in guest.errors(), '%s was refused with: %s' % (bad, guest.errors()))


def grub(image):
    """Firmware, CD-ROM and GRUB, stopped at an instruction: even the saved states are the same."""
    limit, half = 250000000, 120000001

    def machine(name, stop, load=None, cfg=(), pauses=0):
        guest = Guest(cdrom=image, boot='d', memory='128M', serial=('none',),
                      load=load, cfg=cfg, timeout=120,
                      options=('--deterministic', '--seed', '5', '--stats', '--save',
                               work_path(name), '--max-instructions', str(stop)))
        pause_often(guest, pauses)
        guest.expect_exit(124)
        check('stopped after' in guest.errors(), 'no word of the stop: ' + guest.errors())
        return guest

    first = machine('first', limit)
    check(counters(first)['EM/CPU0/Instructions'] >= limit, 'stopped too early')
    with busy_host():
        second = machine('second', limit, pauses=200)
    same('counters of the second run', counters(first, False), counters(second, False))
    same('state of the second run', state('first'), state('second'))
    machine('half', half)
    machine('pieces', limit, load=work_path('half'), cfg=[SMALL_CACHE])
    same('state of a run in two pieces', state('first'), state('pieces'))


def linux(kernel, initrd):
    """Linux from its first message to its power-off: time stamps, random numbers, all."""
    append = ('console=ttyS0 "viv.run=date; head -c 32 /dev/urandom | md5sum; cat /proc/uptime; '
              'cat /proc/interrupts"')

    def machine(*options, cfg=()):
        guest = Guest(kernel=kernel, initrd=initrd, append=append, memory='192M', timeout=300,
                      cfg=cfg, options=('--deterministic', '--stats', '--cpu', 'x86-64-v3') +
                      options)
        guest.expect(r'Vivarium guest: exit 0\r$', 300)
        guest.expect_exit(0)
        return guest

    first = machine()
    check(b' UTC 2025' in first.console, 'the real-time clock does not start at 2025-01-01')
    with busy_host():
        second = machine(cfg=[SMALL_CACHE])
    same('console of the second run', first.console, second.console)
    same('counters of the second run', counters(first, False), counters(second, False))
    other = machine('--seed', '1')
    check(first.console != other.console, 'another seed made no difference')


if __name__ == '__main__':
    run({'multiboot': multiboot, 'grub': grub, 'linux': linux}[sys.argv[1]], *sys.argv[2:])
