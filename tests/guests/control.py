# SPDX-License-Identifier: LGPL-2.1-or-later
"""The control socket's commands, each seen to do its work by a Linux guest.

usage: control.py GRUB_ISO DISK KERNEL INITRD   (DISK as grub_boots_linux.py wants it)
"""

import sys

from grub_boots_linux import boot
from guest import PEER, Guest, TestFailure, check, run, skip, work_path
from picture import read_png

COMMANDS = ('help', 'screenshot', 'text', 'key', 'type', 'scancodes', 'mouse', 'pause', 'resume',
            'reset', 'powerbutton', 'sleepbutton', 'wake', 'sleepstate', 'medium', 'save', 'stats',
            'quit')


def protocol(guest):
    """Help names every command; nonsense is answered, and the connection lives on."""
    listed = [line.split(' ')[0] for line in guest.control('help')]
    check(set(COMMANDS) <= set(listed), 'help lacks %s' % (set(COMMANDS) - set(listed)))
    for line in ('nonsense', '', 'key', 'key no-such-key', 'scancodes xyz', 'mouse 1 2', 'text',
                 'screenshot /no/such/folder/file.png', 'save /no/such/folder/file', 'x' * 5000):
        answer = guest.try_control(line)[-1]
        check(answer.startswith('error: '), 'control "%s" said: %s' % (line[:40], answer))
    check(len(guest.control('stats')) > 10, 'hardly any statistics')


def pictures(guest):
    """The screen as text and as a picture that is not all of one colour."""
    guest.command('echo Picture-77 >/dev/tty1; echo p-$?', r'^p-0\r$')
    guest.expect_screen('Picture-77')
    path = work_path('screen.png')
    guest.control('screenshot ' + path)
    width, height, pixels = read_png(path)
    check(width >= 640 and height >= 350, 'the picture has %dx%d' % (width, height))
    check(len(set(pixels)) > 2, 'the picture is blank')


def keyboard(guest):
    """A line typed, a chord, and bare scancodes, read from the VGA console."""
    # The terminal stays open all the while: keys that come to a closed one are lost.
    guest.command('exec 5</dev/tty1; echo o-$?', r'^o-0\r$')
    read_line = "head -n 1 <&5 | sed 's/^/<&/; s/$/>/'\n"
    for action, wanted in ((lambda: guest.type('Hello, World_9 (a\\b) ~!\n'),
                            r'^<Hello, World_9 \(a\\b\) ~!>\r$'),
                           (lambda: (guest.key('shift-a'), guest.key('b'), guest.key('ret')),
                            r'^<Ab>\r$'),
                           (lambda: guest.control('scancodes 23 a3 17 97 1c 9c'), r'^<hi>\r$')):
        guest.send(read_line)
        action()
        guest.expect(wanted)
        guest.expect(r'^viv# ')


def mouse(guest):
    """A movement with a button, as the PS/2 driver sees it."""
    guest.command('modprobe psmouse; i=0; until grep -q "PS/2.*Mouse" /proc/bus/input/devices || '
                  '[ $i = 100 ]; do usleep 100000; i=$((i+1)); done; echo i-$((i < 100))',
                  r'^i-1\r$', 60)
    guest.send("echo rea''dy; exec 6</dev/input/mice; echo open; "
               'head -c 3 <&6 | hexdump -e \'3/1 "%02x " "\\n"\'; exec 6<&-\n')
    guest.expect(r'^open\r$')
    guest.control('mouse 5 3 1')
    match = guest.expect(r'^([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2}) *\r$')
    flags, delta_x, delta_y = (int(group, 16) for group in match.groups())
    check(flags & 7 == 1, 'buttons %d' % (flags & 7))
    check(delta_x == 5 and delta_y in (3, 253), 'moved by %d, %d' % (delta_x, delta_y))
    guest.control('mouse 0 0 0')
    guest.expect(r'^viv# ')


def pause(guest):
    """A paused machine is silent, whatever is typed; it goes on where it was."""
    guest.control('pause')
    guest.send('echo alive-$((1 + 1))\n')
    try:
        guest.expect(r'^alive-2\r$', 1)
    except TestFailure:
        pass
    else:
        raise TestFailure('a paused machine answered')
    guest.control('resume')
    guest.expect(r'^alive-2\r$')
    guest.expect(r'^viv# ')


def main(grub_iso, disk, kernel, initrd):
    """All on one machine, which is reset at last; another is switched off by its button."""
    if PEER != 'viv':
        skip('the control socket is our own')
    # Only firmware puts the VGA into a text mode, so the kernel comes by GRUB.
    guest = boot(grub_iso, disk, 'console=tty0 console=ttyS0')
    guest.expect(r'Vivarium guest: ready\r$', 300)
    guest.expect(r'^viv# ')
    protocol(guest)
    pictures(guest)
    keyboard(guest)
    mouse(guest)
    pause(guest)
    guest.control('reset')
    guest.expect_screen(r'\*GNU/Linux', 180)
    guest.control('quit')
    guest.expect_exit(0)

    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0', timeout=300)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    guest.control('powerbutton')
    guest.expect(r'reboot: Power down', 60)
    guest.expect_exit(0)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
