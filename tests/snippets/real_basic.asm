; SPDX-License-Identifier: LGPL-2.1-or-later
; Real mode: the frame at work, limits of 64 KiB.
%define HOME 16
%include "snip.inc"
START
    CASE "ud2"
        ud2
    END
    CASE "div by zero"
        xor cx, cx
        div cx
    END
    CASE "word at FFFFh"
        mov bx, 0xffff
        mov ax, [bx]
    END
    CASE "stack word at FFFFh"
        mov bp, 0xffff
        mov ax, [bp]
    END
    CASE "int 30"
        int 0x30
    END
    SHOW "fl", [x_fl]
    FINISH
SNIP_DATA
