; SPDX-License-Identifier: LGPL-2.1-or-later
; Boot sector: the keyboard as a DOS program knows it. It says "ready" on COM1, then a line for each key that INT 16h gives:
; scan code and character in hexadecimal, then the lock bits of 40:17. Three keys do something to the keyboard itself first:
;   0-7   the LEDs as the digit's bits say (ED), past the BIOS
;   F2     the scan code set (F0 00), as "set N"
;   Esc   ends the machine (debug exit port, code 3)
BITS 16
ORG 0x7c00

    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    mov ax, 0x00e3 ; COM1: 9600 8N1
    xor dx, dx
    int 0x14
    mov si, text_ready
    call print
next:
    mov ah, 0
    int 0x16
    mov [key], ax
    cmp al, 0x1b
    je near quit
    cmp ax, 0x3c00 ; F2
    je scan_set
    cmp al, '0'
    jb show
    cmp al, '7'
    ja show
    mov ah, 0xed
    call command
    mov ah, [key]
    sub ah, '0'
    call command_byte
    jmp show
scan_set:
    mov ah, 0xf0
    call command
    mov ah, 0
    call command_byte
    call answer ; the set
    push ax
    call enable
    mov si, text_set
    call print
    pop ax
    call hex
    call newline
    jmp next
show:
    call enable
    mov si, text_key
    call print
    mov al, [key + 1]
    call hex
    mov al, [key]
    call hex
    mov al, ' '
    call putc
    mov al, [0x417]
    and al, 0x70 ; scroll, num, caps lock
    call hex
    call newline
    jmp next
quit:
    mov dx, 0xf4
    mov al, 1
    out dx, al
    hlt

; AH to the keyboard with its interrupt off; its FAh is awaited.
command:
    cli
command_byte:
    in al, 0x64
    test al, 2
    jnz command_byte
    mov al, ah
    out 0x60, al
answer: ; AL from the keyboard
    in al, 0x64
    test al, 1
    jz answer
    in al, 0x60
    ret
enable:
    sti
    ret

hex:
    push ax
    shr al, 4
    call digit
    pop ax
    and al, 15
digit:
    add al, '0'
    cmp al, '9'
    jbe putc
    add al, 'a' - '0' - 10
putc:
    push dx
    push ax
    mov dx, 0x3fd
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    pop ax
    mov dx, 0x3f8
    out dx, al
    pop dx
    ret
newline:
    mov al, 13
    call putc
    mov al, 10
    jmp putc
print:
    lodsb
    test al, al
    jz .end
    call putc
    jmp print
.end:
    ret

text_ready: db "ready", 13, 10, 0
text_key: db "key ", 0
text_set: db "set ", 0
key: dw 0
    times 510 - ($ - $$) db 0
    dw 0xaa55
