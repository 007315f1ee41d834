; SPDX-License-Identifier: LGPL-2.1-or-later
; The debug registers themselves. SDM vol. 3, 17.2.
%define HOME 64
%include "snip.inc"
%macro USER 1
        push DATA3
        push USER_TOP
        push 2
        push CODE643
        push %1
        iretq
%endmacro
START
    CASE "DR6 ones and zeros"
        mov eax, 0xffffffff
        mov dr6, rax
        mov rbx, dr6
        xor eax, eax
        mov dr6, rax
        mov rcx, dr6
    END
    SHOW "ones", rbx
    SHOW "zeros", rcx
    CASE "DR7 zero"
        xor eax, eax
        mov dr7, rax
        mov rbx, dr7
    END
    SHOW "dr7", rbx
    CASE "DR7 reserved bits"
        mov eax, 0xdf00
        mov dr7, rax
        mov rbx, dr7
        xor eax, eax
        mov dr7, rax
    END
    SHOW "dr7", rbx
    CASE "DR6 bit 32"
        mov rax, 0x1ffff0ff0
        mov dr6, rax
    END
    CASE "DR7 bit 63"
        mov rax, 0x8000000000000400
        mov dr7, rax
    END
    CASE "DR0 to DR3"
        mov rax, 0x0123456789abcdef
        mov dr0, rax
        not rax
        mov dr1, rax
        not rax
        mov dr2, rax
        not rax
        mov dr3, rax
        mov rbx, dr2
        mov rcx, dr3
    END
    SHOW "dr2", rbx
    SHOW "dr3", rcx
    CASE "DR4 is DR6"
        mov eax, 0xffff4ff0
        mov dr4, rax
        mov rbx, dr6
        mov rcx, dr4
    END
    SHOW "dr6", rbx
    SHOW "dr4", rcx
    CASE "DR5 is DR7"
        mov eax, 0x500
        mov dr5, rax
        mov rbx, dr7
        mov rcx, dr5
        xor eax, eax
        mov dr7, rax
    END
    SHOW "dr7", rbx
    SHOW "dr5", rcx
    CASE "DR4 bit 32"
        mov rax, 0x1ffff0ff0
        mov dr4, rax
    END
    CASE "DR8"
        db 0x44, 0x0f, 0x21, 0xc0
    END
    CASE "DR15"
        db 0x44, 0x0f, 0x23, 0xf8
    END
    CASE "ModRM.mod does not count"
        mov rax, dr7
        xor ebx, ebx
        db 0x0f, 0x21, 0x3b     ; as mov rbx, dr7
    END
    SHOW "rbx", rbx
    CASE "66 does not count"
        mov rbx, -1
        db 0x66, 0x0f, 0x21, 0xfb
    END
    SHOW "rbx", rbx
    CASE "LOCK"
        db 0xf0, 0x0f, 0x21, 0xfb
    END
    mov rax, cr4
    or eax, 8
    mov cr4, rax
    CASE "DR4 with CR4.DE"
        mov rax, dr4
    END
    CASE "write of DR5 with CR4.DE"
        mov dr5, rax
    END
    CASE "general detect"
        mov eax, 0x2400
        mov dr7, rax
        mov rbx, dr7
    END
    SHOWM "dr6", [x_dr6], 0xf00f
    SHOWM "fl", [x_fl], 0x10000
    CASE "general detect is gone"
        mov rbx, dr7
    END
    SHOW "dr7", rbx
    CASE "level 3, read"
        USER .user
.user:
        mov rax, dr0
    END
    CASE "level 3, write of DR7"
        USER .user2
.user2:
        xor eax, eax
        mov dr7, rax
    END
    CASE "data breakpoint above 4 GiB"
        xor eax, eax
        mov dr6, rax
        mov rax, 0x100008000
        mov dr0, rax
        mov eax, 0x30400 | 2
        mov dr7, rax
        mov al, [0x8000]
        xor eax, eax
        mov dr7, rax
    END
    CASE "64-bit code breakpoint"
        xor eax, eax
        mov dr6, rax
        mov eax, .here
        mov dr0, rax
        mov eax, 0x402
        mov dr7, rax
        nop
.here:
        nop
    END
    SHOWM "dr6", [x_dr6], 0xf00f
    SHOWM "fl", [x_fl], 0x10000
    xor eax, eax
    mov dr7, rax
    CASE "length 8 in 64-bit mode"
        xor eax, eax
        mov dr6, rax
        mov eax, 0x20007
        mov dr0, rax
        mov eax, 0x90400 | 2
        mov dr7, rax
        mov byte [0x20008], 1
        mov byte [0x1ffff], 1
        mov byte [0x20000], 1
        nop
    END
    SHOWM "dr6", [x_dr6], 0xf00f
    xor eax, eax
    mov dr7, rax
    FINISH
SNIP_DATA
