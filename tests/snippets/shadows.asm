; SPDX-License-Identifier: LGPL-2.1-or-later
; Where an interrupt that waits is taken: behind STI, MOV SS, POPF, IRET, HLT; NMI and its blocking; against single steps.
; Logged as by trace.inc: 013E is the interrupt, 0102 the NMI. SDM vol. 3, 6.7.1, 6.8.1, 6.8.3, 6.9.
%define HOME 32
%include "snip.inc"
%include "trace.inc"
%define APIC 0xfee00000
%macro SELF 0
    mov dword [APIC + 0x300], 0x4003e
%endmacro
%macro SEND_NMI 0
    mov dword [APIC + 0x300], 0x4400
%endmacro
; register, value
%macro IOAPIC_WRITE 2
    mov dword [0xfec00000], %1
    mov dword [0xfec00010], %2
%endmacro
; The interrupt waits, IF is clear.
%macro ICASE 2
    cli
    TCASE %1, %2
    SELF
%endmacro
; At last it is taken in any case.
%macro IEND 0
    sti
    nop
    nop
    cli
    TEND
%endmacro
START
    TRACE_SETUP
    mov word [idt + 2 * 8], ADDR(nmi)
    mov word [idt + 0x3e * 8], ADDR(irq)
    mov word [idt + 0x3f * 8], ADDR(spurious)
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    mov dword [APIC + 0xf0], 0x13f
    ICASE "STI", 1
        sti
        nop
        nop
    IEND
    ICASE "STI STI", 1
        sti
        sti
        nop
    IEND
    ICASE "STI CLI", 1
        sti
        cli
        nop
    IEND
    ICASE "STI branch", 1
        sti
        jmp short .there
        nop
.there:
        nop
    IEND
    ICASE "STI HLT", 1
        sti
        hlt
        nop
    IEND
    ICASE "STI MOV SS", 1
        mov ax, ss
        sti
        mov ss, ax
        nop
        nop
    IEND
    ICASE "STI POP SS", 1
        push ss
        sti
        pop ss
        nop
        nop
    IEND
    ICASE "STI LSS", 1
        mov [data], esp
        mov [data + 4], ss
        sti
        lss esp, [data]
        nop
        nop
    IEND
    ICASE "STI MOV DS", 1
        mov ax, ds
        sti
        mov ds, ax
        nop
        nop
    IEND
    ICASE "STI PUSHF POPF that clears IF", 1
        pushfd
        sti
        popfd
        nop
    IEND
    ICASE "STI IRET", 1
        pushfd
        push cs
        push dword .iret
        or dword [esp + 8], 0x200
        sti
        iretd
.iret:
        nop
    IEND
    ICASE "POPF", 1
        pushfd
        or dword [esp], 0x200
        popfd
        nop
    IEND
    ICASE "IRET", 1
        pushfd
        push cs
        push dword .iret2
        or dword [esp + 8], 0x200
        iretd
.iret2:
        nop
    IEND
    ICASE "IRET with RF", 1
        pushfd
        push cs
        push dword .iret3
        or dword [esp + 8], 0x10200
        iretd
.iret3:
        nop
    IEND
    ICASE "STI and a fault", 1
        sti
        ud2
    TEND
    SHOWM "fl", [x_fl], 0x200
    TCASE "(its interrupt)", 1
        nop
    IEND
    ICASE "STI REP of none", 1
        xor ecx, ecx
        sti
        rep lodsb
        nop
    IEND
    ICASE "MOV SS CLI", 1
        mov ax, ss
        sti
        mov ss, ax
        cli
        nop
    IEND
    ; -- against debug exceptions
    ICASE "step, STI", 3
        TFON
        sti
        nop
        nop
        nop
    IEND
    ICASE "step, POPF sets TF and IF", 3
        pushfd
        or dword [esp], 0x300
        popfd
        nop
        nop
        nop
    IEND
    ICASE "breakpoint behind the window", 9
        BREAK 0, .code, 0, 0
        sti
        nop
.code:
        nop
        nop
    IEND
    ICASE "breakpoint within the window", 9
        BREAK 0, .code2, 0, 0
        sti
.code2:
        nop
        nop
    IEND
    ICASE "data breakpoint and the interrupt", 9
        BREAK 0, data, 1, 0
        sti
        mov [data], al
        nop
    IEND
    ; -- REP
    TCASE "REP that is interrupted", 12
        mov edi, APIC + 0x300           ; its first store sends the interrupt
        mov eax, 0x0004003e
        mov ecx, 4
        sti
.rep:
        rep stosd
        cld
        cli
        mov ebx, [trace_log]
        sub ebx, .rep
        mov edx, [trace_log + 16]
        mov ebp, [trace_n]
        mov dword [trace_n], 0
    TEND
    SHOW "ip", ebx
    SHOWM "fl", edx, 0x10200
    SHOW "n", ebp
    SHOW "ecx", ecx
    SHOW "edi", edi
    ; -- NMI
    TCASE "NMI with IF clear", 9
        cli
        SEND_NMI
        nop
    TEND
    TCASE "NMI waits for the end of NMI", 9
        mov dword [nmi_hook], nmi_again
        SEND_NMI
        nop
    TEND
    TCASE "NMI is unblocked by any IRET", 9
        mov dword [nmi_hook], nmi_iret
        SEND_NMI
        nop
    TEND
    TCASE "NMI is unblocked by an IRET that faults", 9
        mov word [idt + 13 * 8], ADDR(gp)
        mov dword [nmi_hook], nmi_bad_iret
        SEND_NMI
        nop
    TEND
    mov word [idt + 13 * 8], ADDR(stubs) + 13 * 16
    TCASE "NMI before the interrupt", 9
        cli
        SELF
        mov dword [nmi_hook], 0
        mov ax, ss
        sti
        SEND_NMI
        nop
        nop
    IEND
    TCASE "NMI blocked does not stop interrupts", 9
        mov dword [nmi_hook], nmi_irq
        SEND_NMI
        nop
    TEND
    ; the timer as an NMI, 55 ms later
    IOAPIC_WRITE 0x15, 0
    IOAPIC_WRITE 0x14, 0x400
    TCASE "HLT is woken by NMI", 9
        call timer_start
        hlt
        nop
    TEND
    TCASE "HLT ends by its own step", 1
        call timer_start            ; should it not
        TFON
        hlt
        nop
    TEND
    IOAPIC_WRITE 0x14, 0x10000
    FINISH
timer_start:
    push eax
    mov al, 0x30
    out 0x43, al
    mov al, 0xff
    out 0x40, al
    out 0x40, al
    pop eax
    ret
irq:
    push eax
    push ebx
    mov eax, 0x13e
    call trace_note
    mov dword [APIC + 0xb0], 0
    and dword [esp + 4 * W], ~0x200
    pop ebx
    pop eax
spurious:
    iretd
nmi:
    push eax
    push ebx
    mov eax, 0x102
    call trace_note
    mov eax, [nmi_hook]
    mov dword [nmi_hook], 0
    test eax, eax
    jz .none
    call eax
.none:
    pop ebx
    pop eax
    iretd
nmi_again:
    SEND_NMI
    nop
    ret
nmi_iret:
    SEND_NMI
    nop
    pushfd
    push cs
    push dword .there
    iretd
.there:
    ret
; a selector that cannot be: the fault's handler is already open to NMIs
nmi_bad_iret:
    SEND_NMI
    pushfd
    push dword 0x1000
    push dword 0
    iretd
nmi_irq:
    SELF
    sti
    nop
    cli
    ret
gp:
    nop
    add esp, 4 + 12 + 12
    ret
TRACE_DATA
align 16
data: times 16 db 0
nmi_hook: dd 0
SNIP_DATA
