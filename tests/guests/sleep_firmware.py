# SPDX-License-Identifier: LGPL-2.1-or-later
"""S3 by way of the firmware: SeaBIOS takes its resume path to the kernel that GRUB has booted.

usage: sleep_firmware.py GRUB_ISO DISK [CHIPSET]
"""

import sys

from grub_boots_linux import boot
from guest import PEER, check, run, skip, work_path
from sleep import wait_asleep


def main(grub_iso, disk, chipset=None):
    """The console of the firmware says which way it went."""
    if PEER == 'qemu':
        skip('QEMU has no counterpart of what this test asks for')
    log = work_path('bios')
    options = ['--chipset', chipset] if chipset else []
    guest = boot(grub_iso, disk, 'console=ttyS0 no_console_suspend',
                 options=options + ['--device', 'debugcon,Port=0x402,chardev=file:' + log])
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    for number in range(2):
        guest.send('echo mem >/sys/power/state; echo a%d-$?\n' % number)
        wait_asleep(guest, 'S3')
        guest.control('powerbutton')
        guest.expect(r'^a%d-0\r$' % number, 120)
        guest.expect(r'^viv# ')
        guest.command('mount -t iso9660 /dev/sda1 /mnt; ls /mnt; umount /mnt', r'^initrd.gz +vmlinuz')
    guest.send('killall acpid; poweroff -f\n')
    guest.expect_exit(0)
    with open(log, encoding='ascii', errors='replace') as file:
        said = file.read()
    check(said.count('In resume (status=254)') == 2 and
          said.rindex('SeaBIOS (version') < said.index('In resume'),
          'the firmware says:\n' + said)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
