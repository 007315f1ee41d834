# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial ports on every kind of back end, spoken through in both directions by a Linux guest.

usage: serial_kinds.py KERNEL INITRD
"""

import hashlib
import os
import re
import select
import socket
import sys
import time
import tty

from guest import SLOWNESS, Guest, TestFailure, check, run, work_path

LONG = bytes(range(32, 127)) * 40


class Stream:
    """A descriptor that is read against a deadline."""

    def __init__(self, descriptor, name):
        self.descriptor = descriptor
        self.name = name
        self.data = b''

    def expect(self, wanted, timeout=60):
        """Waits until the bytes are in what came so far."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while wanted not in self.data:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.descriptor], [], [], max(left, 0))
            if not ready:
                raise TestFailure('%s: no %r; it had %r' % (self.name, wanted, self.data[-200:]))
            chunk = os.read(self.descriptor, 65536)
            check(chunk, '%s ended without %r' % (self.name, wanted))
            self.data += chunk


def talk(guest, port, stream):
    """A line from the guest to the stream, one back, and then more than any FIFO holds."""
    # The port stays open all the while: what arrives at a closed one is lost.
    guest.command('exec 5<>/dev/%s; stty -F /dev/%s raw -echo 115200; echo s-$?' % (port, port),
                  r'^s-0\r$')
    guest.command('echo from %s >&5; echo w-$?' % port, r'^w-0\r$')
    stream.expect(b'from %s\n' % port.encode())
    os.write(stream.descriptor, b'to %s\n' % port.encode())
    guest.command('read -r line <&5; echo "got [$line]"', r'^got \[to %s\]\r$' % port)
    guest.send('head -c %d <&5 | md5sum\n' % len(LONG))
    sent = 0
    while sent < len(LONG):
        sent += os.write(stream.descriptor, LONG[sent:sent + 512])
    guest.expect('^' + hashlib.md5(LONG).hexdigest(), 120)
    guest.expect(r'^viv# ')
    guest.command('exec 5<&-; echo x-$?', r'^x-0\r$')


def listener(kind):
    """A socket on a port of the system's choice, and that port."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(('127.0.0.1', 0))
    return sock, sock.getsockname()[1]


def network(kernel, initrd):
    """ttyS1 on a TCP connection, ttyS2 in datagrams, ttyS3 on a port of the host."""
    server, tcp_port = listener(socket.SOCK_STREAM)
    server.listen(1)
    server.settimeout(120 * SLOWNESS)
    peer, peer_port = listener(socket.SOCK_DGRAM)
    own, own_port = listener(socket.SOCK_DGRAM)
    own.close()
    master, slave = os.openpty()
    tty.setraw(master)
    guest = Guest(kernel=kernel, initrd=initrd,
                  append='console=ttyS0 quiet viv.modules=none 8250.nr_uarts=4',
                  serial=('stdio', 'tcp:localhost:%d' % tcp_port,
                          'udp:127.0.0.1:%d@127.0.0.1:%d' % (peer_port, own_port),
                          'host:' + os.ttyname(slave)), timeout=300)
    connection, _ = server.accept()
    peer.connect(('127.0.0.1', own_port))
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    talk(guest, 'ttyS1', Stream(connection.fileno(), 'tcp'))
    talk(guest, 'ttyS2', Stream(peer.fileno(), 'udp'))
    talk(guest, 'ttyS3', Stream(master, 'host'))
    guest.send('poweroff\n')
    guest.expect_exit(0)


def main(kernel, initrd):
    """ttyS0 on stdio, ttyS1 into a file, ttyS2 on a pseudo-terminal, ttyS3 on a socket."""
    network(kernel, initrd)
    os.environ.setdefault('VIV_LOG', 'PTY=info')
    file_path = work_path('ttyS1')
    socket_path = work_path('ttyS3')
    guest = Guest(kernel=kernel, initrd=initrd,
                  append='console=ttyS0 quiet viv.modules=none 8250.nr_uarts=4',
                  serial=('stdio', 'file:' + file_path, 'pty', 'unix:' + socket_path), timeout=300)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')

    # The pseudo-terminal's name is told on stderr, which needs the driver's log level.
    match = re.search(r'(/dev/pts/\d+)', guest.errors() + guest.console.decode())
    check(match, 'no name of a pseudo-terminal on stderr: ' + guest.errors())
    descriptor = os.open(match.group(1), os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)
    talk(guest, 'ttyS2', Stream(descriptor, 'pty'))

    # The socket takes a second client after the first has gone.
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(socket_path)
            talk(guest, 'ttyS3', Stream(client.fileno(), 'socket'))

    guest.command('stty -F /dev/ttyS1 raw 115200; seq 1 2000 >/dev/ttyS1; echo f-$?', r'^f-0\r$')
    guest.send('poweroff\n')
    guest.expect_exit(0)
    with open(file_path, 'rb') as file:
        got = file.read()
    check(got == b''.join(b'%d\n' % i for i in range(1, 2001)), 'the file holds %r...' % got[:100])


if __name__ == '__main__':
    run(main, *sys.argv[1:])
