#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Serial ports on stdio, a file, a pseudo-terminal and a socket, under Debian's cloud kernel.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux cloud
exec python3 "$here/serial_kinds.py" "$GUEST_KERNEL" "$GUEST_INITRD"
