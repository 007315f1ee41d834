#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# iPXE from CD-ROM to its prompt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_guest ipxe
python3 "$here/ipxe.py" "$VIV_GUESTS_DIR/ipxe/ipxe.iso"
