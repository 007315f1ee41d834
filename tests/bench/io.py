# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an access to a device costs, in our engines and in QEMU TCG: the same firmware image
(io.asm) everywhere, timed by the host's clock.

usage: io.py FOLDER   (FOLDER holds io.bin; BENCH_RUNS, BENCH_RUNNERS, BENCH_ENGINES: see run.sh)
"""

import json
import os
import re
import select
import shutil
import statistics
import subprocess
import sys
import time

from runner import TCG, Failed, engines, viv_program, wanted

LOOPS = 200000
ACCESSES = 10
TIMEOUT_S = 120
EMPTY = 'empty'
WORD = re.compile(rb'(begin|end)-([a-z-]+)')


def command(name, image):
    """The machine with the image as its firmware and the debug console on its output."""
    if name == TCG:
        return ['qemu-system-x86_64', '-accel', 'tcg', '-machine', 'pc', '-m', '64', '-nodefaults',
                '-display', 'none', '-no-reboot', '-bios', image, '-chardev', 'stdio,id=text',
                '-device', 'isa-debugcon,iobase=0xe9,chardev=text',
                '-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
    return [viv_program(), 'run', '--engine', name[len('viv-'):], '--memory', '64', '--serial', 'none',
            '--no-reboot', '--device', 'pcbios,BiosRom=' + image, '--device', 'debug-exit',
            '--device', 'debugcon,Port=0xe9,chardev=stdio']


def run(name, image):
    """{row: ns an access}, the loop itself taken off."""
    process = subprocess.Popen(command(name, image), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    begun, took, text, seen = {}, {}, b'', 0
    deadline = time.monotonic() + TIMEOUT_S
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
            chunk = os.read(process.stdout.fileno(), 4096) if ready else b''
            now = time.monotonic()
            if not chunk:
                break
            text += chunk
            # A word is whole when something stands behind it.
            for match in WORD.finditer(text, seen):
                if match.end() < len(text):
                    seen = match.end()
                    kind, row = match.group(1), match.group(2).decode()
                    if kind == b'begin':
                        begun[row] = now
                    else:
                        took[row] = now - begun[row]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    if EMPTY not in took or len(took) < len(begun) or len(took) < 2:
        raise Failed('%s ended early: %s' % (name, text[-200:]))
    return {row: max(seconds - took[EMPTY], 0) * 1e9 / (LOOPS * ACCESSES)
            for row, seconds in took.items() if row != EMPTY}


def main(folder):
    """The table, and io.json beside it."""
    image = os.path.join(folder, 'io.bin')
    names = ([TCG] if shutil.which('qemu-system-x86_64') else []) + \
        ['viv-' + engine for engine in engines()]
    result = {}
    for name in filter(wanted, names):
        try:
            runs = [run(name, image) for _ in range(int(os.environ.get('BENCH_RUNS', '1')))]
        except Failed as failure:
            print('%s: left out, %s' % (name, failure))
            continue
        result[name] = {row: statistics.median(r[row] for r in runs) for row in runs[0]}
    if not result:
        return
    print('\nOne access to a device, in ns (host clock)\n')
    print('%-12s %s' % ('', ' '.join('%18s' % name for name in result)))
    for row in next(iter(result.values())):
        print('%-12s %s' % (row, ' '.join('%18.1f' % result[name][row] for name in result)))
    with open(os.path.join(folder, 'io.json'), 'w', encoding='utf-8') as file:
        json.dump(result, file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
