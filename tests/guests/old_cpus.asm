; SPDX-License-Identifier: LGPL-2.1-or-later
; A ROM of 64 KiB that tells on the first serial port which generation of CPU runs it, by what FLAGS can hold.
cpu 8086
bits 16
org 0
start:
    mov ax, cs
    mov ds, ax
    xor ax, ax
    mov ss, ax
    mov sp, 0x7000
    mov dx, 0x3fb                   ; 8 bits
    mov al, 3
    out dx, al
    cld
    mov bx, is_8086
    xor ax, ax
    push ax
    popf
    pushf
    pop ax
    and ax, 0xf000
    cmp ax, 0xf000
    je say
    mov bx, is_286
    mov ax, 0xf002
    push ax
    popf
    pushf
    pop ax
    test ax, 0xf000
    jz say
    mov bx, is_386
say:
    mov si, intro
    call print
    mov si, bx
    call print
    mov al, 1
    out 0xf4, al
    cli
    hlt

print:
    mov dx, 0x3f8
.next:
    lodsb
    or al, al
    jz .end
    out dx, al
    jmp .next
.end:
    ret

intro: db "rom: cpu ", 0
is_8086: db "8086", 10, 0
is_286: db "80286", 10, 0
is_386: db "80386 or later", 10, 0

    times 0xfff0 - ($ - $$) db 0xff
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0xff
