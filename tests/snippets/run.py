#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs snippet images on one machine and compares what they print with what they must print.

"viv" is this machine (any engine: VIV_ENGINE; VIV_SNIPPET_CPU_VIV for --cpu), "kvm" and "tcg" are QEMU's. What a program must
print (expect/PROGRAM.txt) was decided by the manuals. A line that a machine prints otherwise must be in deviations.txt, whose
lines are

  MACHINE PROGRAM | CASE | what it prints, or * | why

CASE may be a shell pattern when it has a star; a star alone leaves the program out on that machine.
The test fails on a difference that is not listed. A machine that is not there makes it skipped.
"""

import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
TIMEOUT = float(os.environ.get('VIV_TEST_SLOWNESS', '1')) * 20
HERE = os.path.dirname(os.path.abspath(__file__))
BASIC = 'prot_basic'
CPUS = {'viv': 'x86-64-v3,+monitor', 'tcg': 'max', 'kvm': 'host,-arch-capabilities'}


def skip(reason):
    print('SKIP:', reason)
    sys.exit(SKIP)


def cpu_for(machine, image):
    """By the environment, by a line "; CPU MACHINE: MODEL" in the program's head, or the default."""
    program = os.path.splitext(os.path.basename(image))[0]
    source = os.path.join(HERE, program + '.asm')
    if 'VIV_SNIPPET_CPU_' + machine.upper() in os.environ:
        return os.environ['VIV_SNIPPET_CPU_' + machine.upper()]
    if os.path.exists(source):
        with open(source, encoding='utf-8') as file:
            found = re.search(rf'^; CPU {machine}: *(\S+)$', file.read(), re.MULTILINE)
        if found:
            return found.group(1)
    return CPUS[machine]


def viv_command(image, console):
    program = os.path.join(os.environ.get('VIV_BUILD_DIR', 'build'), 'bin/viv')
    command = [program, 'run', '--memory', '64', '--serial', 'none', '--no-reboot', '--timeout', str(int(TIMEOUT)),
               '--cpu', cpu_for('viv', image), '--device', 'pcbios,BiosRom=' + image, '--device', 'debug-exit',
               '--device', 'debugcon,Port=0xe9,chardev=file:' + console]
    if os.environ.get('VIV_ENGINE'):
        command += ['--engine', os.environ['VIV_ENGINE']]
    return command


def qemu_command(image, console, accelerator, cpu):
    return ['qemu-system-x86_64', '-accel', accelerator, '-cpu', cpu, '-machine', 'pc', '-m', '64', '-nodefaults',
            '-display', 'none', '-no-reboot', '-bios', image, '-chardev', 'file,id=text,path=' + console,
            '-device', 'isa-debugcon,iobase=0xe9,chardev=text', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4']


def have(machine):
    """Ends the test as skipped where the machine is missing."""
    if machine != 'viv' and not shutil.which('qemu-system-x86_64'):
        skip('qemu-system-x86_64 is not there')
    if machine == 'kvm' and not os.access('/dev/kvm', os.R_OK | os.W_OK):
        skip('/dev/kvm is not there')


def command_for(machine, image, console):
    if machine == 'viv':
        return viv_command(image, console)
    return qemu_command(image, console, machine, cpu_for(machine, image))


def run(machine, image, seconds=TIMEOUT):
    """The machine's text. What it says of itself goes to our stderr."""
    with tempfile.TemporaryDirectory(prefix='viv-snippet-') as folder:
        console = os.path.join(folder, 'console')
        try:
            result = subprocess.run(command_for(machine, image, console), timeout=seconds + 5, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            said = result.stdout.decode('latin-1')
        except subprocess.TimeoutExpired:
            said = 'no end within the time\n'
        text = ''
        if os.path.exists(console):
            with open(console, encoding='latin-1') as file:
                text = file.read()
    if said:
        sys.stderr.write(said)
    return text


def cases(text):
    """[(name, rest)] of the lines; the last one is ("end", "") when the program came to its end."""
    found = []
    for line in text.splitlines():
        if line.strip():
            name, _, rest = line.partition(':')
            found.append((name, rest.strip()))
    return found


def deviations(path, machine, program):
    """{case: what the machine prints}"""
    found = {}
    if path:
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith('#'):
                    continue
                words = [word.strip() for word in line.split('|')]
                if len(words) != 4 or not words[3]:
                    sys.exit(f'{path}:{number}: want "MACHINE PROGRAM | CASE | what it prints | why"')
                if words[0].split() == [machine, program]:
                    found[words[1]] = words[2]
    return found


def deviation(known, name):
    """What is known of a case, or None."""
    if name in known:
        return known[name]
    return next((known[case] for case in known if '*' in case and fnmatch.fnmatchcase(name, case)), None)


def compare(want, got, known, may_lack):
    """Prints each difference; the number of those that are not known."""
    bad = 0
    absent = [name for name, rest in got if rest == 'n/a' and may_lack]
    got = [item for item in got if item[0] not in absent]
    want = [(name, rest) for name, rest in want if not any(name.startswith(prefix) for prefix in absent)]
    table = dict(got)
    for prefix in absent:
        print(f'left out: {prefix} (this CPU does not have it)')
    for name, rest in want:
        shown = table.pop(name, None)
        if shown == rest:
            if name in known:
                print(f'no deviation any more: {name}')
        elif deviation(known, name) in (shown or '', '*'):
            print(f'known deviation: {name}: {shown}')
        else:
            print(f'DIFFERS: {name}\n    must be: {rest}\n    but is:  {shown}')
            bad += 1
    for name in table:
        print(f'DIFFERS: {name}: not expected at all: {table[name]}')
        bad += 1
    if [name for name, _ in got if name in dict(want)] != [name for name, _ in want if name in dict(got)]:
        print('DIFFERS: the order of the lines')
        bad += 1
    return bad


def judge(machine, image, expect, table, seconds=TIMEOUT):
    """The number of differences that are not known."""
    with open(expect, encoding='utf-8') as file:
        want = cases(file.read())
    program = os.path.splitext(os.path.basename(image))[0]
    known = deviations(table, machine, program)
    if '*' in known:
        print(f'{machine} {program}: left out')
        return 0
    print(f'{machine} {program}')
    return compare(want, cases(run(machine, image, seconds)), known, machine != 'viv')


def fit_as_judge(machine, folder, expect):
    """Oracles are software too: one that fails the basic program, or is of another version than the table was made
    for, has no say."""
    if machine == 'tcg':
        version = subprocess.run(['qemu-system-x86_64', '--version'], stdout=subprocess.PIPE, check=False).stdout
        return b'version 7.2.' in version
    return judge(machine, os.path.join(folder, BASIC + '.bin'), os.path.join(expect, BASIC + '.txt'), None, 1) == 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('machine', choices=('viv', 'kvm', 'tcg'))
    parser.add_argument('images', help='folder of the images')
    parser.add_argument('programs', nargs='+')
    parser.add_argument('--expect', default=os.path.join(HERE, 'expect'), help='folder')
    parser.add_argument('--deviations', default=os.path.join(HERE, 'deviations.txt'))
    parser.add_argument('--print', action='store_true', help='only show what the machine prints')
    args = parser.parse_args(arguments)
    images = [os.path.join(args.images, program + '.bin') for program in args.programs]
    if args.print:
        for image in images:
            print(run(args.machine, image).strip('\n'))
        return 0
    have(args.machine)
    if args.machine != 'viv' and not fit_as_judge(args.machine, args.images, args.expect):
        skip(f'{args.machine} of this host is not exact itself, or of another version; --print shows what it does')
    bad = sum(judge(args.machine, image, os.path.join(args.expect, program + '.txt'), args.deviations)
              for image, program in zip(images, args.programs))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
