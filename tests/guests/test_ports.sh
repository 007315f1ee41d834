#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program on the bare machine reports over VMMDev's test ports.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/test_ports.py" "$here/test_ports.asm"
