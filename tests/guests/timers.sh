#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Speaker, RTC alarm and HPET, measured by the guest and in the recording.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 nasm
exec python3 "$here/timers.py" "$here/timers.asm"
