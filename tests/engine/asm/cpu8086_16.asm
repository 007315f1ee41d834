; SPDX-License-Identifier: LGPL-2.1-or-later
; The 8086: how programs tell it from its successors, opcodes that no manual has, what wraps.
%include "rig86.inc"
cpu 8086
bits 16
org 0x8000
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    VECTOR 0, on_divide
    VECTOR 1, on_step
    VECTOR 0x20, on_int

    ; -- the usual tests for the kind of CPU
    xor ax, ax                      ; bits 12-15 of FLAGS cannot be cleared
    push ax
    popf
    pushf
    pop ax
    and ax, 0xf000
    IS ax, 0xf000
    push sp                         ; stores what SP is afterwards
    pop ax
    IS ax, 0x6ffe
    mov ax, 0xffff                  ; the shift count is not cut to 5 bits
    mov cl, 33
    shl ax, cl
    IS ax, 0
    mov ax, 0x8001
    mov cl, 0x21
    rol ax, cl                      ; by 33, that is 1
    IS ax, 3
    mov word [word_a], 0x8000
    mov cl, 255
    sar word [word_a], cl
    IS word [word_a], 0xffff
    int 0x20                        ; shows ones in the pushed image, too
after_int:
    IS bx, 0xf000

    ; -- opcodes
    stc
    db 0xd6                         ; SALC
    IS al, 0xff
    cmp ax, ax
    db 0x64, .jz - $ - 2            ; 64 is JZ
    FAIL
.jz:
    db 0x65, 0x00                   ; 65 JNZ: not taken
    mov bx, .ret
    push bx
    db 0xc1                         ; RET
    FAIL
.ret:
    mov bx, 0x1234
    push bx
    mov bx, .ret2
    push bx
    db 0xc0, 2, 0                   ; RET 2
    FAIL
.ret2:
    IS sp, 0x7000
    xor ax, ax
    push ax
    mov bx, .retf
    push bx
    db 0xc9                         ; RETF
    FAIL
.retf:
    push cs
    db 0x0f                         ; POP CS
    IS sp, 0x7000
    xor ax, ax
    db 0x8e, 0xc8                   ; MOV CS, AX
    db 0xf1                         ; LOCK
    mov ax, 1
    db 0xf0                         ; LOCK on what needs none
    add ax, 1
    IS ax, 2
    times 20 db 0x26                ; prefixes without end
    mov bx, 5
    IS bx, 5
    xor bx, bx
    db 0xd1, 0xf3                   ; SETMO BX
    IS bx, 0xffff
    db 0xd9, 0x06                   ; ESC with a memory operand: no coprocessor, nothing happens
    dw word_a
    db 0x8f, 0xf3                   ; /6: the register field does not matter
    db 0x8c, 0xe0                   ; nor its top bit: 4 is ES
    IS sp, 0x7002
    mov sp, 0x7000
    IS ax, 0

    ; -- decimal arithmetic
    mov ah, 0x10                    ; AF set, CF clear
    sahf
    mov al, 0x9a
    daa                             ; 9Ah is not beyond with AF
    OK nc
    IS al, 0xa0
    mov ah, 0x00
    sahf
    mov al, 0x9a
    daa
    OK c
    IS al, 0x00
    mov ax, 0x00fb
    aaa                             ; no carry out of AL
    IS ax, 0x0101

    ; -- division: the address behind it, and the smallest quotient is refused
    mov word [resume], .div0
    xor cx, cx
    div cx
.div0:
    IS word [faults], 1
    mov word [resume], .idiv
    mov ax, -128
    mov cl, 1
    idiv cl
.idiv:
    IS word [faults], 2
    mov ax, -127
    idiv cl
    IS ax, 0x0081
    mov ax, 100
    mov cl, 7
    db 0xf3                         ; REP negates the quotient
    idiv cl
    IS ax, 0x02f2
    mov ax, 100
    db 0xf3                         ; and the product
    imul cl
    IS ax, -700
    mov word [resume], .aam
    db 0xd4, 0
.aam:
    IS word [faults], 3

    ; -- wrapping: operands at the end of a segment
    mov ax, 0x3000
    mov es, ax
    mov byte [es:0], 0x11
    mov word [es:0xffff], 0x2233
    IS byte [es:0xffff], 0x33
    IS byte [es:0], 0x22
    add word [es:0xffff], 0x0101
    IS word [es:0xffff], 0x2334
    mov ax, [es:0xffff]
    IS ax, 0x2334
    mov ax, 0x4000
    mov ss, ax
    mov sp, 1
    mov ax, 0x5566
    push ax
    IS sp, 0xffff
    pop bx
    IS bx, 0x5566
    mov sp, 3
    int 0x20                        ; its frame wraps
    IS sp, 3
    xor ax, ax
    mov ss, ax
    mov sp, 0x7000
    ; addresses at 1 MiB
    mov ax, 0xffff
    mov es, ax
    mov byte [word_a], 0x77
    IS byte [es:word_a + 0x10], 0x77
    mov word [es:0x0f], 0x4142
    IS byte [0], 0x41
    VECTOR 0, on_divide
    ; strings
    mov ax, 0x3000
    mov es, ax
    mov di, 0xfffd
    mov ax, 0xabcd
    mov cx, 3
    cld
    rep stosw
    IS di, 3
    IS byte [es:0xffff], 0xcd
    IS byte [es:0], 0xab
    IS word [es:1], 0xabcd
    ; code
    mov byte [es:0xfffe], 0xb8      ; mov ax, 1357h; jmp 0:.wrapped
    mov byte [es:0xffff], 0x57
    mov byte [es:0], 0x13
    mov byte [es:1], 0xea
    mov word [es:2], .wrapped
    mov word [es:4], 0
    jmp 0x3000:0xfffe
.wrapped:
    IS ax, 0x1357
    mov byte [es:0xfffe], 0x90      ; NOPs up to the end, and on at 0
    mov byte [es:0xffff], 0x90
    mov byte [es:0], 0x90
    mov word [es:2], .stepping
    jmp 0x3000:0xfffe
.stepping:
    ; -- single steps
    pushf
    pop ax
    or ah, 1
    push ax
    popf
    nop
.stepped:
    IS word [steps], 1
    IS word [step_ip], .stepped
    pushf
    pop ax
    or ah, 1
    push ax
    popf
    mov es, bx                      ; not behind the load of a segment register
    nop
.loaded:
    IS word [step_ip], .loaded
    PASS

on_divide:
    push bp
    mov bp, sp
    push ax
    mov ax, [resume]
    IS word [bp + 2], ax
    pop ax
    inc word [faults]
    pop bp
    iret

on_int:
    push bp
    mov bp, sp
    mov bx, [bp + 6]
    and bx, 0xf000
    pop bp
    iret

on_step:
    inc word [steps]
    push bp
    mov bp, sp
    push ax
    mov ax, [bp + 2]
    mov [step_ip], ax
    pop ax
    and word [bp + 6], 0xfeff
    pop bp
    iret

resume: dw 0
faults: dw 0
steps: dw 0
step_ip: dw 0
word_a: dw 0
