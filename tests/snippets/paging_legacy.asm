; SPDX-License-Identifier: LGPL-2.1-or-later
; 32-bit paging: rights of both levels and CR0.WP, error codes and CR2, 4 MiB pages (PSE, PSE-36) and their reserved bits, accessed
; and dirty bits, global pages and INVLPG. SDM vol. 3, 4.3, 4.6, 4.7, 4.8, 4.10.
%define HOME 32
%include "snip.inc"
%include "paging.inc"
%define PT ENTRY1
%macro RIGHTS 2                 ; PDE, PTE
    ENTRIES32 PT + (%1), PAGE_A + (%2)
    %defstr digits %1%2
    %strcat text prefix, digits
    PROBE text
%endmacro
%macro ALL_RIGHTS 0
    %assign a 1
    %rep 4
        %assign b 1
        %rep 4
            RIGHTS a, b
            %assign b b + 2
        %endrep
        %assign a a + 2
    %endrep
%endmacro
%macro SHOW_BITS 0              ; accessed, dirty of both entries
    SHOWM "pde", [ENTRY2L], 0x60
    SHOWM "pte", [ENTRY1], 0x60
%endmacro
START
    call tables_init
    mov eax, LEGACY_PD
    mov cr3, eax
    CR_SET cr0, CR0_PG
%define prefix "rights "
    ALL_RIGHTS
    CR_SET cr0, CR0_WP
%define prefix "rights, WP "
    ALL_RIGHTS
    ENTRIES32 PT + 6, PAGE_A + 7
    PROBE "PDE not present"
    ENTRIES32 PT + 7, PAGE_A + 6
    PROBE "PTE not present"
    ENTRIES32 PT + 1, PAGE_A + 6
    PROBE "PTE not present, PDE without rights"
    ENTRIES32 PT + 7, 0xfffffffe
    PROBE "PTE all ones but P"
    ENTRIES32 PT + 0xe7f, PAGE_A + 0xeff
    PROBE "bits that mean nothing"
; -- 4 MiB pages -------------------------------------------------------------------------------------------------------------------
    ENTRIES32 PT + 0x87, PAGE_A + 7
    PROBE "PS without PSE is nothing"
    CASE "it is a table"
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    CR_SET cr4, CR4_PSE
    ENTRIES32 LARGE_A + 0x87, 0
    PROBE "PS with PSE"
    CASE "it is a page"
        mov eax, [LIN + 0x100]
        mov ebx, [LIN + 0x31100]
        mov ecx, [LIN + 0x3ffffc]
    END
    SHOW "eax", eax
    ENTRIES32 LARGE_A + 0x81, 0
    PROBE "4M, rights 1"
    ENTRIES32 LARGE_A + 0x83, 0
    PROBE "4M, rights 3"
    ENTRIES32 LARGE_A + 0x85, 0
    PROBE "4M, rights 5"
    ENTRIES32 LARGE_A + 0x86, 0
    PROBE "4M, not present"
    ENTRIES32 LARGE_A + 0x1e87, 0
    PROBE "4M, bits that mean nothing and PAT"
    ENTRIES32 LARGE_A + 0x200087, 0
    PROBE "4M, reserved bit 21"
    ENTRIES32 LARGE_A + 0x200080, 0
    PROBE "4M, reserved bit 21, not present"
    ENTRIES32 LARGE_A + 0x200081, 0
    PROBE "4M, reserved bit 21 comes before rights"
    NEED "PSE-36", 1, 0, edx, 17, .no_pse36
    ENTRIES32 LARGE_A + 0x2087, 0
    CASE "PSE-36, bit 13 is address bit 32"
        mov dword [LIN + 0x100], 0x12345678
    END
    ENTRIES32 LARGE_A + 0x87, 0
    CASE "PSE-36, what lies below has not changed"
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
.no_pse36:
    CR_CLEAR cr4, CR4_PSE
    ENTRIES32 PT + 0x87, PAGE_A + 0x87
    PROBE "PAT bit of a 4 KiB page"
; -- accessed, dirty -----------------------------------------------------------------------------------------------------------------
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "A by a read"
        mov eax, [LIN]
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "D by a write"
        mov [LIN], eax
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "D by a write behind a read"
        mov eax, [LIN]
        mov [LIN], eax
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "A by a fetch"
        mov eax, LIN + 0x800
        jmp eax
    END
    SHOW_BITS
    ENTRIES32 PT + 0x47, PAGE_A + 7
    CASE "a PDE's D means nothing"
        mov eax, [LIN]
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 5
    CASE "no D by a write that faults"
        mov [LIN], eax
    END
    SHOWM "pte", [ENTRY1], 0x40
    CR_CLEAR cr0, CR0_WP
    ENTRIES32 PT + 7, PAGE_A + 5
    CASE "D by a write to a read-only page, WP clear"
        mov [LIN], eax
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "no D by a CMPXCHG that faults on the way"
        xor eax, eax
        cmpxchg [LIN + 0xffe], ecx
    END
    SHOWM "pte", [ENTRY1], 0x40
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "D by a CMPXCHG that does not store"
        xor eax, eax
        cmpxchg [LIN + 0x100], ecx
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "none by INVLPG, PREFETCH, LEA"
        invlpg [LIN]
        lea eax, [LIN]
    END
    SHOW_BITS
    ENTRIES32 PT + 7, PAGE_A + 7
    CASE "none by a REP of none"
        mov edi, LIN
        xor ecx, ecx
        rep stosb
    END
    SHOW_BITS
    CR_SET cr4, CR4_PSE
    ENTRIES32 LARGE_A + 0x87, 0
    CASE "4M, A"
        mov eax, [LIN + 0x123456]
    END
    SHOWM "pde", [ENTRY2L], 0x60
    CASE "4M, D"
        mov [LIN + 0x2345], eax
    END
    SHOWM "pde", [ENTRY2L], 0x60
    CR_CLEAR cr4, CR4_PSE
; -- what must be gone ---------------------------------------------------------------------------------------------------------------
    %macro REMAP 1              ; page A is known; then the PTE says B
    ENTRIES32 PT + 7, PAGE_A + 7 + (%1)
    mov eax, [LIN + 0x100]
    mov dword [ENTRY1], PAGE_B + 7 + (%1)
    %endmacro
    REMAP 0
    CASE "INVLPG"
        invlpg [LIN + 0xfff]
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    REMAP 0
    CASE "MOV CR3"
        mov eax, cr3
        mov cr3, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    REMAP 0x100
    CASE "MOV CR3, G without PGE"
        mov eax, cr3
        mov cr3, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    CR_SET cr4, CR4_PGE
    REMAP 0x100
    CASE "INVLPG, global"
        invlpg [LIN]
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    REMAP 0x100
    CASE "CR4.PGE off"
        mov eax, cr4
        and eax, ~CR4_PGE
        mov cr4, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    REMAP 0
    CASE "CR4.PGE on"
        mov eax, cr4
        or eax, CR4_PGE
        mov cr4, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    REMAP 0x100
    CASE "CR0.PG off and on"
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        or eax, CR0_PG
        mov cr0, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    ENTRIES32 PT + 7, PAGE_A + 0x106
    invlpg [LIN]
    CASE "what was not present is not kept"
        mov eax, LIN + 0x100
        mov eax, [eax]
    END
    CASE "what was not present is there now"
        or byte [ENTRY1], 1
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    ENTRIES32 PT + 7, PAGE_A + 0x105
    invlpg [LIN]
    CASE "a fault drops the entry"
        mov eax, [LIN]
        mov ecx, CR0_WP
        mov ebx, cr0
        or ebx, ecx
        mov cr0, ebx
        mov [LIN], eax
    END
    CASE "so that more rights need no INVLPG"
        or byte [ENTRY1], 2
        mov [LIN], eax
    END
    CASE "fewer rights with INVLPG"
        and byte [ENTRY1], ~2
        invlpg [LIN]
        mov [LIN], eax
    END
    SHOW "cr2", [x_cr2]
    CASE "fewer rights of the PDE with INVLPG"
        or byte [ENTRY1], 2
        and byte [ENTRY2L], ~2
        invlpg [LIN]
        mov [LIN + 4], eax
    END
    SHOW "cr2", [x_cr2]
; -- CR2, CR3 ------------------------------------------------------------------------------------------------------------------------
    CASE "CR2 can be written"
        mov eax, 0x12345678
        mov cr2, eax
        xor eax, eax
        mov eax, cr2
    END
    SHOW "eax", eax
    CASE "CR2 stays with other faults"
        mov eax, 0x12345678
        mov cr2, eax
        ud2
    END
    SHOW "cr2", [x_cr2]
    CASE "CR3's low bits mean nothing"
        mov eax, LEGACY_PD + 0xfff
        mov cr3, eax
        mov ebx, [LIN + 0x100]
    END
    SHOW "ebx", ebx
    FINISH
PAGING_DATA
SNIP_DATA
