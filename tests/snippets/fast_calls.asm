; SPDX-License-Identifier: LGPL-2.1-or-later
; SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS on an AMD processor. APM vol. 3; the TF rules: APM vol. 2, 13.1.4.
%define HOME 64
%include "snip.inc"
%include "trace.inc"
%include "fast_calls.inc"
START
    TRACE_SETUP
    CASE "SYSCALL without EFER.SCE"
        syscall
    END
    CASE "SYSRET without EFER.SCE"
        o64 sysret
    END
    FAST_SETUP
    CASE "SYSCALL from level 3"
        USER .user, 0x46ed7
.user:
        syscall
.behind:
    END
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    SHOW "rcx", rcx
    SHOW "r11", r11
    SHOWM "fl", [x_fl], 0xfefff
    SHOWM "rsp", rsp, 0xffff
    CASE "SYSCALL from level 0"
        syscall
    END
    SHOW "cs", [x_cs]
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
    CASE "SYSRET clears RF and VM"
        mov ecx, .there2
        mov r11, 0xffffffffffffffff
        and r11d, ~0x100
        o64 sysret
.there2:
        int 0x30
    END
    SHOW "fl", [x_fl]
    CASE "SYSRET to 32 bits"
        mov rcx, 0x1234567800000000
        mov eax, .there3
        or rcx, rax
        mov r11d, 2
        o32 sysret
bits 32
.there3:
        mov ebx, cs
        mov edx, ss
        int 0x30
bits 64
    END
    SHOW "cs", rbx
    SHOW "ss", rdx
    CASE "SYSCALL from 32 bits"
        push DATA3
        push USER_TOP
        push 2
        push CODE3
        push .compat
        iretq
bits 32
.compat:
        syscall
bits 64
    END
    SHOW "cs", [x_cs]
    SHOWM "rcx", rcx, 0xf
    SHOW "r11", r11
    CASE "SYSRET to the hole"
        mov rcx, HOLE
        mov r11d, 2
        o64 sysret
    END
    SHOW "cs", [x_cs]
    SHOW "ip", [x_ip]
    CASE "SYSRET at level 3"
        USER .user2, 2
.user2:
        o64 sysret
    END
    CASE "SYSRET with LOCK"
        db 0xf0
        sysret
    END
    ; -- TF
    mov byte [idt + 1 * 16 + 4], 1          ; SYSCALL brings no stack
    TCASE "step, SYSCALL that does not mask TF", 1
        USER .user3, 2
.user3:
        TFON
        syscall
    TEND
    SHOW "entry", entry
    SHOW "start", [x_start]
    WRITE_MSR 0xc0000084, 0, 0x300
    TCASE "step, SYSCALL that masks TF", 1
        USER .user4, 2
.user4:
        TFON
        syscall
    TEND
    TCASE "step, SYSRET that sets TF", 1
        mov ecx, .user5
        mov r11d, 0x102
        o64 sysret
.user5:
        nop
        int 0x30
    TEND
    TCASE "step, SYSRET that clears TF", 1
        mov ecx, .user6
        mov r11d, 2
        pushfq
        or dword [rsp], 0x100
        popfq
        o64 sysret
.user6:
        nop
        int 0x30
    TEND
    ; -- SYSENTER
    CASE "SYSENTER in long mode"
        WRITE_MSR 0x174, 0, CODE64
        sysenter
    END
    CASE "SYSEXIT in long mode"
        sysexit
    END
    CASE "SYSENTER_EIP and ESP keep 64 bits"
        WRITE_MSR 0x176, 0x12, 0x34567890
        rdmsr
        shl rdx, 32
        lea rbx, [rdx + rax]
        WRITE_MSR 0x175, 0xffff8000, 0
        rdmsr
        shl rdx, 32
        add rax, rdx
    END
    SHOW "eip", rbx
    SHOW "esp", rax
    ; -- SWAPGS
    CASE "SWAPGS"
        WRITE_MSR 0xc0000101, 0, 0x1000
        WRITE_MSR 0xc0000102, 0, data
        swapgs
        mov rbx, [gs:0]
        mov ecx, 0xc0000101
        rdmsr
        mov esi, eax
        mov ecx, 0xc0000102
        rdmsr
    END
    SHOW "rbx", rbx
    SHOW "gs", rsi
    SHOW "kernel", rax
    CASE "SWAPGS at level 3"
        USER .user7, 2
.user7:
        swapgs
    END
    CASE "SWAPGS with LOCK"
        db 0xf0, 0x0f, 0x01, 0xf8
    END
    FINISH
FAST_ENTRIES
TRACE_DATA
align 16
data: dq 0x1122334455667788
SNIP_DATA
