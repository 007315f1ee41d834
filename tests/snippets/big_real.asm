; SPDX-License-Identifier: LGPL-2.1-or-later
; Segment registers that keep what protected mode gave them ("big real mode"), the way between the modes, the A20 gate.
; SDM vol. 3, 10.9, 21.1.4; 10.9.2 for the order of a switch.
%define HOME 16
%include "snip.inc"
; LOAD selector: DS and ES from the GDT by way of protected mode
%macro LOAD 1
    o32 lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, %1
    mov ds, bx
    mov es, bx
    and al, 0xfe
    mov cr0, eax
%endmacro
%macro LOAD_FS 1
    o32 lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, %1
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
%endmacro
%macro A20 1
    in al, 0x92
    and al, 0xfc
    or al, %1 << 1
    out 0x92, al
%endmacro
START
    CASE "limit of 4 GiB"
        LOAD DATA0
        mov eax, 0x12345678
        mov [dword 0x200000], eax
        mov ebx, [dword 0x200000]
    END
    SHOW "ebx", ebx
    CASE "a load of DS keeps the limit"
        LOAD DATA0
        xor ax, ax
        mov ds, ax
        mov eax, [dword 0x200000]
    END
    SHOW "eax", eax
    CASE "and has the new base"
        LOAD DATA0
        mov ax, 0x8000
        mov ds, ax
        mov ebx, 0x180000
        mov eax, [ebx]
    END
    SHOW "eax", eax
    CASE "a word at FFFFh with 16-bit addresses"
        LOAD DATA0
        mov bx, 0xffff
        mov ax, [bx]
    END
    CASE "REP MOVSD with 32-bit addresses"
        LOAD DATA0
        mov esi, 0x200000
        mov edi, 0x300000
        mov ecx, 2
        a32 rep movsd
        mov eax, [dword 0x300000]
    END
    SHOW "eax", eax
    SHOW "edi", edi
    CASE "SS and FS are as they were"
        LOAD DATA0
        mov ebx, 0x10000
        mov al, [fs:ebx]
    END
    CASE "code keeps its limit of 64 KiB"
        LOAD DATA0
        mov ebx, 0x10000
        mov al, [cs:ebx]
    END
    CASE "limit of 64 KiB is back"
        LOAD DATA16
        mov al, [dword 0x10000]
    END
    CASE "small limit stays too"
        SETDESC 0x48, 0, 0x0fff, 0x93, 0
        LOAD_FS 0x48
        mov al, [fs:0x0fff]
        mov al, [fs:0x1000]
    END
    CASE "small limit and a load of FS"
        LOAD_FS 0x48
        xor ax, ax
        mov fs, ax
        mov al, [fs:0x0fff]
        mov al, [fs:0x1000]
    END
    CASE "expand-down stays"
        SETDESC 0x48, 0, 0x0fff, 0x97, 0
        LOAD_FS 0x48
        mov al, [fs:0x1000]
        mov al, [fs:0x0fff]
    END
    CASE "restore"
        LOAD_FS DATA16
        mov al, [fs:0x1000]
    END
    CASE "32-bit stack pointer"
        o32 lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, DATA0
        mov ss, bx
        and al, 0xfe
        mov cr0, eax
        mov esp, 0x280000
        push dword 0x13572468
        mov ebx, esp
        mov esp, STACK_TOP
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov dx, DATA16
        mov ss, dx
        and al, 0xfe
        mov cr0, eax
        xor dx, dx
        mov ss, dx
    END
    SHOW "esp", ebx
    CASE "LMSW sets PE and does not clear it"
        smsw ax
        or al, 1
        lmsw ax
        and al, 0xfe
        lmsw ax
        smsw bx
        mov ecx, cr0
        mov eax, ecx
        and al, 0xfe
        mov cr0, eax
    END
    SHOWM "msw", ebx, 0xf
    SHOW "cr0", ecx
    CASE "LMSW sets MP EM TS"
        smsw ax
        or al, 0xe
        lmsw ax
        smsw bx
        and al, 0xf0
        lmsw ax
        smsw cx
    END
    SHOWM "set", ebx, 0xf
    SHOWM "clear", ecx, 0xf
    CASE "LLDT between PE and the jump"
        mov eax, cr0
        or al, 1
        mov cr0, eax
        xor bx, bx
        lldt bx
        sldt bx
        and al, 0xfe
        mov cr0, eax
    END
    ; -- A20: the keyboard controller lets go of it, so that port 92h decides
    mov al, 0xdd
    out 0x64, al
    A20 0
    A20 1
    CASE "A20 off, data"
        LOAD DATA0
        mov dword [0x1500], 0x11111111
        mov dword [dword 0x101500], 0x22222222
        A20 0
        mov ebx, [dword 0x101500]
        mov ecx, [dword 0x301500]
        A20 1
        mov edx, [dword 0x101500]
    END
    SHOW "off", ebx
    SHOW "odd MiB", ecx
    SHOW "on", edx
    CASE "A20 off, store"
        LOAD DATA0
        A20 0
        mov dword [dword 0x101500], 0x33333333
        A20 1
        mov ebx, [0x1500]
        mov ecx, [dword 0x101500]
    END
    SHOW "low", ebx
    SHOW "high", ecx
    CASE "A20 off, FFFF:1510"
        mov bx, 0xffff
        mov fs, bx
        mov eax, [fs:0x1510]
        mov ebx, eax
        A20 0
        mov ecx, [fs:0x1510]
        A20 1
    END
    SHOW "on", ebx
    SHOW "off", ecx
    CASE "A20 off, code"
        LOAD DATA0
        mov dword [0x1600], 0xcb01b3         ; mov bl, 1; retf
        mov dword [dword 0x101600], 0xcb02b3       ; mov bl, 2; retf
        A20 0
        call 0xffff:0x1610
        mov cl, bl
        A20 1
        call 0xffff:0x1610
        mov ch, bl
        A20 0
        call 0xffff:0x1610
        shl ecx, 8
        mov cl, bl
        A20 1
    END
    SHOWM "ran", ecx, 0xffffff
    CASE "A20 off, stack"
        LOAD DATA0
        mov bx, 0xffff
        mov ss, bx
        mov sp, 0x1710
        A20 0
        push dword 0x44444444
        A20 1
        xor bx, bx
        mov ss, bx
        mov esp, STACK_TOP
        mov ebx, [0x16fc]
    END
    SHOW "low", ebx
    CASE "A20 off, even MiB"
        LOAD DATA0
        mov dword [dword 0x201500], 0x55555555
        A20 0
        mov ebx, [dword 0x201500]
        A20 1
    END
    SHOW "ebx", ebx
    CASE "A20 off, page tables"
        LOAD DATA0
        ; directory at 102000h reads as 2000h: 4 MiB pages, the second goes to 0
        mov dword [0x2000], 0x83
        mov dword [0x2004], 0x83
        mov dword [dword 0x102000], 0x83
        mov dword [dword 0x102004], 0x400083
        mov dword [0x1500], 0x66666666
        mov dword [dword 0x401500], 0x77777777
        mov eax, cr4
        or al, 0x10
        mov cr4, eax
        A20 0
        mov eax, 0x102000
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000001
        mov cr0, eax
        mov ebx, [dword 0x401500]
        and eax, 0x7ffffffe
        mov cr0, eax
        A20 1
        mov eax, cr0
        or eax, 0x80000001
        mov cr0, eax
        mov ecx, [dword 0x401500]
        and eax, 0x7ffffffe
        mov cr0, eax
    END
    SHOW "off", ebx
    SHOW "on", ecx
    CASE "restore at the end"
        LOAD DATA16
    END
    FINISH
SNIP_DATA
