; SPDX-License-Identifier: LGPL-2.1-or-later
; PAE paging: the PDPTEs, which are loaded and checked by MOV to CR0, CR3 and CR4 and not by accesses; rights, XD, reserved bits,
; 2 MiB pages, accessed and dirty bits. SDM vol. 3, 4.4, 4.6, 4.7.
%define HOME 32
%include "snip.inc"
%include "paging.inc"
PDPT2 equ 0x28020               ; on 32 bytes, not on a page
BOTH_PD equ 0x2a000
BOTH_PT equ 0x2b000
%define ALL ENTRY1 + 7, PAGE_A + 7
%macro RIGHTS 2                 ; PDE, PTE
    ENTRIES ENTRY1 + (%1), PAGE_A + (%2)
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
%macro ONE 4                    ; name, level, bits 31:0, 63:32
    ENTRIES ALL
    or dword [ENTRY%2], %3
    or dword [ENTRY%2 + 4], %4
    PROBE %1
%endmacro
%macro SHOW_BITS 0
    SHOWM "pde", [ENTRY2], 0x60
    SHOWM "pte", [ENTRY1], 0x60
%endmacro
; MOV CR3 with bits in the third PDPTE, which nobody uses: name, bits 31:0, 63:32
%macro PDPTE 3
    mov dword [PDPT2 + 16], %2
    mov dword [PDPT2 + 20], %3
    CASE %1
        mov eax, PDPT2
        mov cr3, eax
    END
    mov eax, PDPT
    mov cr3, eax
%endmacro
START
    call tables_init
    mov esi, PDPT
    mov edi, PDPT2
    mov ecx, 8
    rep movsd
    mov dword [PDPT + 24], 0xffffffe6       ; not present
    mov dword [PDPT + 28], 0xffffffff
    mov eax, PDPT
    mov cr3, eax
    CR_SET cr4, CR4_PAE
    CR_SET cr0, CR0_PG
%define prefix "rights "
    ALL_RIGHTS
    CR_SET cr0, CR0_WP
%define prefix "rights, WP "
    ALL_RIGHTS
    ENTRIES ENTRY1 + 6, PAGE_A + 7
    PROBE "PDE not present"
    ENTRIES ENTRY1 + 7, PAGE_A + 6
    PROBE "PTE not present"
    ONE "PDE, bits that mean nothing", 2, 0xf58, 0
    ONE "PTE, bits that mean nothing", 1, 0xf98, 0
    ONE "PDE, bit 62", 2, 0, 0x40000000
    ONE "PTE, bit 62", 1, 0, 0x40000000
    ONE "PDE, bit 52", 2, 0, 0x100000
    ONE "PTE, bit 52", 1, 0, 0x100000
    ONE "PDE, XD without NXE", 2, 0, 0x80000000
    ONE "PTE, XD without NXE", 1, 0, 0x80000000
    EFER_BIT bts, NXE
    ONE "PDE, XD", 2, 0, 0x80000000
    ONE "PTE, XD", 1, 0, 0x80000000
    ENTRIES ENTRY1 + 7, PAGE_A + 6 + NX
    PROBE "XD, not present"
    ENTRIES LARGE_A + 0x87, 0
    PROBE "2M"
    ENTRIES LARGE_A + 0x85, 0
    PROBE "2M, read-only"
    ENTRIES LARGE_A + 0x83, 0
    PROBE "2M, supervisor"
    ENTRIES LARGE_A + 0x87 + NX, 0
    PROBE "2M, XD"
    ENTRIES LARGE_A + 0x1f87, 0
    PROBE "2M, PAT and bits that mean nothing"
    ENTRIES LARGE_A + 0x2087, 0
    PROBE "2M, bit 13"
    ENTRIES LARGE_A + 0x100087, 0
    PROBE "2M, bit 20"
    ENTRIES LARGE_A + 0x40000000000087, 0
    PROBE "2M, bit 54"
    CASE "2M pages need no PSE"
        ENTRIES LARGE_A + 0x87, 0
        mov eax, [LIN + 0x100]
        mov ebx, [LIN + 0x1ffffc]
    END
    SHOW "eax", eax
    SHOWM "cr4", cr4, CR4_PSE
    CASE "2M, A"
        ENTRIES LARGE_A + 0x87, 0
        mov eax, [LIN]
    END
    SHOW_BITS
    CASE "2M, D"
        mov [LIN], eax
    END
    SHOW_BITS
    CASE "A"
        ENTRIES ALL
        mov eax, [LIN]
    END
    SHOW_BITS
    CASE "D"
        mov [LIN], eax
    END
    SHOW_BITS
    CASE "no D by a write that faults"
        ENTRIES ENTRY1 + 5, PAGE_A + 7
        mov [LIN], eax
    END
    SHOWM "pte", [ENTRY1], 0x40
    ENTRIES ALL
; -- PDPTEs ------------------------------------------------------------------------------------------------------------------------
    CASE "PDPTE not present"
        mov eax, [0xc0000004]
    END
    SHOW "cr2", [x_cr2]
    CASE "PDPTE not present, fetch"
        mov eax, 0xc0000000
        jmp eax
    END
    CASE "no A in a PDPTE"
        mov eax, [PDPT + 8]
    END
    SHOWM "", eax, 0xfff
    PDPTE "PDPTE, no bits", 1, 0
    PDPTE "PDPTE, PWT and PCD", 0x19, 0
    PDPTE "PDPTE, bits that mean nothing", 0xe01, 0
    PDPTE "PDPTE, bit 1", 3, 0
    PDPTE "PDPTE, bit 2", 5, 0
    PDPTE "PDPTE, bit 5", 0x21, 0
    PDPTE "PDPTE, bit 6", 0x41, 0
    PDPTE "PDPTE, bit 7", 0x81, 0
    PDPTE "PDPTE, bit 8", 0x101, 0
    PDPTE "PDPTE, bit 52", 1, 0x100000
    PDPTE "PDPTE, bit 63 with NXE", 1, 0x80000000
    PDPTE "PDPTE, all but P", 0xfffffffe, 0xffffffff
    mov dword [PDPT2 + 16], 3
    mov dword [PDPT2 + 20], 0
    CASE "bad PDPTEs leave CR3"
        mov eax, PDPT2
        mov cr3, eax
    END
    SHOW "cr3", cr3
    mov eax, PDPT
    mov cr3, eax
    CASE "bad PDPTE in memory, access"
        mov dword [PDPT + 16], 3
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    CASE "bad PDPTE in memory, CR4.PGE"
        mov eax, cr4
        xor eax, CR4_PGE
        mov cr4, eax
    END
    SHOWM "cr4", cr4, CR4_PGE
    CASE "bad PDPTE in memory, CR4.PSE"
        mov eax, cr4
        xor eax, CR4_PSE
        mov cr4, eax
    END
    CASE "bad PDPTE in memory, CR4.TSD"
        mov eax, cr4
        xor eax, 4
        mov cr4, eax
        xor eax, 4
        mov cr4, eax
    END
    CASE "bad PDPTE in memory, CR0.WP"
        mov eax, cr0
        xor eax, CR0_WP
        mov cr0, eax
        xor eax, CR0_WP
        mov cr0, eax
    END
    CASE "bad PDPTE in memory, CR0.CD"
        mov eax, cr0
        or eax, 0x40000000
        mov cr0, eax
    END
    SHOWM "cr0", cr0, 0x40000000
    CASE "bad PDPTE in memory, CR0.PG"
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        or eax, CR0_PG
        mov cr0, eax
    END
    SHOWM "cr0", cr0, CR0_PG
    CASE "bad PDPTE in memory, MOV CR3 without paging"
        mov eax, cr0
        and eax, ~CR0_PG
        mov cr0, eax
        mov eax, PDPT
        mov cr3, eax
    END
    SHOW "cr3", cr3
    mov dword [PDPT + 16], 0
    mov eax, cr0
    and eax, ~CR0_PG
    mov cr0, eax
    or eax, CR0_PG
    mov cr0, eax
    ; 32-bit tables that map the program with PAE too, on a processor that does not see that its PDPTE is bad
    mov edi, BOTH_PT
    mov eax, 3
    mov ecx, 1024
.both:
    mov [edi], eax
    add eax, 0x1000
    add edi, 4
    loop .both
    mov dword [BOTH_PT], 0x83
    mov dword [BOTH_PT + 4], 0
    mov dword [BOTH_PD], BOTH_PT + 3
    CR_CLEAR cr0, CR0_PG
    CR_CLEAR cr4, CR4_PAE
    mov eax, BOTH_PD
    mov cr3, eax
    CR_SET cr0, CR0_PG
    CASE "CR4.PAE on, under 32-bit paging"
        mov eax, cr4
        or eax, CR4_PAE
        mov cr4, eax
    END
    SHOWM "cr4", cr4, CR4_PAE
    CR_CLEAR cr0, CR0_PG
    mov eax, PDPT
    mov cr3, eax
    CR_SET cr4, CR4_PAE
    CR_SET cr0, CR0_PG
    CASE "a PDPTE that changes in memory is not seen"
        mov ebx, PDPT
        mov dword [ebx + 8], 0
        invlpg [LIN]
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    CASE "but by MOV CR3"
        mov eax, PDPT
        mov cr3, eax
        mov eax, [LIN + 0x100]
    END
    CASE "or CR4.PGE"
        mov dword [PDPT + 8], ENTRY2 + 1
        mov eax, cr4
        xor eax, CR4_PGE
        mov cr4, eax
        mov eax, [LIN + 0x100]
    END
    SHOW "eax", eax
    CASE "CR3's low bits mean nothing"
        mov eax, PDPT + 0x1f
        mov cr3, eax
        mov ebx, [LIN + 0x100]
    END
    SHOW "ebx", ebx
    CASE "a table that is on 32 bytes"
        mov dword [PDPT2 + 16], 0
        mov eax, PDPT2
        mov cr3, eax
        mov ebx, [LIN + 0x100]
    END
    SHOW "ebx", ebx
    FINISH
PAGING_DATA
SNIP_DATA
