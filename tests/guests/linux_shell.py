# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel with our initramfs: a usable shell on the serial console, power-off and reboot
from inside.

usage: linux_shell.py KERNEL INITRD VERSION
"""

import hashlib
import re
import sys
import time

from guest import Guest, check, run

APPEND = 'console=ttyS0'


def shell_checks(guest, version):
    """The shell answers, computes, and has job control."""
    guest.expect(r'Vivarium guest: init reached\r$', 240)
    guest.expect(r'Vivarium guest: ready\r$', 120)
    guest.expect(r'^viv# ')
    guest.command('echo $((6 * 7))-done', r'^42-done\r$')
    guest.command('uname -r', '^' + re.escape(version) + r'\r$')
    digest = hashlib.sha256(b'vivarium' * 10000).hexdigest()
    guest.command("i=0; while [ $i -lt 10000 ]; do printf vivarium; i=$((i+1)); done | sha256sum",
                  '^' + digest)
    # A line longer than any receive FIFO, typed at once.
    long_line = 'x' * 200
    guest.command('echo %s | wc -c' % long_line, r'^201\r$')
    # awk computes with the FPU: 355/113 is close to pi, not equal to it.
    guest.command("awk 'BEGIN { printf \"%.12f\\n\", 355 / 113 }'", r'^3\.141592920354\r$')
    match = guest.command('date +%s', r'^(\d+)\r$')
    check(abs(int(match.group(1)) - time.time()) < 86400, 'the guest has another day than the host')

    # Job control: Ctrl-C ends the foreground job, a background one is listed and killed.
    guest.send("sh -c \"echo star''ted; exec sleep 1000\"\n")
    guest.expect(r'^started\r$')
    guest.send(b'\x03')
    guest.expect(r'^viv# ')
    guest.command('sleep 1001 & sleep 1002 & jobs', r'sleep 1002')
    guest.command('kill %1 %2; wait; echo w-$(jobs | grep -c Running)', r'^w-0\r$')

    # Timer interrupts arrive, and sleeping takes its time by the guest's own clock.
    guest.command('a=$(date +%s); sleep 2; b=$(date +%s); echo slept-$((b - a >= 2))',
                  r'^slept-1\r$', 60)
    guest.command("dmesg | grep -cE 'Oops|BUG:|WARNING:|Call Trace|soft lockup'; echo", r'^0\r$')


def main(kernel, initrd, version):
    """First a boot without --no-reboot, left by reboot, then by poweroff."""
    guest = Guest(kernel=kernel, initrd=initrd, append=APPEND, timeout=900)
    guest.expect(r'^.*Linux version ' + re.escape(version), 120)
    shell_checks(guest, version)
    guest.send('reboot\n')
    guest.expect(r'reboot: Restarting system')
    guest.expect(r'Linux version', 120)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    guest.send('poweroff\n')
    guest.expect(r'reboot: Power down')
    guest.expect_exit(0)
    check(guest.console.count(b'Vivarium guest: init reached') == 2, 'it did not boot twice')

    # Under --no-reboot a reboot ends the program, and is no failure.
    guest = Guest(kernel=kernel, initrd=initrd, append=APPEND + ' quiet viv.modules=none '
                  'viv.run="echo rebooting; reboot -f"', no_reboot=True, timeout=300)
    guest.expect(r'^rebooting\r$', 240)
    guest.expect_exit(0)
    check(guest.console.count(b'Vivarium guest: init reached') == 1, 'it booted twice')


if __name__ == '__main__':
    run(main, *sys.argv[1:])
