# SPDX-License-Identifier: LGPL-2.1-or-later
"""GRUB's rescue CD-ROM through real BIOS code: its menu follows the keys, its command line answers.

usage: grub_rescue_menu.py IMAGE cdrom|floppy
"""

import re
import sys

from guest import PEER, Guest, check, run, work_path


def typed(image, medium):
    """A text that --type-text types, a filter on its way, and a printer that GRUB's outb prints on."""
    paper, trace = work_path('paper'), work_path('trace')
    transformation = 'PDM/DriverTransformations/keys/'
    guest = Guest(**{medium: image}, boot={'cdrom': 'd', 'floppy': 'a'}[medium], memory='128M',
                  serial=(), timeout=300,
                  options=('--parallel', 'file:' + paper, '--type-after', '3',
                           '--type-text', 'cecho Typed-7\\n'),
                  cfg=(transformation + 'Device=pckbd', transformation + 'LUN=0',
                       transformation + 'BelowDriver=KeyboardQueue',
                       transformation + 'AttachedDriver/Driver=IfTrace',
                       transformation + 'AttachedDriver/Config/TraceFilePath=' + trace))
    guest.expect_screen(r'^Typed-7 *$', 180)
    # The BIOS keeps 15 keys while GRUB loads a command's module: wait for the prompt each time.
    for pair in ((0x37a, 0x0c), (0x378, ord('V')), (0x37a, 0x0d), (0x37a, 0x0c)):
        line = 'outb 0x%x 0x%x' % pair
        guest.expect_screen(r'^grub> *\s*\Z')
        guest.type(line + '\n')
        guest.expect_screen(re.escape(line) + r' *\ngrub> *\s*\Z')
    guest.type('halt\n')
    guest.expect_exit(0)
    with open(paper, 'rb') as file:
        check(file.read() == b'V', 'GRUB has printed no V')
    with open(trace, 'rb') as file:
        check(b'up viv.keyboard-port/1 put_scancodes(count=1) "." = 1\n' in file.read(),
              'the trace has no c key')


def main(image, medium):
    """Menu, selection, command line, editor, and a power-off from GRUB itself."""
    if PEER != 'qemu':
        typed(image, medium)
    guest = Guest(**{medium: image}, boot={'cdrom': 'd', 'floppy': 'a'}[medium], memory='128M',
                  serial=(), timeout=300)
    guest.expect_screen(r'GNU GRUB +version', 180)
    guest.expect_screen(r'\*GNU/Linux')
    # Any key stops the countdown; the star marks the selected entry.
    guest.key('down')
    guest.expect_screen(r'\*GNU \(aka GNU/Hurd\)')
    guest.key('down')
    guest.expect_screen(r'\*FreeBSD \(or GNU/kFreeBSD\), direct boot')
    guest.key('up')
    guest.expect_screen(r'\*GNU \(aka GNU/Hurd\)')
    guest.key('home')
    guest.expect_screen(r'\*GNU/Linux')
    # The entry's editor shows what the entry says.
    guest.key('e')
    guest.expect_screen(r'linux /vmlinuz root=/dev/sda1')
    guest.key('esc')
    guest.expect_screen(r'\*GNU/Linux')
    guest.key('c')
    guest.expect_screen(r'^grub> *$')
    guest.type('echo Vivarium-9\n')
    guest.expect_screen(r'^Vivarium-9 *$')
    # What the BIOS found: the medium itself lists its folder.
    guest.type('ls /boot/grub/\n')
    guest.expect_screen(r'i386-pc/')
    guest.type('halt\n')
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
