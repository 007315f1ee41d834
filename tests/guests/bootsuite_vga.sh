#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Our own boot disk shows every mode of the VGA; each picture is compared with a computed one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/bootsuite/vga.py" "$@"
