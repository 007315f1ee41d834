# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine under test: starts it, reads its console against deadlines, types, and steers it.

Everything is awaited by what the guest or the machine says; nothing by sleeping for a while. A
test that fails shows the console so far, what the program wrote to stderr, and the screen.

Environment:
  VIV_PROGRAM        the program (default: $VIV_BUILD_DIR/bin/viv)
  VIV_ENGINE         execution engine to ask for (default: the program's own choice)
  VIV_TEST_SLOWNESS  multiplies every deadline (default 1; sanitizer builds want more)
  VIV_GUEST_PEER     "qemu" runs the same test in QEMU TCG instead, which shows whether it is the
                     test or the machine that is at fault; what QEMU has no word for is skipped
"""

import atexit
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIP = 77
BUILD_DIR = os.environ.get('VIV_BUILD_DIR', 'build')
PEER = os.environ.get('VIV_GUEST_PEER', 'viv')
SLOWNESS = float(os.environ.get('VIV_TEST_SLOWNESS', '1'))

_guests = []
_work = None


def skip(reason):
    """Ends the test as skipped."""
    print('SKIP:', reason)
    sys.exit(SKIP)


def work_path(name):
    """A path in this test's scratch folder, which goes away with it."""
    global _work
    if _work is None:
        _work = tempfile.mkdtemp(prefix='viv-guest-')
        atexit.register(shutil.rmtree, _work, ignore_errors=True)
    return os.path.join(_work, name)


def check(condition, message):
    """A check that is no business of assert, which python -O removes."""
    if not condition:
        raise TestFailure(message)


class TestFailure(Exception):
    """What the guest did is not what the test wants."""


def _die_with_parent():
    """A test that is itself killed must not leave a machine running (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


class Guest:
    """One machine. Keyword arguments are named after the options of `viv run`."""

    def __init__(self, *, kernel=None, initrd=None, append=None, cdrom=None, disks=(), floppy=None,
                 memory='256M', boot=None, no_reboot=False, serial=('stdio',), cfg=(), load=None,
                 debug_exit=False, debugcon=None, options=(), timeout=300):
        self.console = b''
        self._seen = 0
        self._control = None
        self._control_buffer = b''
        self.control_path = work_path('control%d' % len(_guests))
        self.error_path = work_path('stderr%d' % len(_guests))
        self.timeout = timeout * SLOWNESS
        settings = dict(kernel=kernel, initrd=initrd, append=append, cdrom=cdrom, disks=disks,
                        floppy=floppy, memory=memory, boot=boot, no_reboot=no_reboot,
                        serial=serial, cfg=cfg, load=load, debug_exit=debug_exit,
                        debugcon=debugcon, options=options)
        argv = (self._qemu_argv if PEER == 'qemu' else self._viv_argv)(**settings)
        self.argv = argv
        print('+', ' '.join(argv), flush=True)
        with open(self.error_path, 'wb') as errors:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, bufsize=0,
                                            preexec_fn=_die_with_parent)
        _guests.append(self)

    def _viv_argv(self, *, kernel, initrd, append, cdrom, disks, floppy, memory, boot, no_reboot,
                  serial, cfg, load, debug_exit, debugcon, options):
        program = os.environ.get('VIV_PROGRAM', os.path.join(BUILD_DIR, 'bin/viv'))
        if not os.access(program, os.X_OK):
            skip('no program %s' % program)
        argv = [program, 'run', '--memory', memory, '--control', 'unix:' + self.control_path,
                '--timeout', str(int(self.timeout))]
        if os.environ.get('VIV_ENGINE'):
            argv += ['--engine', os.environ['VIV_ENGINE']]
        for name, value in (('--kernel', kernel), ('--initrd', initrd), ('--append', append),
                            ('--cdrom', cdrom), ('--floppy', floppy), ('--boot', boot),
                            ('--load', load)):
            if value is not None:
                argv += [name, value]
        for disk in disks:
            argv += ['--disk', disk]
        for port in serial:
            argv += ['--serial', port]
        for item in cfg:
            argv += ['--cfg', item]
        if no_reboot:
            argv.append('--no-reboot')
        if debug_exit:
            argv += ['--device', 'debug-exit']
        if debugcon is not None:
            argv += ['--device', 'debugcon,Port=0xe9,chardev=file:' + debugcon]
        return argv + list(options)

    def _qemu_argv(self, *, kernel, initrd, append, cdrom, disks, floppy, memory, boot, no_reboot,
                   serial, cfg, load, debug_exit, debugcon, options):
        if load is not None or cfg or options:
            skip('QEMU has no counterpart of what this test asks for')
        argv = ['qemu-system-x86_64', '-accel', 'tcg', '-M', 'pc', '-m', memory, '-display',
                'none', '-vga', 'std', '-net', 'none', '-qmp',
                'unix:%s,server=on,wait=off' % self.control_path]
        for name, value in (('-kernel', kernel), ('-initrd', initrd), ('-append', append),
                            ('-cdrom', cdrom), ('-fda', floppy), ('-boot', boot)):
            if value is not None:
                argv += [name, value]
        for index, disk in enumerate(disks):
            argv += ['-drive', 'file=%s,format=raw,index=%d' % (disk, index)]
        for port in serial:
            kind, _, path = port.partition(':')
            argv += ['-serial', {'unix': 'unix:%s,server=on,wait=off' % path,
                                 'stdio': 'stdio'}.get(kind, port)]
        if no_reboot:
            argv.append('-no-reboot')
        if debug_exit:
            argv += ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
        if debugcon is not None:
            argv += ['-debugcon', 'file:' + debugcon]
        return argv

    # The console on the program's stdin and stdout.

    def wait_console(self, seconds):
        """Waits that long at most for console output; False when the program has ended."""
        return self._read(seconds)

    def _read(self, seconds):
        """Takes what comes within the time; False at the end of the stream."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(seconds, 0))
        if ready:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            self.console += chunk
            return bool(chunk)
        return True

    def expect(self, pattern, timeout=120):
        """Waits for the pattern in what has not been matched yet; the match object."""
        deadline = time.monotonic() + timeout * SLOWNESS
        compiled = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode(),
                              re.MULTILINE)
        while True:
            match = compiled.search(self.console, self._seen)
            if match:
                self._seen = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise TestFailure('the console did not show %r within %d s' %
                                  (pattern, timeout * SLOWNESS))
            if not self._read(left):
                raise TestFailure('the program ended (code %s) before the console showed %r' %
                                  (self.process.wait(), pattern))

    def send(self, text):
        """Types on the console."""
        self.process.stdin.write(text if isinstance(text, bytes) else text.encode())

    def command(self, line, answer, timeout=60):
        """One line for the guest's shell: waits for the answer and for the next prompt."""
        self.send(line + '\n')
        match = self.expect(answer, timeout)
        self.expect(r'^viv# ', timeout)
        return match

    def finish(self, timeout=60):
        """Waits for the program to end by itself; its exit code."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while time.monotonic() < deadline and self._read(deadline - time.monotonic()):
            pass
        try:
            return self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired as error:
            raise TestFailure('the program did not end within %d s' %
                              (timeout * SLOWNESS)) from error

    def expect_exit(self, code=0, timeout=60):
        """The program ends with this code."""
        got = self.finish(timeout)
        check(got == code, 'exit code %s, not %s' % (got, code))

    def errors(self):
        """What the program wrote to stderr so far."""
        with open(self.error_path, 'rb') as file:
            return file.read().decode(errors='replace')

    # The control socket.

    def _control_line(self, deadline):
        while b'\n' not in self._control_buffer:
            self._control.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                chunk = self._control.recv(65536)
            except socket.timeout as error:
                raise TestFailure('no answer on the control socket') from error
            if not chunk:
                raise TestFailure('the control socket was closed')
            self._control_buffer += chunk
        line, self._control_buffer = self._control_buffer.split(b'\n', 1)
        return line.decode(errors='replace')

    def _control_connect(self, deadline):
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:
            try:
                self._control.connect(self.control_path)
                return
            except OSError as error:
                # The program makes its socket some time after it starts; the console wakes us.
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise TestFailure('no control socket: %s' % error) from error
                self._read(0.02)

    def try_control(self, line, timeout=60):
        """Sends one control line; all lines of the answer, the last is "ok ..." or "error: ..."."""
        deadline = time.monotonic() + timeout * SLOWNESS
        if self._control is None:
            self._control_connect(deadline)
        self._control.sendall(line.encode() + b'\n')
        answer = []
        while not answer or not answer[-1].startswith(('ok', 'error:')):
            answer.append(self._control_line(deadline))
        return answer

    def control(self, line, timeout=60):
        """Sends one control line that must succeed; the lines before its "ok"."""
        if PEER == 'qemu':
            return self._qemu_control(line, timeout)
        answer = self.try_control(line, timeout)
        check(answer[-1].split(' ')[0] == 'ok', 'control "%s" said: %s' % (line, answer[-1]))
        return answer[:-1]

    def _qemu_request(self, request, deadline):
        """One QMP request; waits for its reply and passes over events."""
        self._control.sendall(json.dumps(request).encode() + b'\n')
        while True:
            reply = json.loads(self._control_line(deadline))
            if 'return' in reply or 'error' in reply:
                return reply

    def _qemu_monitor(self, line, timeout):
        """One line for QEMU's human monitor."""
        deadline = time.monotonic() + timeout * SLOWNESS
        if self._control is None:
            self._control_connect(deadline)
            self._control_line(deadline)
            self._qemu_request({'execute': 'qmp_capabilities'}, deadline)
        reply = self._qemu_request({'execute': 'human-monitor-command',
                                    'arguments': {'command-line': line}}, deadline)
        return reply.get('return', '')

    def _qemu_port(self, port):
        """What a byte-wide port reads."""
        return int(self._qemu_monitor('i /b 0x%x' % port, 60).split('=')[1], 16)

    def _qemu_text(self, timeout):
        """The 25 rows of text that start where the CRT controller's registers 12 and 13 say. The
        machine stands still meanwhile, and gets its index register back."""
        raw = work_path('vram')
        self._qemu_monitor('stop', timeout)
        index = self._qemu_port(0x3d4)
        start = 0
        for register in (12, 13):
            self._qemu_monitor('o /b 0x3d4 %d' % register, timeout)
            start = start << 8 | self._qemu_port(0x3d5)
        self._qemu_monitor('o /b 0x3d4 %d' % index, timeout)
        self._qemu_monitor('pmemsave 0xb8000 32768 "%s"' % raw, timeout)
        self._qemu_monitor('cont', timeout)
        with open(raw, 'rb') as file:
            cells = (file.read() * 2)[start * 2:start * 2 + 4000:2]
        cells = cells.decode('cp437').replace('\0', ' ')
        return [cells[row:row + 80].rstrip() for row in range(0, 2000, 80)]

    def _qemu_control(self, line, timeout):
        verb, _, rest = line.partition(' ')
        if verb == 'key':
            self._qemu_monitor('sendkey ' + rest, timeout)
        elif verb == 'type':
            names = {' ': 'spc', '-': 'minus', '=': 'equal', '/': 'slash', '.': 'dot',
                     ',': 'comma', '(': 'shift-9', ')': 'shift-0', '_': 'shift-minus',
                     '$': 'shift-4', '+': 'shift-equal', '>': 'shift-dot',
                     "'": 'apostrophe', ';': 'semicolon'}
            for char in rest:
                name = names.get(char, 'shift-' + char.lower() if char.isupper() else char)
                self._qemu_monitor('sendkey %s 20' % name, timeout)
                # QEMU drops keys that come faster than the guest takes them.
                time.sleep(0.05)
        elif verb == 'text':
            with open(rest, 'w', encoding='utf-8') as file:
                file.writelines(row + '\n' for row in self._qemu_text(timeout))
        elif verb in ('powerbutton', 'reset', 'quit', 'pause', 'resume'):
            names = {'powerbutton': 'system_powerdown', 'reset': 'system_reset', 'pause': 'stop',
                     'resume': 'cont'}
            self._qemu_monitor(names.get(verb, verb), timeout)
        else:
            skip('QEMU has no counterpart of control "%s"' % verb)
        return []

    # The screen and the keyboard.

    def screen(self):
        """The text on the screen."""
        path = work_path('screen.txt')
        self.control('text ' + path)
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def expect_screen(self, pattern, timeout=120):
        """Looks at the screen until it shows the pattern; the match object."""
        deadline = time.monotonic() + timeout * SLOWNESS
        compiled = re.compile(pattern, re.MULTILINE)
        while True:
            text = self.screen()
            match = compiled.search(text)
            if match:
                return match
            if time.monotonic() > deadline:
                raise TestFailure('the screen did not show %r within %d s' %
                                  (pattern, timeout * SLOWNESS))
            # Between two looks the console is what there is to wait for, and it must be emptied.
            if not self._read(0.1):
                raise TestFailure('the program ended before the screen showed %r' % pattern)

    def key(self, name):
        """Presses and releases a key or a chord."""
        self.control('key ' + name)

    def type(self, text):
        """Types on the guest's keyboard; a newline at the end is the Enter key."""
        if text.rstrip('\n'):
            self.control('type ' + text.rstrip('\n').replace('\\', '\\\\'))
        if text.endswith('\n'):
            self.key('ret')

    def kill(self):
        """Ends the program, however it is."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def report(self):
        """Shows all there is to see of a failure."""
        code = self.process.poll()
        state = 'still running' if code is None else 'exit code %s' % code
        print('---- %s: %s' % (' '.join(self.argv), state))
        print('---- console')
        print(self.console.decode(errors='replace').replace('\r', ''))
        errors = self.errors()
        if errors:
            print('---- stderr')
            print(errors)
        if code is None:
            try:
                text = self.screen()
                print('---- screen')
                print(text)
            except (TestFailure, OSError):
                pass


def _kill_all(*_unused):
    for guest in _guests:
        guest.kill()


def _terminated(*_unused):
    raise TestFailure('the test was told to end')


def run(test, *arguments):
    """Runs a test function and makes its outcome the exit code."""
    atexit.register(_kill_all)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        test(*arguments)
    except (TestFailure, OSError) as failure:
        for guest in _guests:
            guest.report()
        print('FAIL:', failure)
        sys.exit(1)
    print('PASS')
