; SPDX-License-Identifier: LGPL-2.1-or-later
; A ROM of 64 KiB that plays a scale and a pulse-width tone on the speaker, has the RTC wake it by an alarm, and lets the HPET
; take the place of the 8254. It tells on the first serial port how long that took by the TSC.
cpu 586
bits 16
org 0

TICKS equ 0x500                     ; of IRQ 0, a word
ALARM equ 0x504                     ; TSC and register C at IRQ 8
ALARM_C equ 0x508

%macro outb 2
    mov al, %2
    out %1, al
%endmacro
%macro rtc 2                        ; register, value
    outb 0x70, %1
    outb 0x71, %2
%endmacro

start:
    cli
    cld
    xor ax, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    mov ax, cs
    mov ds, ax
    mov dx, 0x3fb                   ; 8 bits
    mov al, 3
    out dx, al
    outb 0x92, 2                    ; A20
    lgdt [gdt.where]                ; FS reaches 4 GiB
    mov eax, cr0
    inc ax
    mov cr0, eax
    mov bx, 8
    mov fs, bx
    dec ax
    mov cr0, eax
    mov word [es:8 * 4], irq0
    mov [es:8 * 4 + 2], cs
    mov word [es:0x70 * 4], irq8
    mov [es:0x70 * 4 + 2], cs
    outb 0x20, 0x11                 ; the PICs: vectors 08h and 70h
    outb 0x21, 0x08
    outb 0x21, 0x04
    outb 0x21, 0x01
    outb 0xa0, 0x11
    outb 0xa1, 0x70
    outb 0xa1, 0x02
    outb 0xa1, 0x01
    outb 0x21, 0xfa                 ; IRQ 0 and the second PIC
    outb 0xa1, 0xfe                 ; IRQ 8
    sti

scale:                              ; 200 ms a note, 50 ms between
    mov bx, 1193                    ; 1 ms ticks
    call pit
    mov si, notes
.next:
    mov cx, [si]
    jcxz pulse_width
    add si, 2
    outb 0x43, 0xb6
    outb 0x42, cl
    outb 0x42, ch
    outb 0x61, 3
    mov cx, 200
    call wait_ticks
    outb 0x61, 0
    mov cx, 50
    call wait_ticks
    jmp .next

pulse_width:                        ; OUT2 high, the data bit for one quarter of a millisecond in four
    outb 0x43, 0xb6
    mov bx, 298
    call pit
    mov si, 200
.next:
    outb 0x61, 2
    mov cx, 1
    call wait_ticks
    outb 0x61, 0
    mov cx, 3
    call wait_ticks
    dec si
    jnz .next
    mov si, said_played
    call print

alarm:                              ; 1.5 s after the divider is let go
    mov bx, 0                       ; 55 ms ticks
    call pit
    rtc 0x0a, 0x76
    rtc 0x0b, 0xa2
    rtc 0, 0x56
    rtc 2, 0x34
    rtc 4, 0x12
    rtc 1, 0x58
    rtc 3, 0xc0
    rtc 5, 0xff
    rtc 0x0b, 0x22
    outb 0x70, 0x0c
    in al, 0x71
    mov dword [es:ALARM], 0
    rdtsc
    mov ebp, eax
    rtc 0x0a, 0x26
.wait:
    hlt
    cmp dword [es:ALARM], 0
    je .wait
    mov si, said_alarm
    call print
    mov eax, [es:ALARM]
    sub eax, ebp
    call hex
    mov si, said_c
    call print
    movzx eax, byte [es:ALARM_C]
    call hex
    call newline

hpet:                               ; ten ticks of 1 ms, while the 8254 would give one each 55 ms
    mov edi, 0xfed00000
    mov si, said_hpet
    call print
    mov eax, [fs:edi]
    call hex
    mov dword [fs:edi + 0x100], 0x14c   ; timer 0: enabled, periodic, accumulator, 32 bits
    mov dword [fs:edi + 0x108], 14318
    mov word [es:TICKS], 0
    rdtsc
    mov ebp, eax
    mov dword [fs:edi + 0x10], 3
    mov cx, 10
    call wait_ticks
    rdtsc
    sub eax, ebp
    mov si, said_ticks
    call print
    call hex
    mov dword [fs:edi + 0x10], 0    ; the 8254 again
    mov word [es:TICKS], 0
    mov cx, 1
    call wait_ticks
    rdtsc
    mov ebp, eax
    mov cx, 1
    call wait_ticks
    rdtsc
    sub eax, ebp
    mov si, said_pit
    call print
    call hex
    call newline

    mov al, 1
    out 0xf4, al
    cli
    hlt

pit:                                ; counter 0 in mode 2 with bx
    outb 0x43, 0x34
    outb 0x40, bl
    outb 0x40, bh
    mov word [es:TICKS], 0
    ret

wait_ticks:                         ; cx ticks from the last wait on
    cli
    cmp [es:TICKS], cx
    jae .end
    sti
    hlt
    jmp wait_ticks
.end:
    sub [es:TICKS], cx
    sti
    ret

irq0:
    push ax
    inc word [es:TICKS]
    outb 0x20, 0x20
    pop ax
    iret

irq8:
    push eax
    push edx
    rdtsc
    mov [es:ALARM], eax
    outb 0x70, 0x0c
    in al, 0x71
    mov [es:ALARM_C], al
    outb 0xa0, 0x20
    outb 0x20, 0x20
    pop edx
    pop eax
    iret

hex:                                ; eax
    mov cx, 8
    mov dx, 0x3f8
.next:
    rol eax, 4
    push ax
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    out dx, al
    pop ax
    loop .next
    ret

newline:
    mov si, said_newline
print:
    push ax
    mov dx, 0x3f8
.next:
    lodsb
    or al, al
    jz .end
    out dx, al
    jmp .next
.end:
    pop ax
    ret

notes: dw 4561, 4063, 3620, 3417, 3044, 2712, 2416, 2280, 0    ; C to C

said_played: db "timers: played", 10, 0
said_alarm: db "timers: alarm after ", 0
said_c: db " with C ", 0
said_hpet: db "timers: hpet ", 0
said_ticks: db " ten ticks ", 0
said_pit: db " one of the 8254 ", 0
said_newline: db 10, 0

align 8
gdt:
    dq 0
    dq 0x008f92000000ffff
.where:
    dw 15
    dd 0xf0000 + gdt

    times 0xfff0 - ($ - $$) db 0xff
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0xff
