; SPDX-License-Identifier: LGPL-2.1-or-later
; What must be gone from the TLBs and the paging-structure caches after INVLPG, MOV CR3 and CR4.PGE: pages of all sizes, global ones,
; upper entries, code, tables of the processor; and rights that change with CR0.WP and EFER.NXE. SDM vol. 3, 4.10.
%define HOME 64
%include "snip.inc"
%include "paging.inc"
TABLE_B equ 0x2a000             ; a page table whose first page is B
PD_B    equ 0x2b000
PDPT_B  equ 0x2c000
PML4_B  equ 0x2d000
CODE_A  equ 0x32000
CODE_B  equ 0x33000
CODE_C  equ 0x34000
CODE_D  equ 0x35000
%define A4K ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
%macro NEW 2                    ; an entry of the tables, its value: not flushed
    mov rax, %2
    mov [%1], rax
%endmacro
; the three dwords at RBX, all known by then
%macro KNOW 0
    mov rbx, LIN
    mov eax, [rbx + 0x100]
    mov eax, [rbx + 0x5100]
    mov eax, [rbx + 0x1ff100]
%endmacro
%macro LOOK 0
        mov rbx, LIN
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x5100]
        mov edx, [rbx + 0x1ff100]
%endmacro
%macro SHOW3 0
    SHOW "", rax
    SHOW "", rcx
    SHOW "", rdx
%endmacro
%macro PGE_TWICE 0
        CR_CLEAR cr4, CR4_PGE
        CR_SET cr4, CR4_PGE
%endmacro
; runs the code at LIN + 400h, which puts A or B into AL
%macro RUN 0
        mov rax, LIN + 0x400
        mov ebx, %%back
        jmp rax
%%back:
%endmacro
START
    call tables_init
    cld
    mov edi, TABLE_B
    mov ecx, 0x4000 / 4
    xor eax, eax
    rep stosd
    mov dword [TABLE_B], PAGE_B + 7
    mov dword [PD_B], TABLE_B + 7
    mov dword [PDPT_B], PD_B + 7
    mov rax, [0x11000]
    mov [PML4_B], rax
    mov dword [PML4_B + 8], PDPT_B + 7
    mov eax, 0xaaaaaaaa
    mov [LARGE_A + 0x5100], eax
    mov [LARGE_A + 0x1ff100], eax
    mov eax, 0xbbbbbbbb
    mov [LARGE_B + 0x5100], eax
    mov [LARGE_B + 0x1ff100], eax
    mov eax, 0xe3ff0ab0         ; mov al, 0Ah; jmp ebx
    mov [PAGE_A + 0x400], eax
    mov [LARGE_A + 0x400], eax
    mov eax, 0xe3ff0bb0
    mov [PAGE_B + 0x400], eax
    mov [LARGE_B + 0x400], eax
    CR_SET cr4, CR4_PGE
; -- pages of 2 MiB and 1 GiB --------------------------------------------------------------------------------------------------------
    %macro LARGE 1              ; bits beside 87h
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87 + (%1), 0
    invlpg [rbx]
    KNOW
    NEW ENTRY2, LARGE_B + 0x87 + (%1)
    %endmacro
    mov rbx, LIN
    LARGE 0
    CASE "2M, INVLPG at its start"
        invlpg [rbx]
        LOOK
    END
    SHOW3
    LARGE 0
    CASE "2M, INVLPG in its middle"
        invlpg [rbx + 0x123456]
        LOOK
    END
    SHOW3
    LARGE 0
    CASE "2M, MOV CR3"
        FLUSH
        LOOK
    END
    SHOW3
    LARGE 0x100
    CASE "2M global, INVLPG"
        invlpg [rbx + 0x1fffff]
        LOOK
    END
    SHOW3
    LARGE 0x100
    CASE "2M global, CR4.PGE"
        PGE_TWICE
        LOOK
    END
    SHOW3
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87, 0
    KNOW
    NEW ENTRY1, PAGE_B + 7
    NEW ENTRY2, ENTRY1 + 7
    CASE "2M becomes 4K, INVLPG"
        invlpg [rbx + 0x100000]
        mov eax, [rbx + 0x100]
    END
    SHOW "", rax
    CASE "the rest of it is not there"
        mov eax, [rbx + 0x5100]
    END
    SHOW "cr2", [x_cr2]
    ENTRIES A4K
    mov eax, [rbx + 0x100]
    NEW ENTRY2, LARGE_B + 0x87
    CASE "4K becomes 2M, INVLPG"
        invlpg [rbx]
        LOOK
    END
    SHOW3
    NEED "1G", 0x80000001, 0, edx, 26, .no_1g
    %macro HUGE 1
    ENTRIES ENTRY3 + 7, 0x87 + (%1), LARGE_B + 0x87, 0
    mov rbx, LIN + LARGE_A
    invlpg [rbx]
    mov rbx, LIN + LARGE_A
    mov eax, [rbx + 0x100]
    mov eax, [rbx + 0x5100]
    NEW ENTRY2 + LARGE_A / 0x200000 * 8, LARGE_B + 0x87
    NEW ENTRY3, ENTRY2 + 7
    %endmacro
    HUGE 0
    CASE "1G becomes 2M, INVLPG far away"
        mov rcx, LIN + 0x3ffff000
        invlpg [rcx]
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x5100]
    END
    SHOW "", rax
    SHOW "", rcx
    HUGE 0
    CASE "1G becomes 2M, MOV CR3"
        FLUSH
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x5100]
    END
    SHOW "", rax
    SHOW "", rcx
    HUGE 0x100
    CASE "1G becomes 2M, global, CR4.PGE"
        PGE_TWICE
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x5100]
    END
    SHOW "", rax
    SHOW "", rcx
.no_1g:
; -- upper entries -------------------------------------------------------------------------------------------------------------------
    %macro UPPER 3              ; name, entry, value
    mov qword [ENTRY2 + LARGE_A / 0x200000 * 8], 0
    ENTRIES A4K
    mov rbx, LIN
    mov eax, [rbx + 0x100]
    mov qword [ENTRY1 + 8], PAGE_A + 7
    mov qword [TABLE_B + 8], PAGE_B + 7
    NEW %2, %3
    CASE %1
        invlpg [rbx]
        mov eax, [rbx + 0x100]
        mov ecx, [rbx + 0x1100]
    END
    SHOW "", rax
    SHOW "", rcx
    %endmacro
    UPPER "PDE, INVLPG", ENTRY2, TABLE_B + 7
    UPPER "PDPTE, INVLPG", ENTRY3, PD_B + 7
    UPPER "PML4E, INVLPG", ENTRY4, PDPT_B + 7
    CASE "INVLPG of any page drops upper entries"
        ENTRIES A4K
        mov eax, [rbx + 0x100]
        NEW ENTRY2, TABLE_B + 7
        invlpg [0x5000]
        mov ecx, [rbx + 0x1100]
    END
    SHOW "", rcx
    CASE "PML4E not present, INVLPG"
        ENTRIES A4K
        mov eax, [rbx + 0x100]
        NEW ENTRY4, 0
        invlpg [rbx]
        mov eax, [rbx + 0x100]
    END
    CASE "other tables by MOV CR3"
        ENTRIES A4K
        mov eax, [rbx + 0x100]
        mov edx, PML4_B
        mov cr3, rdx
        mov ecx, [rbx + 0x100]
        mov edx, 0x11000
        mov cr3, rdx
        mov edx, [rbx + 0x100]
    END
    SHOW3
    CASE "fewer rights of the PML4E, INVLPG"
        ENTRIES A4K
        CR_SET cr0, CR0_WP
        mov [rbx], eax
        NEW ENTRY4, ENTRY3 + 5
        invlpg [rbx]
        mov [rbx], eax
    END
    CR_CLEAR cr0, CR0_WP
; -- other accesses ------------------------------------------------------------------------------------------------------------------
    %macro REMAP 0
    ENTRIES A4K
    mov rbx, LIN
    mov eax, [rbx + 0x100]
    mov [rbx + 0x104], eax
    NEW ENTRY1, PAGE_B + 7
    %endmacro
    REMAP
    CASE "INVLPG by FS base"
        mov rax, LIN
        mov rdx, rax
        shr rdx, 32
        mov ecx, 0xc0000100
        wrmsr
        invlpg [fs:0x800]
        mov eax, [rbx + 0x100]
    END
    SHOW "", rax
    REMAP
    CASE "store behind INVLPG"
        mov dword [PAGE_A + 0x200], 0
        mov dword [PAGE_B + 0x200], 0
        invlpg [rbx]
        mov dword [rbx + 0x200], 1
        lock add dword [rbx + 0x200], 2
    END
    SHOWM "a", [PAGE_A + 0x200], 0xffff
    SHOWM "b", [PAGE_B + 0x200], 0xffff
    REMAP
    CASE "stack behind INVLPG"
        invlpg [rbx]
        lea rsp, [rbx + 0x100]
        pop rax
        mov rsp, [x_home_sp]
    END
    SHOWM "", rax, 0xffff
    REMAP
    CASE "REP MOVS behind INVLPG"
        invlpg [rbx]
        lea rsi, [rbx + 0x100]
        mov edi, 0x40000
        mov ecx, 4
        rep movsb
    END
    SHOWM "", [0x40000], 0xffff
    REMAP
    CASE "MOVUPS behind MOV CR3"
        CR_SET cr4, 0x200
        FLUSH
        movups xmm0, [rbx + 0x100]
        movd eax, xmm0
    END
    SHOW "", rax
    mov dword [PAGE_A + 0x300], 0x0000ffff
    mov dword [PAGE_A + 0x304], 0x00cff300
    mov dword [PAGE_B + 0x300], 0x0000ffff
    mov dword [PAGE_B + 0x304], 0x00cfb300
    ENTRIES A4K
    SETDESC SPARE, 0, 0xfff, 0x82, 0
    mov rax, LIN
    shr rax, 32
    mov [gdt + SPARE + 8], rax
    mov eax, SPARE
    lldt ax
    CASE "LDT behind INVLPG"
        mov ecx, 0x304
        lar eax, cx
        NEW ENTRY1, PAGE_B + 7
        invlpg [rbx]
        lar eax, cx
    END
    SHOWM "", rax, 0xf0ff00
; -- code ----------------------------------------------------------------------------------------------------------------------------
    %macro CODE 0
    ENTRIES A4K
    RUN
    RUN
    NEW ENTRY1, PAGE_B + 7
    %endmacro
    CODE
    CASE "code, INVLPG"
        mov rbx, LIN
        invlpg [rbx]
        RUN
    END
    SHOWM "", rax, 0xff
    CODE
    CASE "code, MOV CR3"
        FLUSH
        RUN
    END
    SHOWM "", rax, 0xff
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x187, 0
    RUN
    NEW ENTRY2, LARGE_B + 0x187
    CASE "code, 2M global, INVLPG"
        mov rbx, LIN + 0x100000
        invlpg [rbx]
        RUN
    END
    SHOWM "", rax, 0xff
    NEW ENTRY2, LARGE_A + 0x187
    CASE "code, 2M global, CR4.PGE"
        PGE_TWICE
        RUN
    END
    SHOWM "", rax, 0xff
    mov rbx, LIN
    invlpg [rbx]
    CODE
    CASE "code, other tables by MOV CR3"
        mov eax, PML4_B
        mov cr3, rax
        RUN
        mov r8d, eax
        NEW ENTRY1, PAGE_A + 7
        mov eax, 0x11000
        mov cr3, rax
        RUN
    END
    SHOWM "", r8, 0xff
    SHOWM "", rax, 0xff
    CASE "code under its own feet"
        ; both pages: mov [ecx], edx; invlpg [eax]; then A has UD2, B goes back
        mov dword [PAGE_A + 0x500], 0x010f1189
        mov byte [PAGE_A + 0x504], 0x38
        mov word [PAGE_A + 0x505], 0x0b0f
        mov dword [PAGE_B + 0x500], 0x010f1189
        mov byte [PAGE_B + 0x504], 0x38
        mov dword [PAGE_B + 0x505], 0xe3ff0bb0
        ENTRIES A4K
        mov ecx, ENTRY1
        mov edx, PAGE_B + 7
        mov ebx, .feet
        mov rax, LIN + 0x500
        jmp rax
.feet:
    END
    SHOWM "", rax, 0xff
    ; -- more than one page
    %macro SPREAD 2             ; the entry of LIN + 1000h, of LIN + 2000h
    ENTRIES A4K
    mov qword [ENTRY1 + 8], (%1) + 7
    mov qword [ENTRY1 + 16], (%2) + 7
    FLUSH
    %endmacro
    %macro RUN_AT 1
        mov rax, LIN + (%1)
        mov ebx, %%back
        jmp rax
%%back:
    %endmacro
    mov byte [PAGE_A + 0xfff], 0xb0             ; mov al, imm8 across, jmp ebx
    mov dword [CODE_A], 0x00e3ff0a
    mov dword [CODE_B], 0x00e3ff0b
    mov byte [PAGE_A + 0x600], 0xe9             ; jmp LIN + 1400h
    mov dword [PAGE_A + 0x601], 0x1400 - 0x605
    mov dword [CODE_A + 0x400], 0xe3ff0ab0
    mov dword [CODE_B + 0x400], 0xe3ff0bb0
    mov dword [CODE_A + 0xffc], 0x90909090      ; falls into LIN + 2000h
    mov dword [CODE_C], 0xe3ff0ab0
    mov dword [CODE_D], 0xe3ff0bb0
    mov dword [PAGE_A + 0x700], 0x0ab0d1ff      ; call ecx; mov al, 0Ah; jmp ebx
    mov word [PAGE_A + 0x704], 0xe3ff
    mov dword [PAGE_B + 0x700], 0x0bb0d1ff
    mov word [PAGE_B + 0x704], 0xe3ff
    %macro SECOND_PAGE 4        ; name, offset, entry, its new page
    SPREAD CODE_A, CODE_C
    RUN_AT %2
    RUN_AT %2
    mov qword [%3], (%4) + 7
    CASE %1
        mov rcx, LIN + (%3 - ENTRY1) / 8 * 0x1000
        invlpg [rcx]
        RUN_AT %2
    END
    SHOWM "", rax, 0xff
    %endmacro
    SECOND_PAGE "instruction across pages, INVLPG of the second one", 0xfff, ENTRY1 + 8, CODE_B
    SECOND_PAGE "jump to another page, INVLPG of that", 0x600, ENTRY1 + 8, CODE_B
    SECOND_PAGE "code that goes on in the next page, INVLPG of that", 0x1ffc, ENTRY1 + 16, CODE_D
    CASE "return to a page that has changed, INVLPG"
        SPREAD CODE_A, CODE_C
        mov ecx, .first
        RUN_AT 0x700
        mov ecx, .callee
        RUN_AT 0x700
        jmp .returned
.callee:
        mov dword [ENTRY1], PAGE_B + 7
        mov rcx, LIN
        invlpg [rcx]
.first:
        ret
.returned:
    END
    SHOWM "", rax, 0xff
    CASE "return to a page that has gone, INVLPG"
        SPREAD CODE_A, CODE_C
        mov ecx, .gone
        RUN_AT 0x700
.gone:
        mov dword [ENTRY1], PAGE_B + 6
        mov rcx, LIN
        invlpg [rcx]
        ret
    END
    SHOW "cr2", [x_cr2]
    CASE "instruction across pages, the second one has gone"
        SPREAD CODE_A, CODE_C
        RUN_AT 0xfff
        mov dword [ENTRY1 + 8], 0
        mov rcx, LIN + 0x1000
        invlpg [rcx]
        RUN_AT 0xfff
    END
    SHOW "cr2", [x_cr2]
    SHOW "ip", [x_ip]
    CASE "two addresses of a page, a store by one of them"
        SPREAD PAGE_A, CODE_C
        RUN_AT 0x400
        mov r8d, eax
        mov rcx, LIN + 0x1401
        mov byte [rcx], 0x0c
        RUN_AT 0x400
        mov byte [rcx], 0x0a
    END
    SHOWM "", r8, 0xff
    SHOWM "", rax, 0xff
    CASE "the page across has no rights for level 3"
        SPREAD CODE_A, CODE_C
        RUN_AT 0xfff
        mov byte [ENTRY1 + 8], 3
        mov rcx, LIN + 0x1000
        invlpg [rcx]
        mov rax, LIN + 0xfff
        LEVEL3 0, rax
    END
    SHOW "cr2", [x_cr2]
    CASE "code of level 3"
        ENTRIES A4K
        mov rax, LIN + 0x800
        LEVEL3 0, rax
    END
    CASE "code, supervisor now, INVLPG"
        NEW ENTRY1, PAGE_A + 3
        mov rbx, LIN
        invlpg [rbx]
        lea rax, [rbx + 0x800]
        LEVEL3 0, rax
    END
    SHOW "cr2", [x_cr2]
    EFER_BIT bts, NXE
    CASE "code, XD now, INVLPG"
        ENTRIES A4K
        RUN
        NEW ENTRY1, PAGE_A + 7 + NX
        mov rbx, LIN
        invlpg [rbx]
        RUN
    END
    SHOW "cr2", [x_cr2]
    CASE "code, not XD any more"
        NEW ENTRY1, PAGE_A + 7
        RUN                             ; the fault has dropped it
    END
    SHOWM "", rax, 0xff
    CASE "XD, NXE off and MOV CR3"
        NEW ENTRY1, PAGE_A + 7 + NX
        mov rbx, LIN
        invlpg [rbx]
        mov eax, [rbx]
        EFER_BIT btr, NXE
        FLUSH
        mov eax, [rbx]
    END
; -- CR0.WP, accessed and dirty bits -------------------------------------------------------------------------------------------------
    CASE "WP on"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 5
        mov rbx, LIN
        mov [rbx], eax
        CR_SET cr0, CR0_WP
        mov [rbx], eax
    END
    CASE "WP off"
        CR_CLEAR cr0, CR0_WP
        mov [rbx], eax
    END
    CASE "A again, INVLPG"
        ENTRIES A4K
        mov eax, [rbx]
        NEW ENTRY1, PAGE_A + 7
        invlpg [rbx]
        mov eax, [rbx]
    END
    SHOWM "", [ENTRY1], 0x60
    CASE "D again, INVLPG"
        mov [rbx], eax
        and byte [ENTRY1], ~0x40
        invlpg [rbx]
        mov [rbx], eax
    END
    SHOWM "", [ENTRY1], 0x60
    CASE "D again, 2M, MOV CR3"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87, 0
        mov [rbx], eax
        and byte [ENTRY2], 0xff - 0x60
        FLUSH
        mov [rbx + 0x1000], eax
    END
    SHOWM "", [ENTRY2], 0x60
    CASE "A again by code, INVLPG"
        ENTRIES A4K
        RUN
        NEW ENTRY1, PAGE_A + 7
        mov rbx, LIN
        invlpg [rbx]
        RUN
    END
    SHOWM "", [ENTRY1], 0x60
    FINISH
PAGING_DATA
SNIP_DATA
