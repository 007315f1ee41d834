# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys as real-mode code sees them, and the keyboard's LEDs.

usage: bootsuite_keyboard.py FLOPPY
"""

import itertools
import sys
import time

from guest import SLOWNESS, Guest, check, run

# Key, scan code and character of INT 16h, lock bits afterwards (scroll 10h, num 20h, caps 40h).
# SeaBIOS starts without any.
KEYS = (('a', '1e61', '00'), ('shift-a', '1e41', '00'), ('ret', '1c0d', '00'),
        ('spc', '3920', '00'), ('f1', '3b00', '00'), ('ctrl-c', '2e03', '00'),
        ('alt-x', '2d00', '00'), ('up', '4800', '00'), ('tab', '0f09', '00'))
LOCKS = (('caps_lock', 'caps', '40'), ('num_lock', 'num', '20'), ('scroll_lock', 'scroll', '10'))


def expect_leds(guest, wanted):
    """These LEDs, by name, are on soon: commands go to the keyboard byte by byte."""
    deadline = time.monotonic() + 30 * SLOWNESS
    while True:
        line = guest.control('leds')[0].split()
        check(line[0] == 'leds', 'the answer is %s' % line)
        if set(line[1:]) == wanted:
            return
        check(time.monotonic() < deadline, 'LEDs %s, not %s' % (line[1:], sorted(wanted)))
        check(guest.wait_console(0.02), 'the program ended')


def main(floppy):
    """Everything is awaited on the serial console."""
    guest = Guest(floppy=floppy, boot='a', memory='16M', debug_exit=True)
    guest.expect(r'^ready\r$', 60)
    expect_leds(guest, set())
    for name, code, locks in KEYS:
        guest.key(name)
        guest.expect('^key %s %s\r$' % (code, locks))

    # The BIOS keeps the LEDs in step with the locks while a program asks for keys.
    on = set()
    bits = 0
    for toggles in itertools.chain(LOCKS, reversed(LOCKS)):
        name, led, bit = toggles
        guest.key(name)
        on ^= {led}
        bits ^= int(bit, 16)
        guest.key('b')
        guest.expect('^key 30%02x %02x\r$' % (0x42 if bits & 0x40 else 0x62, bits))
        expect_leds(guest, on)

    # A program that speaks to the keyboard itself.
    for value in range(8):
        guest.key('%d' % value)
        guest.expect('^key [01][0-9a-f]%02x 00\r$' % (0x30 + value))
        wanted = {led for bit, led in enumerate(('scroll', 'num', 'caps')) if value >> bit & 1}
        expect_leds(guest, wanted)
    guest.key('f2')
    guest.expect(r'^set (02|41)\r$')
    guest.key('a')
    guest.expect('^key 1e61 00\r$')
    guest.key('esc')
    guest.expect_exit(3)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
