#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Multiboot 1 kernels of our own, 32-bit and long mode, built here and started without firmware.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
need_program python3 "${CC:-gcc}" objcopy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/multiboot/build.sh" "$work"
python3 "$here/multiboot_kernel.py" "$work/mb32.elf" "$work/mb64.elf"
