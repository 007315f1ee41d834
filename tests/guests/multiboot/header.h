/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Multiboot 1 header and the record of the machine state at entry, for both start files.
 * Flags: modules on page boundaries (bit 0), memory information wanted (bit 1).
 */
#define MB_HEADER_MAGIC 0x1BADB002
#define MB_HEADER_FLAGS 0x00000003

        .section .multiboot, "a"
        .balign 4
        .long   MB_HEADER_MAGIC
        .long   MB_HEADER_FLAGS
        .long   -(MB_HEADER_MAGIC + MB_HEADER_FLAGS)

/* Stores CR0, EFLAGS and the selectors; leaves EAX and EBX. */
        .macro  SAVE_ENTRY_STATE
        movl    %cr0, %ecx
        movl    %ecx, mb_entry_state
        pushfl
        popl    mb_entry_state + 4
        movw    %cs, mb_entry_state + 8
        movw    %ds, mb_entry_state + 10
        movw    %es, mb_entry_state + 12
        movw    %ss, mb_entry_state + 14
        .endm
