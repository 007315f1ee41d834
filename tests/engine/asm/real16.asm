; SPDX-License-Identifier: LGPL-2.1-or-later
; Real mode: the IVT, faults at segment ends, far transfers, flags, string instructions, unreal mode.
%include "rig.inc"
bits 16
org 0x8000
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    ; vectors: 0 #DE, 6 #UD, 12 #SS, 13 #GP, 20h a plain one
%macro VECTOR 2
    mov word [%1 * 4], %2
    mov word [%1 * 4 + 2], 0
%endmacro
    VECTOR 0, on_fault
    VECTOR 6, on_fault
    VECTOR 12, on_fault
    VECTOR 13, on_fault
    VECTOR 0x20, on_int

    ; INT pushes FLAGS, CS, IP and clears IF and TF
    sti
    stc
    int 0x20
after_int:
    OK nc           ; the handler cleared CF in the image
    pushf
    pop ax
    test ax, 0x200
    OK nz

    ; #DE is a fault: IP of the DIV itself
    mov word [resume], .de
    mov [save_sp], sp
    xor cx, cx
.div:
    div cx
    FAIL
.de:
    IS word [fault_ip], .div

    ; a word at FFFFh crosses the segment's end: #GP, by SS #SS
    mov word [resume], .gp
    mov bx, 0xffff
.load:
    mov ax, [bx]
    FAIL
.gp:
    IS word [fault_ip], .load
    mov word [resume], .ss
    mov bp, 0xffff
.loads:
    mov ax, [bp]
    FAIL
.ss:
    IS word [fault_ip], .loads

    ; LOCK on what cannot be locked, UD2
    mov word [resume], .ud
.badlock:
    db 0xf0, 0x89, 0xc0
    FAIL
.ud:
    IS word [fault_ip], .badlock

    ; far call and return, near return with a count
    push word 0x1234
    call 0x0800:far_target - 0x8000
    IS ax, 0x5aa5
    IS sp, 0x7000

    ; PUSH SP pushes the old value; PUSHA keeps it too
    push sp
    pop ax
    IS ax, 0x7000
    mov di, 0x1111
    pusha
    mov bp, sp
    IS word [bp + 6], 0x7000
    IS word [bp], 0x1111
    popa
    IS sp, 0x7000

    ; flags: bits 12-14 can be set in real mode, bit 15 not
    push word 0xf002
    popf
    pushf
    pop ax
    and ax, 0xf000
    IS ax, 0x7000
    push word 2
    popf

    ; overlapping REP MOVSB fills
    cld
    mov di, buffer
    mov byte [di], 0x77
    mov si, di
    inc di
    mov cx, 31
    rep movsb
    IS byte [buffer + 31], 0x77
    IS cx, 0
    ; backwards
    std
    mov di, buffer + 31
    mov al, 0x33
    mov cx, 16
    rep stosb
    cld
    IS di, buffer + 15
    IS byte [buffer + 16], 0x33
    IS byte [buffer + 15], 0x77
    ; scan and compare
    mov di, buffer
    mov al, 0x33
    mov cx, 100
    repne scasb
    IS di, buffer + 17
    IS cx, 83
    mov si, buffer
    mov di, buffer + 1
    mov cx, 100
    repe cmpsb
    IS di, buffer + 17
    ; the index wraps with a 16-bit address size: string at the end of a segment
    mov ax, 0x2000
    mov es, ax
    mov di, 0xfff8
    mov al, 0x99
    mov cx, 16
    rep stosb
    IS di, 8
    IS byte [es:0xffff], 0x99
    IS byte [es:0], 0x99
    IS byte [es:7], 0x99
    xor ax, ax
    mov es, ax

    ; a zero count does nothing, LOOP and JCXZ
    xor cx, cx
    mov di, buffer
    rep stosb
    IS di, buffer
    jcxz .jc
    FAIL
.jc:
    mov cx, 3
    xor ax, ax
.lp:
    inc ax
    loop .lp
    IS ax, 3

    ; unreal mode: a limit loaded in protected mode stays
    cli
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
    xor ax, ax
    mov fs, ax
    mov dword [fs:dword 0x200000], 0x12345678
    mov ebx, 0x200000
    IS dword [fs:ebx], 0x12345678
    PASS

on_int:
    push bp
    mov bp, sp
    IS word [bp + 2], after_int
    and word [bp + 6], 0xfffe
    pushf
    pop ax
    test ax, 0x300
    OK z
    pop bp
    iret

on_fault:
    pop word [fault_ip]
    xor ax, ax
    mov ds, ax
    mov sp, [save_sp]
    jmp [resume]

far_target:
    mov bp, sp
    mov ax, [bp + 4]
    IS ax, 0x1234
    mov ax, 0x5aa5
    retf 2

align 8
gdt:
    dq 0
    DESC 0, 0xfffff, 0x93, 0xc
gdtr:
    dw 15
    dd gdt
resume: dw 0
save_sp: dw 0
fault_ip: dw 0
buffer: times 64 db 0
