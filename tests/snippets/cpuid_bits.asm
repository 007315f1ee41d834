; SPDX-License-Identifier: LGPL-2.1-or-later
; CPUID's answers that follow the machine's state: OSXSAVE, OSPKE, the APIC's bit and number, the sizes of leaf 0Dh with XCR0; leaves that
; are not there, levels, upper halves. SDM vol. 2, CPUID; vol. 1, 13.2; APM vol. 3, appendix E.
; CPU viv: x86-64-v3,+la57,+monitor
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%macro LEAF 2                   ; EAX, ECX
        mov eax, %1
        mov ecx, %2
        cpuid
%endmacro
%macro XCR0 1
        xor ecx, ecx
        xor edx, edx
        mov eax, %1
        xsetbv
%endmacro
; XCR0, and what leaf 0Dh says of it
%macro SIZES 2
    CASE %1
        XCR0 %2
        LEAF 13, 0
    END
    SHOW "ebx", rbx
    %strcat text %1, ", the maximum stays"
    CASE text
        LEAF 13, 0
        sub ecx, [xsave_max]
    END
    SHOW "", rcx
%endmacro
%macro COMPACTED 2
    CASE %1
        XCR0 %2
        LEAF 13, 1
    END
    SHOW "ebx", rbx
%endmacro
%macro ANSWER 0
    SHOW "", rax
    SHOW "", rbx
    SHOW "", rcx
    SHOW "", rdx
%endmacro
START
    CASE "CPUID clears the upper halves"
        mov rax, 0xffffffff00000001
        mov rbx, -1
        mov rcx, 0xffffffff00000000
        mov rdx, -1
        cpuid
        shr rax, 32
        shr rbx, 32
        shr rcx, 32
        shr rdx, 32
    END
    ANSWER
    CASE "EFLAGS.ID can be changed"
        pushfq
        pop rax
        btc rax, 21
        push rax
        popfq
        pushfq
        pop rbx
        xor rax, rbx
    END
    SHOW "", rax
    CASE "LOCK CPUID"
        db 0xf0
        cpuid
    END
    CASE "in compatibility mode"
        LEAF 0, 0
        mov r8d, ebx
        push CODE0
        push .compat
        o64 retf
        bits 32
.compat:
        xor eax, eax
        cpuid
        ud2
        bits 64
    END
    CASE "the same vendor there"
        sub ebx, r8d
    END
    SHOW "", rbx
    CASE "SYSCALL's bit in 64-bit mode"
        LEAF 0x80000001, 0
        shr edx, 11
        and edx, 1
    END
    SHOW "", rdx
    CASE "SYSCALL's bit in compatibility mode"
        push CODE0
        push .compat2
        o64 retf
        bits 32
.compat2:
        mov eax, 0x80000001
        cpuid
        shr edx, 11
        and edx, 1
        ud2
        bits 64
    END
    SHOW "", rdx
; -- APIC --------------------------------------------------------------------------------------------------------------------------
    %macro APIC_BIT 0
        LEAF 1, 0
        shr edx, 9
        and edx, 1
    %endmacro
    CASE "APIC"
        APIC_BIT
    END
    SHOW "", rdx
    CASE "APIC, its number"
        LEAF 1, 0
        shr ebx, 24
        mov eax, 0xfee00020
        mov eax, [rax]
        shr eax, 24
        sub eax, ebx
    END
    SHOW "", rax
    CASE "APIC, disabled"
        mov ecx, 0x1b
        rdmsr
        btr eax, 11
        wrmsr
        APIC_BIT
    END
    SHOW "", rdx
    CASE "APIC, enabled again"
        mov ecx, 0x1b
        rdmsr
        bts eax, 11
        wrmsr
        APIC_BIT
    END
    SHOW "", rdx
; -- leaves that are not there -------------------------------------------------------------------------------------------------------
    CASE "a leaf behind the last one"
        LEAF 0, 0
        inc eax
        xor ecx, ecx
        cpuid
    END
    ANSWER
    CASE "a leaf far behind the last one"
        LEAF 0x7fffffff, 0
    END
    ANSWER
    CASE "an extended leaf behind the last one"
        LEAF 0x80000000, 0
        inc eax
        xor ecx, ecx
        cpuid
    END
    ANSWER
    CASE "an extended leaf far behind the last one"
        LEAF 0xffffffff, 0
    END
    ANSWER
    CASE "leaf 7, a sub-leaf behind the last one"
        LEAF 7, 0
        lea ecx, [rax + 1]
        mov eax, 7
        cpuid
    END
    ANSWER
    CASE "leaf 0Dh, a component that nobody has"
        LEAF 13, 61
    END
    ANSWER
    CASE "leaf 0Bh, a level behind the last one"
        LEAF 11, 7
    END
    SHOW "eax", rax
    SHOW "ebx", rbx
    SHOW "ecx", rcx
; -- OSXSAVE, XCR0 -------------------------------------------------------------------------------------------------------------------
    NEED "XSAVE", 1, 0, ecx, 26, .no_xsave
    %macro OSXSAVE 0
        LEAF 1, 0
        shr ecx, 27
        and ecx, 1
    %endmacro
    CASE "XSAVE, OSXSAVE off"
        OSXSAVE
    END
    SHOW "", rcx
    CASE "XSAVE, OSXSAVE on"
        CR_SET cr4, 0x40200
        OSXSAVE
    END
    SHOW "", rcx
    CASE "XSAVE, OSXSAVE at level 3"
        LEVEL3 0, .level3
.level3:
        OSXSAVE
        ud2
    END
    SHOW "", rcx
    CASE "XSAVE, OSXSAVE off again"
        CR_CLEAR cr4, 0x40000
        OSXSAVE
    END
    SHOW "", rcx
    CR_SET cr4, 0x40000
    LEAF 13, 0
    mov [xsave_max], ecx
    SIZES "XSAVE, XCR0 1", 1
    SIZES "XSAVE, XCR0 3", 3
    NEED "XSAVE, AVX", 1, 0, ecx, 28, .no_avx
    SIZES "XSAVE, AVX, XCR0 7", 7
    CASE "XSAVE, AVX, its component"
        LEAF 13, 2
    END
    ANSWER
    CASE "XSAVE, AVX, leaf 0Dh with OSXSAVE off"
        CR_CLEAR cr4, 0x40000
        LEAF 13, 0
        CR_SET cr4, 0x40000
    END
    SHOW "ebx", rbx
.no_avx:
    NEED "XSAVE, PKRU", 13, 0, eax, 9, .no_pkru
    CASE "XSAVE, PKRU, its component"
        LEAF 13, 9
        mov [pkru_end], ebx
        add [pkru_end], eax
        mov ebx, 0
    END
    ANSWER
    CASE "XSAVE, PKRU, XCR0 201h"
        XCR0 0x201
        LEAF 13, 0
        sub ebx, [pkru_end]
    END
    SHOW "ebx", rbx
    NEED "XSAVE, PKRU, and AVX", 1, 0, ecx, 28, .no_pkru
    CASE "XSAVE, PKRU, and AVX, XCR0 207h"
        XCR0 0x207
        LEAF 13, 0
        sub ebx, [pkru_end]
    END
    SHOW "ebx", rbx
.no_pkru:
    NEED "XSAVEC", 13, 1, eax, 1, .no_xsavec
    COMPACTED "XSAVEC, XCR0 1", 1
    COMPACTED "XSAVEC, XCR0 3", 3
    NEED "XSAVEC, AVX", 1, 0, ecx, 28, .no_xsavec
    COMPACTED "XSAVEC, AVX, XCR0 7", 7
    NEED "XSAVEC, AVX, PKRU", 13, 0, eax, 9, .no_xsavec
    COMPACTED "XSAVEC, AVX, PKRU, XCR0 201h", 0x201
    COMPACTED "XSAVEC, AVX, PKRU, XCR0 207h", 0x207
.no_xsavec:
    XCR0 1
.no_xsave:
; -- OSPKE -------------------------------------------------------------------------------------------------------------------------
    NEED "PKU", 7, 0, ecx, 3, .no_pku
    %macro OSPKE 0
        LEAF 7, 0
        shr ecx, 4
        and ecx, 1
    %endmacro
    CASE "PKU, OSPKE off"
        OSPKE
    END
    SHOW "", rcx
    CASE "PKU, OSPKE on"
        CR_SET cr4, CR4_PKE
        OSPKE
    END
    SHOW "", rcx
    CASE "PKU, OSPKE off again"
        CR_CLEAR cr4, CR4_PKE
        OSPKE
    END
    SHOW "", rcx
.no_pku:
    NEED "LA57", 7, 0, ecx, 16, .no_la57
    CASE "LA57, the linear address has 57 bits with CR4.LA57 off"
        LEAF 0x80000008, 0
        movzx eax, ah
    END
    SHOW "", rax
.no_la57:
    NEED "MONITOR", 1, 0, ecx, 3, .no_monitor
    CASE "MONITOR, leaf 5 is not empty"
        LEAF 5, 0
        test eax, ebx
        setnz al
        movzx eax, al
    END
    SHOW "", rax
.no_monitor:
    FINISH
align 4
xsave_max: dd 0
pkru_end: dd 0
SNIP_DATA
