; SPDX-License-Identifier: LGPL-2.1-or-later
; x87 exceptions as a PC reports them with CR0.NE clear: FERR#, IRQ 13 and INT 75h; IGNNE# from a write to port F0h on until
; the exceptions are gone. SDM vol. 1, 8.7 and appendix D. Processors differ in whether FERR# comes at once or with the next
; waiting instruction, so that follows always.
%define HOME 16
%include "snip.inc"
%macro CR0 2
    mov eax, cr0
    and al, ~(%1) & 0xff
    or al, %2
    mov cr0, eax
%endmacro
; a pending division by zero; waiting code follows
%macro ZERO_DIVIDE 0
        fninit
        fldcw [unmasked]
        fld1
        fldz
        fdivp st1, st0
%endmacro
; how often INT 75h has come, where from the case's first byte, and what FSW was there
%macro FCASE 1
    mov dword [told], 0
    mov dword [told_at], 0
    mov dword [told_fsw], 0
    CASE %1
%endmacro
%macro FEND 0
        jmp short %%late            ; where interrupts are not looked for behind each instruction
%%late:
        cli
    END
    clts
    fninit
    out 0xf0, al
    SHOWM "n", [told], 0xff
    SHOW "at", [told_at]
    SHOW "fsw", [told_fsw]
%endmacro
START
    mov word [0x75 * 4], isr
    mov word [0x75 * 4 + 2], 0
    mov word [8 * 4], timer
    mov word [8 * 4 + 2], 0
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 8
    out 0x21, al
    mov al, 0x70
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xfb                ; IRQ 2
    out 0x21, al
    mov al, 0xdf                ; IRQ 13
    out 0xa1, al
    o32 lgdt [gdtr]             ; the APIC has to let the 8259s through: LINT0 ExtINT
    CR0 0x2e, 1
    mov bx, DATA0
    mov fs, bx
    CR0 1, 0
    mov dword [fs:dword 0xfee000f0], 0x1ff
    mov dword [fs:dword 0xfee00350], 0x700
    ; -- FERR# and IGNNE#
    FCASE "FWAIT"
        sti
        ZERO_DIVIDE
        fwait
    FEND
    FCASE "FLD1"
        sti
        ZERO_DIVIDE
        fld1
        fstp dword [result]
    FEND
    SHOW "result", [result]
    FCASE "FNSTSW does not wait"
        ZERO_DIVIDE
        fnstsw ax
        fnclex
        fwait
    FEND
    SHOWM "ax", eax, 0xffff
    FCASE "masked"
        sti
        fninit
        fld1
        fldz
        fdivp st1, st0
        fwait
    FEND
    FCASE "unmasked later"
        sti
        fninit
        fld1
        fldz
        fdivp st1, st0
        fldcw [unmasked]
        fwait
    FEND
    FCASE "IGNNE#"
        mov word [hook], through
        mov dword [result], 0
        sti
        ZERO_DIVIDE
        fwait
    FEND
    SHOW "result", [result]
    FCASE "IGNNE# ends with FNCLEX"
        sti
        ZERO_DIVIDE
        fwait
        ZERO_DIVIDE
        fwait
    FEND
    FCASE "the processor waits, any interrupt goes on"
        mov dword [ticks], 0
        mov al, 0xff
        out 0xa1, al
        mov al, 0xfa
        out 0x21, al
        mov al, 0x30
        out 0x43, al
        mov al, 0
        out 0x40, al
        mov al, 4
        out 0x40, al
        ZERO_DIVIDE
        sti
        fwait
    FEND
    SHOW "ticks", [ticks]
    SHOW "tick", [tick_at]
    mov al, 0xfb
    out 0x21, al
    mov al, 0xdf
    out 0xa1, al
    FCASE "NE is cleared in front of the waiting instruction"
        CR0 0, 0x20
        sti
        ZERO_DIVIDE
        CR0 0x20, 0
        fwait
    FEND
    FINISH

isr:
    pushad
    inc dword [told]
    movzx eax, word [esp + 32]
    sub eax, [x_start]
    mov [told_at], eax
    fnstsw [told_fsw]
    out 0xf0, al
    xor ax, ax
    xchg ax, [hook]
    test ax, ax
    jz .none
    call ax
.none:
    fnclex
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    popad
    iret
; waiting instructions, while IGNNE# is there
through:
    fwait
    fld1
    fstp dword [result]
    ret
timer:
    pushad
    inc dword [ticks]
    movzx eax, word [esp + 32]
    sub eax, [x_start]
    mov [tick_at], eax
    mov al, 0xdf
    out 0xa1, al
    mov al, 0x20
    out 0x20, al
    popad
    iret
align 4
told: dd 0
told_at: dd 0
told_fsw: dd 0
ticks: dd 0
tick_at: dd 0
result: dd 0
hook: dw 0
unmasked: dw 0x37b
SNIP_DATA
