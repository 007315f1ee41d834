; SPDX-License-Identifier: LGPL-2.1-or-later
; Far transfers with 32-bit offsets beyond the 64 KiB of real mode: #GP on the instruction itself.
%define HOME 16
%include "snip.inc"
START
    CASE "iretd beyond 64 kib"
        mov sp, 0x3f00
        push dword 2
        push dword 0
        push dword 0x10000
        o32 iret
    END
    SHOW "sp", [x_frame]
    CASE "far jump with 32 bits beyond 64 kib"
        jmp dword 0:0x10000
    END
    CASE "far call with 32 bits beyond 64 kib"
        mov sp, 0x3f00
        call dword 0:0x10000
    END
    SHOW "sp", [x_frame]
    CASE "retf with 32 bits beyond 64 kib"
        mov sp, 0x3f00
        push dword 0
        push dword 0x10000
        o32 retf
    END
    SHOW "sp", [x_frame]
    FINISH
SNIP_DATA
