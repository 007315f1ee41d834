#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Linux boot saved in the middle and loaded in new processes, compared with an unbroken run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3
need_linux cloud
exec python3 "$here/save_load.py" "$GUEST_KERNEL" "$GUEST_INITRD"
