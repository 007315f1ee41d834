#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's amd64 kernel to a shell on the serial console, then power-off and reboot from inside.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/guests/lib.sh
. "$here/lib.sh"
need_program python3
need_linux amd64
exec python3 "$here/linux_shell.py" "$kernel" "$initrd" "$(cat "$VIV_GUESTS_DIR/amd64/version")"
