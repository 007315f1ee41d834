#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A floppy at work, saved and loaded at many moments. Arguments: how many, and "exact".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/floppy_save.py" "$here/floppy_formats.asm" "$@"
