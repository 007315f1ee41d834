; SPDX-License-Identifier: LGPL-2.1-or-later
; Segment loads, far transfers, gates and IRET in long mode, from 64-bit and compatibility mode: every type and level.
%define HOME 64
%include "snip.inc"
%include "sweep.inc"
GATED equ 0x58          ; two slots
L64 equ 0x00af0000
L32 equ 0x00cf0000
LD  equ 0x00ef0000
; by a pointer of 16:32 bits
%macro JMP_FAR 1
    db 0xff, 0x2c, 0x25
    dd %1
%endmacro
%macro CALL_FAR 1
    db 0xff, 0x1c, 0x25
    dd %1
%endmacro
; for types [%1, %2) with code segments of flags %3
%macro TYPES 3
    mov dword [sweep_from], %1
    mov dword [sweep_to], %2
    mov dword [sweep_code_hi], %3
%endmacro
START
    call sweep_init
    mov dword [sweep_care], 0xfe
    SWEEP_GATE CODE64
    TYPES 0, 0x20, L64
    SWEEP_RINGS "jmp", t_jmp
    TYPES 0x18, 0x1a, LD
    SWEEP "jmp l d", t_jmp, 0
    SWEEP "jmp l d", t_jmp, 3
    TYPES 0x18, 0x1f, L32
    SWEEP "jmp compat", t_jmp, 0
    SWEEP "jmp compat", t_jmp, 3
    TYPES 0, 0x10, L64
    SWEEP_RINGS "call gate", t_call
    TYPES 0xf, 0x20, L64
    call gate_58
    SWEEP_RINGS "call gated", t_call_gated
    SWEEP "jmp gated", t_jmp_gated, 0
    SWEEP "jmp gated", t_jmp_gated, 2
    TYPES 0x18, 0x1a, L32
    SWEEP "call gated compat", t_call_gated, 3
    SWEEP "call gated compat", t_call_gated, 0
    TYPES 0x18, 0x1a, LD
    SWEEP "call gated l d", t_call_gated, 3
    TYPES 0x18, 0x20, L64
    SWEEP_RINGS "retf", t_retf
    SWEEP_RINGS "iretq", t_iretq
    TYPES 0x18, 0x1a, LD
    SWEEP "iretq l d", t_iretq, 0
    SWEEP "retf l d", t_retf, 0
    TYPES 0x18, 0x20, L32
    SWEEP "iretq compat", t_iretq, 0
    SWEEP "iretq compat", t_iretq, 2
    mov byte [sweep_compat], 1
    TYPES 0, 0x20, L64
    SWEEP "jmp from compat", t_jmp32, 3
    TYPES 0x18, 0x20, L64
    SWEEP "call from compat", t_call32, 3
    TYPES 0x18, 0x20, L32
    SWEEP "call compat from compat", t_call32, 3
    TYPES 0, 0x10, L64
    SWEEP "call gate from compat", t_call32, 3
    TYPES 0x18, 0x20, L64
    SWEEP "call gated from compat", t_gated32, 3
    mov byte [sweep_compat], 0
    mov dword [sweep_care], 0xff
    TYPES 0x0f, 0x20, L64
    SWEEP "mov ds", t_ds, 0
    SWEEP "mov ds", t_ds, 3
    SWEEP "mov ss", t_ss, 0
    SWEEP "mov ss", t_ss, 3
    TYPES 0, 0x11, L64
    mov byte [sweep_change], 0
    SWEEP "lar", t_lar, 0
    SWEEP "lsl", t_lsl, 0
    SWEEP "lldt", t_lldt, 0
    mov byte [sweep_change], 2
    mov byte [sweep_change_if], 0xff
    SWEEP "ltr", t_ltr, 0
    FINISH

gate_58:
    mov dword [gdt + GATED], sweep_landing + (CODE64 << 16)
    mov dword [gdt + GATED + 4], 0xec00
    mov dword [gdt + GATED + 8], 0
    mov dword [gdt + GATED + 12], 0
    ret
t_jmp:
    JMP_FAR sweep_far
t_call:
    CALL_FAR sweep_far
t_jmp_gated:
    mov [gdt + GATED + 2], ax
    mov dword [0x2000], 0
    mov word [0x2004], GATED + 3
    JMP_FAR 0x2000
t_call_gated:
    mov [gdt + GATED + 2], ax
    mov dword [0x2000], 0
    mov word [0x2004], GATED + 3
    CALL_FAR 0x2000
t_retf:
    mov eax, [sweep_rpl]
    movzx edx, word [sweep_data_sels + eax * 2]
    push rdx
    push USER_TOP
    mov eax, [sweep_sel]
    push rax
    push sweep_landing
    o64 retf
t_iretq:
    mov eax, [sweep_rpl]
    movzx edx, word [sweep_data_sels + eax * 2]
    push rdx
    push USER_TOP
    push 0x3002
    mov eax, [sweep_sel]
    push rax
    push sweep_landing
    iretq
t_ds:
    mov ds, eax
    OKAY
t_ss:
    mov ss, eax
    OKAY
t_lar:
    lar ecx, ax
    jnz .no
    OKAY
.no:
    OTHER
t_lsl:
    lsl ecx, ax
    jnz .no
    OKAY
.no:
    OTHER
t_lldt:
    lldt ax
    xor ecx, ecx
    lldt cx
    OKAY
t_ltr:
    ltr ax
    and byte [gdt + TSS0 + 5], ~2
    mov ecx, TSS0
    ltr cx
    OKAY
bits 32
t_jmp32:
    jmp far [sweep_far]
t_call32:
    call far [sweep_far]
t_gated32:
    mov [gdt + GATED + 2], ax
    call GATED + 3:0
SWEEP_DATA
SNIP_DATA
