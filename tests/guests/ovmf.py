# SPDX-License-Identifier: LGPL-2.1-or-later
"""UEFI firmware: its shell, on the serial console, and variables that the flash memory keeps.

usage: ovmf.py
"""

import os

from guest import Guest, check, run, work_path

GUID = '5ab8f1c2-17d0-4a55-9c6b-3d2f7be0a914'
PROMPT = r'Shell> '


def shell(nvram):
    """The machine at the shell's first prompt."""
    guest = Guest(options=('--firmware', 'efi', '--nvram', nvram), memory='256M', timeout=300)
    guest.expect(r'UEFI Interactive Shell', 120)
    guest.expect(r'Press .*ESC.* in \d seconds')
    guest.send('\x1b')
    guest.expect(PROMPT)
    return guest


def command(guest, line, answer=''):
    """One line for the shell and its answer. The shell echoes key by key, with escapes between."""
    guest.send(line + '\r')
    guest.expect(answer)
    guest.expect(PROMPT)


def main():
    """The second machine starts with the first one's variables."""
    nvram = work_path('vars.fd')
    guest = shell(nvram)
    command(guest, 'ver', r'UEFI v2\.70')
    command(guest, 'setvar VivTest -guid %s -bs -nv =0x123456789abcdef0' % GUID)
    command(guest, 'setvar VivLost -guid %s -bs =0x77' % GUID)
    command(guest, 'setvar VivTest -guid %s' % GUID, r'F0 DE BC 9A 78 56 34 12')
    guest.control('quit')
    guest.expect_exit(0)
    check(os.path.getsize(nvram) == 540672, 'the variables have %d bytes' % os.path.getsize(nvram))

    guest = shell(nvram)
    command(guest, 'setvar VivTest -guid %s' % GUID, r'F0 DE BC 9A 78 56 34 12')
    command(guest, 'setvar VivLost -guid %s' % GUID, r'Unable to get')
    # A reset keeps them, too.
    guest.send('reset\r')
    guest.expect(r'UEFI Interactive Shell', 120)
    guest.expect(r'Press .*ESC.* in \d seconds')
    guest.send('\x1b')
    guest.expect(PROMPT)
    command(guest, 'setvar VivTest -guid %s' % GUID, r'F0 DE BC 9A 78 56 34 12')
    # Deleted is deleted.
    command(guest, 'setvar VivTest -guid %s -bs -nv =' % GUID)
    command(guest, 'setvar VivTest -guid %s' % GUID, r'Unable to get')
    guest.send('reset -s\r')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main)
