# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux finds a parallel port with the modes that it knows, and prints on it.

usage: parallel_port.py KERNEL INITRD
"""

import sys

from guest import Guest, check, run, work_path


def main(kernel, initrd):
    """parport_pc's probing of ECR, EPP and direction; lp's handshake."""
    paper = work_path('paper')
    guest = Guest(kernel=kernel, initrd=initrd, append='console=ttyS0 viv.modules=none',
                  options=('--parallel', 'file:' + paper), timeout=300)
    guest.expect(r'Vivarium guest: ready\r$', 240)
    guest.expect(r'^viv# ')
    guest.command('dmesg -n 8; modprobe parport_pc io=0x378 io_hi=0x778 irq=7 dma=3 verbose_probing=1; echo m-$?',
                  r'^m-0\r$')
    guest.command('dmesg | grep parport; echo d-$?', r'^d-0\r$')
    said = guest.console.decode(errors='replace')
    # Debian's kernel is built without support for the FIFO, or there were ECP and DMA too.
    check('PC-style at 0x378 (0x778), irq 7 [PCSPP,TRISTATE,EPP]' in said,
          'parport_pc has found less than there is')
    guest.command('modprobe lp; seq 1 300 >/dev/lp0; echo p-$?', r'^p-0\r$', 120)
    guest.send('poweroff\n')
    guest.expect_exit(0)
    with open(paper, 'rb') as file:
        got = file.read()
    check(got == b''.join(b'%d\n' % i for i in range(1, 301)), 'the paper has %r...' % got[:100])


if __name__ == '__main__':
    run(main, *sys.argv[1:])
