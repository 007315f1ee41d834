# SPDX-License-Identifier: LGPL-2.1-or-later
"""A ROM that tests its machine and reports over VMMDev's test ports; NMI and panic on the way.

usage: test_ports.py SOURCE
"""

import subprocess
import sys
import xml.etree.ElementTree

from guest import Guest, check, run, work_path

SUB_TESTS = ['no operation', 'time', 'test memory', 'configuration', '8259A', 'watchdog and NMI']


def machine(rom, exit_code, keys, options=()):
    """Runs the ROM; returns the lines of its report and the XML tree."""
    text, tree = work_path('report.txt'), work_path('report.xml')
    device = ('VMMDev,TestingEnabled=1,TestingMMIO=1,TestingEndAtTerm=1,TestingOutputFile=%s,'
              'TestingXmlOutputFile=%s%s' % (text, tree, keys))
    guest = Guest(cfg=['Devices/pcbios/0/Config/BiosRom=' + rom, 'Devices/qemu-fw-cfg='],
                  serial=('none',), timeout=60,
                  options=['--device', device, '--device', 'pvpanic',
                           '--device', 'i6300esb,Action=nmi'] + list(options))
    guest.expect_exit(exit_code)
    with open(text, encoding='ascii') as lines:
        return lines.read().splitlines(), xml.etree.ElementTree.parse(tree).getroot()


def main(source):
    """All passes; a failure is one; a panic is another end."""
    rom = work_path('rom.bin')
    subprocess.run(['nasm', '-f', 'bin', '-o', rom, source], check=True)

    lines, tree = machine(rom, 0, '')
    check(lines[0] == 'test: test ports' and lines[-1] == 'end: 0 errors', 'report %s' % lines)
    check(not [x for x in lines if x.startswith(('failed', 'skipped'))], 'report %s' % lines)
    names = [x.get('name') for x in tree.find('Test').findall('Test')]
    check(names == SUB_TESTS, 'sub-tests %s' % names)
    value = tree.find('.//Value')
    check(value.get('unit') == 'ns' and int(value.get('value')) > 0, 'a value without a time')

    lines, tree = machine(rom, 1, ',TestingCfgDword0=1')
    check('failed: not what was expected' in lines, 'report %s' % lines)
    check(len(tree.findall('.//Failed')) == 2, 'the sub-test and the test failed')

    lines, _ = machine(rom, 7, ',TestingCfgDword1=1', ['--on-panic=poweroff'])
    check('failed: the test did not end' in lines, 'report %s' % lines)


if __name__ == '__main__':
    run(main, *sys.argv[1:])
