; SPDX-License-Identifier: LGPL-2.1-or-later
; 64-bit mode: the frame at work, canonical addresses.
%define HOME 64
%include "snip.inc"
START
    CASE "ud2"
        ud2
    END
    CASE "non-canonical load"
        mov rax, 0x0000800000000000
        mov rcx, [rax]
    END
    SHOW "rax", rax
    CASE "non-canonical stack"
        mov rsp, 0x0000800000000008
        push rax
    END
    CASE "not present page"
        mov rax, 0x80000000
        mov [rax + 8], cl
    END
    SHOW "cr2", [x_cr2]
    CASE "int 30 from level 3"
        push DATA3
        push USER_TOP
        push 0x202
        push CODE643
        push .user
        iretq
.user:
        int 0x30
    END
    SHOW "cs", [x_cs]
    NEED "xsave", 1, 0, ecx, 26, .no_xsave
    CASE "xsave: xgetbv without CR4.OSXSAVE"
        xor ecx, ecx
        xgetbv
    END
.no_xsave:
    FINISH
SNIP_DATA
