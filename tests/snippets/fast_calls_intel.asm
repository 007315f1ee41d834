; SPDX-License-Identifier: LGPL-2.1-or-later
; SYSCALL and SYSRET on an Intel processor, where they are part of 64-bit mode alone; SYSENTER and SYSEXIT in long mode.
; SDM vol. 2. What both vendors share is in fast_calls.asm.
; CPU viv: core2
; CPU tcg: core2duo
%define HOME 64
%include "snip.inc"
%include "trace.inc"
%include "fast_calls.inc"
%macro COMPAT 1
        push DATA3
        push USER_TOP
        push 2
        push CODE3
        push %1
        iretq
%endmacro
START
    TRACE_SETUP
    CASE "SYSCALL without EFER.SCE"
        syscall
    END
    CASE "SYSRET without EFER.SCE"
        o64 sysret
    END
    FAST_SETUP
    WRITE_MSR 0xc0000081, (0x58 << 16) | 0x48, 0x12345678
    CASE "SYSCALL from level 3"
        USER .user, 0x46ed7
.user:
        syscall
    END
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    SHOW "r11", r11
    SHOWM "fl", [x_fl], 0xfefff
    CASE "SYSCALL from 32 bits"
        COMPAT .compat
bits 32
.compat:
        syscall
bits 64
    END
    SHOW "cs", [x_cs]
    CASE "SYSRET in 32 bits"
        COMPAT .compat2
bits 32
.compat2:
        sysret
bits 64
    END
    CASE "SYSRET to 64 bits"
        mov ecx, .there
        mov r11d, 0x46ed7
        o64 sysret
.there:
        mov ebx, cs
        mov edx, ss
        int 0x30
    END
    SHOW "cs", rbx
    SHOW "ss", rdx
    SHOWM "fl", [x_fl], 0xfffff
    CASE "SYSRET to 32 bits"
        mov rcx, 0x1234567800000000
        mov eax, .there2
        or rcx, rax
        mov r11d, 2
        o32 sysret
bits 32
.there2:
        mov ebx, cs
        mov edx, ss
        int 0x30
bits 64
    END
    SHOW "cs", rbx
    SHOW "ss", rdx
    CASE "SYSRET to the hole is refused at level 0"
        mov rcx, HOLE
        mov r11d, 2
        o64 sysret
    END
    SHOW "cs", [x_cs]
    CASE "SYSRET to 32 bits does not look at the upper half"
        mov rcx, HOLE
        mov eax, .there3
        or rcx, rax
        mov r11d, 2
        o32 sysret
bits 32
.there3:
        int 0x30
bits 64
    END
    SHOW "cs", [x_cs]
    CASE "SYSRET at level 3"
        USER .user2, 2
.user2:
        o64 sysret
    END
    CASE "SYSRET at level 3 to the hole"
        USER .user3, 2
.user3:
        mov rcx, HOLE
        o64 sysret
    END
    CASE "FMASK, bit 32"
        WRITE_MSR 0xc0000084, 1, 0x200
    END
    ; -- SYSENTER
    CASE "SYSENTER without a CS"
        USER .user4, 2
.user4:
        sysenter
    END
    WRITE_MSR 0x174, 0, 3
    CASE "SYSENTER with an RPL for a CS"
        sysenter
    END
    CASE "SYSEXIT with an RPL for a CS"
        sysexit
    END
    SETDESC 0x48, 0, 0xfffff, 0x9b, 0xa  ; CS and SS of SYSENTER, SYSEXIT to 32 bits, to 64 bits: not looked at
    WRITE_MSR 0x174, 0, 0x4b
    WRITE_MSR 0x175, 0, 0x6f00
    WRITE_MSR 0x176, 0, entry
    CASE "SYSENTER from level 3"
        USER .user5, 0x46ed7
.user5:
        mov eax, 0x123
        sysenter
    END
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    SHOW "rsp", [x_sp]
    SHOW "fl", [x_fl]
    SHOW "rax", rax
    CASE "SYSENTER from level 0"
        sysenter
    END
    SHOW "cs", [x_cs]
    SHOW "rsp", [x_sp]
    CASE "SYSENTER from 32 bits"
        COMPAT .compat3
bits 32
.compat3:
        sysenter
bits 64
    END
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    CASE "SYSENTER keeps 64 bits of ESP"
        WRITE_MSR 0x175, 0xffff8000, 0x6f00
        USER .user6, 2
.user6:
        sysenter
    END
    SHOW "rsp", [x_sp]
    WRITE_MSR 0x175, 0, 0x6f00
    CASE "SYSENTER_EIP at the hole"
        WRITE_MSR 0x176, 0x8000, 0
    END
    WRITE_MSR 0x176, 0, entry
    CASE "SYSEXIT to 32 bits"
        mov rdx, 0x1234567800000000
        mov eax, .there4
        or rdx, rax
        mov rcx, 0x1234567800004f00
        sysexit
bits 32
.there4:
        mov ebx, cs
        mov edx, ss
        int 0x30
bits 64
    END
    SHOW "cs", rbx
    SHOW "ss", rdx
    SHOW "rsp", [x_sp]
    CASE "SYSEXIT to 64 bits"
        mov edx, .there5
        mov ecx, 0x4f00
        o64 sysexit
.there5:
        mov ebx, cs
        mov edx, ss
        int 0x30
    END
    SHOW "cs", rbx
    SHOW "ss", rdx
    SHOW "rsp", [x_sp]
    CASE "SYSEXIT leaves the flags"
        push 0xed7
        popfq
        mov edx, .there6
        mov ecx, 0x4f00
        o64 sysexit
.there6:
        int 0x30
    END
    SHOW "fl", [x_fl]
    cli
    CASE "SYSEXIT to RIP in the hole"
        mov rdx, HOLE
        mov ecx, 0x4f00
        o64 sysexit
    END
    SHOW "cs", [x_cs]
    CASE "SYSEXIT to RSP in the hole"
        mov edx, .there7
        mov rcx, HOLE
.there7:
        o64 sysexit
    END
    SHOW "cs", [x_cs]
    CASE "SYSEXIT at level 3"
        USER .user7, 2
.user7:
        sysexit
    END
    CASE "SYSEXIT with LOCK"
        db 0xf0
        sysexit
    END
    TCASE "step, SYSENTER", 1
        USER .user8, 2
.user8:
        TFON
        sysenter
    TEND
    SHOW "entry", entry
    SHOW "start", [x_start]
    FINISH
FAST_ENTRIES
TRACE_DATA
SNIP_DATA
