; SPDX-License-Identifier: LGPL-2.1-or-later
; The same bytes as code of several kinds in turn: 16 and 32 bits, other CS bases, 16- and 32-bit stacks. What was decoded
; for one must not run for another.
%include "rig.inc"
bits 32
org 0x100000
CODE0 equ 0x08
DATA0 equ 0x10
CODE16 equ 0x18
BASED equ 0x20          ; base 8000h
STACK16 equ 0x28

start:
    lgdt [gdtr]
    jmp CODE0:flat
flat:
    mov ax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7000
    mov esi, low_code
    mov edi, 0x9000
    mov ecx, low_end - low_code
    rep movsb

    mov ecx, 3
again:
    ; MOV EAX, imm32; RETF - or MOV AX, imm16; RETFD
    xor eax, eax
    call CODE0:0x9000 + (both - low_code)
    IS eax, 0xcb661234
    xor eax, eax
    call CODE16:0x9000 + (both - low_code)
    IS eax, 0x1234

    ; where it runs, by its own account
    call CODE0:0x9000 + (here - low_code)
    IS eax, 0x9000 + (here - low_code) + 5
    call BASED:0x1000 + (here - low_code)
    IS eax, 0x1000 + (here - low_code) + 5

    ; a stack of 16 bits keeps the upper half of ESP
    mov ebx, esp
    mov edx, 0x00057000
    call stacked
    IS edx, 0x00056ffc
    mov ax, STACK16
    mov ss, ax
    mov edx, 0x00050000
    call stacked
    IS edx, 0x0005fffc
    mov ax, DATA0
    mov ss, ax
    mov esp, ebx
    dec ecx
    jnz again
    PASS

; EDX: ESP before a PUSH; after it
stacked:
    pop ebp
    mov esp, edx
    push eax
    mov edx, esp
    mov esp, ebx
    jmp ebp

low_code:
both:
    db 0xb8, 0x34, 0x12, 0x66, 0xcb, 0xcb
    times 10 db 0x90
here:
    call $ + 5
    pop eax
    retf
low_end:

align 8
gdt:
    dq 0
    DESC 0, 0xfffff, 0x9a, 0xc
    DESC 0, 0xfffff, 0x92, 0xc
    DESC 0, 0xffff, 0x9a, 0
    DESC 0x8000, 0xfffff, 0x9a, 0xc
    DESC 0, 0xffff, 0x92, 0
gdt_end:
gdtr:
    dw gdt_end - gdt - 1
    dd gdt
