# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux uses virtio-rng, virtio-console and virtio-balloon; also after a save and a load.

usage: virtio.py KERNEL INITRD modern|split|legacy
"""

import os
import re
import socket
import sys

from guest import Guest, check, run, work_path

KEYS = {'modern': 'Legacy=0', 'split': 'Packed=0', 'legacy': 'Modern=0'}
BALLOON = 96


def available(guest):
    """MemAvailable in kB, as the guest sees it."""
    guest.send('sed -n "s/MemAvailable: */avail-/p" /proc/meminfo\n')
    value = int(guest.expect(r'^avail-(\d+) kB\r$', 30).group(1))
    guest.expect(r'^viv# ')
    return value


def balloon(guest):
    """What the control socket says of the balloon, by word."""
    lines = guest.control('balloon')
    return {line.split(' ')[0]: line.split(' ')[1] for line in lines if ' ' in line}


def wait_balloon(guest, mib):
    """Until the guest has given so much. Each question gives it a moment of its own."""
    for _ in range(2000):
        if balloon(guest)['actual'] == str(mib):
            return
        guest.command('cat /proc/uptime >/dev/null; echo t-$?', r'^t-0\r$')
    check(False, 'the balloon has %s MiB, not %d' % (balloon(guest)['actual'], mib))


def resident(guest):
    """Host memory of the machine's RAM, in kB."""
    with open('/proc/%d/smaps' % guest.process.pid, encoding='ascii') as file:
        maps = file.read()
    match = re.search(r'/memfd:ram .*?\nRss: +(\d+) kB', maps, re.DOTALL)
    return int(match.group(1)) if match else 0


def talk(guest, agent):
    """Random bytes, a line to each console, and one from the host."""
    guest.command('head -c 4096 /dev/hwrng | od -An -v -tx1 | tr -d " \\n" | '
                  'sed "s/0*//" | wc -c | sed "s/^/r-/"', r'^r-8[01]\d\d\r$')
    guest.command('echo to the paper >/dev/hvc0; echo p-$?', r'^p-0\r$')
    guest.command('port=$(echo /dev/vport*p1); echo to the agent >$port; echo a-$?', r'^a-0\r$')
    got = b''
    while not got.endswith(b'agent\n'):
        got += agent.recv(100)
    check(got == b'to the agent\n', 'the agent got %r' % got)
    guest.send('read line <$port; echo "got-$line"\n')
    agent.sendall(b'from the agent\n')
    guest.expect(r'^got-from the agent\r$', 60)
    guest.expect(r'^viv# ')


def connect(path):
    """The host's end of port 1."""
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    agent.settimeout(60)
    agent.connect(path)
    return agent


def main(kernel, initrd, kind):
    """Boots, uses everything, saves, loads, uses everything again."""
    paper, wire, state = work_path('paper'), work_path('wire'), work_path('state')
    keys = KEYS[kind]
    options = ('--device', 'virtio-rng,' + keys,
               '--device', 'virtio-console,Ports=2,Columns=90,Rows=33,Port1/Name=org.viv.agent,'
               'chardev=file:%s,chardev1=unix:%s,%s' % (paper, wire, keys),
               '--device', 'virtio-balloon,' + keys)
    append = ('console=ttyS0 '
              'viv.modules=virtio_pci,virtio_rng,virtio_console,virtio_balloon')
    settings = dict(kernel=kernel, initrd=initrd, append=append, options=options, timeout=500)
    guest = Guest(**settings)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    agent = connect(wire)
    talk(guest, agent)
    guest.command('cat /sys/class/virtio-ports/vport*p1/name', r'^org.viv.agent\r$')

    before = available(guest)
    guest.control('guestmemoryballoon %d' % BALLOON)
    wait_balloon(guest, BALLOON)
    less = available(guest)
    check(before - less > 0.9 * BALLOON * 1024, 'available: %d kB, then %d' % (before, less))
    guest.control('balloon stats')
    guest.command('cat /proc/uptime >/dev/null; echo t-$?', r'^t-0\r$')
    said = balloon(guest)
    check(0 < int(said['available']) <= int(said['total']) < 256 << 20,
          'the statistics say %r' % said)
    guest.control('balloon hint')
    for _ in range(500):
        if not any(line == 'hinting' for line in guest.control('balloon')):
            break
        guest.command('cat /proc/uptime >/dev/null; echo t-$?', r'^t-0\r$')
    memory = resident(guest)
    check(0 < memory < (256 - BALLOON) * 1024, 'the host still has %d kB in use' % memory)
    guest.control('pause')
    guest.control('save ' + state)
    guest.control('quit')
    guest.finish()
    agent.close()

    guest = Guest(load=state, **settings)
    balloon(guest)  # what is typed before the state is loaded is lost with the old one
    guest.send('\n')
    guest.expect(r'^viv# ', 60)
    agent = connect(wire)
    talk(guest, agent)
    check(balloon(guest)['target'] == str(BALLOON), 'the target did not come through the save')
    guest.control('balloon 16')
    wait_balloon(guest, 16)
    check(available(guest) - less > 0.9 * (BALLOON - 16) * 1024, 'the balloon kept its memory')
    guest.control('console unplug 1')
    guest.command('while [ -e $port ]; do :; done; echo u-$?', r'^u-0\r$', 60)
    guest.send('poweroff\n')
    guest.expect_exit(0)
    with open(paper, 'rb') as file:
        check(file.read() == b'to the paper\r\n', 'the paper is not what was printed since the load')
    check(os.path.getsize(state) < 100 << 20, 'the state has %d bytes' % os.path.getsize(state))


if __name__ == '__main__':
    run(main, *sys.argv[1:])
