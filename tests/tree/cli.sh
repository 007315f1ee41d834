#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line's promises: help is complete, bad input ends with its own exit code and one sentence naming the culprit.
set -eu
viv=$VIV_BUILD_DIR/bin/viv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
expect() # CODE WORD ARGS...
{
    code=$1
    word=$2
    shift 2
    got=0
    timeout 60 "$viv" "$@" </dev/null >"$work/out" 2>"$work/err" || got=$?
    if [ "$got" != "$code" ] || ! grep -qF -e "$word" "$work/out" "$work/err"; then
        echo "viv $*: exit $got (wanted $code), \"$word\" wanted in:"
        cat "$work/out" "$work/err"
        bad=1
    fi
}
expect 0 'run' --help
expect 0 'plugin' help
expect 0 'viv ' --version
expect 2 'nonsense' nonsense
for option in engine cpu cpus memory cdrom disk floppy kernel initrd append boot serial device cfg no-reboot timeout screenshot \
    screen-text control save load stats type-text type-after parallel \
    firmware nvram; do
    expect 0 "--$option" run --help
done
expect 2 '--no-such' run --no-such
expect 2 '--memory' run --memory 12Q
expect 2 '--cpus' run --cpus 65
expect 2 '--type-text' run --type-text "$(printf 'a\177')" --serial none
expect 2 '--type-after' run --type-after -1 --serial none
expect 2 'nosuchmodel' run --cpu nosuchmodel --serial none
expect 2 '+nosuchfeature' run --cpu x86-64,+nosuchfeature --serial none
expect 4 'nosuchengine' run --engine nosuchengine --serial none
expect 4 'nosuchdevice' run --device nosuchdevice --serial none
expect 2 'teletype' run --serial teletype
expect 2 'tcp-listen:' run --serial tcp:65536
expect 2 'udp:' run --serial udp:localhost
expect 2 'plotter' run --serial none --parallel plotter
expect 2 'two parallel ports' run --serial none --parallel none --parallel none --parallel none
expect 4 '/nonexistent/lp' run --serial none --parallel host:/nonexistent/lp
expect 4 '/nonexistent/tty' run --serial host:/nonexistent/tty
expect 2 "'x'" run --boot x --serial none
expect 2 'bios and efi' run --firmware coreboot --serial none
expect 2 '--nvram' run --nvram x --serial none
expect 4 '/nonexistent/kernel' run --kernel /nonexistent/kernel --serial none
expect 4 '/nonexistent/cd.iso' run --cdrom /nonexistent/cd.iso --serial none
expect 4 '/nonexistent/state' run --load /nonexistent/state --serial none
expect 2 'NoSuchKey' run --cfg Devices/i8254/0/Config/NoSuchKey=1 --serial none
expect 2 '--initrd' run --initrd x --serial none
expect 2 'unix:PATH' run --control tcp:1 --serial none
printf 'not a kernel at all' >"$work/junk"
expect 2 'junk' run --kernel "$work/junk" --serial none
printf 'Vivarium' >"$work/state"
expect 4 'state' run --load "$work/state" --serial none

# A kernel that loads an empty IDT and traps: triple fault. Multiboot header with addresses, LIDT [100030h], INT3.
{
    printf '\002\260\255\033\000\000\001\000\376\117\121\344'
    printf '\000\000\020\000\000\000\020\000\000\000\000\000\000\000\000\000\040\000\020\000'
    printf '\017\001\035\060\000\020\000\314'
    printf '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
} >"$work/triple"
expect 6 'triple fault' run --kernel "$work/triple" --serial none
expect 0 '"name"' plugin list --json
expect 0 'IOBase' plugin info serial
# EB FE: a kernel that stays; the time-out, and pictures at the end.
{
    head -c 32 "$work/triple"
    printf '\353\376'
} >"$work/stay"
expect 124 'time-out' run --kernel "$work/stay" --serial none --timeout 0.5 --screenshot "$work/s.png" --screen-text "$work/s.txt"
for picture in s.png s.txt; do
    [ -f "$work/$picture" ] || { echo "$picture was not written at the end"; bad=1; }
done
expect 4 '/nonexistent/' run --kernel "$work/stay" --serial none --timeout 0.5 --save /nonexistent/folder/state
exit $bad
