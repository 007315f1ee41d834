; SPDX-License-Identifier: LGPL-2.1-or-later
; Virtual-8086 mode and its extensions: CLI STI PUSHF POPF INT IRET by IOPL, CR4.VME and VIP; the redirection map; ports.
; Protected-mode virtual interrupts. SDM vol. 3, 20.2, 20.3 (table 20-2), 20.4; vol. 1, 18.5.2.
; The monitor is the frame; a case's V86 code ends in HLT (#GP, "V86 done" to itself), so its name says what came before.
%define HOME 32
%include "snip.inc"
%define IOPL0 0
%define IOPL3 0x3000
%define VIF 0x80000
%define VIP 0x100000
; V86 flags: to V86 mode with these flags, stack 1000:0F00, IP behind it
%macro V86 1
        push dword 0x2000       ; GS FS DS ES
        push dword 0x2000
        push dword 0
        push dword 0x2000
        push dword 0x1000       ; SS
        push dword 0x0f00
        push dword (%1) | 0x20002
        push dword 0            ; CS
        push dword ADDR(%%code)
        iretd
%%code:
bits 16
%endmacro
%macro V86_END 0
bits 32
    END
    SHOWM "fl", [x_fl], 0x1a7300
%endmacro
; word N below the top of the V86 stack
%macro SHOW_STACK 1
    xor eax, eax
    mov ax, [0x10f00 - 2 * %1]
    SHOW "top", eax
%endmacro
%macro VCASE 2
    CASE %1
        V86 %2
%endmacro
%macro VME_ON 0
    mov eax, cr4
    or al, 1
    mov cr4, eax
%endmacro
%macro VME_OFF 0
    mov eax, cr4
    and al, 0xfe
    mov cr4, eax
%endmacro
%macro LEVEL3 1
        mov ax, DATA3
        mov ds, ax
        mov es, ax
        push dword DATA3
        push dword USER_TOP
        push dword (%1) | 2
        push dword CODE3
        push dword %%code
        iretd
%%code:
%endmacro
START
    mov word [0x31 * 4], ADDR(isr)          ; the program's own interrupt table
    mov word [0x31 * 4 + 2], 0
    mov word [3 * 4], ADDR(isr)
    mov word [3 * 4 + 2], 0
    ; -- without VME
    VCASE "IOPL 3, CLI", IOPL3 | 0x200
        cli
        hlt
    V86_END
    VCASE "IOPL 3, STI", IOPL3
        sti
        hlt
    V86_END
    VCASE "IOPL 0, CLI", IOPL0
        cli
    V86_END
    VCASE "IOPL 0, STI", IOPL0
        sti
    V86_END
    VCASE "IOPL 0, PUSHF", IOPL0
        pushf
    V86_END
    VCASE "IOPL 0, POPF", IOPL0
        popf
    V86_END
    VCASE "IOPL 0, INT", IOPL0
        int 0x30
    V86_END
    VCASE "IOPL 0, INT3", IOPL0
        int3
    V86_END
    VCASE "IOPL 0, IRET", IOPL0
        iret
    V86_END
    VCASE "IOPL 0, INTO", IOPL0 | 0x800
        into
    V86_END
    VCASE "IOPL 3, INT through the gate", IOPL3
        int 0x30
    V86_END
    SHOW "cs", [x_cs]
    SHOW "sp", [x_sp]
    SHOW "ss", [x_ss]
    VCASE "IOPL 3, INT with a gate of level 0", IOPL3
        int 0x20
    V86_END
    VCASE "IOPL 3, PUSHF", IOPL3 | 0x200
        pushf
        hlt
    V86_END
    SHOW_STACK 1
    VCASE "IOPL 3, POPF", IOPL3
        push word 0x7fd7 & ~0x100
        popf
        hlt
    V86_END
    VCASE "IOPL 3, POPF does not change IOPL", IOPL3
        push word 0
        popf
        hlt
    V86_END
    VCASE "IOPL 3, POPFD", IOPL3 | 0x200
        push dword 0x003c0002
        o32 popf
        hlt
    V86_END
    SHOWM "all", [x_fl], 0x3f0000
    VCASE "IOPL 3, IRET", IOPL3
        push word 0x4200
        push word 0
        push word ADDR(.iret)
        iret
.iret:
        hlt
    V86_END
    VCASE "IOPL 3, IRETD", IOPL3
        push dword 0x3c0200
        push dword 0
        push dword ADDR(.iretd)
        o32 iret
.iretd:
        hlt
    V86_END
    SHOWM "all", [x_fl], 0x3f0000
    VCASE "LMSW", IOPL3
        lmsw ax
    V86_END
    VCASE "MOV from CR0", IOPL3
        mov eax, cr0
    V86_END
    VCASE "LLDT", IOPL3
        lldt ax
    V86_END
    VCASE "CLTS", IOPL3
        clts
    V86_END
    VCASE "RDMSR", IOPL3
        rdmsr
    V86_END
    VCASE "SYSENTER has no selector", IOPL3
        sysenter
    V86_END
    VCASE "LOCK on CLI is #UD", IOPL0
        db 0xf0
        cli
    V86_END
    VCASE "ports are looked up, IOPL 3", IOPL3
        in al, 0x80
    V86_END
    ; -- with VME
    VME_ON
    VCASE "VME, IOPL 0, CLI", VIF
        cli
        hlt
    V86_END
    VCASE "VME, IOPL 0, STI", 0
        sti
        hlt
    V86_END
    VCASE "VME, IOPL 0, STI with VIP", VIP
        sti
    V86_END
    VCASE "VME, IOPL 0, CLI with VIP", VIP
        cli
        hlt
    V86_END
    VCASE "VME, IOPL 3, STI with VIP", IOPL3 | VIP
        sti
        hlt
    V86_END
    VCASE "VME, IOPL 0, PUSHF", VIF
        pushf
        hlt
    V86_END
    SHOW_STACK 1
    VCASE "VME, IOPL 0, PUSHF, VIF clear", 0x200
        pushf
        hlt
    V86_END
    SHOW_STACK 1
    VCASE "VME, IOPL 0, PUSHFD", VIF
        o32 pushf
    V86_END
    VCASE "VME, IOPL 0, POPF sets VIF", 0
        push word 0x7ed7
        popf
        hlt
    V86_END
    VCASE "VME, IOPL 0, POPF clears VIF", VIF | 0x200
        push word 0
        popf
        hlt
    V86_END
    VCASE "VME, IOPL 0, POPF of IF with VIP", VIP
        push word 0x200
        popf
    V86_END
    VCASE "VME, IOPL 0, POPF without IF with VIP", VIP
        push word 0
        popf
        hlt
    V86_END
    VCASE "VME, IOPL 0, POPF of TF", 0
        push word 0x100
        popf
    V86_END
    VCASE "VME, IOPL 0, POPFD", 0
        push dword 0
        o32 popf
    V86_END
    VCASE "VME, IOPL 3, POPF", IOPL3
        push word 0x200
        popf
        hlt
    V86_END
    VCASE "VME, IOPL 0, IRET", 0
        push word 0x4200
        push word 0
        push word ADDR(.iret2)
        iret
.iret2:
        hlt
    V86_END
    VCASE "VME, IOPL 0, IRET of IF with VIP", VIP
        push word 0x200
        push word 0
        push word 0
        iret
    V86_END
    VCASE "VME, IOPL 0, IRET of TF", 0
        push word 0x100
        push word 0
        push word 0
        iret
    V86_END
    VCASE "VME, IOPL 0, entered with VIF and VIP", VIF | VIP
        nop
        hlt
    V86_END
    VCASE "VME, IOPL 3, entered with VIF and VIP", IOPL3 | VIF | VIP
        nop
        hlt
    V86_END
    CASE "VME, IOPL 0, VIF and VIP of a level 3 task"
        LEVEL3 VIF | VIP
        nop
        hlt
    V86_END
    VCASE "VME, IOPL 0, IRETD", 0
        o32 iret
    V86_END
    ; -- redirection: the map lies in front of the map of ports
    mov word [tss0 + 102], 104 + 32
    mov dword [tss0 + 104 + 0x30 / 8], ~(1 << 1)    ; INT 31h is redirected
    mov byte [tss0 + 104], ~(1 << 3)                ; so is INT 3
    VCASE "redirected, IOPL 0", VIF
        int 0x31
        hlt
    V86_END
    SHOW_STACK 1
    SHOW "in", [isr_fl]
    VCASE "redirected, IOPL 0, VIF clear", 0x200
        int 0x31
        hlt
    V86_END
    SHOW_STACK 1
    SHOW "in", [isr_fl]
    VCASE "redirected, IOPL 3", IOPL3 | 0x200
        int 0x31
        hlt
    V86_END
    SHOW_STACK 1
    SHOW "in", [isr_fl]
    VCASE "redirected, INT3 is not", 0
        int3
    V86_END
    VCASE "redirected, INT 3 in two bytes is", 0
        db 0xcd, 3
        hlt
    V86_END
    VCASE "not redirected, IOPL 0", 0
        int 0x30
    V86_END
    VCASE "not redirected, IOPL 3", IOPL3
        int 0x30
    V86_END
    mov word [tss0 + 102], 31
    VCASE "map of ports too low for a redirection map", IOPL0
        int 0x31
    V86_END
    mov word [tss0 + 102], 0x2090
    VCASE "redirection map beyond the limit", IOPL0
        int 0x3f
    V86_END
    mov word [tss0 + 102], 104 + 32
    mov byte [tss0 + 104 + 0x30 / 8], 0xff
    VME_OFF
    ; -- PVI
    mov eax, cr4
    or al, 2
    mov cr4, eax
    CASE "PVI, CLI"
        LEVEL3 VIF
        cli
        hlt
    V86_END
    CASE "PVI, STI"
        LEVEL3 0
        sti
        hlt
    V86_END
    CASE "PVI, STI with VIP"
        LEVEL3 VIP
        sti
    V86_END
    CASE "PVI, entered with VIF and VIP"
        LEVEL3 VIF | VIP
        nop
        hlt
    V86_END
    CASE "PVI, IOPL 3, entered with VIF and VIP"
        LEVEL3 IOPL3 | VIF | VIP
        nop
        hlt
    V86_END
    CASE "PVI, IOPL 3, STI with VIP"
        LEVEL3 VIP | IOPL3
        sti
        hlt
    V86_END
    CASE "PVI, PUSHF is as ever"
        LEVEL3 VIF
        pushfd
        hlt
    V86_END
    SHOW "top", [USER_TOP - 4]
    CASE "PVI, POPF does not reach VIF"
        LEVEL3 0
        push dword 0x80200
        popfd
        hlt
    V86_END
    CASE "PVI, level 0 is as ever"
        cli
        sti
        cli
    END
    CASE "PVI, VME does not matter"
        mov eax, cr4
        xor al, 3
        mov cr4, eax
        LEVEL3 VIF
        cli
    V86_END
    mov eax, cr4
    xor al, 3
    mov cr4, eax
    VCASE "PVI, V86 mode entered with VIF and VIP", VIF | VIP
        nop
        hlt
    V86_END
    VCASE "IOPL 3, IRETD beyond FFFFh", IOPL3
        push dword 0x200
        push dword 0
        push dword 0x10000
        o32 iret
    V86_END
    FINISH
bits 16
isr:
    push bp
    pushf
    pop bp
    mov [isr_fl], bp
    pop bp
    add sp, 6
    jmp .back
.back:
    hlt
bits 32
align 4
isr_fl: dd 0
SNIP_DATA
