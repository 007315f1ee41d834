; SPDX-License-Identifier: LGPL-2.1-or-later
; A disk that shows pictures in every mode of a VGA, one after the other as it is told.
;
; It needs the firmware to be loaded and to place the PCI function, nothing of a VGA BIOS: all
; registers are programmed from tables of its own (vga_modes.inc). On the first serial port it says
; the pictures' names and "ready"; each byte it then receives is the number of a picture, which it
; draws, waits for two vertical retraces, and answers with "shown NAME". FFh ends it by port F4h.
; What the pictures are to look like is written down a second time, in vga_pictures.py.
; With ALONE defined it shows all of them without being told, says "next" before it touches a picture
; again, and stays at the last one.
cpu 386
bits 16
org 0

section .text
section .list align=4 follows=.text
section .names align=1 follows=.list
section .rest align=4 follows=.names
section .text

%define SECTORS   80                ; of the image
%define PROGRAM   0x1000            ; segment of all this
%define LINE      0x3000            ; segment of the line that is being made, a byte a pixel

%define SEQ_PORT  0x3c4
%define GFX_PORT  0x3ce

; -- boot sector ----------------------------------------------------------------------------------
    jmp 0x07c0:boot
boot:
    cli
    xor ax, ax
    mov ss, ax
    mov sp, 0x7000
    mov ax, cs
    mov ds, ax
    sti
    mov si, packet
    mov ah, 0x42
    int 0x13
    jc $
    jmp PROGRAM:main
packet:
    db 16, 0
    dw SECTORS
    dw 0, PROGRAM
    dq 0
    times 446 - ($ - $$) db 0
    times 64 db 0
    dw 0xaa55

; -- program --------------------------------------------------------------------------------------
main:
    cli
    cld
    mov ax, cs
    mov ds, ax
    mov es, ax
    call flat
    call serial_init
    call find_lfb
    mov bx, pictures
.name:
    mov si, text_picture
    call print
    mov si, [bx]
    call print
    mov si, text_end
    call print
    add bx, 4
    cmp bx, pictures_end
    jb .name
    mov si, text_ready
    call print
.next:
%ifdef ALONE
    call take_turn
%else
    call receive
%endif
    cmp al, 0xff
    je .exit
    movzx bx, al
    shl bx, 2
    add bx, pictures
    cmp bx, pictures_end
    jae .next
    mov [picture], bx
    mov word [drawing], blit_none
    call [bx + 2]
    push cs
    pop ds
    call settle
    mov si, text_shown
    call print
    mov bx, [picture]
    mov si, [bx]
    call print
    mov si, text_end
    call print
    jmp .next
.exit:
    xor al, al
    out 0xf4, al
    hlt
    jmp $

; FS reaches 4 GiB from now on.
flat:
    lgdt [gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
    xor bx, bx
    mov fs, bx
    ret
    align 8
gdt:
    dq 0
    dq 0x00cf92000000ffff
gdt_pointer:
    dw 15
    dd PROGRAM * 16 + gdt

; -- serial port ----------------------------------------------------------------------------------
serial_init:
    mov dx, 0x3fb
    mov al, 0x83
    out dx, al
    mov dx, 0x3f8
    mov ax, 1
    out dx, al
    inc dx
    mov al, 0
    out dx, al
    mov dx, 0x3fb
    mov al, 3
    out dx, al
    inc dx
    out dx, al
    ret

print:
    lodsb
    or al, al
    jz .end
    mov ah, al
    mov dx, 0x3fd
.busy:
    in al, dx
    test al, 0x20
    jz .busy
    mov dx, 0x3f8
    mov al, ah
    out dx, al
    jmp print
.end:
    ret

receive:
    mov dx, 0x3fd
    in al, dx
    test al, 1
    jz receive
    mov dx, 0x3f8
    in al, dx
    ret

; In receive's place: a while to look at the last picture, then the next one's number.
%ifdef ALONE
take_turn:
    cmp byte [turn], 0
    je .go
    call settle
    cmp byte [turn], (pictures_end - pictures) / 4
    je $
    mov si, text_next
    call print
.go:
    mov al, [turn]
    inc byte [turn]
    ret
turn:
    db 0
text_next:
    db 'next', 13, 10, 0
%endif

; -- PCI: where is the display's first BAR? -------------------------------------------------------
find_lfb:
    mov ebx, 0x80000008
.next:
    mov eax, ebx
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    shr eax, 16
    cmp ax, 0x0300
    je .found
    add ebx, 0x800
    cmp ebx, 0x80010000
    jb .next
    ret
.found:
    lea eax, [ebx + 8]
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    and al, 0xf0
    mov [lfb], eax
    ret

; -- registers ------------------------------------------------------------------------------------
%macro SEQ 2
    mov dx, SEQ_PORT
    mov ax, (%2) << 8 | %1
    out dx, ax
%endmacro
%macro GFX 2
    mov dx, GFX_PORT
    mov ax, (%2) << 8 | %1
    out dx, ax
%endmacro
%macro CRTC 2
    mov dx, [crtc_port]
    mov ax, (%2) << 8 | %1
    out dx, ax
%endmacro
%macro ATTR 2
    mov ax, (%2) << 8 | %1
    call attr_set
%endmacro
%macro DISPI 2
    mov dx, 0x1ce
    mov ax, %1
    out dx, ax
    inc dx
    mov ax, %2
    out dx, ax
%endmacro

; AL index, AH value.
attr_set:
    mov cx, ax
    mov dx, [crtc_port]
    add dx, 6
    in al, dx
    mov dx, 0x3c0
    mov al, cl
    out dx, al
    mov al, ch
    out dx, al
    mov al, 0x20
    out dx, al
    ret

; Two vertical retraces: a new start address is in use then.
settle:
    mov dx, [crtc_port]
    add dx, 6
    mov cx, 2
.on:
    in al, dx
    test al, 8
    jnz .on
.off:
    in al, dx
    test al, 8
    jz .off
    loop .on
    ret

; SI: a mode of vga_modes.inc. Video memory is cleared.
set_mode:
    mov [mode], si
    DISPI 4, 0
    mov dx, 0x3c2
    lodsb
    out dx, al
    mov word [crtc_port], 0x3d4
    test al, 1
    jnz .color
    mov word [crtc_port], 0x3b4
.color:
    SEQ 0, 1
    mov cx, 0x0401
    mov dx, SEQ_PORT
    call .file
    SEQ 0, 3
    CRTC 0x11, 0
    mov cx, 0x1900
    mov dx, [crtc_port]
    call .file
    mov cx, 0x0900
    mov dx, GFX_PORT
    call .file
    mov dx, [crtc_port]
    add dx, 6
    in al, dx
    mov dx, 0x3c0
    xor cl, cl
.attr:
    mov al, cl
    out dx, al
    lodsb
    out dx, al
    inc cl
    cmp cl, 21
    jb .attr
    mov al, 0x20
    out dx, al
    call palette
    jmp clear_memory
; CH registers from CL on, from SI.
.file:
    mov al, cl
    mov ah, [si]
    out dx, ax
    inc si
    inc cl
    dec ch
    jnz .file
    ret

; All planes as bytes at A000h: what fonts, clearing and unchained drawing need.
planes_open:
    SEQ 2, 0x0f
    SEQ 4, 0x06
    GFX 0, 0
    GFX 1, 0
    GFX 3, 0
    GFX 5, 0
    GFX 6, 0x05
    GFX 8, 0xff
    ret
; As the mode has it.
planes_close:
    mov si, [mode]
    mov dx, SEQ_PORT
    mov al, 2
    mov ah, [si + 2]
    out dx, ax
    mov al, 4
    mov ah, [si + 4]
    out dx, ax
    mov dx, GFX_PORT
    mov al, 5
    mov ah, [si + 1 + 4 + 25 + 5]
    out dx, ax
    mov al, 6
    mov ah, [si + 1 + 4 + 25 + 6]
    out dx, ax
    ret

clear_memory:
    call planes_open
    mov ax, 0xa000
    mov es, ax
    xor di, di
    xor eax, eax
    mov cx, 0x4000
    rep stosd
    jmp planes_close

; The DAC: 64 colours of the EGA, then three bits of red, three of green, two of blue.
palette:
    mov dx, 0x3c6
    mov al, 0xff
    out dx, al
    xor bl, bl
.entry:
    mov al, bl
    call dac_entry
    inc bl
    jnz .entry
    ret
; DAC entry AL gets colour BL.
dac_entry:
    mov dx, 0x3c8
    out dx, al
    inc dx
    cmp bl, 64
    jae .packed
    mov cl, 2                       ; bits 2, 1, 0: two thirds of red, green, blue; 5, 4, 3: a third
.component:
    mov al, bl
    shr al, cl
    mov ah, al
    shr ah, 3
    and ax, 0x0101
    add al, al
    add al, ah
    mov ah, 21
    mul ah
    out dx, al
    dec cl
    jns .component
    ret
.packed:
    mov al, bl
    shr al, 5
    mov ah, 9
    mul ah
    out dx, al
    mov al, bl
    shr al, 2
    and al, 7
    mov ah, 9
    mul ah
    out dx, al
    mov al, bl
    and al, 3
    mov ah, 21
    mul ah
    out dx, al
    ret

; 200-line modes: entries 0-31 have the CGA's sixteen colours, bit 4 the intensity.
palette200:
    xor bl, bl
.entry:
    mov dx, 0x3c8
    mov al, bl
    out dx, al
    inc dx
    mov cl, 2
.component:
    mov al, bl
    shr al, cl
    mov ah, bl
    shr ah, 4
    and ax, 0x0101
    add al, al
    add al, ah
    mov ah, 21
    mul ah
    out dx, al
    dec cl
    jns .component
    inc bl
    cmp bl, 32
    jb .entry
    ret

%include "vga_draw.inc"
%include "vga_pictures.inc"
%include "vga_modes.inc"

text_picture: db "picture ", 0
text_ready: db "ready", 13, 10, 0
text_shown: db "shown ", 0
text_end: db 13, 10, 0
    align 4
lfb: dd 0
picture: dw 0
mode: dw 0
drawing: dw 0                       ; how a line goes to the screen
crtc_port: dw 0x3d4
width: dw 0
height: dw 0
pitch: dw 0                         ; bytes from line to line
page: dw 0                          ; where the picture begins in the window
depth: dw 0
bytes: dw 0                         ; of a pixel in a linear mode
bank: dw 0
bank_shift: db 16
    align 2
section .rest
font16:
    incbin "font16.bin"
font8:
    incbin "font8.bin"
