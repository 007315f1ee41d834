; SPDX-License-Identifier: LGPL-2.1-or-later
; The last word of a 16-bit gate is reserved, and not looked at: call, interrupt and trap gates with junk there, to 16-bit and 32-bit
; code.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
GATED equ 0x58

; the word of a call gate and of interrupt gate 31h
%macro JUNK_GATE 4
    mov eax, %2
    and eax, 0xffff
    or eax, (%1) << 16
    mov [gdt + GATED], eax
    mov [idt + 0x31 * 8], eax
    mov eax, ((%4) << 16) | 0xe000 | ((%3) << 8)
    mov [gdt + GATED + 4], eax
    mov [idt + 0x31 * 8 + 4], eax
%endmacro
START
    call sweep_init
%macro JUNK 2
    CASE %1
        JUNK_GATE CODE0, %$to, 4, %2
        mov esp, 0x3f00
        call GATED:0
%$to:
        ud2
    END
    SHOWTOP "", 0
    SHOW "frame", [x_frame]
    %strcat name %1, ", jmp"
    CASE name
        JUNK_GATE CODE0, %$to, 4, %2
        jmp GATED:0
%$to:
        ud2
    END
    %strcat name %1, ", from level 3"
    CASE name
        JUNK_GATE CODE0, %$to, 4, %2
        RING3 %$go
%$go:
        push word 0x2222
        push word 0x1111
        call GATED:0
%$to:
        ud2
    END
    SHOWTOP "", 0
    SHOWTOP "", 4
    %strcat name %1, ", interrupt"
    CASE name
        JUNK_GATE CODE0, %$to, 6, %2
        mov esp, 0x3f00
        int 0x31
%$to:
        ud2
    END
    SHOWTOP "", 0
    SHOW "frame", [x_frame]
    %strcat name %1, ", trap"
    CASE name
        JUNK_GATE CODE0, %$to, 7, %2
        mov esp, 0x3f00
        int 0x31
%$to:
        ud2
    END
    SHOW "frame", [x_frame]
    %strcat name %1, ", interrupt from level 3"
    CASE name
        JUNK_GATE CODE0, %$to, 6, %2
        RING3 %$go
%$go:
        int 0x31
%$to:
        ud2
    END
    SHOWTOP "", 0
    SHOWTOP "", 4
    SHOW "frame", [x_frame]
    %strcat name %1, ", fault with an error code"
    CASE name
        mov eax, [idt + 13 * 8]
        push eax
        mov eax, [idt + 13 * 8 + 4]
        push eax
        JUNK_GATE CODE0, %$to, 6, %2
        mov eax, [idt + 0x31 * 8]
        mov [idt + 13 * 8], eax
        mov eax, [idt + 0x31 * 8 + 4]
        mov [idt + 13 * 8 + 4], eax
        mov eax, 0x1000
        mov fs, ax
%$to:
        pop eax
        pop edx
        pop dword [idt + 13 * 8 + 4]
        pop dword [idt + 13 * 8]
        ud2
    END
    SHOW "", eax
    SHOW "", edx
%endmacro
    JUNK "nothing", 0
    JUNK "ffff", 0xffff
    JUNK "1", 1
    CASE "16-bit code by a 16-bit gate with junk"
        SETDESC 0x48, 0, 0xffff, 0x9b, 0
        JUNK_GATE 0x48, %$to, 6, 0x8000
        mov esp, 0x3f00
        int 0x31
        bits 16
%$to:
        ud2
        bits 32
    END
    SHOW "cs", [x_cs]
    CASE "16-bit code by a 32-bit gate"
        JUNK_GATE 0x48, %$to, 14, 0
        mov esp, 0x3f00
        int 0x31
        bits 16
%$to:
        ud2
        bits 32
    END
    SHOW "cs", [x_cs]
    SHOWTOP "", 4
    CASE "16-bit code by a 32-bit gate beyond its limit"
        JUNK_GATE 0x48, 0x8000, 14, 1
        mov esp, 0x3f00
        int 0x31
    END
    SHOW "cs", [x_cs]
    FINISH
SWEEP_DATA
SNIP_DATA
