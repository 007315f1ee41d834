; SPDX-License-Identifier: LGPL-2.1-or-later
; Code that changes itself: the next instruction, the same loop, across a page border, by REP MOVSB, by a push.
%include "rig.inc"
bits 32
org 0x100000
start:
    ; the very next instruction
    mov byte [.imm1 + 1], 0x55
.imm1:
    mov al, 0
    IS al, 0x55

    ; an instruction a little further in the same block
    mov dword [.imm2 + 1], 0x11223344
    nop
    nop
.imm2:
    mov eax, 0
    IS eax, 0x11223344

    ; behind it, so that it is met the next time round
    xor ecx, ecx
    xor ebx, ebx
.again:
.add:
    add ebx, 1
    inc byte [.add + 2]
    inc ecx
    cmp ecx, 10
    jb .again
    IS ebx, 55

    ; code that was run, then replaced from elsewhere
    call far_code
    IS eax, 1
    mov byte [far_code + 1], 2
    call far_code
    IS eax, 2
    mov edi, far_code
    mov esi, replacement
    mov ecx, replacement_end - replacement
    rep movsb
    call far_code
    IS eax, 0x77

    ; a push onto the code that follows
    mov ebp, esp
    mov esp, pushed + 4
    push dword 0x90904090           ; nop; inc eax; nop; nop
    mov esp, ebp
    xor eax, eax
    jmp pushed
pushed:
    db 0x90, 0x90, 0x90, 0x90
    IS eax, 1

    ; an instruction that crosses a page, changed in its second half and in its first
    call cross
    IS eax, 0x01020304
    mov byte [cross_page + 2], 0x99
    call cross
    IS eax, 0x99020304
    mov byte [cross + 1], 0x44
    call cross
    IS eax, 0x99020344
    PASS

replacement:
    mov eax, 0x77
    ret
replacement_end:

times 0x800 - ($ - $$) db 0x90
far_code:
    mov eax, 1
    ret
    times 16 db 0x90

times 0xffe - ($ - $$) db 0x90
; the immediate's last bytes are on the next page
cross:
    mov eax, 0x01020304
    ret
cross_page equ start + 0x1000
