#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's amd64 kernel on a chipset ($1), its display behind two bridges.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux amd64
exec python3 "$here/chipset.py" "$1" "$GUEST_KERNEL" "$GUEST_INITRD"
