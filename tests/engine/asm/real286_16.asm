; SPDX-License-Identifier: LGPL-2.1-or-later
; The 80286 in real mode: how it is told from the 8086 and the 80386, its instruction length, what faults leave
; behind, LOADALL.
%include "rig86.inc"
cpu 286
bits 16
org 0x8000
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    VECTOR 0, stub0
    VECTOR 6, stub6
    VECTOR 7, stub7
    VECTOR 12, stub12
    VECTOR 13, stub13

    ; -- the usual tests for the kind of CPU
    push word 0xf002
    popf
    pushf
    pop ax
    and ax, 0xf000                  ; bits 12-15: ones on the 8086, 12-14 can be set on the 386
    OK z
    push sp
    pop ax
    IS ax, 0x7000
    mov ax, 1
    mov cl, 33
    shl ax, cl
    IS ax, 2
    TRY .no386
.op66:
    db 0x66, 0x90
    FAIL
.no386:
    EXPECT 6, .op66
    TRY .nofs
.opfs:
    db 0x8e, 0xe0                   ; MOV FS, AX
    FAIL
.nofs:
    EXPECT 6, .opfs
    TRY .nocr
.opcr:
    db 0x0f, 0x20, 0xc0             ; MOV EAX, CR0
    FAIL
.nocr:
    EXPECT 6, .opcr
    smsw ax
    IS ax, 0xfff0
    sgdt [table]
    IS byte [table + 5], 0xff
    lidt [table_ivt]
    sidt [table]
    IS word [table], 0x3ff
    IS word [table + 2], 0
    IS word [table + 4], 0xff00

    ; -- faults
    times 9 db 0x3e                 ; 10 bytes are fine
    nop
    TRY .toolong
.long:
    times 10 db 0x3e
    nop
    FAIL
.toolong:
    EXPECT 13, .long
    TRY .ss
    mov bp, 0xffff
.load:
    mov ax, [bp]                    ; by SS, but there is no #SS
    FAIL
.ss:
    EXPECT 13, .load
    TRY .movs
    cld
    mov si, 0x100
    mov di, 0xffff
    mov cx, 5
.rep:
    rep movsw
    FAIL
.movs:
    EXPECT 13, .rep
    IS si, 0x102
    IS di, 1
    IS cx, 3
    TRY .de
    xor cx, cx
.div:
    div cx
    FAIL
.de:
    EXPECT 0, .div
    VECTOR 8, stub8
    TRY .idt
    lidt [table_short]
.int:
    int 0x20                        ; beyond the limit of the table
    FAIL
.idt:
    EXPECT 8, .int
    lidt [table_ivt]
    db 0xf0                         ; LOCK: nobody minds
    nop
    db 0xf0
    mov ax, cx

    ; -- no coprocessor: nothing happens, unless MSW says so
    mov word [table], 0x5a5a
    db 0xd9, 0x3e                   ; FNSTCW
    dw table
    IS word [table], 0x5a5a
    mov ax, 4                       ; EM
    lmsw ax
    TRY .nm
.esc:
    db 0xdb, 0xe3                   ; FNINIT
    FAIL
.nm:
    EXPECT 7, .esc
    mov ax, 0xa                     ; MP, TS
    lmsw ax
    smsw ax
    IS ax, 0xfffa
    TRY .nm2
.wait:
    wait
    FAIL
.nm2:
    EXPECT 7, .wait
    clts
    wait
    xor ax, ax
    lmsw ax

    ; -- LOADALL: ES gets a base beyond what real mode reaches
    mov si, image
    mov di, 0x800
    mov cx, 0x33
    rep movsw
    mov sp, 0x1234
    db 0x0f, 0x05
    FAIL
.loaded:
    pushf
    pop word [table]
    IS ax, 0xa0a0
    IS bx, 0xb0b0
    IS cx, 0xc0c0
    IS dx, 0xd0d0
    IS si, 0x5151
    IS di, 0xd1d1
    IS bp, 0xb1b1
    IS sp, 0x6f00
    IS word [table], 0x0003
    mov word [es:0x10], 0x1357      ; 234560h + 10h
    mov ax, es
    IS ax, 0x1111                   ; the selector says something else
    TRY .limit
.beyond:
    mov ax, [es:0x100]              ; the limit is FFh
    FAIL
.limit:
    EXPECT 13, .beyond
    mov ax, 0x2000                  ; a new selector brings its base
    mov es, ax
    IS word [es:0x10], 0
    PASS

%macro STUB 1
stub%1:
    mov byte [cs:vec], %1
    mov byte [cs:vec + 1], 0
    jmp record
%endmacro
    STUB 0
    STUB 6
    STUB 7
    STUB 8
    STUB 12
    STUB 13
record:
    pop word [cs:at_ip]
    mov sp, [cs:save_sp]
    push ax
    xor ax, ax
    mov ds, ax
    pop ax
    jmp [resume]

resume: dw 0
save_sp: dw 0
vec: dw 0
at_ip: dw 0
table: times 6 db 0
table_ivt: dw 0x3ff, 0, 0
table_short: dw 0x7f, 0, 0

; the table at 800h
image:
    times 6 db 0
    dw 0xfff0                       ; 806 MSW
    times 14 db 0
    dw 0                            ; 816 TR
    dw 0x0003                       ; 818 FLAGS
    dw start.loaded                 ; 81A IP
    dw 0                            ; 81C LDTR
    dw 0, 0, 0, 0x1111              ; 81E DS SS CS ES
    dw 0xd1d1, 0x5151, 0xb1b1, 0x6f00 ; 826 DI SI BP SP
    dw 0xb0b0, 0xd0d0, 0xc0c0, 0xa0a0 ; 82E BX DX CX AX
%macro CACHE 3                      ; base, access, limit
    dw (%1) & 0xffff
    db (%1) >> 16, %2
    dw %3
%endmacro
    CACHE 0x234560, 0x93, 0xff      ; 836 ES
    CACHE 0, 0x93, 0xffff           ; 83C CS
    CACHE 0, 0x93, 0xffff           ; 842 SS
    CACHE 0, 0x93, 0xffff           ; 848 DS
    CACHE 0, 0, 0xffff              ; 84E GDTR
    CACHE 0, 0x82, 0xffff           ; 854 LDTR
    CACHE 0, 0, 0x3ff               ; 85A IDTR
    CACHE 0, 0x81, 0xffff           ; 860 TSS
