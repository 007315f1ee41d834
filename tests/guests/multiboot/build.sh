#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the Multiboot test kernels with the host's compiler: OUT/mb32.elf, OUT/mb64.elf (both
# 32-bit ELF files; the second enters long mode by itself).
#
#   tests/guests/multiboot/build.sh OUT

set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$1
: "${CC:=gcc}"
flags="-std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie
    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only"
mkdir -p "$out"
# shellcheck disable=SC2086 # a list of words
$CC -m32 $flags -Wl,-melf_i386,-T,"$here/kernel.ld",--build-id=none,-z,noexecstack \
    -o "$out/mb32.elf" "$here/start32.S" "$here/kernel.c"
# shellcheck disable=SC2086 # a list of words
$CC -m64 $flags -mno-red-zone \
    -Wl,-T,"$here/kernel.ld",--build-id=none,-z,noexecstack,-z,max-page-size=4096 \
    -o "$out/mb64.elf64" "$here/start64.S" "$here/kernel.c"
objcopy -O elf32-i386 "$out/mb64.elf64" "$out/mb64.elf"
rm "$out/mb64.elf64"
