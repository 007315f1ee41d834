; SPDX-License-Identifier: LGPL-2.1-or-later
; 16-bit stacks at their ends, from 16-bit code at level 3 and in V86 mode: where a stack wraps and where it faults. SP wraps
; between the parts of a frame, but no part may lie on both sides of the end (SDM vol. 3, 5.3; vol. 2, PUSH, PUSHA, ENTER, CALL,
; INT). Each line has a letter for each SP from the one in brackets on:
;       .       no fault; as many bytes as should have changed, and SP is where it should be
;       S       #SS(0); no byte and not SP has changed
;       !, s    the same with something else changed (ENTER writes as it goes)
;       ?       another exception
; In real mode the fault would find no stack either, and the processor shut down.
%define HOME 32
%include "snip.inc"
%include "int.inc"
UNDER  equ SPARE + 3
CODE16_3 equ SPARE + 0x10 + 3
STACK  equ 0x20000
FILL   equ 0xa5

; EDGE "name", first SP, count, BP for ENTER
%macro EDGE 4
    jmp near %%go
%%name: db %1, 0
%%go:
    mov dword [edge_name], %%name
    mov dword [edge_first], %2
    mov dword [edge_count], %3
    mov dword [edge_bp], %4
    call edges
%endmacro

START
    SETDESC CODE16_3, 0, 0xffff, 0xfb, 0
    IGATE CODE16_3, landing, 0xee
    mov eax, [G31]
    mov edx, [G31 + 4]
    mov [idt + 0x32 * 8], eax
    and dh, 0xf7                ; a 16-bit gate
    mov [idt + 0x32 * 8 + 4], edx
    mov edi, STACK
    mov ecx, 0x20000 / 4
    xor eax, eax
    rep stosd
    SETDESC UNDER, STACK, 0xffff, 0xf3, 0
    EDGE "ffff", 0, 36, 0x4000
    EDGE "ffff", 0xffe0, 32, 0x4000
    SETDESC UNDER, STACK, 0xfffe, 0xf3, 0
    EDGE "fffe", 0, 36, 0x4000
    EDGE "fffe", 0xfff8, 8, 0x4000
    SETDESC UNDER, STACK, 0x1234, 0xf3, 0
    EDGE "1234", 0, 36, 0x1000
    EDGE "1234", 0x1230, 16, 0x1000
    SETDESC UNDER, STACK, 0x1fff, 0xf3, 8 ; 1FFFFFFh
    EDGE "1ffffff", 0, 36, 0x4000
    EDGE "1ffffff", 0xfff8, 8, 0x4000
    SETDESC UNDER, STACK, 0x1234, 0xf7, 0
    EDGE "down 1234", 0, 36, 0x4000
    EDGE "down 1234", 0x1234, 36, 0x4000
    EDGE "down 1234", 0xfff8, 8, 0x4000
    SETDESC UNDER, STACK, 0xffff, 0xf7, 0
    EDGE "down ffff", 0, 4, 0x4000
    mov dword [edge_table], v86_ops
    mov dword [edge_cs], 0
    mov dword [edge_ss], STACK >> 4
    mov dword [edge_flags], 0x23002
    EDGE "v86", 0, 36, 0x4000
    EDGE "v86", 0xffe0, 32, 0x4000
    FINISH

edges:
    mov ebp, [edge_table]
.op:
    mov al, 10
    call print_char
    mov esi, [edge_name]
    call print_text
    mov al, ' '
    call print_char
    lea esi, [ebp + 10]
    call print_text
    mov [edge_code], esi
    mov al, ' '
    call print_char
    mov al, '['
    call print_char
    mov eax, [edge_first]
    mov [edge_sp], ax
    mov ecx, 4
    call print_digits
    mov al, ']'
    call print_char
    mov al, ':'
    call print_char
    mov al, ' '
    call print_char
    mov eax, [edge_count]
    mov [edge_left], eax
.offset:
    mov al, FILL
    call windows
    push ebp
    call try
    pop ebp
    call letter
    call print_char
    inc word [edge_sp]
    dec dword [edge_left]
    jnz .offset
    mov ebp, [ebp]
    cmp dword [ebp], 0
    jne .op
    ret

; Fills what the stack may touch with AL and counts in EDX what was something else.
windows:
    xor edx, edx
    mov edi, STACK
    mov ecx, 0x80
    call .one
    mov edi, STACK + 0x11c0
    mov ecx, 0x100
    call .one
    mov edi, STACK + 0xff80
    mov ecx, 0x100
.one:
    cmp [edi], al
    je .next
    inc edx
    mov [edi], al
.next:
    inc edi
    loop .one
    ret

; Runs the operation at EBP.
try:
    mov [x_home_sp], esp
    mov dword [x_resume], .back
    mov dword [x_vec], -1
    mov dword [x_err], -1
    push dword 0                ; GS, FS, DS, ES of V86 mode
    push dword 0
    push dword 0
    push dword 0
    push dword [edge_ss]
    push dword [edge_sp]
    push dword [edge_flags]
    push dword [edge_cs]
    push dword [edge_code]
    mov eax, [edge_cs]
    mov [far16 + 2], ax
    mov [far32 + 4], ax
    mov ebp, [edge_bp]
    mov eax, 0x11111111
    mov ecx, 0x22222222
    mov edx, 0x33333333
    mov ebx, 0x44444444
    mov esi, 0x55555555
    mov edi, 0x66666666
    iretd
.back:
    ret

letter:
    mov al, FILL
    call windows
    cmp dword [x_vec], 6
    je .through
    mov al, '?'
    cmp dword [x_vec], 12
    jne .end
    cmp dword [x_err], 0
    jne .end
    mov al, 's'
    mov ecx, [x_sp]
    cmp ecx, [edge_sp]
    jne .end
    test edx, edx
    jnz .end
    mov al, 'S'
.end:
    ret
.through:
    mov al, '!'
    cmp [ebp + 4], edx
    jne .end
    mov cx, [ebp + 8]
    mov edx, [edge_sp]
    sub dx, cx
    cmp edx, [x_sp]
    jne .end
    mov al, '.'
    ret

%macro LEAVE16 1+
    mov bp, sp
    %1
%endmacro
; OP name, bytes that are written, how far SP goes down, code
%macro OP 4+
    dd %%next
    dd %2
    dw %3
    db %1, 0
    bits 16
    %4
    ud2
    bits 32
%%next:
%endmacro
ops:
    OP "int16", 6, 6, int 0x32
    OP "int32", 12, 12, int 0x31
v86_ops:
    OP "push2", 2, 2, push ax
    OP "push4", 4, 4, push eax
    OP "push2 immediate", 2, 2, push byte 5
    OP "push4 memory", 4, 4, push dword [cs:far32]
    OP "pushf2", 2, 2, pushf
    OP "pushf4", 4, 4, pushfd
    OP "pusha2", 16, 16, pusha
    OP "pusha4", 32, 32, pushad
    OP "call2", 2, 2, call landing
    OP "call4", 4, 4, call dword landing
    OP "call2 memory", 2, 2, call [cs:far16]
    OP "call far 4", 4, 4, call far [cs:far16]
    OP "call far 8", 8, 8, call dword far [cs:far32]
    OP "enter2", 2, 2, enter 0, 0
    OP "enter4", 4, 4, o32 enter 0, 0
    OP "enter2 5", 2, 7, enter 5, 0
    OP "enter4 5", 4, 9, o32 enter 5, 0
    OP "enter2 nested", 8, 8, enter 0, 3
    OP "enter4 nested", 16, 16, o32 enter 0, 3
    OP "enter2 4 nested", 8, 12, enter 4, 3
    OP "pop2", 0, -2, pop ax
    OP "pop4", 0, -4, pop eax
    OP "popa2", 0, -16, popa
    OP "popa4", 0, -32, popad
    OP "leave2", 0, -2, LEAVE16 leave
    OP "leave4", 0, -4, LEAVE16 o32 leave
    dd 0
landing:
    ud2
align 4
far16: dw landing, 0
far32: dd landing
    dw 0
align 4
edge_table: dd ops
edge_name: dd 0
edge_first: dd 0
edge_count: dd 0
edge_left: dd 0
edge_code: dd 0
edge_bp: dd 0
edge_cs: dd CODE16_3
edge_ss: dd UNDER
edge_flags: dd 0x3002
edge_sp: dd 0
INT_DATA
SNIP_DATA
