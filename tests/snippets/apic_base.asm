; SPDX-License-Identifier: LGPL-2.1-or-later
; IA32_APIC_BASE: disabled, xAPIC, x2APIC and the ways between them; the registers' page here, there and gone; CPUID's bit.
; SDM vol. 3, 10.4.3, 10.4.4, 10.12.5 (figure 10-27).
%define HOME 64
%include "snip.inc"
%define APIC 0xfee00000
%macro BASE 1
        mov ecx, 0x1b
        mov eax, (%1) & 0xffffffff
        mov edx, (%1) >> 32
        wrmsr
%endmacro
; AL: what CPUID says of the APIC
%macro CPUID_APIC 0
        mov eax, 1
        cpuid
        shr edx, 9
        and edx, 1
%endmacro
START
    mov r8d, APIC
    mov r9d, 0xfee10000
    CASE "after reset"
        mov ecx, 0x1b
        rdmsr
    END
    SHOW "low", rax
    SHOW "high", rdx
    CASE "version"
        mov eax, [r8 + 0x30]
    END
    SHOWM "eax", rax, 0xff
    CASE "CPUID has it"
        CPUID_APIC
    END
    SHOW "edx", rdx
    CASE "reserved bit 0"
        BASE APIC | 0x801
    END
    CASE "reserved bit 9"
        BASE APIC | 0xa00
    END
    CASE "reserved bit beyond the address"
        BASE APIC | 0x900 | (1 << 52)
    END
    CASE "BSP can be cleared"
        BASE APIC | 0x800
        rdmsr
    END
    SHOW "low", rax
    CASE "disabled"
        BASE APIC | 0x100
        rdmsr
    END
    SHOW "low", rax
    CASE "disabled, CPUID"
        CPUID_APIC
    END
    SHOW "edx", rdx
    CASE "disabled, the page is as if nobody were there"
        mov eax, [r8 + 0x30]
    END
    SHOWM "eax", rax, 0xff
    CASE "disabled to x2APIC"
        BASE APIC | 0xd00
    END
    CASE "enabled again"
        BASE APIC | 0x900
        mov eax, [r8 + 0x30]
        mov ebx, [r8 + 0xf0]
    END
    SHOWM "version", rax, 0xff
    SHOW "svr", rbx
    CASE "enabled again, CPUID"
        CPUID_APIC
    END
    SHOW "edx", rdx
    CASE "registers are reset by that"
        mov dword [r8 + 0xf0], 0x1ff
        mov dword [r8 + 0x80], 0x20
        BASE APIC | 0x100
        BASE APIC | 0x900
        mov eax, [r8 + 0xf0]
        mov ebx, [r8 + 0x80]
    END
    SHOW "svr", rax
    SHOW "tpr", rbx
    CASE "moved"
        BASE 0xfee10000 | 0x900
        mov eax, [r9 + 0x30]
        mov ebx, [r8 + 0x30]
    END
    SHOWM "there", rax, 0xff
    SHOWM "here", rbx, 0xff
    CASE "moved back"
        BASE APIC | 0x900
        mov eax, [r8 + 0x30]
    END
    SHOWM "here", rax, 0xff
    CASE "moved over memory"
        mov dword [0x300030], 0x12345678
        BASE 0x300000 | 0x900
        mov r10d, [0x300030]
        BASE APIC | 0x900
        mov ebx, [0x300030]
    END
    SHOWM "apic", r10, 0xff
    SHOW "memory", rbx
    CASE "x2APIC MSR in xAPIC mode"
        mov ecx, 0x803
        rdmsr
    END
    NEED "x2apic", 1, 0, ecx, 21, .no_x2
    CASE "x2apic, on"
        BASE APIC | 0xd00
        mov ecx, 0x803
        rdmsr
    END
    SHOWM "version", rax, 0xff
    CASE "x2apic, ID has 32 bits"
        mov ecx, 0x802
        rdmsr
    END
    SHOW "id", rax
    CASE "x2apic, ID is read-only"
        mov ecx, 0x802
        xor eax, eax
        xor edx, edx
        wrmsr
    END
    CASE "x2apic, no DFR"
        mov ecx, 0x80e
        rdmsr
    END
    CASE "x2apic, no ICR high"
        mov ecx, 0x831
        rdmsr
    END
    CASE "x2apic, EOI of 0"
        mov ecx, 0x80b
        xor eax, eax
        xor edx, edx
        wrmsr
    END
    CASE "x2apic, EOI of 1"
        mov ecx, 0x80b
        mov eax, 1
        xor edx, edx
        wrmsr
    END
    CASE "x2apic, EOI cannot be read"
        mov ecx, 0x80b
        rdmsr
    END
    CASE "x2apic, reserved bit of TPR"
        mov ecx, 0x808
        mov eax, 0x100
        xor edx, edx
        wrmsr
    END
    CASE "x2apic, SELF IPI cannot be read"
        mov ecx, 0x83f
        rdmsr
    END
    CASE "x2apic, SELF IPI"
        mov ecx, 0x80f
        mov eax, 0x1ff
        xor edx, edx
        wrmsr
        mov ecx, 0x83f
        mov eax, 0x3e
        wrmsr
        sti
        nop
        nop
    END
    cli
    CASE "x2apic, EOI of that"
        mov ecx, 0x80b
        xor eax, eax
        xor edx, edx
        wrmsr
    END
    CASE "x2apic, to xAPIC"
        BASE APIC | 0x900
    END
    CASE "x2apic, EXTD without EN"
        BASE APIC | 0x500
    END
    CASE "x2apic, still on"
        mov ecx, 0x1b
        rdmsr
    END
    SHOWM "low", rax, 0xc00
    CASE "x2apic, to disabled"
        BASE APIC | 0x100
    END
    CASE "x2apic, MSR when disabled"
        mov ecx, 0x803
        rdmsr
    END
    CASE "x2apic, disabled to xAPIC"
        BASE APIC | 0x900
        mov eax, [r8 + 0x30]
    END
    SHOWM "version", rax, 0xff
.no_x2:
    FINISH
SNIP_DATA
