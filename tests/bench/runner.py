# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the benchmark guest natively, in other emulators and in each of our engines; compares.

usage: runner.py FOLDER   (FOLDER holds bench, bench.gz, vmlinuz and, for Bochs, bench.iso)

Host time counts, not the guest's: each line of the console is stamped as it arrives, and a row's
time lies between "begin NAME" and "row NAME"; with BENCH_CLOCK=cpu, the emulator's processor time
does. Only the native program is believed its own clock, which is the host's. The table gives every
row as a multiple of the native time.

Environment: see run.sh.
"""

import json
import math
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time

NATIVE = 'native'
TCG = 'qemu-tcg'
BOCHS = 'bochs'
APPEND = 'console=ttyS0,115200 quiet loglevel=1 mitigations=off nokaslr'
MEMORY = '256'
# What the processor does by itself, and what an operating system below has its part in.
SYSTEM_ROWS = ('fault', 'syscall', 'signal', 'fork', 'switch')
# A guest's clock that is off by more than this is worth a remark.
CLOCK_TOLERANCE = 0.10
CPU_CLOCK = os.environ.get('BENCH_CLOCK', 'host') == 'cpu'
TIMEOUT_S = float(os.environ.get('BENCH_TIMEOUT', '300'))


class Failed(Exception):
    """A run that did not come to its end; the message says how."""


class Stamper:
    """Splits a stream into lines, each with the host's time of its first byte and of its end."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.partial = b''
        self.first_byte = None

    def lines(self, deadline, alive):
        """Yields (text, time of the first byte, time of the end) until the stream or time ends."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failed('not done within %d s' % TIMEOUT_S)
            # Short waits, only for the sake of a reader-side FIFO, which has no end of its own.
            ready, _, _ = select.select([self.descriptor], [], [], min(left, 0.5))
            if not ready:
                if not alive():
                    return
                continue
            chunk = os.read(self.descriptor, 65536)
            now = time.monotonic()
            if not chunk:
                if not alive():
                    return
                time.sleep(0.01)
                continue
            for piece in chunk.splitlines(keepends=True):
                if self.first_byte is None:
                    self.first_byte = now
                self.partial += piece
                if piece.endswith(b'\n'):
                    text = self.partial.decode(errors='replace').strip('\r\n\0 ')
                    first, self.first_byte, self.partial = self.first_byte, None, b''
                    yield text, first, now


class ProcessorClock:
    """The time that a run's processes have spent on processors, from /proc: for a busy host, where
    the time on the wall says more about the neighbours. An X server does not count."""

    def __init__(self, session):
        self.session = session
        self.processes = None

    def find(self):
        """The processes of the session, as they are now."""
        self.processes = []
        for name in os.listdir('/proc'):
            try:
                with open('/proc/%s/stat' % name, encoding='ascii', errors='replace') as file:
                    command, _, rest = file.read().partition('(')[2].rpartition(')')
            except (OSError, ValueError):
                continue
            if command != 'Xvfb' and int(rest.split()[3]) == self.session:
                self.processes.append(name)

    def now_ns(self):
        """The sum over all threads."""
        if self.processes is None:
            self.find()
        total = 0
        for process in self.processes:
            try:
                for thread in os.listdir('/proc/%s/task' % process):
                    with open('/proc/%s/task/%s/schedstat' % (process, thread),
                              encoding='ascii') as file:
                        total += int(file.read().split()[0])
            except OSError:
                continue
        return total


class Outcome:
    """What one run said."""

    def __init__(self):
        self.host_ns = {}
        self.cpu_ns = {}
        self.guest_ns = {}
        self.guest_cpu_ns = {}
        self.ops = {}
        self.checksums = {}
        self.boot_s = None
        self.power_on_s = None


def follow(name, process, descriptor):
    """Reads a run to its end."""
    outcome = Outcome()
    started = time.monotonic()
    handed_over = started
    begun = {}
    console = []
    stamper = Stamper(descriptor)
    clock = ProcessorClock(process.pid)
    for text, first, end in stamper.lines(started + TIMEOUT_S,
                                          lambda: process.poll() is None):
        console.append(text)
        words = text.split()
        if text.endswith('bench handover'):
            handed_over = end
        elif text.endswith('bench ready'):
            outcome.boot_s = end - handed_over
            outcome.power_on_s = end - started
        elif words[:1] == ['begin'] and len(words) == 2:
            begun[words[1]] = end, clock.now_ns() if CPU_CLOCK else 0
        elif words[:1] == ['row'] and len(words) == 6:
            row = words[1]
            outcome.guest_ns[row] = int(words[2])
            # A row so short that both lines came at once has no host time.
            outcome.host_ns[row] = (first - begun[row][0]) * 1e9 or float(words[2])
            if CPU_CLOCK:
                outcome.cpu_ns[row] = max(clock.now_ns() - begun[row][1], 1)
            outcome.guest_cpu_ns[row] = int(words[3])
            outcome.ops[row] = int(words[4])
            outcome.checksums[row] = words[5]
        elif text.startswith('bench failed'):
            raise Failed(text)
        elif text == 'bench done':
            if not outcome.host_ns:
                raise Failed('no rows')
            return outcome
    raise Failed('%s ended early; its last lines: %s' % (name, ' | '.join(console[-5:])))


def stop(process):
    """Ends a run's program, its group included."""
    if process.poll() is None:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run_program(name, argv, folder):
    """A program whose standard output is the console."""
    with open(os.path.join(folder, name + '.log'), 'wb') as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=log, start_new_session=True)
    try:
        return follow(name, process, process.stdout.fileno())
    finally:
        stop(process)
        process.stdout.close()


def guest_args():
    """What the guest program shall do, as a word of the kernel's command line."""
    return 'viv.bench=' + ','.join(program_args())


def program_args():
    """The guest program's own arguments."""
    args = ['-s', os.environ.get('BENCH_SCALE', '100')]
    return args + os.environ.get('BENCH_ROWS', '').split()


def run_native(folder):
    """The same program on the host."""
    return run_program(NATIVE, [os.path.join(folder, 'bench')] + program_args(), folder)


def run_tcg(folder):
    """QEMU's translator, the kernel loaded directly."""
    return run_program(TCG, [
        'qemu-system-x86_64', '-accel', 'tcg', '-M', 'pc', '-m', MEMORY, '-nodefaults',
        '-display', 'none', '-no-reboot', '-serial', 'stdio',
        '-kernel', os.path.join(folder, 'vmlinuz'), '-initrd', os.path.join(folder, 'bench.gz'),
        '-append', APPEND + ' ' + guest_args()], folder)


def run_viv(folder, engine):
    """One of our engines, the kernel loaded directly."""
    return run_program('viv-' + engine, [
        viv_program(), 'run', '--engine', engine, '--memory', MEMORY + 'M', '--no-reboot',
        '--serial', 'stdio', '--timeout', str(int(TIMEOUT_S)),
        '--kernel', os.path.join(folder, 'vmlinuz'), '--initrd', os.path.join(folder, 'bench.gz'),
        '--append', APPEND + ' ' + guest_args()], folder)


BOCHSRC = '''\
display_library: {display}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
megs: {memory}
cpu: model=corei5_lynnfield_750, count=1, ips=100000000
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={folder}/bench.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={folder}/bochs.fifo
log: {folder}/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
speaker: enabled=1, mode=none
private_colormap: enabled=0
'''


def run_bochs(folder):
    """Bochs from a CD-ROM with GRUB, as it loads no kernel itself; its console through a FIFO."""
    display, prefix = bochs_display()
    fifo = os.path.join(folder, 'bochs.fifo')
    if os.path.exists(fifo):
        os.unlink(fifo)
    os.mkfifo(fifo)
    rc_path = os.path.join(folder, 'bochsrc')
    with open(rc_path, 'w', encoding='utf-8') as file:
        file.write(BOCHSRC.format(folder=folder, memory=MEMORY, display=display))
    # Debian's build has the debugger in it, which starts stopped.
    debugger_path = os.path.join(folder, 'bochs.debugger')
    with open(debugger_path, 'w', encoding='utf-8') as file:
        file.write('c\n')
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with open(os.path.join(folder, 'bochs.out'), 'wb') as log:
        process = subprocess.Popen(prefix + ['bochs', '-q', '-f', rc_path, '-rc', debugger_path],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    try:
        return follow(BOCHS, process, descriptor)
    finally:
        stop(process)
        os.close(descriptor)
        os.unlink(fifo)


def bochs_display():
    """A display library that needs nobody to look at it, and what to start Bochs under."""
    plugins = '/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_%s_gui.so'
    if shutil.which('xvfb-run') and os.path.exists(plugins % 'x'):
        return 'x', ['xvfb-run', '-a']
    if os.path.exists(plugins % 'rfb'):
        return 'rfb, options="timeout=0"', []
    return None, []


def viv_program():
    """Our program."""
    return os.environ.get('VIV_PROGRAM',
                          os.path.join(os.environ.get('VIV_BUILD_DIR', 'build'), 'bin/viv'))


def engines():
    """The names of the engines that our program offers."""
    if os.environ.get('BENCH_ENGINES') is not None:
        return os.environ['BENCH_ENGINES'].split()
    if not os.access(viv_program(), os.X_OK):
        print('left out: viv (no program %s)' % viv_program())
        return []
    listing = subprocess.run([viv_program(), 'plugin', 'list', '--json'], check=False,
                             capture_output=True)
    try:
        return [item['name'] for item in json.loads(listing.stdout)
                if item.get('kind') == 'engine' and item.get('state', 'ok') == 'ok']
    except (ValueError, KeyError):
        print('left out: viv (its list of plugins cannot be read)')
        return []


def wanted(name):
    """Whether BENCH_RUNNERS asks for it."""
    chosen = os.environ.get('BENCH_RUNNERS')
    if chosen is None or name == NATIVE:
        return True
    return name in chosen.split() or name.startswith('viv') and 'viv' in chosen.split()


def missing_peers(folder):
    """What keeps a peer from running here."""
    reasons = {}
    if not shutil.which('qemu-system-x86_64'):
        reasons[TCG] = 'qemu-system-x86_64 is not installed'
    if not shutil.which('bochs'):
        reasons[BOCHS] = 'not installed'
    elif bochs_display()[0] is None:
        reasons[BOCHS] = 'neither its x display with xvfb-run nor its rfb display'
    elif not os.path.exists(os.path.join(folder, 'bench.iso')):
        reasons[BOCHS] = 'no boot CD-ROM; see above'
    return reasons


def runners(folder):
    """Name and function of everything that can run here; says what cannot."""
    found = [(NATIVE, run_native), (TCG, run_tcg), (BOCHS, run_bochs)]
    for engine in engines():
        found.append(('viv-' + engine, lambda f, e=engine: run_viv(f, e)))
    found = [item for item in found if wanted(item[0])]
    reasons = missing_peers(folder)
    for name, _ in found:
        if name in reasons:
            print('left out: %s (%s)' % (name, reasons[name]))
    return [item for item in found if item[0] not in reasons]


def measure(folder, runs):
    """Every runner's outcomes, taken in turns so that a busy moment of the host hits all alike."""
    found = runners(folder)
    outcomes = {name: [] for name, _ in found}
    for turn in range(runs):
        for name, function in found:
            # The native run is short: more of them steady what all others are divided by.
            for _ in range(5 if name == NATIVE else 1):
                if name not in outcomes:
                    continue
                print('running %s (%d of %d)' % (name, turn + 1, runs), file=sys.stderr, flush=True)
                try:
                    outcomes[name].append(function(folder))
                except Failed as failure:
                    print('left out: %s (%s)' % (name, failure))
                    del outcomes[name]
    return outcomes, [name for name, _ in found if name not in outcomes]


def row_ns(name, outcomes, row):
    """The median of a row's time. By processor time, the native run that was least disturbed."""
    if name == NATIVE:
        if CPU_CLOCK:
            return min(o.guest_cpu_ns[row] for o in outcomes)
        return statistics.median(o.guest_ns[row] for o in outcomes)
    return statistics.median((o.cpu_ns if CPU_CLOCK else o.host_ns)[row] for o in outcomes)


def geometric_mean(values):
    """Of ratios, the only mean there is."""
    return math.exp(sum(math.log(v) for v in values) / len(values))


def compare(outcomes):
    """The figures of the table: row -> runner -> ns, and the names that disagree."""
    rows = list(outcomes[NATIVE][0].host_ns)
    times = {row: {name: row_ns(name, list_, row) for name, list_ in outcomes.items()
                   if all(row in o.host_ns for o in list_)} for row in rows}
    wrong = []
    for row in rows:
        want = outcomes[NATIVE][0].checksums[row]
        for name, list_ in outcomes.items():
            for outcome in list_:
                if outcome.checksums.get(row) != want:
                    wrong.append((name, row, outcome.checksums.get(row), want))
    return times, wrong


def columns(names):
    """The ratios to print: each emulator to native, then each engine of ours to each peer."""
    result = [(name, NATIVE) for name in names if name != NATIVE]
    for name in names:
        if name.startswith('viv-'):
            result += [(name, peer) for peer in (TCG, BOCHS) if peer in names]
    return result


def print_table(times, names):
    """Ratios of host time: smaller is faster. Returns the geometric means."""
    pairs = columns(names)
    heads = ['%s/%s' % (a, b) for a, b in pairs]
    widths = [max(len(head), 9) for head in heads]
    print('%-10s %10s  %s' % ('row', 'native ms',
                              '  '.join(h.rjust(w) for h, w in zip(heads, widths))))

    def cells(values):
        return '  '.join(('-' if v is None else '%.2f' % v).rjust(w)
                         for v, w in zip(values, widths))

    def ratio(row, pair):
        have = times[row]
        return have[pair[0]] / have[pair[1]] if pair[0] in have and pair[1] in have else None

    for row in times:
        print('%-10s %10.2f  %s' % (row, times[row][NATIVE] / 1e6,
                                    cells([ratio(row, pair) for pair in pairs])))
    means = {}
    for label, chosen in (('compute', [r for r in times if r not in SYSTEM_ROWS]),
                          ('system', [r for r in times if r in SYSTEM_ROWS]),
                          ('all', list(times))):
        line = []
        for pair, head in zip(pairs, heads):
            values = [v for v in (ratio(row, pair) for row in chosen) if v is not None]
            line.append(geometric_mean(values) if values else None)
            means.setdefault(head, {})[label] = line[-1]
        print('%-10s %10s  %s' % ('= ' + label, 'geo. mean', cells(line)))
    return means


def print_boot(outcomes):
    """Boot times, and how far each guest's clock is from the host's."""
    print('\n%-20s %12s %16s  %s' % ('boot to init', 'from kernel', 'from power-on',
                                     "guest's clock to host's"))
    result = {}
    for name, list_ in outcomes.items():
        if name == NATIVE:
            continue
        boot = statistics.median(o.boot_s for o in list_)
        power_on = statistics.median(o.power_on_s for o in list_)
        clock = statistics.median(sum(o.guest_ns.values()) / sum(o.host_ns.values())
                                  for o in list_)
        remark = '' if abs(clock - 1) <= CLOCK_TOLERANCE else ' (it lies)'
        print('%-20s %10.2f s %14.2f s  %.2f%s' % (name, boot, power_on, clock, remark))
        result[name] = {'boot_s': boot, 'power_on_s': power_on, 'clock_ratio': clock}
    return result


def main(folder):
    """Measures, prints, writes the JSON file; 1 if a checksum is wrong or one of ours failed."""
    runs = int(os.environ.get('BENCH_RUNS', '1'))
    outcomes, failed = measure(folder, runs)
    if NATIVE not in outcomes:
        sys.exit('the native run failed; there is nothing to compare with')
    times, wrong = compare(outcomes)
    print('\nTimes as multiples (%s, median of %d; smaller is faster)\n' %
          ('processor time' if CPU_CLOCK else 'host clock', runs))
    means = print_table(times, list(outcomes))
    boots = print_boot(outcomes)
    for name, row, got, want in wrong:
        print('WRONG CHECKSUM: %s, row %s: %s, not %s' % (name, row, got, want))
    path = os.environ.get('BENCH_JSON', os.path.join(folder, 'bench.json'))
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'runs': runs, 'clock': 'cpu' if CPU_CLOCK else 'host', 'ns': times,
                   'geometric_means': means, 'boot': boots,
                   'wrong_checksums': wrong}, file, indent=1)
        file.write('\n')
    print('\nAlso in %s' % path)
    sys.exit(1 if wrong or any(name.startswith('viv-') for name in failed) else 0)


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
