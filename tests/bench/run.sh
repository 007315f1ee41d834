#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The benchmark behind `make bench`: one guest program, run natively, in QEMU TCG, in Bochs and in
# each of our engines; a table of ratios, geometric means and boot times. A peer that is missing is
# left out by name.
#
#   tests/bench/run.sh [BUILD]      (default: build)
#
# Environment:
#   BENCH_RUNS      runs of everything, medians are taken (default 1)
#   BENCH_SCALE     work per row in hundredths (default 100)
#   BENCH_ROWS      only these rows
#   BENCH_RUNNERS   only these besides native: qemu-tcg bochs viv-ENGINE..., viv for all of ours
#   BENCH_ENGINES   our engines (default: all that `viv plugin list` knows)
#   BENCH_CLOCK     host (default), or cpu: processor time, for a host with other work to do
#   BENCH_TIMEOUT   seconds for one run (default 300)
#   BENCH_OUT       the folder of all that is made (default: build/bench)
#   BENCH_JSON      the result file (default: bench.json in that folder)
#   BENCH_PREPARE   if set, only build what is needed
#   VIV_BUILD_DIR, VIV_GUESTS_DIR, VIV_PROGRAM as for the guest tests

set -eu

here=$(cd "$(dirname "$0")/../guests" && pwd)
if [ $# -gt 0 ]; then
    VIV_BUILD_DIR=$(cd "$1" && pwd)
    export VIV_BUILD_DIR
fi
# shellcheck source=/dev/null
. "$here/lib.sh"
sources=$VIV_SOURCE_DIR/tests/bench
out=${BENCH_OUT:-$VIV_BUILD_DIR/bench}

# The program: for plain x86-64, no vectors but those that are written, no fused operations. Always
# by gcc, so that figures can be compared.
build_program()
{
    gcc -std=gnu17 -static -O2 -march=x86-64 -mtune=generic -ffp-contract=off \
        -fno-tree-vectorize -fno-tree-loop-distribute-patterns -Wall -Wextra -Wshadow -Wconversion \
        -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Werror \
        -o "$out/bench" "$sources"/bench*.c
}

# The initramfs holds nothing but the program as /init.
build_initramfs()
{
    rm -rf "$out/root"
    mkdir -p "$out/root"
    cp "$out/bench" "$out/root/init"
    strip "$out/root/init"
    touch -d @0 "$out/root/init" "$out/root"
    (cd "$out/root" && printf '.\ninit\n' |
        cpio --quiet -o -H newc --reproducible -R 0:0 2>/dev/null) | gzip -n >"$out/bench.gz"
    rm -rf "$out/root"
}

# Bochs loads no kernel itself: a CD-ROM with GRUB, which tells on the serial line when it hands
# over, so that its own loading does not count as the kernel's booting.
build_iso()
{
    rm -f "$out/bench.iso"
    if ! command -v grub-mkrescue >/dev/null 2>&1 || ! command -v xorriso >/dev/null 2>&1 ||
        [ ! -d /usr/lib/grub/i386-pc ]; then
        echo "no boot CD-ROM for Bochs: packages grub-common, grub-pc-bin and xorriso are needed"
        return
    fi
    mkdir -p "$out/iso/boot/grub"
    cp "$out/vmlinuz" "$out/bench.gz" "$out/iso/boot/"
    cat >"$out/iso/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_output serial
linux /boot/vmlinuz console=ttyS0,115200 quiet loglevel=1 mitigations=off nokaslr \
viv.bench=$(echo "-s ${BENCH_SCALE:-100} ${BENCH_ROWS:-}" | sed 's/ *$//; s/  */,/g')
initrd /boot/bench.gz
echo
echo bench handover
boot
END
    grub-mkrescue -d /usr/lib/grub/i386-pc -o "$out/bench.iso" "$out/iso" >"$out/iso.log" 2>&1 || {
        echo "no boot CD-ROM for Bochs: grub-mkrescue failed"
        tail -n 5 "$out/iso.log"
        rm -f "$out/bench.iso"
    }
    rm -rf "$out/iso"
}

# The firmware image of io.py.
build_io()
{
    rm -f "$out/io.bin"
    if ! command -v nasm >/dev/null 2>&1; then
        echo "no device accesses: nasm is missing"
        return
    fi
    nasm -f bin -I "$VIV_SOURCE_DIR/tests/snippets/" -o "$out/io.bin" "$sources/io.asm"
}

mkdir -p "$out"
need_guest cloud
cp "$VIV_GUESTS_DIR/cloud/vmlinuz" "$out/vmlinuz"
build_program
build_initramfs
build_io
case ${BENCH_RUNNERS-bochs} in
*bochs*) build_iso ;;
esac
[ -z "${BENCH_PREPARE:-}" ] || exit 0
status=0
python3 "$sources/runner.py" "$out" || status=1
if [ -z "${BENCH_ROWS:-}" ] && [ -f "$out/io.bin" ]; then
    python3 "$sources/io.py" "$out" || status=1
fi
exit $status
