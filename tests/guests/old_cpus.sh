#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each generation of CPU starts in a ROM and is what it says it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/old_cpus.py" "$here/old_cpus.asm"
