; SPDX-License-Identifier: LGPL-2.1-or-later
; Protection keys: PKRU's AD and WD for user pages, of accesses by either level, with CR0.WP, SMAP and other faults; RDPKRU, WRPKRU,
; XRSTOR of PKRU. SDM vol. 3, 4.6.2, 4.7; vol. 2, RDPKRU, WRPKRU.
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%define LEVEL3_CODE
%define PAGE(flags, key) ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + (flags) + ((key) << 59)
%macro PKRU 1
    mov eax, %1
    xor ecx, ecx
    xor edx, edx
    wrpkru
%endmacro
; name, PKRU, flags of the PTE, key
%macro KEYED 4
    PKRU %2
    ENTRIES PAGE(%3, %4)
    PROBE %1
%endmacro
%macro RIGHTS 0
    %strcat text prefix, "none"
    KEYED text, 0xfffffff3, 7, 1
    %strcat text prefix, "AD"
    KEYED text, 4, 7, 1
    %strcat text prefix, "WD"
    KEYED text, 8, 7, 1
    %strcat text prefix, "AD and WD"
    KEYED text, 12, 7, 1
    %strcat text prefix, "AD, read-only"
    KEYED text, 4, 5, 1
    %strcat text prefix, "WD, read-only"
    KEYED text, 8, 5, 1
    %strcat text prefix, "AD and WD, supervisor page"
    KEYED text, 12, 3, 1
    %strcat text prefix, "AD and WD, supervisor page, read-only"
    KEYED text, 12, 1, 1
    %strcat text prefix, "AD and WD, not present"
    KEYED text, 12, 6, 1
    %strcat text prefix, "AD and WD, reserved bit"
    PKRU 12
    ENTRIES PAGE(7, 1)
    or byte [ENTRY4], 0x80
    PROBE text
    %strcat text prefix, "key 0, AD and WD of others"
    KEYED text, 0xfffffffc, 7, 0
    %strcat text prefix, "key 0, AD"
    KEYED text, 1, 7, 0
    %strcat text prefix, "key 0, WD"
    KEYED text, 2, 7, 0
    %strcat text prefix, "key 15, AD"
    KEYED text, 0x40000000, 7, 15
    %strcat text prefix, "key 15, WD"
    KEYED text, 0x80000000, 7, 15
%endmacro
START
    call tables_init
    NEED "pku", 7, 0, ecx, 3, .no_pku
    ENTRIES PAGE(7, 15)
    PROBE "pku, off, a key means nothing"
    CASE "pku, off, RDPKRU"
        xor ecx, ecx
        rdpkru
    END
    CASE "pku, off, WRPKRU"
        PKRU 0
    END
    CASE "pku, off, WRPKRU with ECX"
        mov ecx, 1
        wrpkru
    END
    CR_SET cr4, CR4_PKE
    CASE "pku, WRPKRU"
        mov rax, 0x123456789abcdef0
        mov rcx, 0x100000000
        mov rdx, 0x100000000
        wrpkru
        mov rax, -1
        mov rdx, -1
        rdpkru
    END
    SHOW "rax", rax
    SHOW "rdx", rdx
    SHOW "rcx", rcx
    CASE "pku, WRPKRU with ECX"
        mov ecx, 1
        xor edx, edx
        wrpkru
    END
    CASE "pku, WRPKRU with EDX"
        xor ecx, ecx
        mov edx, 1
        wrpkru
    END
    CASE "pku, RDPKRU with ECX"
        mov ecx, 0x80000000
        rdpkru
    END
    CASE "pku, RDPKRU with EDX"
        xor ecx, ecx
        mov edx, 1
        rdpkru
    END
    CASE "pku, LOCK RDPKRU"
        xor ecx, ecx
        db 0xf0
        rdpkru
    END
    CASE "pku, WRPKRU at level 3"
        xor ecx, ecx
        xor edx, edx
        mov eax, 0x54
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "pku, it is in force"
        xor ecx, ecx
        rdpkru
    END
    SHOW "eax", rax
%define prefix "pku, "
    RIGHTS
    CR_SET cr0, CR0_WP
%define prefix "pku, WP, "
    RIGHTS
    CR_SET cr4, CR4_SMAP
%define prefix "pku, SMAP, "
    RIGHTS
    mov dword [probe_fl], 0x40002
%define prefix "pku, SMAP, AC, "
    RIGHTS
    CR_CLEAR cr4, CR4_SMAP
    CR_CLEAR cr0, CR0_WP
    PKRU 4
    ENTRIES ENTRY3 + 3, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7 + (1 << 59)
    PROBE "pku, a supervisor page by the PML4E"
    ENTRIES ENTRY3 + 7 + (1 << 59), ENTRY2 + 7 + (1 << 59), ENTRY1 + 7 + (1 << 59), PAGE_A + 7
    PROBE "pku, keys of upper entries mean nothing"
    ENTRIES ENTRY3 + 7, ENTRY2 + 7, LARGE_A + 0x87 + (1 << 59), 0
    PROBE "pku, 2M"
    NEED "pku, 1G", 0x80000001, 0, edx, 26, .no_1g
    mov rax, LIN + LARGE_A
    mov [probe_lin], rax
    ENTRIES ENTRY3 + 7, 0x87 + (1 << 59), 0, 0
    PROBE "pku, 1G"
    mov rax, LIN
    mov [probe_lin], rax
.no_1g:
    EFER_BIT bts, NXE
    ENTRIES PAGE(7 + NX, 1)
    PROBE "pku, with XD"
    CR_SET cr0, CR0_WP
    PKRU 0
    ENTRIES PAGE(7, 3)
    CASE "pku, WRPKRU is in force at once"
        mov rbx, LIN
        mov [rbx], eax
        PKRU 0x80
        mov esi, [rbx]
        mov [rbx], eax
    END
    CASE "pku, both ways"
        PKRU 0x40
        PKRU 0
        mov [rbx], eax
        PKRU 0x40
        mov esi, [rbx]
    END
    CASE "pku, no D by a store that the key forbids"
        mov rbx, LIN
        PKRU 0x80
        ENTRIES PAGE(7, 3)
        mov [rbx], eax
    END
    SHOWM "pte", [ENTRY1], 0x40
    CASE "pku, level 3, code in a page of a key without access"
        or byte [LOW_PT + 4 * 8 + 7], 0x18      ; USER_PAGE: key 3
        FLUSH
        PKRU 0x40
        LEVEL3 0, USER_PAGE + 0x210
    END
    CASE "pku, level 3, data in the same"
        mov ebx, USER_PAGE
        LEVEL3 0, USER_PAGE
    END
    SHOW "cr2", [x_cr2]
    and byte [LOW_PT + 4 * 8 + 7], 0x7f - 0x18
    FLUSH
; -- XSAVE -------------------------------------------------------------------------------------------------------------------------
    NEED "pku, XSAVE", 13, 0, eax, 9, .no_pku
    CR_SET cr4, 0x40200
    CASE "pku, XSAVE, XCR0 without CR4.PKE"
        CR_CLEAR cr4, CR4_PKE
        xor ecx, ecx
        xor edx, edx
        mov eax, 0x203
        xsetbv
    END
    CR_SET cr4, CR4_PKE
    mov eax, 13
    mov ecx, 9
    cpuid
    mov r8d, ebx
    PKRU 0x55aa5500
    CASE "pku, XSAVE, saves"
        mov edi, 0x50000
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov eax, 0x200
        xor edx, edx
        xsave [0x50000]
        mov ebx, [r8 + 0x50000]
    END
    SHOW "pkru", rbx
    SHOWM "bv", [0x50200], 0x200
    CASE "pku, XSAVE, restores"
        ENTRIES PAGE(7, 3)
        PKRU 0
        mov rbx, LIN
        mov [rbx], eax
        mov dword [r8 + 0x50000], 0x40
        mov eax, 0x200
        xor edx, edx
        xrstor [0x50000]
        mov [rbx], eax
    END
    CASE "pku, XSAVE, in its initial state"
        and dword [0x50200], ~0x200
        mov eax, 0x200
        xor edx, edx
        xrstor [0x50000]
        mov rbx, LIN
        mov [rbx], eax
        xor ecx, ecx
        rdpkru
    END
    SHOW "pkru", rax
.no_pku:
    FINISH
PAGING_DATA
USER_CODE
    wrpkru
    rdpkru
    ud2
align 16, nop
    ud2
USER_CODE_END
SNIP_DATA
