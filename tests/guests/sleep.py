# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux sleeps (freeze, S1, S3) and is woken by the power button, the RTC's alarm, the keyboard and
the user; the shell lives on and the disk is readable; S3 also while saved and loaded.

usage: sleep.py KERNEL INITRD
"""

import hashlib
import os
import re
import sys

from guest import Guest, PEER, check, run, skip, work_path

APPEND = 'console=ttyS0 no_console_suspend'


def digest(guest, expected):
    """The disk, read anew."""
    guest.command('echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/sda', '^' + expected)


def wait_asleep(guest, state):
    """Until the machine says that it sleeps."""
    for _ in range(600):
        if guest.control('sleepstate')[0] == state:
            return
        if not guest.wait_console(0.1):
            break
    check(False, 'the machine does not come to %s' % state)


def awake(guest, expected, after):
    """The command after the sleep has run, and all is as before."""
    guest.expect(after, 120)
    guest.expect(r'^viv# ')
    check(guest.control('sleepstate')[0] == 'S0', 'it still sleeps')
    digest(guest, expected)


def standby(guest, expected):
    """S1, ended by the power button and by the user."""
    guest.send('echo standby >/sys/power/state; echo a-$?\n')
    wait_asleep(guest, 'S1')
    guest.control('powerbutton')
    awake(guest, expected, r'^a-0\r$')
    guest.send('echo standby >/sys/power/state; echo b-$?\n')
    wait_asleep(guest, 'S1')
    guest.control('wake')
    awake(guest, expected, r'^b-0\r$')
    check(guest.try_control('wake')[-1] == 'error: the machine does not sleep', 'wake while awake')


def memory(guest, expected):
    """S3: power button; RTC alarm."""
    guest.send('echo mem >/sys/power/state; echo c-$?\n')
    wait_asleep(guest, 'S3')
    guest.control('powerbutton')
    awake(guest, expected, r'^c-0\r$')
    guest.send('echo +3 >/sys/class/rtc/rtc0/wakealarm; echo mem >/sys/power/state; echo d-$?\n')
    wait_asleep(guest, 'S3')
    awake(guest, expected, r'^d-0\r$')


def freeze(guest, expected):
    """The processors halt; any interrupt that is to wake does."""
    guest.send('echo +3 >/sys/class/rtc/rtc0/wakealarm; echo freeze >/sys/power/state; echo e-$?\n')
    awake(guest, expected, r'^e-0\r$')


def saved(guest, expected, settings):
    """Saved in S3, loaded, woken there."""
    state = work_path('state')
    guest.send('echo mem >/sys/power/state; echo f-$?\n')
    wait_asleep(guest, 'S3')
    guest.control('save ' + state)
    guest.control('quit')
    guest.expect_exit(0)
    guest = Guest(load=state, **settings)
    wait_asleep(guest, 'S3')
    guest.control('powerbutton')
    awake(guest, expected, r'^f-0\r$')
    guest.send('poweroff\n')
    guest.expect_exit(0)


def main(kernel, initrd):
    """One boot through all of them."""
    if PEER == 'qemu':
        skip('QEMU has no counterpart of what this test asks for')
    disk = work_path('disk')
    data = os.urandom(4 << 20)
    with open(disk, 'wb') as file:
        file.write(data)
    expected = hashlib.sha256(data).hexdigest()
    settings = dict(kernel=kernel, initrd=initrd, append=APPEND, disks=[disk], timeout=600,
                    options=('--cpus', '2'))
    guest = Guest(**settings)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    match = guest.command('dmesg | grep "ACPI: PM: (supports"', r'supports (S0.*)\)')
    check(match.group(1) == b'S0 S1 S3 S4 S5', 'the states are %s' % match.group(1))
    guest.command('killall acpid; cat /sys/power/state', r'^freeze standby mem')
    digest(guest, expected)
    freeze(guest, expected)
    standby(guest, expected)
    memory(guest, expected)
    guest.command('grep -c ^processor /proc/cpuinfo', r'^2\r$')
    guest.command("dmesg | grep -cE 'Oops|BUG:|Call Trace|soft lockup|ACPI (BIOS )?Error'; echo",
                  r'^0\r$')
    saved(guest, expected, settings)
    check(re.search(r'sleeps|wakes', guest.errors()) is None, 'unasked-for log lines')


if __name__ == '__main__':
    run(main, *sys.argv[1:])
