# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel on a chipset, with the display behind two bridges and a disk: what Linux finds, how
it reaches configuration space, and that the devices work.

usage: chipset.py CHIPSET KERNEL INITRD
"""

import hashlib
import random
import sys

from guest import Guest, check, run, work_path

# The devices of bus 0 but for the bridges, the bridge, and its identity.
BOARDS = {
    'piix3': (('00.0 8086:1237', '01.0 8086:7000', '01.1 8086:7010', '01.3 8086:7113'), 'pcibridge',
              '8086:2448'),
    'ich9': (('00.0 8086:29c0', '07.0 8086:7113', '1f.0 8086:2918', '1f.1 8086:7010'),
             'ich9pcibridge', '8086:29e1'),
}


def main(chipset, kernel, initrd):
    """One boot."""
    board, bridge, identity = BOARDS[chipset]
    contents = random.Random(9).randbytes(1 << 20)
    disk = work_path('disk.img')
    with open(disk, 'wb') as file:
        file.write(contents)
    options = ['--chipset', chipset, '--device', bridge, '--device', bridge]
    cfg = ['Devices/%s/1/PCIBusNo=1' % bridge, 'Devices/%s/1/PCIDeviceNo=0' % bridge,
           'Devices/vga/0/PCIBusNo=2', 'Devices/vga/0/PCIDeviceNo=0']
    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0', disks=[disk],
                  options=options, cfg=cfg, timeout=300)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    guest.command('cd /sys/bus/pci/devices; for d in *; do read v <$d/vendor; read e <$d/device; '
                  'echo "$d ${v#0x}:${e#0x}"; done; echo listed', r'^listed\r$')
    found = guest.console.decode(errors='replace')
    for place in board + ('18.0 ' + identity,):
        check('0000:00:' + place in found, 'no ' + place)
    check('0000:01:00.0 ' + identity in found, 'no bridge behind the bridge')
    check('0000:02:00.0 ' in found, 'no display behind both')

    # The expansion ROM, read through both bridges' windows.
    guest.command('cd 0000:02:00.0; echo 1 >enable; echo 1 >rom; head -c 2 rom | od -An -tx1; echo 0 >rom; cd /',
                  r'^ 55 aa\r$')
    if chipset == 'ich9':
        check('reserved in ACPI motherboard resources' in found, 'MMCONFIG is not in use')
        guest.command('wc -c </sys/bus/pci/devices/0000:00:18.0/config', r'^4096\r$')
        guest.command('wc -c </sys/bus/pci/devices/0000:02:00.0/config', r'^256\r$')
    guest.command('until [ -b /dev/sda ]; do sleep 1; done; sha256sum /dev/sda',
                  '^' + hashlib.sha256(contents).hexdigest(), 120)
    guest.command("grep -cE '^ *1[45]: +[1-9].*ata_piix' /proc/interrupts", r'^[12]\r$')
    guest.command("dmesg | grep -cE 'Oops|BUG:|WARNING:|Call Trace|nobody cared'; echo", r'^0\r$')
    guest.send('poweroff\n')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
