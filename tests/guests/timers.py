# SPDX-License-Identifier: LGPL-2.1-or-later
"""A ROM plays on the speaker, is woken by the RTC's alarm, and lets the HPET replace the 8254. The
recording has the notes at their frequencies; what the guest measured by its TSC is right; and all is
the same when the machine is saved and loaded on the way.

usage: timers.py SOURCE
"""

import array
import os
import re
import subprocess
import sys
import wave

from guest import BUILD_DIR, PEER, SLOWNESS, check, run, skip, work_path

RATE = 48000
CLOCK = 105e6 / 88
NOTES = (4561, 4063, 3620, 3417, 3044, 2712, 2416, 2280)
TICK = 1193 / CLOCK
ENGINE = ['--engine', os.environ['VIV_ENGINE']] if os.environ.get('VIV_ENGINE') else []


def viv(rom, *options):
    """One run: exit code and console."""
    program = os.environ.get('VIV_PROGRAM', os.path.join(BUILD_DIR, 'bin/viv'))
    argv = [program, 'run', '--memory', '16M', '--cfg', 'Devices/pcbios/0/Config/BiosRom=' + rom,
            '--device', 'debug-exit', '--deterministic', *ENGINE, *options]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60 * SLOWNESS, check=False)
    check(done.returncode in (3, 124), 'exit code %d: %s' % (done.returncode, done.stderr.decode()))
    return done.returncode, done.stdout.decode()


def samples(path):
    """The left channel; both must be the same."""
    with wave.open(path) as wav:
        check((wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 2, 2),
              'the format of the file')
        data = array.array('h', wav.readframes(wav.getnframes()))
    check(data[0::2] == data[1::2], 'the speaker is in the middle')
    return data[0::2]


def sounds(data, gap):
    """Stretches [first, last) with less than `gap` frames of silence in them."""
    found = []
    for index, value in enumerate(data):
        if not value:
            continue
        if found and index - found[-1][1] < gap:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found


def measure(data):
    """Frequency and share of the time that the diaphragm is up, over whole periods."""
    half = max(data) / 2
    rises = [i + (half - data[i]) / (data[i + 1] - data[i]) for i in range(len(data) - 1)
             if data[i] < half <= data[i + 1]]
    check(len(rises) > 10, 'a tone has more than %d periods' % len(rises))
    inside = data[round(rises[0]):round(rises[-1])]
    return (len(rises) - 1) * RATE / (rises[-1] - rises[0]), sum(inside) / len(inside) / max(data)


def check_sound(data):
    """The scale, and then the tone by the data bit alone."""
    parts = sounds(data, RATE // 100)
    check(len(parts) == len(NOTES) + 1, '%d sounds, not %d' % (len(parts), len(NOTES) + 1))
    for (first, last), count in zip(parts, NOTES):
        frequency, share = measure(data[first:last])
        check(abs(frequency / (CLOCK / count) - 1) < 0.0005,
              'a note of %.2f Hz, not %.2f' % (frequency, CLOCK / count))
        check(abs(share - 0.5) < 0.01, 'up for %.3f of the time' % share)
        check(abs((last - first) / RATE - 200 * TICK) < CLOCK ** -1 * count + 0.001,
              'a note of %.4f s' % ((last - first) / RATE))
    for (first, _), (following, _) in zip(parts, parts[1:len(NOTES)]):
        check(abs((following - first) / RATE - 250 * TICK) < 0.001, 'the notes are out of time')
    first, last = parts[-1]
    frequency, share = measure(data[first:last])
    check(abs(frequency / (CLOCK / 298 / 4) - 1) < 0.0005, 'pulses at %.2f Hz' % frequency)
    check(abs(share - 0.25) < 0.01, 'pulses up for %.3f of the time' % share)


def main(source):
    """Once in a piece, then in two, cut at many places."""
    if PEER == 'qemu':
        skip('QEMU has no counterpart of what this test asks for')
    rom, state, wav = work_path('rom.bin'), work_path('state'), work_path('sound.wav')
    subprocess.run(['nasm', '-f', 'bin', '-o', rom, source], check=True)
    code, console = viv(rom, '--audio', 'wav:' + wav)
    print(console)
    check(code == 3, 'the ROM does not come to its end')
    words = re.search(r'alarm after ([0-9A-F]{8}) with C ([0-9A-F]{8})\s+timers: hpet ([0-9A-F]{8}) '
                      r'ten ticks ([0-9A-F]{8}) one of the 8254 ([0-9A-F]{8})', console)
    check(words is not None, 'the ROM does not say what it should')
    alarm, flags, ident, ten, one = (int(word, 16) for word in words.groups())
    # The TSC runs at 2 GHz. An interrupt comes some instructions after its time.
    check(0 <= alarm - 3000000000 < 2000, 'the alarm comes after %d ns' % (alarm // 2))
    check(flags & 0xa0 == 0xa0, 'register C is %02x' % flags)
    check(ident == 0x8086a201, 'the HPET is %08x' % ident)
    check(abs(ten - 10 * 14318 * 69841279e-15 * 2e9) < 2000, 'ten HPET ticks: %d ns' % (ten // 2))
    check(abs(one - 65536 / CLOCK * 2e9) < 2000, 'a tick of the 8254: %d ns' % (one // 2))
    data = samples(wav)
    check_sound(data)
    with open(wav, 'rb') as file:
        sound = file.read()
    again = work_path('again.wav')
    check(viv(rom, '--audio', 'wav:' + again) == (3, console), 'another run is another one')
    with open(again, 'rb') as file:
        check(file.read() == sound, 'another run sounds otherwise')
    cuts = 0
    for cut in range(777, 1000000, 1511):
        code, before = viv(rom, '--max-instructions', str(cut), '--save', state)
        if code == 3:
            break
        code, after = viv(rom, '--load', state, '--audio', 'wav:' + again)
        check((code, before + after) == (3, console), 'cut after %d instructions: %s' %
              (cut, before + after))
        cuts += 1
    print('%d cuts' % cuts)
    check(cuts > 5, 'the ROM ends too early')


if __name__ == '__main__':
    run(main, *sys.argv[1:])
