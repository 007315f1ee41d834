; SPDX-License-Identifier: LGPL-2.1-or-later
; Single steps and held breakpoints across INT n, INT3, INTO and ICEBP. SDM vol. 3, 6.8.3 and 17.3.1.4.
%define HOME 32
%include "snip.inc"
%include "trace.inc"
START
    TRACE_SETUP
    mov word [idt + 0x31 * 8], ADDR(back)
    TCASE "step, INT n", 2
        TFON
        int 0x31
        nop
        nop
        nop
    TEND
    SHOWM "fl", [inner_fl], 0x10100
    mov word [idt + 3 * 8], ADDR(back)
    TCASE "step, INT3", 2
        TFON
        int3
        nop
        nop
        nop
    TEND
    mov word [idt + 4 * 8], ADDR(back)
    TCASE "step, INTO taken", 2
        mov al, 0x7f
        inc al
        TFON
        into
        nop
        nop
        nop
    TEND
    TCASE "step, ICEBP", 3
        TFON
        db 0xf1
        nop
        nop
        nop
    TEND
    TCASE "ICEBP leaves DR6 alone", 9
        mov eax, 0xffff4ff0
        mov dr6, eax
        db 0xf1
        nop
    TEND
    TCASE "step, MOV SS and INT n", 2
        mov ax, ss
        TFON
        mov ss, ax
        int 0x31
        nop
        nop
        nop
    TEND
    TCASE "step, INT n whose gate faults", 2
        TFON
        int 0x4f
    TEND
    SHOWM "fl", [x_fl], 0x10100
    TCASE "data, MOV SS and INT n", 9
        mov [data], ss
        BREAK 0, data, 3, 1
        mov ss, [data]
        int 0x31
        nop
    TEND
    SHOW "handler", back
    SHOW "start", [x_start]
    TCASE "data, MOV SS and INT3", 9
        mov [data], ss
        BREAK 0, data, 3, 1
        mov ss, [data]
        int3
        nop
    TEND
    TCASE "data, MOV SS and INT n from level 3", 9
        mov [data], ss
        mov word [data], DATA3
        BREAK 0, data, 3, 1
        mov ax, DATA3
        mov ds, ax
        push dword DATA3
        push dword USER_TOP
        push dword 2
        push dword CODE3
        push dword .user
        iretd
.user:
        mov ss, [data]
        int 0x30
    TEND
    SHOW "cs", [x_cs]
    TCASE "code, on INT n", 9
        BREAK 0, .int, 0, 0
.int:
        int 0x31
        nop
    TEND
    SHOWM "fl", [inner_fl], 0x10000
    TCASE "code, IRET with RF to INT n pushes none", 9
        BREAK 0, .int2, 0, 0
        pushfd
        or dword [esp], 0x10000
        push cs
        push dword .int2
        iretd
.int2:
        int 0x31
        nop
    TEND
    SHOWM "fl", [inner_fl], 0x10000
    TCASE "code, in the handler", 9
        BREAK 0, back, 0, 0
        int 0x31
        nop
    TEND
    FINISH
back:
    push dword [esp + 8]
    pop dword [inner_fl]
    iretd
TRACE_DATA
align 16
inner_fl: dd 0
data: times 64 db 0
SNIP_DATA
