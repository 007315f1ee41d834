; SPDX-License-Identifier: LGPL-2.1-or-later
; Model-specific registers: unknown ones, privilege, reserved bits; and which of an instruction's faults comes first.
; SDM vol. 2, RDMSR and WRMSR; vol. 4.
%define HOME 64
%include "snip.inc"
%define HOLE 0x0000800000000000
%define BEYOND 0x0100000000000000   ; with 57 bits, too
%macro WRITE_MSR 2
        mov rax, %2
        mov rdx, rax
        shr rdx, 32
        mov ecx, %1
        wrmsr
%endmacro
%macro READ_MSR 1
        mov ecx, %1
        rdmsr
%endmacro
%macro LEVEL3 1
        push DATA3
        push USER_TOP
        push (%1) | 2
        push CODE643
        push %%code
        iretq
%%code:
%endmacro
START
    CASE "unknown, read"
        READ_MSR 0x12345678
    END
    CASE "unknown, write"
        WRITE_MSR 0x12345678, 0
    END
    CASE "beyond the known groups"
        READ_MSR 0xc0010fff
    END
    CASE "RDMSR at level 3"
        LEVEL3 0
        rdmsr
    END
    CASE "WRMSR at level 3"
        LEVEL3 0
        wrmsr
    END
    CASE "RDMSR clears the upper halves"
        mov rax, -1
        mov rdx, -1
        mov rcx, 0xffffffffc0000080
        rdmsr
    END
    SHOW "rax", rax
    SHOW "rdx", rdx
    CASE "EFER, reserved bit"
        READ_MSR 0xc0000080
        bts eax, 9
        wrmsr
    END
    CASE "EFER, bit 32"
        READ_MSR 0xc0000080
        mov edx, 1
        wrmsr
    END
    CASE "EFER, LME with paging"
        READ_MSR 0xc0000080
        btr eax, 8
        wrmsr
    END
    CASE "PAT, type 2"
        WRITE_MSR 0x277, 0x0007040600070402
    END
    CASE "PAT, type 8"
        WRITE_MSR 0x277, 0x0807040600070406
    END
    CASE "PAT"
        WRITE_MSR 0x277, 0x0007040600070106
        rdmsr
    END
    SHOW "eax", rax
    CASE "MTRRcap is read-only"
        READ_MSR 0xfe
        wrmsr
    END
    CASE "MTRRdefType, type 2"
        WRITE_MSR 0x2ff, 0xc02
    END
    CASE "MTRRdefType, bit 8"
        WRITE_MSR 0x2ff, 0xd06
    END
    CASE "MTRRdefType, bit 12"
        WRITE_MSR 0x2ff, 0x1c06
    END
    CASE "MTRRdefType, bit 32"
        WRITE_MSR 0x2ff, 0x100000c06
    END
    CASE "MTRRdefType"
        WRITE_MSR 0x2ff, 0xc06
        rdmsr
    END
    SHOW "eax", rax
    CASE "MTRRfix, type 2"
        WRITE_MSR 0x250, 0x0606060602060606
    END
    CASE "MTRRfix, type 7"
        WRITE_MSR 0x26f, 0x0706060606060606
    END
    CASE "MTRRfix"
        WRITE_MSR 0x268, 0x0605040100000006
        rdmsr
    END
    SHOW "edx", rdx
    CASE "MTRRphysBase, type 3"
        WRITE_MSR 0x200, 0x10000003
    END
    CASE "MTRRphysBase, bit 8"
        WRITE_MSR 0x200, 0x10000106
    END
    CASE "MTRRphysBase, beyond the address"
        WRITE_MSR 0x20e, 0x1000000000000006
    END
    CASE "MTRRphysBase"
        WRITE_MSR 0x20e, 0x1fffff006
        rdmsr
    END
    SHOW "eax", rax
    CASE "MTRRphysMask, bit 10"
        WRITE_MSR 0x201, 0xf0000c00
    END
    CASE "MTRRphysMask, beyond the address"
        WRITE_MSR 0x20f, 0x10000000f0000800
    END
    CASE "MTRRphysMask"
        WRITE_MSR 0x20f, 0xff000800
        rdmsr
    END
    SHOW "eax", rax
    CASE "MTRRphysBase 8 is not there"
        WRITE_MSR 0x210, 6
    END
    CASE "FMASK has 32 bits"
        WRITE_MSR 0xc0000084, 0x123456789abcdef0
        rdmsr
    END
    SHOW "eax", rax
    SHOW "edx", rdx
    CASE "STAR has 64 bits"
        WRITE_MSR 0xc0000081, 0x123456789abcdef0
        rdmsr
    END
    SHOW "eax", rax
    SHOW "edx", rdx
    CASE "LSTAR"
        WRITE_MSR 0xc0000082, HOLE
    END
    CASE "CSTAR"
        WRITE_MSR 0xc0000083, HOLE
    END
    NEED "TSC_AUX", 0x80000001, 0, edx, 27, .no_aux
    CASE "TSC_AUX has 32 bits"
        WRITE_MSR 0xc0000103, 0x123456789abcdef0
        rdtscp
        mov ebx, ecx
        mov ecx, 0xc0000103
        rdmsr
    END
    SHOW "eax", rax
    SHOW "edx", rdx
    SHOW "ecx", rbx
.no_aux:
    CASE "SYSENTER_ESP"
        WRITE_MSR 0x175, BEYOND
    END
    CASE "SYSENTER_EIP"
        WRITE_MSR 0x176, BEYOND
    END
    CASE "TSC can be set"
        WRITE_MSR 0x10, 0x123456789abc
        rdtsc
    END
    SHOWM "edx", rdx, 0xffff
    ; -- order
    CASE "LOCK RDMSR at level 3"
        LEVEL3 0
        db 0xf0
        rdmsr
    END
    CASE "privilege before the operand, LGDT"
        mov rbx, HOLE
        LEVEL3 0
        lgdt [rbx]
    END
    CASE "privilege before the operand, INVLPG"
        mov rbx, HOLE
        LEVEL3 0
        invlpg [rbx]
    END
    CASE "privilege before the operand, LMSW"
        LEVEL3 0
        lmsw [0x7ffff000]
    END
    CASE "privilege before the value, MOV CR"
        mov rax, -1
        LEVEL3 0
        mov cr4, rax
    END
    CASE "#UD before privilege, MOV CR"
        LEVEL3 0
        db 0x0f, 0x22, 0xf8         ; CR7
    END
    CASE "#UD before #NM, SSE with OSFXSR clear"
        mov rax, cr4
        and eax, ~0x200
        mov cr4, rax
        mov rax, cr0
        or al, 8
        mov cr0, rax
        movups xmm0, [0x20000]
    END
    mov rax, cr4
    or eax, 0x200
    mov cr4, rax
    CASE "#NM before the operand, SSE"
        mov rbx, HOLE
        movups xmm0, [rbx]
    END
    CASE "#NM before the operand, FLD"
        mov rbx, HOLE
        fld qword [rbx]
    END
    CASE "#NM, FWAIT with MP"
        mov rax, cr0
        or al, 2
        mov cr0, rax
        fwait
    END
    CASE "#GP for alignment behind #NM"
        movaps xmm0, [0x20001]
    END
    clts
    CASE "#GP for alignment before #PF"
        movaps xmm0, [0x7ffff008]
    END
    CASE "#DE needs the operand"
        mov rbx, HOLE
        xor edx, edx
        div dword [rbx]
    END
    CASE "CLI at level 3"
        LEVEL3 0
        cli
    END
    CASE "CLI at level 3, IOPL 3"
        LEVEL3 0x3000
        cli
        sti
        cli
        int 0x30
    END
    SHOWM "fl", [x_fl], 0x200
    CASE "HLT at level 3, IOPL 3"
        LEVEL3 0x3000
        hlt
    END
    CASE "POPF at level 3 leaves IF and IOPL"
        LEVEL3 0x200
        push 0x3002
        popfq
        int 0x30
    END
    SHOWM "fl", [x_fl], 0x3200
    CASE "POPF at level 3, IOPL 3, leaves IOPL"
        LEVEL3 0x3200
        push 2
        popfq
        int 0x30
    END
    SHOWM "fl", [x_fl], 0x3200
    CASE "POPF at level 3, all"
        LEVEL3 0x200
        push 0x3f7ed7
        popfq
        int 0x30
    END
    SHOW "fl", [x_fl]
    CASE "POPF at level 0, all"
        push 0x3f7cd7
        popfq
        pushfq
        pop rbx
        push 2
        popfq
    END
    SHOW "fl", rbx
    CASE "POPF of 16 bits leaves the upper half"
        push 0x240002
        popfq
        push word 0x0cd7
        o16 popf
        pushfq
        pop rbx
        push 2
        popfq
    END
    SHOW "fl", rbx
    CASE "CLAC at level 3"
        LEVEL3 0
        clac
    END
    CASE "RDTSC at level 3 with TSD"
        mov rax, cr4
        or al, 4
        mov cr4, rax
        LEVEL3 0
        rdtsc
    END
    CASE "RDPMC at level 3 without PCE"
        LEVEL3 0
        rdpmc
    END
    FINISH
SNIP_DATA
