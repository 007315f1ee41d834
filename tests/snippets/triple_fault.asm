; SPDX-License-Identifier: LGPL-2.1-or-later
; An exception that cannot be delivered in an IDT of limit 0, nor the #DF of it: the machine shuts down, and the program has no end.
%define HOME 32
%include "snip.inc"
START
    CASE "before"
        ud2
    END
    mov al, 10
    call print_char
    mov word [0x2000], 0
    mov dword [0x2002], 0
    lidt [0x2000]
    ud2
    CASE "behind"
    END
    FINISH
SNIP_DATA
