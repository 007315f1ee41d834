/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entry of the 32-bit Multiboot 1 test kernel (Multiboot Specification 0.6.96, sections 3.1, 3.2):
 * keeps the state that the loader promises for the C part to look at, and goes there.
 */
#include "header.inc"

        .section .text
        .code32
        .globl  _start
_start:
        movl    %esp, saved_esp
        movl    $stack_top, %esp
        cld
        SAVE_ENTRY_STATE
        pushl   %ebx
        pushl   %eax
        call    mb_main
1:      cli
        hlt
        jmp     1b

        .section .bss
saved_esp:
        .skip   4
        .balign 16
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
