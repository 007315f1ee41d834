; SPDX-License-Identifier: LGPL-2.1-or-later
; Interrupts and exceptions in real mode: the IDT register's base and limit, #GP and #DF of vectors beyond it, flags, IRET; and the
; instructions that are none in real mode.
%define HOME 16
%include "snip.inc"
; IDTR of limit %1 and base %2
%macro TABLE 2
    mov word [0x2000], %1
    mov dword [0x2002], %2
    o32 lidt [0x2000]
%endmacro
%macro HOME_TABLE 0
    o32 lidt [real_idtr]
%endmacro
START
    cld
    mov ax, 0x2000
    mov es, ax
    xor si, si
    xor di, di
    mov cx, 0x200
    rep movsw
    mov word [es:0x31 * 4], moved
    xor ax, ax
    mov es, ax
    CASE "int by a moved table"
        TABLE 0x3ff, 0x20000
        int 0x31
    END
    HOME_TABLE
    SHOWM "", eax, 0xffff
    CASE "int beyond the table"
        TABLE 0xff, 0
        int 0x40
    END
    HOME_TABLE
    CASE "int partly beyond the table"
        TABLE 0x31 * 4 + 2, 0
        int 0x31
    END
    HOME_TABLE
    CASE "int at the end of the table"
        TABLE 0x31 * 4 + 3, 0
        int 0x31
    END
    HOME_TABLE
    CASE "#GP beyond the table too"
        TABLE 9 * 4 - 1, 0
        int 0x31
    END
    HOME_TABLE
    CASE "flags"
        push word 0x7ad5
        popf
        int 0x30
    END
    SHOW "fl", [x_fl]
    push word 2
    popf
    CASE "flags in the handler"
        mov word [0x31 * 4], %$to
        push word 0x7ad5
        popf
        int 0x31
%$to:
        pushf
        pop ax
        movzx eax, ax
        ud2
    END
    SHOW "", eax
    mov word [0x31 * 4], stubs + 0x31 * 8
    push word 2
    popf
    CASE "ac ends in the handler"
        mov word [0x31 * 4], %$to
        push dword 0x40002
        popfd
        int 0x31
%$to:
        pushfd
        pop eax
        ud2
    END
    SHOW "", eax
    mov word [0x31 * 4], stubs + 0x31 * 8
    CASE "iret"
        mov sp, 0x3f00
        push word 0x7ad7
        push word 0x0100
        push word %$to - 0x1000
        iret
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOW "fl", [x_fl]
    CASE "iretd"
        mov sp, 0x3f00
        push dword 0x3d7ed7
        push dword 0x12340100
        push dword %$to - 0x1000
        o32 iret
%$to:
        pushfd
        pop eax
        ud2
    END
    SHOW "", eax
    push dword 2
    popfd
    CASE "int3"
        int3
    END
    CASE "cd 03"
        db 0xcd, 3
    END
    CASE "into"
        mov al, 0x7f
        inc al
        into
    END
    CASE "icebp"
        db 0xf1
    END
    CASE "bound"
        mov dword [0x2000], 0x00070005
        mov ax, 8
        bound ax, [0x2000]
    END
    %macro IS_UD 2+
    CASE %1
        %2
        times 6 nop
    END
    %endmacro
    IS_UD "lar", lar ax, cx
    IS_UD "lsl", lsl ax, cx
    IS_UD "verr", verr ax
    IS_UD "verw", verw ax
    IS_UD "arpl", db 0x63, 0xc8
    IS_UD "sldt", sldt ax
    IS_UD "str", str ax
    IS_UD "lldt", lldt ax
    IS_UD "ltr", ltr ax
    IS_UD "lgdt of a register", db 0x0f, 0x01, 0xd5
    CASE "smsw"
        smsw ax
    END
    SHOWM "", eax, 0xf
    CASE "sgdt with 16 bits"
        mov word [0x2000], 0xff
        mov dword [0x2002], 0x89abcdef
        o32 lgdt [0x2000]
        mov dword [0x2010], -1
        mov dword [0x2014], -1
        sgdt [0x2010]
        lgdt [0x2000]
        o32 sgdt [0x2018]
    END
    SHOW "", [0x2010]
    SHOW "", [0x2014]
    SHOW "", [0x2018]
    SHOWM "", [0x201c], 0xffff
    FINISH
moved:
    mov ax, 0x1234
    jmp stubs + 0x31 * 8
SNIP_DATA
