#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Floppy drives inside a Linux guest (Debian's amd64 kernel; the cloud kernel has no driver for them).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux amd64
exec python3 "$here/linux_floppy.py" "$GUEST_KERNEL" "$GUEST_INITRD"
