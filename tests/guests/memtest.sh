#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Memtest86+ for five minutes without an error; the argument says which: ia32 or x64.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_guest memtest
python3 "$here/memtest.py" "$VIV_GUESTS_DIR/memtest/memtest86+$1.iso" "${2:-300}"
