; SPDX-License-Identifier: LGPL-2.1-or-later
; Real mode at the ends of its 64 KiB: operands, stack, code, strings; A20. SDM vol. 3, 21.1; vol. 2, "Real-Address Mode Exceptions".
%define HOME 16
%include "snip.inc"
START
    CASE "dword at FFFDh"
        mov bx, 0xfffd
        mov eax, [bx]
    END
    CASE "dword at FFFCh"
        mov bx, 0xfffc
        mov eax, [bx]
    END
    CASE "address sum wraps"
        mov bx, 0xfff0
        mov si, 0x8010
        mov dword [0x8000 + data - data2], 0
        mov ax, [bx + si]
    END
    CASE "BP and SI at FFFFh"
        mov bp, 0xffff
        xor si, si
        mov ax, [bp + si]
    END
    CASE "32-bit address at 10000h"
        mov ebx, 0x10000
        mov al, [ebx]
    END
    CASE "32-bit address by EBP"
        mov ebp, 0x10000
        mov al, [ebp]
    END
    CASE "32-bit address sum wraps at 4 GiB"
        mov ebx, 0xffffff00
        mov al, [ebx + 0x200]
    END
    CASE "read-modify-write at FFFFh"
        mov bx, 0xffff
        inc word [bx]
    END
    CASE "far pointer at FFFDh"
        mov bx, 0xfffd
        les ax, [bx]
    END
    CASE "BOUND at FFFDh"
        mov bx, 0xfffd
        mov ax, 1
        bound ax, [bx]
    END
    CASE "LGDT at FFFBh"
        mov bx, 0xfffb
        o32 lgdt [bx]
    END
    CASE "FLD at FFFDh"
        fninit
        mov bx, 0xfffd
        fld dword [bx]
    END
    CASE "BT reaches below 0"
        xor bx, bx
        mov ax, -1
        bt [bx], ax
    END
    CASE "BT reaches to FFFFh"
        mov bx, 1
        mov ax, -16
        bt [bx], ax
    END
    CASE "XLAT wraps"
        mov bx, 0xffff
        mov al, 1
        xlatb
    END
    ; -- stack (what faults at its ends is stack_wrap.asm's)
%macro STACK 1
        mov ax, 0x2000
        mov ss, ax
        mov sp, %1
%endmacro
; SP in AX, and home again
%macro HOME_STACK 0
        mov ax, sp
        xor dx, dx
        mov ss, dx
        mov sp, STACK_TOP
%endmacro
    CASE "PUSH at 2"
        STACK 2
        push ax
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "PUSH at 0"
        STACK 0
        push word 0x1234
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "POP at FFFEh"
        STACK 0xfffe
        pop bx
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "PUSHA at 8"
        STACK 8
        pusha
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "POPA at FFF8h"
        STACK 0xfff8
        popa
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "ENTER at 2"
        STACK 2
        mov bp, 0x5555
        enter 4, 0
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    SHOWM "bp", ebp, 0xffff
    CASE "LEAVE at FFFEh"
        STACK 0x5000
        mov bp, 0xfffe
        leave
        HOME_STACK
    END
    SHOWM "sp", eax, 0xffff
    CASE "upper half of ESP stays"
        mov esp, 0x12345000
        push ax
        pop ax
        mov eax, esp
        mov esp, STACK_TOP
    END
    SHOW "eax", eax
    CASE "stack addresses have 16 bits"
        mov esp, 0x00015000
        push word 0x4321
        mov ax, [0x4ffe]
        mov esp, STACK_TOP
    END
    SHOWM "ax", eax, 0xffff
    CASE "PUSH [ESP]"
        mov esp, 0x5000
        mov word [0x5000], 0x9876
        push word [esp]
        pop ax
        mov esp, STACK_TOP
    END
    SHOWM "ax", eax, 0xffff
    CASE "POP SP"
        mov sp, 0x5000
        mov word [0x5000], 0x4800
        pop sp
        mov ax, sp
        mov esp, STACK_TOP
    END
    SHOWM "ax", eax, 0xffff
    CASE "PUSH SP"
        mov sp, 0x5000
        push sp
        pop ax
        mov esp, STACK_TOP
    END
    SHOWM "ax", eax, 0xffff
    CASE "POP [ESP]"
        mov esp, 0x5000
        mov dword [0x5000], 0x1111abcd
        pop word [esp]
        mov esp, STACK_TOP
    END
    SHOW "dword", [0x5000]
    ; -- strings
    CASE "MOVSW at FFFFh"
        mov si, 0xffff
        mov di, 0x3000
        movsw
    END
    SHOWM "si", esi, 0xffff
    CASE "REP MOVSB wraps"
        mov si, 0xfffe
        mov di, 0x3000
        mov cx, 4
        rep movsb
    END
    SHOWM "si", esi, 0xffff
    SHOWM "di", edi, 0xffff
    CASE "REP STOSW reaches FFFFh"
        mov ax, 0x1000
        mov es, ax
        mov di, 0xfff9
        mov cx, 9
        rep stosw
    END
    SHOWM "di", edi, 0xffff
    SHOWM "cx", ecx, 0xffff
    CASE "REP STOSD down to 0"
        mov ax, 0x1000
        mov es, ax
        std
        mov di, 6
        mov cx, 9
        rep stosd
    END
    SHOWM "di", edi, 0xffff
    SHOWM "cx", ecx, 0xffff
    CASE "REP LODSB with 32-bit addresses"
        mov esi, 0xfffe
        mov ecx, 4
        a32 rep lodsb
    END
    SHOW "esi", esi
    SHOW "ecx", ecx
    CASE "upper halves stay with 16-bit addresses"
        mov esi, 0x12340100
        mov edi, 0x56783000
        mov ecx, 0x9abc0002
        rep movsb
    END
    SHOW "esi", esi
    SHOW "edi", edi
    SHOW "ecx", ecx
    CASE "LOOP counts by the address size"
        mov ecx, 0x10001
        loop .loop
        mov ebx, ecx
.loop:
    END
    SHOW "ecx", ecx
    CASE "REP OUTSW at FFFFh"
        mov si, 0xffff
        mov cx, 3
        mov dx, 0x80
        rep outsw
    END
    SHOWM "cx", ecx, 0xffff
    ; -- the rest
    CASE "IVT beyond its limit"
        lidt [small_idt]
        int 0x30
    END
    lidt [big_idt]
    CASE "store through CS"
        mov [cs:data], al
    END
    CASE "LLDT"
        lldt ax
    END
    CASE "ARPL"
        arpl ax, bx
    END
    CASE "LAR"
        lar ax, bx
    END
    CASE "SMSW"
        mov eax, -1
        smsw ax
    END
    SHOW "eax", eax
    CASE "CLI, STI, HLT are free"
        sti
        cli
    END
    CASE "MOV CS"
        db 0x8e, 0xc8
    END
    CASE "SYSENTER"
        sysenter
    END
    CASE "VEX is LES"
        xor bx, bx
        db 0xc4, 0x07
    END
    CASE "VEX with a register"
        db 0xc5, 0xf8, 0x77
    END
    ; -- code; UD2 waits for a processor that does not see a limit
    mov bx, 0x1000
    call fill
    mov bx, 0x2000
    call fill
    mov di, 0xfff0
    mov ax, 0x1000
    mov es, ax
    mov cx, 16
    mov al, 0x90
    rep stosb
    mov byte [es:0xffff], 0xb8
    CASE "instruction across FFFFh"
        jmp 0x1000:0xffff
    END
    SHOW "ip", [x_ip]
    mov ax, 0x1000
    mov es, ax
    mov byte [es:0xffff], 0x90
    CASE "NOP at FFFFh"
        jmp 0x1000:0xffff
    END
    SHOW "ip", [x_ip]
    mov ax, 0x1000
    mov es, ax
    CASE "short jump over FFFFh"
        mov word [es:0xfffe], 0x20eb
        mov word [es:0x20], 0x0b0f
        jmp 0x1000:0xfffe
    END
    SHOW "ip", [x_ip]
    mov ax, 0x1000
    mov es, ax
    CASE "short jump below 0"
        mov word [es:0], 0xeeeb
        mov word [es:0xfff0], 0x0b0f
        jmp 0x1000:0
    END
    SHOW "ip", [x_ip]
    mov ax, 0x1000
    mov es, ax
    CASE "jump with 66 over FFFFh"
        mov dword [es:0xfff0], 0x0020e966
        mov word [es:0xfff4], 0
        jmp 0x1000:0xfff0
    END
    SHOW "ip", [x_ip]
    mov bx, 0x1000
    call fill
    CASE "JMP EAX beyond the limit"
        mov eax, 0x10000
        jmp eax
    END
    CASE "JMP dword beyond the limit"
        jmp dword 0:0x20010
    END
    CASE "RET of a dword beyond the limit"
        push dword 0x10000
        o32 ret
    END
    CASE "IRET of a dword beyond the limit"
        push dword 2
        push dword 0
        push dword 0x10000
        o32 iret
    END
    mov ax, 0x1000
    mov es, ax
    CASE "CALL at FFFDh returns to 0"
        mov dword [es:0xfffc], 0x0040e890     ; nop; call 40h + 0
        mov word [es:0x40], 0x0b0f
        jmp 0x1000:0xfffd
    END
    SHOW "ip", [x_ip]
    FINISH
fill:
    mov es, bx
    xor di, di
    mov cx, 0x80
    mov ax, 0x0b0f
    rep stosw
    ret
align 4
data: dd 0
data2: dd 0
small_idt: dw 0x1f * 4 + 3
    dd 0
big_idt: dw 0x3ff
    dd 0
SNIP_DATA
