/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entry of the Multiboot 1 test kernel that enters long mode by itself: the loader hands over in
 * 32-bit protected mode (Multiboot Specification 0.6.96, section 3.2); this maps the first 4 GiB
 * onto itself with 2 MiB pages, switches on PAE, EFER.LME and paging, and goes on in 64-bit code
 * (AMD64 Architecture Programmer's Manual, volume 2, section 14.6).
 */
#include "header.inc"

        .section .text
        .code32
        .globl  _start
_start:
        movl    $stack_top, %esp
        cld
        SAVE_ENTRY_STATE
        movl    %eax, %esi
        movl    %ebx, %edi

        /* Level 4 and level 3: one entry, then four. */
        movl    $pdpt + 3, pml4
        movl    $page_directories + 3, %eax
        movl    $pdpt, %edx
        movl    $4, %ecx
1:      movl    %eax, (%edx)
        addl    $4096, %eax
        addl    $8, %edx
        loop    1b

        /* 2048 pages of 2 MiB: present, writable, large. */
        movl    $0x83, %eax
        movl    $page_directories, %edx
        movl    $2048, %ecx
2:      movl    %eax, (%edx)
        addl    $0x200000, %eax
        addl    $8, %edx
        loop    2b

        movl    %cr4, %eax
        orl     $0x20, %eax
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0xC0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        movl    $16, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        movl    $stack_top, %esp
        movl    %esi, %eax
        movl    %edi, %esi
        movl    %eax, %edi
        call    mb_main
3:      cli
        hlt
        jmp     3b

        .section .rodata
        .balign 8
gdt:
        .quad   0
        .quad   0x00209A0000000000
        .quad   0x0000920000000000
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

        .section .bss
        .balign 4096
pml4:
        .skip   4096
pdpt:
        .skip   4096
page_directories:
        .skip   4 * 4096
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
