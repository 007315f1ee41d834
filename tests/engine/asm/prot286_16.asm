; SPDX-License-Identifier: LGPL-2.1-or-later
; The 80286 in protected mode: descriptors of 24-bit bases whose last word does not count, no 386 types, faults,
; privilege levels, LOCK and IOPL, task switches, LOADALL.
%include "rig86.inc"
cpu 286
bits 16
org 0x8000

CODE0 equ 0x08
DATA0 equ 0x10
CODE3 equ 0x18 + 3
DATA3 equ 0x20 + 3
TSS0 equ 0x28
TSS1 equ 0x30
HIGH equ 0x38           ; base 345600h, limit FFh
HIGH2 equ 0x40          ; base 345500h
SMALL equ 0x48          ; limit 1FFh
ABSENT equ 0x50
GATE equ 0x58 + 3       ; call gate to gate_entry, one word
TSS386 equ 0x60
GATE386 equ 0x68
DOWN equ 0x70           ; expand-down, above 7FFFh
LDT0 equ 0x78
TOP equ 0x80            ; base FFFF00h

; EXPECT3 vector, error code, IP
%macro EXPECT3 3
    IS word [vec], %1
    IS word [err], %2
    IS word [at_ip], %3
%endmacro

start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    cli
    lgdt [gdtr]
    lidt [idtr]
    smsw ax
    or ax, 1
    lmsw ax
    jmp CODE0:.protected
.protected:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov ax, TSS0
    ltr ax
    smsw ax
    IS ax, 0xfff1
    xor ax, ax
    lmsw ax                         ; PE stays
    smsw ax
    IS ax, 0xfff1

    ; -- descriptors
    mov ax, HIGH
    mov es, ax
    mov word [es:0x10], 0x1357
    mov ax, HIGH2
    mov es, ax
    IS word [es:0x110], 0x1357
    mov ax, TOP                     ; addresses have 24 bits
    mov es, ax
    mov word [es:0x200], 0x2468
    IS word [0x100], 0x2468
    mov ax, CODE0
    lar bx, ax
    IS bx, 0x9b00
    lsl bx, ax
    IS bx, 0xffff
    verr ax
    OK z
    verw ax
    OK nz
    mov ax, LDT0
    lldt ax
    sldt bx
    IS bx, LDT0
    mov ax, 4                       ; first of the LDT
    mov es, ax
    mov ax, TSS386                  ; types of the 386 are none
    lar bx, ax
    OK nz
    TRY .tss386
.ltr:
    ltr ax
    FAIL
.tss386:
    EXPECT3 13, TSS386, .ltr
    TRY .gate386
.call386:
    call GATE386:0
    FAIL
.gate386:
    EXPECT3 13, GATE386, .call386
    TRY .idt386
.int386:
    int 0x21
    FAIL
.idt386:
    EXPECT3 13, 0x21 * 8 + 2, .int386

    ; -- faults
    TRY .limit
    mov ax, HIGH
    mov es, ax
.beyond:
    mov al, [es:0x100]
    FAIL
.limit:
    EXPECT3 13, 0, .beyond
    TRY .ss
    mov ax, SMALL
    mov ss, ax
    mov sp, 0x180
    mov bp, 0x1ff
.stack:
    mov ax, [bp]
    FAIL
.ss:
    EXPECT3 12, 0, .stack
    TRY .np
    mov ax, ABSENT
.absent:
    mov es, ax
    FAIL
.np:
    EXPECT3 11, ABSENT, .absent
    TRY .down
    mov ax, DOWN
    mov es, ax
    mov al, [es:0x8000]
    mov al, [es:0xffff]
.below:
    mov al, [es:0x7fff]
    FAIL
.down:
    EXPECT3 13, 0, .below
    TRY .ud
.op66:
    db 0x66, 0x90
    FAIL
.ud:
    EXPECT3 6, -1, .op66
    TRY .toolong
.long:
    times 10 db 0x3e
    nop
    FAIL
.toolong:
    EXPECT3 13, 0, .long
    TRY .divide
    xor cx, cx
.div:
    div cx
    FAIL
.divide:
    EXPECT3 0, -1, .div

    ; -- privilege level 3
%macro TO_RING3 1
    push word DATA3
    push word 0x6000
    push word CODE3
    push word %1
    retf
%endmacro
    TRY .lock_gp
    TO_RING3 .ring3
.ring3:
    mov ax, DATA3
    mov ds, ax
.lock:
    lock inc word [word_a]
    FAIL
.lock_gp:
    EXPECT3 13, 0, .lock
    IS word [word_a], 0
    IS word [at_cs], CODE3
    TRY .out_gp
    TO_RING3 .ring3_out
.ring3_out:
    in al, 0x80
    FAIL
.out_gp:
    EXPECT3 13, 0, .ring3_out
    TRY .loadall_gp
    TO_RING3 .ring3_loadall
.ring3_loadall:
    db 0x0f, 0x05
    FAIL
.loadall_gp:
    EXPECT3 13, 0, .ring3_loadall
    push word 0x3002                ; IOPL 3
    popf
    pushf
    pop ax
    IS ax, 0x3002
    TRY .back
    TO_RING3 .ring3_iopl
.ring3_iopl:
    mov ax, DATA3
    mov ds, ax
    lock inc word [word_a]
    db 0xf0                         ; LOCK
    mov ax, ax
    in al, 0x80
    push word 0x4567
    call GATE:0                     ; to level 0 and back
    IS ax, 0x4567
    mov bx, sp
    IS bx, 0x6000
    mov bx, cs
    IS bx, CODE3
    int 0x20
    FAIL
.back:
    IS word [vec], 0x20
    IS word [word_a], 1
    IS word [tss0_sp_seen], 0x5000 - 10 ; SS, SP, the word, CS, IP
    push word 2
    popf

    ; -- tasks
    mov word [tss1 + 14], task_a
    mov word [tss1 + 16], 2
    mov word [tss1 + 26], 0x4000    ; SP
    mov word [tss1 + 34], DATA0     ; ES
    mov word [tss1 + 36], CODE0
    mov word [tss1 + 38], DATA0     ; SS
    mov word [tss1 + 40], DATA0
    mov word [tss1 + 42], 0
    mov bx, 0xb0b0
    clts
    call TSS1:0
    IS bx, 0xb0b0
    IS word [seen], 0xa
    IS word [tss1], TSS0            ; the link back
    smsw ax
    IS ax, 0xfff9                   ; TS
    test byte [gdt + TSS1 + 5], 2
    OK z
    test byte [gdt + TSS0 + 5], 2
    OK nz
    mov ax, 0xb                     ; MP: WAIT minds TS
    lmsw ax
    TRY .nm
.wait:
    wait
    FAIL
.nm:
    EXPECT3 7, -1, .wait
    TRY .nm2
.esc:
    db 0xdb, 0xe3
    FAIL
.nm2:
    EXPECT3 7, -1, .esc
    clts
    mov word [tss1 + 14], task_b
    int 0x22                        ; a task gate
    IS word [seen], 0xb
    str ax
    IS ax, TSS0

    ; -- LOADALL: does not lead back to real mode
    mov ax, DATA0
    mov es, ax
    mov si, image
    mov di, 0x800
    mov cx, 0x33
    cld
    rep movsw
    db 0x0f, 0x05
    FAIL
.loaded:
    IS ax, 0xa0a0
    IS sp, 0x6f00
    smsw ax
    IS ax, 0xfff1
    mov word [es:0x10], 0x8642
    mov ax, HIGH
    mov es, ax
    IS word [es:0x10], 0x8642
    str ax
    IS ax, TSS0
    PASS

gate_entry:
    mov [tss0_sp_seen], sp
    push bp
    mov bp, sp
    mov ax, [bp + 6]
    pop bp
    retf 2

task_a:
    mov bx, 0x1111
    mov word [seen], 0xa
    pushf
    pop ax
    test ax, 0x4000                 ; NT
    OK nz
    iret
task_b:
    mov word [seen], 0xb
    iret

stubs:
%assign n 0
%rep 34
%if n == 8 || (n >= 10 && n <= 13)
    nop
    nop
%else
    push byte -1
%endif
    push byte n
    jmp near record
%assign n n + 1
%endrep
record:
    push ds
    push ax
    mov ax, DATA0
    mov ds, ax
    mov bp, sp
    mov ax, [bp + 4]
    mov [vec], ax
    mov ax, [bp + 6]
    mov [err], ax
    mov ax, [bp + 8]
    mov [at_ip], ax
    mov ax, [bp + 10]
    mov [at_cs], ax
    mov ax, DATA0
    mov ss, ax
    mov sp, [save_sp]
    jmp [resume]

resume: dw 0
save_sp: dw 0
vec: dw 0
err: dw 0
at_ip: dw 0
at_cs: dw 0
seen: dw 0
word_a: dw 0
tss0_sp_seen: dw 0

; base, limit, access; the last word is junk on purpose
%macro SEG 3
    dw %2, (%1) & 0xffff
    db (%1) >> 16, %3
    dw 0x7bcf
%endmacro
align 8
gdt:
    dq 0
    SEG 0, 0xffff, 0x9a
    SEG 0, 0xffff, 0x92
    SEG 0, 0xffff, 0xfa
    SEG 0, 0xffff, 0xf2
    SEG tss0_at, 43, 0x81
    SEG tss1_at, 43, 0x81
    SEG 0x345600, 0xff, 0x92
    SEG 0x345500, 0xffff, 0x92
    SEG 0, 0x1ff, 0x92
    SEG 0, 0xffff, 0x12
    dw gate_entry, CODE0, 0xe401, 0x7bcf
    SEG tss1_at, 0x67, 0x89
    dw gate_entry, CODE0, 0x8c00, 0
    SEG 0, 0x7fff, 0x96
    SEG ldt_at, 7, 0x82
    SEG 0xffff00, 0xffff, 0x92
gdt_end:
ldt: SEG 0, 0xffff, 0x92
gdtr:
    dw gdt_end - gdt - 1
    dw gdt, 0xff00                  ; the last byte does not count
idtr:
    dw idt_end - idt - 1
    dw idt, 0
align 8
idt:
%assign n 0
%rep 34
%if n == 0x21
    dw stubs + n * 7, CODE0, 0xee00, 0 ; of the 386
%else
    dw stubs + n * 7, CODE0, 0xe600, 0x7bcf
%endif
%assign n n + 1
%endrep
    dw 0, TSS1, 0xe500, 0           ; 22h
idt_end:
tss0:
    dw 0, 0x5000, DATA0             ; SP and SS of level 0
    times 38 db 0
tss1: times 44 db 0

tss0_at equ 0x8000 + tss0 - $$
tss1_at equ 0x8000 + tss1 - $$
ldt_at equ 0x8000 + ldt - $$

; the table at 800h
image:
    times 6 db 0
    dw 0xfff0                       ; 806 MSW
    times 14 db 0
    dw TSS0                         ; 816 TR
    dw 2                            ; 818 FLAGS
    dw start.loaded                 ; 81A IP
    dw 0                            ; 81C LDTR
    dw DATA0, DATA0, CODE0, 0       ; 81E DS SS CS ES
    dw 0, 0, 0, 0x6f00              ; 826 DI SI BP SP
    dw 0, 0, 0, 0xa0a0              ; 82E BX DX CX AX
%macro CACHE 3                      ; base, access, limit
    dw (%1) & 0xffff
    db (%1) >> 16, %2
    dw %3
%endmacro
    CACHE 0x345600, 0x93, 0xffff    ; 836 ES
    CACHE 0, 0x9b, 0xffff           ; 83C CS
    CACHE 0, 0x93, 0xffff           ; 842 SS
    CACHE 0, 0x93, 0xffff           ; 848 DS
    CACHE gdt_at, 0, gdt_end - gdt - 1 ; 84E GDTR
    CACHE 0, 0, 0                   ; 854 LDTR
    CACHE idt_at, 0, idt_end - idt - 1 ; 85A IDTR
    CACHE tss0_at, 0x83, 43         ; 860 TSS
gdt_at equ 0x8000 + gdt - $$
idt_at equ 0x8000 + idt - $$
