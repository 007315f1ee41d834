; SPDX-License-Identifier: LGPL-2.1-or-later
; The model of a program: exceptions of protected mode with their error codes and where they point.
%define HOME 32
%include "snip.inc"
START
    CASE "ud2"
        ud2
    END
    SHOWM "rf", [x_fl], 0x10000
    CASE "div by zero"
        xor ecx, ecx
        div ecx
    END
    CASE "int3"
        int3
    END
    CASE "int 30 from level 3"
        push dword DATA3
        push dword USER_TOP
        push dword 0x3002
        push dword CODE3
        push dword .user
        iretd
.user:
        int 0x30
    END
    SHOW "cs", [x_cs]
    SHOW "ss:esp", [x_ss]
    SHOW "", [x_sp]
    CASE "int 20 from level 3"
        push dword DATA3
        push dword USER_TOP
        push dword 0x3002
        push dword CODE3
        push dword .user2
        iretd
.user2:
        int 0x20
    END
    CASE "load of a null selector's segment"
        xor eax, eax
        mov fs, ax
        mov eax, [fs:0]
    END
    CASE "selector beyond the table"
        mov eax, 0x1003
        mov ds, ax
    END
    SHOW "eax", eax
    CASE "limit of a small segment"
        SETDESC 0x48, 0, 0xfff, 0x93, 4
        mov ax, 0x48
        mov es, ax
        mov eax, [es:0xffc]
        mov eax, [es:0xffd]
    END
    FINISH
SNIP_DATA
