#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A boot floppy that reads keys by the BIOS and sets the keyboard's LEDs itself.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nasm -f bin -o "$work/floppy.img" "$here/bootsuite/keyboard.asm"
truncate -s 1440K "$work/floppy.img"
python3 "$here/bootsuite_keyboard.py" "$work/floppy.img"
