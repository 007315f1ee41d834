#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's cloud kernel goes to sleep and comes back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux cloud
exec python3 "$here/sleep.py" "$GUEST_KERNEL" "$GUEST_INITRD"
