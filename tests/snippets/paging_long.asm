; SPDX-License-Identifier: LGPL-2.1-or-later
; 4-level paging: U/S, R/W and XD at each level, CR0.WP, reserved bits at each level and their order with rights, pages of 2 MiB and
; 1 GiB, accessed and dirty bits. SDM vol. 3, 4.5, 4.6, 4.7, 4.8.
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%define ALL ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
; A level for each bit of %1, the PML4E's is the highest: those get %2 in their low byte, the others 7.
%macro LOW_BITS 2
    %assign e4 7
    %assign e3 7
    %assign e2 7
    %assign e1 7
    %if (%1) & 8
        %assign e4 %2
    %endif
    %if (%1) & 4
        %assign e3 %2
    %endif
    %if (%1) & 2
        %assign e2 %2
    %endif
    %if (%1) & 1
        %assign e1 %2
    %endif
    ENTRIES ENTRY3 + e4, ENTRY2 + e3, ENTRY1 + e2, PAGE_A + e1
%endmacro
%macro SWEEP 1                  ; low byte; prefix is defined
    %assign k 0
    %rep 16
        LOW_BITS k, %1
        %defstr digits k
        %strcat text prefix, digits
        PROBE text
        %assign k k + 1
    %endrep
%endmacro
; the same bits in one entry: name, level 4-1, bits
%macro ONE 3
    ENTRIES ALL
    push rax
    mov rax, %3
    or [ENTRY%2], rax
    pop rax
    PROBE %1
%endmacro
; with the bit whose number is in R8
%macro PHYS 2
    ENTRIES ALL
    bts qword [ENTRY%2], r8
    PROBE %1
%endmacro
%macro SHOW_BITS 0
    SHOWM "", [ENTRY4], 0x60
    SHOWM "", [ENTRY3], 0x60
    SHOWM "", [ENTRY2], 0x60
    SHOWM "", [ENTRY1], 0x60
%endmacro
START
    call tables_init
%define prefix "U clear "
    SWEEP 3
%define prefix "W clear "
    SWEEP 5
    CR_SET cr0, CR0_WP
%define prefix "W clear, WP "
    SWEEP 5
%define prefix "U and W clear, WP "
    SWEEP 1
%define prefix "not present "
    SWEEP 6
; -- execute-disable ---------------------------------------------------------------------------------------------------------------
    ONE "XD without NXE, PML4E", 4, NX
    ONE "XD without NXE, PDPTE", 3, NX
    ONE "XD without NXE, PDE", 2, NX
    ONE "XD without NXE, PTE", 1, NX
    EFER_BIT bts, NXE
    ONE "XD, PML4E", 4, NX
    ONE "XD, PDPTE", 3, NX
    ONE "XD, PDE", 2, NX
    ONE "XD, PTE", 1, NX
    LOW_BITS 1, 1
    bts qword [ENTRY4], 63
    PROBE "XD and no rights"
    LOW_BITS 1, 6
    bts qword [ENTRY1], 63
    PROBE "XD, not present"
    LOW_BITS 8, 6
    PROBE "not present, with NXE"
; -- reserved bits -----------------------------------------------------------------------------------------------------------------
    ONE "PML4E, bit 7", 4, 0x80
    ONE "PML4E, bit 8", 4, 0x100                    ; Intel's pass it over
    ONE "PML4E, bits that mean nothing", 4, 0x7ff0000000000e58
    ONE "PDPTE, bits that mean nothing", 3, 0x7ff0000000000f58
    ONE "PDE, bits that mean nothing", 2, 0x7ff0000000000f58
    ONE "PTE, bits that mean nothing", 1, 0x7ff0000000000f98
    mov eax, 0x80000008
    cpuid
    movzx r8d, al
    cmp r8d, 52
    jae .phys
    PHYS "PML4E, address", 4
    PHYS "PDPTE, address", 3
    PHYS "PDE, address", 2
    PHYS "PTE, address", 1
    ENTRIES ALL
    bts qword [ENTRY3], r8
    mov byte [ENTRY4], 1
    PROBE "reserved bit below no rights"
    mov byte [ENTRY4], 6
    PROBE "reserved bit below not present"
    mov byte [ENTRY4], 7
    mov byte [ENTRY2], 6
    PROBE "not present below a reserved bit"
    mov byte [ENTRY3], 6
    PROBE "reserved bit, not present"
.phys:
; -- 2 MiB -------------------------------------------------------------------------------------------------------------------------
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87, 0
    PROBE "2M"
    CASE "2M, address"
        mov rbx, LIN
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x1ffffc]
    END
    SHOW "eax", rax
    %macro LARGE2 2
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + (%2), 0
    PROBE %1
    %endmacro
    LARGE2 "2M, read-only", 0x85
    LARGE2 "2M, supervisor", 0x83
    LARGE2 "2M, not present", 0x86
    LARGE2 "2M, XD", 0x87 + NX
    LARGE2 "2M, PAT and bits that mean nothing", 0x7ff0000000001f87
    LARGE2 "2M, bit 13", 0x2087
    LARGE2 "2M, bit 20", 0x100087
    LARGE2 "2M, bits 13-20, not present", 0x1fe086
; -- 1 GiB -------------------------------------------------------------------------------------------------------------------------
    NEED "1G", 0x80000001, 0, edx, 26, .no_1g
    mov rax, LIN + LARGE_A
    mov [probe_lin], rax
    %macro LARGE3 2
    ENTRIES ENTRY3 + 7, %2, 0, 0
    PROBE %1
    %endmacro
    LARGE3 "1G", 0x87
    CASE "1G, address"
        mov rbx, LIN
        mov eax, [rbx + LARGE_B + 0x100]
    END
    SHOW "eax", rax
    LARGE3 "1G, read-only", 0x85
    LARGE3 "1G, supervisor", 0x83
    LARGE3 "1G, not present", 0x86
    LARGE3 "1G, XD", 0x87 + NX
    LARGE3 "1G, PAT and bits that mean nothing", 0x7ff0000000001f87
    LARGE3 "1G, bit 13", 0x2087
    LARGE3 "1G, bit 21", 0x200087
    LARGE3 "1G, bit 29", 0x20000087
    CASE "1G, A"
        ENTRIES ENTRY3 + 7, 0x87, 0, 0
        mov rbx, LIN
        mov eax, [rbx]
    END
    SHOW_BITS
    CASE "1G, D"
        mov [rbx + 0x100000], eax
    END
    SHOW_BITS
    mov rax, LIN
    mov [probe_lin], rax
.no_1g:
; -- accessed, dirty ---------------------------------------------------------------------------------------------------------------
    CASE "A"
        ENTRIES ALL
        mov rbx, LIN
        mov eax, [rbx]
    END
    SHOW_BITS
    CASE "D"
        mov [rbx], eax
    END
    SHOW_BITS
    CASE "A by a fetch"
        ENTRIES ALL
        mov word [PAGE_A + 0xf00], 0xe3ff       ; jmp ebx
        mov rax, LIN + 0xf00
        mov ebx, .back
        jmp rax
.back:
    END
    SHOW_BITS
    CASE "A, D by level 3"
        ENTRIES ALL
        mov rbx, LIN
        LEVEL3 0, USER_PAGE + probe_user_write - probe_user
    END
    SHOW_BITS
    CASE "2M, A"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87, 0
        mov rbx, LIN
        mov al, [rbx + 0x1fffff]
    END
    SHOW_BITS
    CASE "2M, D"
        xchg [rbx + 0x1000], eax
    END
    SHOW_BITS
    CASE "no D by a write that faults"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 5, PAGE_A + 7
        mov rbx, LIN
        mov [rbx], eax
    END
    SHOWM "pte", [ENTRY1], 0x40
    CASE "D by a write, WP clear"
        CR_CLEAR cr0, CR0_WP
        ENTRIES ENTRY3 + 5, ENTRY2 + 5, ENTRY1 + 5, PAGE_A + 5
        mov rbx, LIN
        mov [rbx], eax
    END
    SHOW_BITS
    CASE "A by a table of one's own"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, ENTRY1 + 7
        mov rbx, LIN
        mov rax, [rbx]
    END
    SHOWM "", rax, 0x60
    CASE "D by a table of one's own"
        or byte [rbx + 8], 0x80
        mov rax, [rbx]
    END
    SHOWM "", rax, 0x60
; -- upper half, tables used twice -------------------------------------------------------------------------------------------------
    CASE "recursive table"
        ENTRIES 0x11000 + 7, 0, 0, 0
        mov rbx, LIN + (1 << 30) + (1 << 21) + (1 << 12)
        mov rax, [rbx + 8]
    END
    SHOWM "", rax, ~0x60
    CASE "upper half"
        mov qword [0x11000 + 511 * 8], ENTRY3 + 7
        ENTRIES 0, ENTRY2 + 7, ENTRY1 + 7, PAGE_B + 7
        mov rbx, 0xffffff8000000100
        mov eax, [rbx]
    END
    SHOW "rax", rax
    CASE "last byte of all"
        mov al, [0xffffffffffffffff]
    END
    SHOW "cr2", [x_cr2]
    CASE "word over the end"
        mov qword [0x20000 + 511 * 8], ENTRY2 + 7
        mov qword [0x21000 + 511 * 8], ENTRY1 + 7
        mov qword [0x22000 + 511 * 8], PAGE_B + 7
        mov ax, [0xffffffffffffffff]
    END
    FINISH
PAGING_DATA
SNIP_DATA
