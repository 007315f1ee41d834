; SPDX-License-Identifier: LGPL-2.1-or-later
; A boot floppy that reads all of itself: through the BIOS, then by programming the floppy controller and the 8237A, then without
; DMA; it formats a track, writes it back and verifies it. Tells on the first serial port how it went.
; Defined by the test: CYLS, HEADS, SECTORS (of the medium), BIOS_SECTORS (a track, as the BIOS knows it), RATE (CCR).
; The image: this program in the first eight sectors; each further sector is its own number, 128 times.
bits 16
org 0x7c00
%define SELF    8                   ; sectors
%define BUFFER  0x2000              ; segment: 64 KiB that cross no DMA page
%define LAST    (CYLS - 1)
%define TRACK   (SECTORS * 512)
%define DOR     0x3f2
%define MSR     0x3f4
%define FIFO    0x3f5
%define CCR     0x3f7

    jmp 0:boot
boot:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    sti
    cld
    mov dx, 0x3fb                   ; 8 bits
    mov al, 3
    out dx, al
    mov si, hello
    call print
    mov ax, 0x0200 + SELF - 1
    mov bx, 0x7e00
    mov cx, 2
    xor dx, dx
    int 0x13
    jc bios_failed
    jmp main

bios_failed:
    mov [stage], ah
    mov si, bios_error
failed:
    call print
    mov al, [stage]
    call print_hex
    mov si, newline
    call print
    mov al, 2
    out 0xf4, al
    cli
    hlt

print:
    mov dx, 0x3fd
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    lodsb
    or al, al
    jz .end
    mov dx, 0x3f8
    out dx, al
    jmp print
.end:
    ret

print_hex:
    mov [hex_at], al
    mov bx, hex_text
    mov cl, 4
    shr al, cl
    call .digit
    mov al, [hex_at]
    and al, 15
    call .digit
    mov si, hex_text
    jmp print
.digit:
    add al, '0'
    cmp al, '9'
    jbe .put
    add al, 'a' - '0' - 10
.put:
    mov [bx], al
    inc bx
    ret

hello: db "floppy: here", 10, 0
bios_error: db "floppy: BIOS error ", 0
newline: db 10, 0
hex_text: db "00", 0
hex_at: db 0
stage: db 0
    times 510 - ($ - $$) db 0
    dw 0xaa55

main:
    call bios_reads
    mov si, bios_ok
    call print
    call fdc_begin
    call dma_reads
    mov si, dma_ok
    call print
    call pio_read
    mov si, pio_ok
    call print
    call format_and_back
    mov si, format_ok
    call print
    mov al, 1
    out 0xf4, al
    cli
    hlt

; -- pattern -----------------------------------------------------------------------------------

; cx sectors from ebx on are in BUFFER; the program's own are passed over
check:
    mov ax, BUFFER
    mov es, ax
    xor di, di
.sector:
    cmp ebx, SELF
    jb .next
    push cx
    push di
    mov eax, ebx
    mov cx, 128
    repe scasd
    pop di
    pop cx
    jne .bad
.next:
    add di, 512
    inc ebx
    loop .sector
    ret
.bad:
    mov [stage], bl
    mov si, bad_data
    jmp failed

; ebx = first sector of cylinder ch, head dh
number:
    movzx ebx, ch
    imul ebx, HEADS
    movzx eax, dh
    add ebx, eax
    imul ebx, SECTORS
    ret

; -- BIOS --------------------------------------------------------------------------------------

bios_reads:
    xor cx, cx
    xor dx, dx
.track:
    push cx
    push dx
    mov ax, BUFFER
    mov es, ax
    xor bx, bx
    mov ax, 0x0200 + BIOS_SECTORS
    mov cl, 1
    int 0x13
    jc bios_failed
    pop dx
    pop cx
    push cx
    push dx
    call number
    mov cx, BIOS_SECTORS
    call check
    pop dx
    pop cx
    inc dh
    cmp dh, HEADS
    jb .track
    mov dh, 0
    inc ch
    cmp ch, CYLS
    jb .track
    ret

; -- the controller ----------------------------------------------------------------------------

on_irq6:
    push ax
    mov byte [cs:came], 1
    mov al, 0x20
    out 0x20, al
    pop ax
    iret

wait_irq6:
    mov cx, 400                     ; ticks of the PIT
.wait:
    cli
    mov byte [0x440], 0xff          ; the BIOS shall not switch the motor off
    cmp byte [came], 0
    jne .end
    sti
    hlt
    loop .wait
    mov byte [stage], 0xee
    mov si, no_interrupt
    jmp failed
.end:
    mov byte [came], 0
    sti
    ret

; al to the FIFO
fdc_put:
    mov ah, al
    mov dx, MSR
.wait:
    in al, dx
    and al, 0xc0
    cmp al, 0x80
    jne .wait
    mov al, ah
    mov dx, FIFO
    out dx, al
    ret

; cx bytes from si
fdc_puts:
    lodsb
    call fdc_put
    loop fdc_puts
    ret

fdc_get:
    mov dx, MSR
.wait:
    in al, dx
    and al, 0xc0
    cmp al, 0xc0
    jne .wait
    mov dx, FIFO
    in al, dx
    ret

; seven results to result..
fdc_results:
    mov cx, 7
    mov di, result
    push ds
    pop es
.next:
    call fdc_get
    stosb
    loop .next
    ret

; al = ST0 that is wanted, without head and drive
sense:
    push ax
    mov al, 0x08
    call fdc_put
    call fdc_get
    mov [result], al
    call fdc_get
    pop ax
    mov ah, [result]
    and ah, 0xf8
    cmp ah, al
    jne wrong_status
    ret

wrong_status:
    mov al, [result]
    mov [stage], al
    mov si, bad_status
    jmp failed

fdc_begin:
    cli
    mov word [0x0e * 4], on_irq6
    mov word [0x0e * 4 + 2], 0
    in al, 0x21
    and al, 0xbf
    out 0x21, al
    sti
    mov byte [came], 0
    mov dx, DOR
    mov al, 0x18
    out dx, al
    mov al, 0x1c
    out dx, al
    call wait_irq6
    mov cx, 4
    mov byte [stage], 0xc0
.sense:
    mov al, 0xc0
    call sense
    loop .sense
    mov dx, CCR
    mov al, RATE
    out dx, al
    mov si, specify
    mov cx, 3
    call fdc_puts
    mov si, recalibrate
    mov cx, 2
    call fdc_puts
    call wait_irq6
    mov al, 0x20
    jmp sense

; al = cylinder
seek:
    mov [seek_to], al
    mov si, seek_cmd
    mov cx, 3
    call fdc_puts
    call wait_irq6
    mov al, 0x20
    jmp sense

; channel 2: al = mode, cx = bytes, from BUFFER
dma_program:
    push ax
    mov al, 6
    out 0x0a, al
    out 0x0c, al
    xor al, al
    out 0x04, al
    out 0x04, al
    mov al, BUFFER >> 12
    out 0x81, al
    out 0x0c, al
    dec cx
    mov al, cl
    out 0x05, al
    mov al, ch
    out 0x05, al
    pop ax
    out 0x0b, al
    mov al, 2
    out 0x0a, al
    ret

; the command at si, 9 bytes with C and H to be filled in: al = C, ah = H
fdc_command:
    mov [si + 2], al
    mov [si + 3], ah
    shl ah, 2
    mov [si + 1], ah
    mov cx, 9
    call fdc_puts
    call wait_irq6
    jmp fdc_results

all_went:
    test byte [result], 0xc0
    jnz wrong_status
    ret

dma_reads:
    mov byte [cylinder], 0
.cylinder:
    mov al, [cylinder]
    call seek
    mov al, 0x46                    ; single, to memory
    mov cx, TRACK * HEADS
    call dma_program
    mov al, [cylinder]
    mov ah, 0
    mov si, read_cmd
    call fdc_command
    call all_went
    mov ch, [cylinder]
    mov dh, 0
    call number
    mov cx, SECTORS * HEADS
    call check
    inc byte [cylinder]
    cmp byte [cylinder], CYLS
    jb .cylinder
    ret

; without DMA: nobody says terminal count, so the end of the track is an error of its kind
pio_read:
    mov si, specify_pio
    mov cx, 3
    call fdc_puts
    mov si, read_cmd
    mov byte [si], 0x46
    mov byte [si + 2], LAST
    mov byte [si + 3], 0
    mov byte [si + 1], 0
    mov cx, 9
    call fdc_puts
    mov ax, BUFFER
    mov es, ax
    xor di, di
    mov cx, TRACK
.byte:
    mov dx, MSR
.wait:
    in al, dx
    and al, 0xf0
    cmp al, 0xf0
    jne .wait
    mov dx, FIFO
    in al, dx
    stosb
    loop .byte
    call fdc_results
    mov byte [came], 0
    mov ax, [result]
    and ax, 0xfff8
    cmp ax, 0x8040
    jne wrong_status
    mov ch, LAST
    mov dh, 0
    call number
    mov cx, SECTORS
    call check
    mov si, specify
    mov cx, 3
    jmp fdc_puts

format_and_back:
    mov ax, BUFFER
    mov es, ax
    xor di, di
    mov cl, 1
.id:
    mov ax, LAST
    stosw
    mov al, cl
    mov ah, 2
    stosw
    inc cl
    cmp cl, SECTORS
    jbe .id
    mov al, 0x4a                    ; single, from memory
    mov cx, SECTORS * 4
    call dma_program
    mov si, format_cmd
    mov cx, 6
    call fdc_puts
    call wait_irq6
    call fdc_results
    call all_went
    mov al, 0x46
    mov cx, TRACK
    call dma_program
    mov ax, LAST
    mov si, read_cmd
    call fdc_command
    call all_went
    mov ax, BUFFER
    mov es, ax
    xor di, di
    mov al, 0xf6
    mov cx, TRACK
    repe scasb
    jne .bad
    mov ch, LAST
    mov dh, 0
    call number
    mov cx, SECTORS
    xor di, di
    mov ax, BUFFER
    mov es, ax
.sector:
    push cx
    mov eax, ebx
    mov cx, 128
    rep stosd
    pop cx
    inc ebx
    loop .sector
    mov al, 0x4a
    mov cx, TRACK
    call dma_program
    mov ax, LAST
    mov si, write_cmd
    call fdc_command
    call all_went
    mov ax, LAST
    mov si, verify_cmd
    call fdc_command
    jmp all_went
.bad:
    mov byte [stage], 0xf6
    mov si, bad_data
    jmp failed

bios_ok: db "floppy: BIOS read it", 10, 0
dma_ok: db "floppy: DMA read it", 10, 0
pio_ok: db "floppy: FIFO read it", 10, 0
format_ok: db "floppy: formatted and written back", 10, 0
bad_data: db "floppy: wrong data ", 0
bad_status: db "floppy: wrong status ", 0
no_interrupt: db "floppy: no interrupt ", 0
specify: db 0x03, 0xdf, 0x02
specify_pio: db 0x03, 0xdf, 0x03
recalibrate: db 0x07, 0x00
seek_cmd: db 0x0f, 0x00
seek_to: db 0
read_cmd: db 0xc6, 0, 0, 0, 1, 2, SECTORS, 0x1b, 0xff
write_cmd: db 0x45, 0, 0, 0, 1, 2, SECTORS, 0x1b, 0xff
verify_cmd: db 0x56, 0, 0, 0, 1, 2, SECTORS, 0x1b, 0xff
format_cmd: db 0x4d, 0, 2, SECTORS, 0x54, 0xf6
came: db 0
cylinder: db 0
result: times 7 db 0
    times SELF * 512 - ($ - $$) db 0
