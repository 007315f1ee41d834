#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# OVMF to its shell; a variable set there is still there in another process.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_guest ovmf
VIV_FIRMWARE_PATH=$VIV_GUESTS_DIR/ovmf python3 "$here/ovmf.py"
