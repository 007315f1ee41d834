; SPDX-License-Identifier: LGPL-2.1-or-later
; SMEP, SMAP with EFLAGS.AC, CLAC and STAC, what counts as an implicit access of the supervisor, and all of that with CR0.WP.
; SDM vol. 3, 4.6; vol. 2, CLAC, STAC.
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%define LEVEL3_CODE
%define USER ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
AC equ 0x40000
SMAP_LDT equ 0x48
%macro PAGES 0
    ENTRIES USER
    %strcat text prefix, "user page"
    PROBE text
    mov byte [ENTRY1], 5
    %strcat text prefix, "read-only user page"
    PROBE text
    ENTRIES ENTRY3 + 3, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
    %strcat text prefix, "supervisor by the PML4E"
    PROBE text
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 5, PAGE_A + 3
    %strcat text prefix, "supervisor by the PTE, read-only by the PDE"
    PROBE text
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87, 0
    %strcat text prefix, "2M user page"
    PROBE text
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 6, PAGE_A + 7
    %strcat text prefix, "not present"
    PROBE text
    ENTRIES USER
    bts qword [ENTRY2], 7
    bts qword [ENTRY2], 13
    %strcat text prefix, "reserved bit"
    PROBE text
    ENTRIES USER
%endmacro
%macro SETFL 1
    push %1
    popfq
%endmacro
START
    call tables_init
    NEED "smep", 7, 0, ebx, 7, .no_smep
    CR_SET cr4, CR4_SMEP
%define prefix "smep, "
    PAGES
    EFER_BIT bts, NXE
%define prefix "smep and NXE, "
    PAGES
    EFER_BIT btr, NXE
    CASE "smep, at once"
        mov eax, LIN >> 32
        shl rax, 32
        CR_CLEAR cr4, CR4_SMEP
        mov word [PAGE_A + 0xf00], 0xe3ff       ; jmp ebx
        mov ebx, .back
        add rax, 0xf00
        jmp rax
.back:
        CR_SET cr4, CR4_SMEP
        jmp rax
    END
    SHOW "cr2", [x_cr2]
    CR_CLEAR cr4, CR4_SMEP
.no_smep:
    NEED "smap", 7, 0, ebx, 20, .no_smap
    CASE "smap, STAC without CR4.SMAP"
        stac
        pushfq
        pop rax
    END
    SHOWM "", rax, AC
    CASE "smap, CLAC without CR4.SMAP"
        clac
        pushfq
        pop rax
    END
    SHOWM "", rax, AC
    CR_SET cr4, CR4_SMAP
%define prefix "smap, "
    PAGES
    mov dword [probe_fl], AC | 2
%define prefix "smap, AC, "
    PAGES
    CR_SET cr0, CR0_WP
%define prefix "smap, AC, WP, "
    PAGES
    mov dword [probe_fl], 2
%define prefix "smap, WP, "
    PAGES
    CR_CLEAR cr0, CR0_WP
    CASE "smap, STAC"
        mov rbx, LIN
        stac
        mov eax, [rbx + 0x100]
        clac
        mov ecx, [rbx + 0x104]
    END
    SHOW "eax", rax
    SHOWM "fl", [x_fl], AC
    SETFL 2
    CASE "smap, POPF"
        mov rbx, LIN
        SETFL AC | 2
        mov eax, [rbx + 0x100]
        SETFL 2
        mov ecx, [rbx + 0x104]
    END
    SETFL 2
    CASE "smap, an exception leaves AC"
        mov rbx, LIN
        stac
        ud2
    END
    SHOWM "fl", [x_fl], AC
    CASE "smap, in the handler"
        mov eax, [rbx + 0x100]
    END
    SETFL 2
    CASE "smap, INVLPG, PREFETCH, LEA"
        mov rbx, LIN
        invlpg [rbx]
        prefetcht0 [rbx]
        lea rax, [rbx]
    END
    CASE "smap, read-modify-write"
        mov rbx, LIN
        add [rbx], eax
    END
    CASE "smap, MOVS"
        mov rsi, LIN
        mov edi, 0x40000
        movsb
    END
    CASE "smap, stack"
        mov rsp, LIN + 0x800
        pop rax
        ud2
    END
    CASE "smap, SGDT"
        mov rbx, LIN
        sgdt [rbx + 0x200]
    END
    CASE "smap, LGDT"
        stac
        sgdt [rbx + 0x200]
        clac
        lgdt [rbx + 0x200]
    END
    SETFL 2
    CASE "smap, LGDT with AC"
        stac
        lgdt [rbx + 0x200]
    END
    SETFL 2
    CASE "smap, CLFLUSH"
        mov rbx, LIN
        clflush [rbx]
    END
    CASE "smap, level 3 reads"
        mov rbx, LIN
        LEVEL3 0, USER_PAGE
    END
    CASE "smap, STAC at level 3"
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "smap, CLAC at level 3"
        LEVEL3 AC, USER_PAGE + 0x210
    END
    SETFL 2
    CASE "smap, LOCK STAC"
        db 0xf0
        stac
    END
    CASE "smap, REP STAC"
        db 0xf3
        stac
    END
    SETFL 2
; -- implicit accesses: the LDT and the I/O map lie in user pages --------------------------------------------------------------------
    mov rax, 0x00cff3000000ffff     ; flat data, DPL 3
    mov [PAGE_A + 0x400], rax
    mov rax, 0x00cff2000000ffff     ; the same, not accessed
    mov [PAGE_A + 0x408], rax
    SETDESC SMAP_LDT, 0, 0xfff, 0x82, 0
    mov rax, LIN
    shr rax, 32
    mov [gdt + SMAP_LDT + 8], rax   ; base: LIN
    mov eax, SMAP_LDT
    lldt ax
    CASE "smap, segment load from the LDT"
        mov eax, 0x407
        mov es, ax
    END
    SHOW "cr2", [x_cr2]
    CASE "smap, segment load from the LDT with AC"
        stac
        mov eax, 0x407
        mov es, ax
    END
    SETFL 2
    CASE "smap, LAR from the LDT with AC"
        stac
        mov eax, 0x407
        lar ebx, ax
    END
    SETFL 2
    CASE "smap, segment load from the LDT by level 3"
        LEVEL3 0, USER_PAGE + 0x220
    END
    CASE "smap, segment load from the LDT by level 3 with AC"
        LEVEL3 AC, USER_PAGE + 0x220
    END
    SETFL 2
    CASE "smap, VERR by level 3 with AC"
        LEVEL3 AC, USER_PAGE + 0x230
    END
    SETFL 2
    CR_SET cr0, CR0_WP
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 1
    CASE "smap, WP, the LDT in a read-only supervisor page, accessed"
        LEVEL3 0, USER_PAGE + 0x220
    END
    CASE "smap, WP, the LDT in a read-only supervisor page, not accessed"
        LEVEL3 0, USER_PAGE + 0x240
    END
    CR_CLEAR cr0, CR0_WP
    CASE "smap, the LDT in a read-only supervisor page, not accessed"
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 1
        LEVEL3 0, USER_PAGE + 0x240
    END
    SHOW "", [PAGE_A + 0x408]
    ENTRIES USER
    ; a TSS at LIN + 1000h in a supervisor page, whose I/O map is in the user page behind it
    mov qword [0x22000 + 8], 0x3b000 + 3
    mov edi, 0x3b000
    mov ecx, 0x400
    xor eax, eax
    rep stosd
    mov dword [0x3b004], RING0_TOP
    mov dword [0x3b024], IST1_TOP
    mov word [0x3b066], 0x1000
    mov rax, LIN + 0x1000
    mov qword [0x22000 + 16], PAGE_A + 7
    SETDESC 0x58, 0x1000, 0x17ff, 0x89, 0
    shr rax, 32
    mov [gdt + 0x60], rax
    mov eax, 0x58
    ltr ax
    CASE "smap, I/O map by level 3"
        LEVEL3 0, USER_PAGE + 0x250
    END
    SHOW "cr2", [x_cr2]
    CASE "smap, I/O map by level 3 with AC"
        LEVEL3 AC, USER_PAGE + 0x250
    END
    SETFL 2
    CR_CLEAR cr4, CR4_SMAP
    CASE "smap, off, I/O map by level 3"
        LEVEL3 0, USER_PAGE + 0x250
    END
    CASE "smap, off, segment load from the LDT by level 3"
        LEVEL3 0, USER_PAGE + 0x220
    END
.no_smap:
    FINISH
PAGING_DATA
USER_CODE
    stac
    ud2
align 16, nop
    clac
    ud2
align 16, nop
    mov eax, 0x407
    mov es, ax
    ud2
align 16, nop
    mov eax, 0x407
    verr ax
    ud2
align 16, nop
    mov eax, 0x40f
    mov es, ax
    ud2
align 16, nop
    xor edx, edx
    in al, dx
    ud2
align 16, nop
USER_CODE_END
SNIP_DATA
