# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux's battery and mains drivers show the power supply that the host's files tell of, and hear of
changes; every processor and board device of the DSDT is there.

usage: battery.py KERNEL INITRD
"""

import os
import sys

from guest import Guest, PEER, check, run, skip, work_path

SUPPLY = '/sys/class/power_supply/'


def tell(folder, supply, **files):
    """What the kernel of a laptop would say."""
    os.makedirs(os.path.join(folder, supply), exist_ok=True)
    for name, value in files.items():
        with open(os.path.join(folder, supply, name), 'w', encoding='ascii') as file:
            file.write('%s\n' % value)


def wait_for(guest, file, value):
    """The guest's drivers hear of it by themselves, within some polls."""
    guest.command('i=0; while [ "$(cat %s)" != %s ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); '
                  'done; cat %s; echo' % (SUPPLY + file, value, SUPPLY + file),
                  r'^%s\r$' % value, 60)


def main(kernel, initrd):
    """A laptop that is unplugged."""
    if PEER == 'qemu':
        skip('QEMU has no counterpart of what this test asks for')
    folder = work_path('power')
    tell(folder, 'AC', type='Mains', online=1)
    tell(folder, 'BAT0', type='Battery', present=1, status='Charging', power_now=9000000,
         energy_now=30000000, energy_full=48000000, energy_full_design=57000000,
         voltage_now=11800000, voltage_min_design=11400000, cycle_count=211)
    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0 viv.modules=ac,battery',
                  cfg=('Devices/acpi/0/LUN#0/Driver=ACPIHost',
                       'Devices/acpi/0/LUN#0/Config/Path=' + folder),
                  options=('--cpus', '2', '--device', 'pvpanic'), timeout=300)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    guest.command('cat %sAC/online' % SUPPLY, r'^1\r$')
    guest.command('cd %sBAT0; echo $(cat status capacity energy_now energy_full '
                  'energy_full_design power_now voltage_now cycle_count)' % SUPPLY,
                  r'^Charging 62 30000000 48000000 57000000 9000000 11800000 211\r$')
    tell(folder, 'AC', online=0)
    tell(folder, 'BAT0', status='Discharging', energy_now=29000000)
    wait_for(guest, 'AC/online', '0')
    wait_for(guest, 'BAT0/status', 'Discharging')
    guest.command('cat energy_now', r'^29000000\r$')
    tell(folder, 'BAT0', present=0)
    wait_for(guest, 'AC/online', '0')
    guest.command('i=0; while [ -e %sBAT0 ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done; '
                  'ls %s' % (SUPPLY, SUPPLY), r'^AC\r$')
    # The rest of the board: QEMU0001 is pvpanic, ACPI0007 or LNXCPU the processors.
    guest.command('cd /sys/bus/acpi/devices; echo $(ls -d LNXCPU* | wc -l) $(cat QEMU0001:*/status '
                  'PNP0501:*/status | tr "\\n" " ")', r'^2 15 15 0 0 0\r$')
    guest.command("dmesg | grep -cE 'Oops|BUG:|Call Trace|ACPI (BIOS )?(Error|Warning)'; echo",
                  r'^0\r$')
    guest.send('poweroff\n')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
