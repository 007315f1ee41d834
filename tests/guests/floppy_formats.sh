#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boot floppies of every format; arguments: sizes in KiB, and "exact" for a drive's own speed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/floppy_formats.py" "$here/floppy_formats.asm" "$@"
