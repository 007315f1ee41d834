; SPDX-License-Identifier: LGPL-2.1-or-later
; PCIDs: the rules of CR4.PCIDE and CR3, INVPCID's types and faults, and what must be gone afterwards. What may be kept is not looked
; at. SDM vol. 3, 4.10; vol. 2, INVPCID.
; CPU viv: x86-64-v3,+la57
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%define LEVEL3_CODE
ROOT equ 0x11000
%macro CR3_BITS 2               ; name, bits beside the root
    CASE %1
        mov rax, ROOT | (%2)
        mov cr3, rax
    END
    SHOW "", cr3
%endmacro
; with the bit whose number is in R8
%macro CR3_BIT 1
    CASE %1
        mov eax, ROOT
        bts rax, r8
        mov cr3, rax
    END
%endmacro
%macro INVPCID_CASE 4           ; name, type, first and second half of the descriptor
    CASE %1
        INV %2, %3, %4
    END
%endmacro
%macro INV 3
        mov rax, %2
        mov [descriptor], rax
        mov rax, %3
        mov [descriptor + 8], rax
        mov rax, %1
        invpcid rax, [descriptor]
%endmacro
%macro GO 1                     ; to a PCID, keeping what is cached
        mov rax, ROOT + (%1) + (1 << 63)
        mov cr3, rax
%endmacro
; the page is known as A to PCIDs 5 and 6, with %1 in its PTE; now it is B
%macro KNOWN 1
    GO 5
    mov rax, PAGE_A + 7 + (%1)
    mov [ENTRY1], rax
    mov rbx, LIN
    INV 2, 0, 0
    mov eax, [rbx + 0x100]
    GO 6
    mov eax, [rbx + 0x100]
    mov rax, PAGE_B + 7 + (%1)
    mov [ENTRY1], rax
%endmacro
%macro LOOK 1                   ; from PCID
        GO %1
        mov rbx, LIN
        mov eax, [rbx + 0x100]
%endmacro
START
    call tables_init
    ; -- without PCIDs
    CR3_BITS "off, bits 3 and 4", 0x18
    NEED "invpcid", 7, 0, ebx, 10, .no_invpcid
    INVPCID_CASE "invpcid, off, address", 0, 0, LIN
    INVPCID_CASE "invpcid, off, address, PCID 1", 0, 1, LIN
    INVPCID_CASE "invpcid, off, context", 1, 0, 0
    INVPCID_CASE "invpcid, off, context, PCID 1", 1, 1, 0
    INVPCID_CASE "invpcid, off, all", 2, 0, 0
    INVPCID_CASE "invpcid, off, all, PCID 1", 2, 1, 0
    INVPCID_CASE "invpcid, off, all but global ones", 3, 0, 0
    INVPCID_CASE "invpcid, off, type 4", 4, 0, 0
    INVPCID_CASE "invpcid, off, type's bit 32", 1 << 32, 0, 0
    INVPCID_CASE "invpcid, off, reserved bit 12", 2, 1 << 12, 0
    INVPCID_CASE "invpcid, off, reserved bit 63", 3, 1 << 63, 0
    INVPCID_CASE "invpcid, off, an address that is not canonical", 0, 0, 1 << 47
    INVPCID_CASE "invpcid, off, context with an address that is not canonical", 1, 0, 1 << 47
    CASE "invpcid, off, what must be gone, address"
        mov rbx, LIN
        mov eax, [rbx + 0x100]
        mov dword [ENTRY1], PAGE_B + 7
        INV 0, 0, LIN + 0xfff
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    CASE "invpcid, off, what must be gone, all"
        mov dword [ENTRY1], PAGE_A + 7
        INV 3, 0, 0
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    CASE "invpcid, level 3"
        mov eax, 2
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "invpcid, level 3, bad operand"
        mov eax, 4
        mov ebx, 0x100000
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "invpcid, operand not present"
        mov rbx, LIN + 0x1ffc
        mov eax, 2
        invpcid rax, [rbx]
    END
    SHOW "cr2", [x_cr2]
    CASE "invpcid, operand not canonical"
        mov rbx, 1 << 47
        mov eax, 2
        invpcid rax, [rbx]
    END
    CASE "invpcid, bad type, operand not present"
        mov rbx, LIN + 0x1ffc
        mov eax, 4
        invpcid rax, [rbx]
    END
    CASE "invpcid, register"
        db 0x66, 0x0f, 0x38, 0x82, 0xc3
    END
    CASE "invpcid, without 66"
        db 0x0f, 0x38, 0x82, 0x03
    END
    CASE "invpcid, LOCK"
        db 0xf0
        invpcid rax, [rbx]
    END
.no_invpcid:
    NEED "pcid", 1, 0, ecx, 17, .no_pcid
    CASE "pcid, off, bit 63"
        mov rax, ROOT + (1 << 63)
        mov cr3, rax
    END
    mov eax, 0x80000008
    cpuid
    movzx r8d, al
    cmp r8d, 52
    jae .no_bits
    CR3_BIT "pcid, off, first bit beyond the address"
.no_bits:
    mov r8d, 52
    CR3_BIT "pcid, off, bit 52"
    mov r8d, 60
    CR3_BIT "pcid, off, bit 60"
    mov eax, ROOT
    mov cr3, rax
    CASE "pcid, PCIDE with CR3's low bits"
        mov eax, ROOT + 8
        mov cr3, rax
        mov rax, cr4
        or eax, CR4_PCIDE
        mov cr4, rax
    END
    SHOWM "", cr4, CR4_PCIDE
    mov eax, ROOT
    mov cr3, rax
    CASE "pcid, PCIDE"
        mov rax, cr4
        or eax, CR4_PCIDE | CR4_PGE
        mov cr4, rax
    END
    SHOWM "", cr4, CR4_PCIDE
    CR3_BITS "pcid, FFFh", 0xfff
    CASE "pcid, PCIDE again, with a PCID"
        mov rax, cr4
        mov cr4, rax
    END
    CR3_BITS "pcid, bit 63 is not kept", 5 + (1 << 63)
    mov r8d, 62
    CR3_BIT "pcid, bit 62"
    mov r8d, 52
    CR3_BIT "pcid, bit 52"
    CASE "pcid, paging off in 64-bit mode"
        mov rax, cr0
        btr eax, 31
        mov cr0, rax
    END
    CASE "pcid, paging off in compatibility mode"
        push CODE0
        push .compat
        o64 retf
        bits 32
.compat:
        mov eax, cr0
        btr eax, 31
        mov cr0, eax
        ud2
        bits 64
    END
    mov rax, cr0
    shr rax, 31
    SHOW "pg", rax
    KNOWN 0
    CASE "pcid, MOV CR3 drops the new PCID's"
        mov eax, ROOT + 5
        mov cr3, rax
        mov rbx, LIN
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, INVLPG drops the current PCID's"
        invlpg [rbx]
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0x100
    CASE "pcid, INVLPG drops global pages of all"
        invlpg [rbx]
        LOOK 5
    END
    SHOW "eax", rax
    NEED "pcid, invpcid", 7, 0, ebx, 10, .no_pcid
    KNOWN 0
    CASE "pcid, invpcid, address of another"
        INV 0, 5, LIN + 0x123
        LOOK 5
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, invpcid, address of this"
        INV 0, 6, LIN + 0x123
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, invpcid, context of another"
        INV 1, 5, 0
        LOOK 5
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, invpcid, context of this"
        INV 1, 6, 0
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0x100
    CASE "pcid, invpcid, all"
        INV 2, 0, 0
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0x100
    CASE "pcid, invpcid, all, of another"
        INV 2, 0, 0
        LOOK 5
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, invpcid, all but global ones"
        INV 3, 0, 0
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, invpcid, all but global ones, of another"
        INV 3, 0, 0
        LOOK 5
    END
    SHOW "eax", rax
    KNOWN 0x100
    CASE "pcid, CR4.PGE, of another"
        CR_CLEAR cr4, CR4_PGE
        CR_SET cr4, CR4_PGE
        LOOK 5
    END
    SHOW "eax", rax
    KNOWN 0
    CASE "pcid, PCIDE off with a PCID"
        CR_CLEAR cr4, CR4_PCIDE
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    SHOW "cr3", cr3
    CASE "pcid, PCIDE on again with a PCID"
        CR_SET cr4, CR4_PCIDE
    END
    CASE "pcid, PCIDE on again"
        mov eax, ROOT
        mov cr3, rax
        CR_SET cr4, CR4_PCIDE
        LOOK 5
    END
    SHOW "eax", rax
.no_pcid:
    FINISH
PAGING_DATA
align 16
descriptor: dq 0, 0
USER_CODE
    invpcid rax, [rbx]
    ud2
USER_CODE_END
SNIP_DATA
