#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make run: boots Debian's amd64 kernel with a busybox shell in this terminal.
#
#   tests/guests/run.sh [BUILD] [OPTION OF viv run]...

set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 0 ]; then
    VIV_BUILD_DIR=$(cd "$1" && pwd)
    export VIV_BUILD_DIR
    shift
fi
# shellcheck source=/dev/null
. "$here/lib.sh"

need_linux amd64
echo "Ctrl-A x leaves; poweroff inside ends the machine."
exec "$VIV_BUILD_DIR/bin/viv" run --kernel "$GUEST_KERNEL" --initrd "$GUEST_INITRD" \
    --append "console=ttyS0 quiet" "$@"
