; SPDX-License-Identifier: LGPL-2.1-or-later
; The I/O permission map: who is asked for, its ends, ports of several bytes. SDM vol. 1, 18.5.2.
; Two bytes of the map are read for each access; the last byte of the TSS is FFh.
%define HOME 32
%include "snip.inc"
%define MAP 104
%macro LEVEL3 1
        mov ax, DATA3
        mov ds, ax
        mov es, ax
        push dword DATA3
        push dword USER_TOP
        push dword (%1) | 2
        push dword CODE3
        push dword %%code
        iretd
%%code:
%endmacro
%macro V86 1
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0x1000
        push dword 0x0f00
        push dword (%1) | 0x20002
        push dword 0
        push dword ADDR(%%code)
        iretd
%%code:
bits 16
%endmacro
%macro UCASE 3+
    CASE %1
        LEVEL3 %2
        %3
        int 0x30
    END
%endmacro
%macro VCASE 3+
    CASE %1
        V86 %2
        %3
        int 0x30
bits 32
    END
%endmacro
%macro TSS_LIMIT 1
    and byte [gdt + TSS0 + 5], ~2
    mov word [gdt + TSS0], %1
    mov ax, TSS0
    ltr ax
%endmacro
START
    mov byte [tss0 + MAP + 0x80 / 8], 0         ; 80h-87h
    UCASE "free byte", 0, in al, 0x80
    UCASE "IOPL 3 asks for nothing", 0x3000, in al, 0x60
    UCASE "IOPL 2", 0x2000, in al, 0x60
    UCASE "barred byte", 0, in al, 0x88
    UCASE "word up to the last", 0, in ax, 0x86
    UCASE "word over the end", 0, in ax, 0x87
    UCASE "dword up to the last", 0, in eax, 0x84
    UCASE "dword over the end", 0, in eax, 0x85
    UCASE "dword from before", 0, in eax, 0x7d
    UCASE "OUT, dword over the end", 0, out 0x85, eax
    UCASE "OUT, free", 0, out 0x80, al
    CASE "OUT by DX"
        mov edx, 0x10080
        LEVEL3 0
        out dx, al
        int 0x30
    END
    CASE "INS asks before memory"
        mov edx, 0x90
        mov edi, 0xffffffff
        LEVEL3 0
        insd
    END
    CASE "REP INS of none asks too"
        mov edx, 0x90
        xor ecx, ecx
        LEVEL3 0
        rep insb
    END
    CASE "REP OUTS"
        mov edx, 0x80
        mov ecx, 3
        mov esi, STACK_TOP - 64
        LEVEL3 0
        rep outsb
        int 0x30
    END
    SHOW "ecx", ecx
    CASE "level 0 asks for nothing"
        in al, 0x88
    END
    ; V86
    VCASE "V86, free", 0x3000, in al, 0x80
    VCASE "V86, barred, IOPL 3", 0x3000, in al, 0x88
    CASE "V86, free, IOPL 0"
        V86 0
        in al, 0x80
        hlt
bits 32
    END
    ; the ends
    mov byte [tss0 + MAP + 0x2000 - 1], 0
    CASE "port FFFFh"
        mov edx, 0xffff
        LEVEL3 0
        in al, dx
        int 0x30
    END
    CASE "word at FFFFh"
        mov edx, 0xffff
        LEVEL3 0
        in ax, dx
    END
    TSS_LIMIT MAP + 0x80 / 8 + 1
    UCASE "second byte is the limit", 0, in al, 0x80
    UCASE "second byte beyond, port 88h", 0, in al, 0x88
    TSS_LIMIT MAP + 0x80 / 8
    UCASE "second byte beyond the limit", 0, in al, 0x80
    TSS_LIMIT MAP + 0x80 / 8 - 1
    UCASE "first byte beyond the limit", 0, in al, 0x80
    TSS_LIMIT 103
    UCASE "limit 67h", 0, in al, 0
    TSS_LIMIT 0x2068
    mov word [tss0 + 102], 0xffff
    UCASE "map at FFFFh", 0, in al, 0x80
    mov word [tss0 + 102], 0
    mov dword [tss0 + 0x80 / 8], 0
    UCASE "map within the TSS", 0, in al, 0x80
    mov word [tss0 + 102], MAP
    ; a TSS of 16 bits has none
    and byte [gdt + TSS0 + 5], ~2
    mov word [gdt + 0x48], 0x2068
    mov ax, [gdt + TSS0 + 2]
    mov [gdt + 0x4a], ax
    mov ax, [gdt + TSS0 + 4]
    mov [gdt + 0x4c], ax
    mov byte [gdt + 0x4d], 0x81
    mov word [tss0 + 2], RING0_TOP
    mov word [tss0 + 4], DATA0
    mov ax, 0x48
    ltr ax
    UCASE "TSS of 16 bits", 0, in al, 0x80
    FINISH
SNIP_DATA
