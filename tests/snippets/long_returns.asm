; SPDX-License-Identifier: LGPL-2.1-or-later
; Long mode, one by one: IRET and RETF between 64-bit and compatibility mode and to outer levels, null stack segments, segment loads,
; system descriptors of 16 bytes, opcodes that are none.
%define HOME 64
%include "snip.inc"
%include "sweep.inc"
%include "long.inc"
START
    call sweep_init
; -- IRET ------------------------------------------------------------------------------------------------------------------------
    ; IRETQ "name", SS, RSP, CS, RIP
    %macro IRETQ 5
    CASE %1
        mov rax, %3
        mov rcx, %5
        push %2
        push rax
        push 2
        push %4
        push rcx
        iretq
    END
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    SHOW "rsp", [x_sp]
    %endmacro
    IRETQ "iretq on the same level", DATA0, 0x3f00, CODE64, sweep_landing
    IRETQ "iretq with a null ss", 0, 0x3f00, CODE64, sweep_landing
    IRETQ "iretq with a null ss of rpl 1", 1, 0x3f00, CODE64, sweep_landing
    IRETQ "iretq to level 1 with a null ss", 1, 0x3f00, CODE1, sweep_landing
    IRETQ "iretq to level 1 with a null ss of rpl 0", 0, 0x3f00, CODE1, sweep_landing
    IRETQ "iretq to level 3 with a null ss", 3, 0x3f00, CODE643, sweep_landing
    IRETQ "iretq to compatibility mode", DATA3, 0x1234567800003f00, CODE3, sweep_landing
    IRETQ "iretq to compatibility mode with a null ss", 0, 0x3f00, CODE0, sweep_landing
    IRETQ "iretq with an ss of the wrong dpl", DATA3, 0x3f00, CODE64, sweep_landing
    IRETQ "iretq with an ss beyond the gdt", 0x1000, 0x3f00, CODE64, sweep_landing
    SETDESC 0x48, 0, 0xfffff, 0x13, 0xc
    IRETQ "iretq with an ss that is not present", 0x48, 0x3f00, CODE64, sweep_landing
    IRETQ "iretq to a rip that is not canonical", DATA0, 0x3f00, CODE64, HIGH
    IRETQ "iretq to an rsp that is not canonical", DATA3, HIGH, CODE643, sweep_landing
    CASE "iretd"
        mov rsp, 0x3f00
        mov dword [rsp], %$to
        mov dword [rsp + 4], CODE64
        mov dword [rsp + 8], 2
        mov dword [rsp + 12], 0x3e00
        mov dword [rsp + 16], DATA0
        iretd
%$to:
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "iretw"
        mov rsp, 0x3f00
        mov word [rsp], %$to
        mov word [rsp + 2], CODE64
        mov word [rsp + 4], 2
        mov word [rsp + 6], 0x3e00
        mov word [rsp + 8], DATA0
        iretw
%$to:
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "iretq with nt"
        push 0x4002
        popfq
        iretq
    END
    push 2
    popfq
    CASE "iretd with nt in compatibility mode"
        COMPAT3 %$go
        bits 32
%$go:
        push dword 0x4002
        popfd
        iretd
        bits 64
    END
    CASE "iretd in compatibility mode pops three"
        COMPAT3 %$go
        bits 32
%$go:
        push dword 2
        push dword CODE3
        push dword %$to
        iretd
%$to:
        ud2
        bits 64
    END
    SHOW "rsp", [x_sp]
    CASE "vm in the image is nothing in long mode"
        mov rax, rsp
        push DATA0
        push rax
        push 0x20002
        push CODE64
        push %$to
        iretq
%$to:
        pushfq
        pop rax
        ud2
    END
    SHOW "", rax
    CASE "retf to level 1 with a null ss"
        push 1
        push 0x3f00
        push CODE1
        push %$to
        o64 retf
%$to:
        mov eax, ss
        ud2
    END
    SHOW "ss", rax
    CASE "retf to level 3 with a null ss"
        push 3
        push 0x3f00
        push CODE643
        push %$to
        o64 retf
%$to:
    END
    CASE "retf n to level 3"
        push DATA3
        push 0x3f00
        push 0x77
        push 0x77
        push CODE643
        push %$to
        o64 retf 16
%$to:
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "retf with 32 bits"
        mov rsp, 0x3f00
        mov dword [rsp], %$to
        mov dword [rsp + 4], CODE64
        retf
%$to:
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "retf to a rip that is not canonical"
        mov rax, HIGH
        push CODE64
        push rax
        o64 retf
    END
    CASE "base of a null fs stays at an outer level"
        mov ecx, 0xc0000100
        mov eax, 0x2000
        xor edx, edx
        wrmsr
        mov dword [0x2010], 0x12345678
        RING3 %$go
%$go:
        mov eax, [fs:0x10]
        ud2
    END
    SHOW "", rax
    CASE "segments of level 0 end at level 3"
        mov eax, DATA0
        mov fs, eax
        mov gs, eax
        mov es, eax
        push DATA3
        push USER_TOP
        push 2
        push CODE643
        push %$go
        iretq
%$go:
        mov eax, ds
        mov ebx, es
        mov ecx, fs
        mov edx, gs
        ud2
    END
    SHOW "ds", rax
    SHOW "es", rbx
    SHOW "fs", rcx
    SHOW "gs", rdx
; -- loads -----------------------------------------------------------------------------------------------------------------------
    CASE "null ss on level 0"
        xor eax, eax
        mov ss, eax
        push rax
        ud2
    END
    SHOW "ss", [x_ss]
    CASE "null ss of rpl 3 on level 0"
        mov eax, 3
        mov ss, eax
    END
    CASE "null ss on level 3"
        RING3 %$go
%$go:
        mov eax, 3
        mov ss, eax
    END
    CASE "null ds is as good as another"
        xor eax, eax
        mov ds, eax
        mov eax, [0x2010]
    END
    SHOW "", rax
    CASE "null ds in compatibility mode"
        COMPAT3 %$go
        bits 32
%$go:
        xor eax, eax
        mov ds, eax
        mov eax, [0x2010]
        bits 64
    END
    CASE "limits do not matter in 64-bit mode, bases of ds neither"
        SETDESC 0x48, 0x10000, 0xf, 0x91, 4
        mov eax, 0x48
        mov ds, eax
        mov fs, eax
        mov dword [0x2010], 0x55555555
        mov eax, [0x2010]
        mov dword [0x12020], 0x66666666
        mov ebx, [fs:0x2020]
        mov [fs:0x2020], ebx
    END
    SHOW "", rax
    SHOW "", rbx
    CASE "lldt with a type in the upper half"
        SETDESC 0x48, 0x2000, 0xf, 0x82, 0
        mov dword [gdt + 0x50], 0
        mov dword [gdt + 0x54], 0x200
        mov eax, 0x48
        lldt ax
    END
    CASE "lldt with its upper half beyond the gdt"
        mov dword [gdt + 0x54], 0
        mov word [0x2010], 0x56
        mov qword [0x2012], gdt
        lgdt [0x2010]
        mov eax, 0x48
        lldt ax
    END
    lgdt [gdtr]
    CASE "ltr with a type in the upper half"
        SETDESC 0x48, ADDR(tss0), 0x67, 0x89, 0
        mov dword [gdt + 0x54], 0x1000
        mov eax, 0x48
        ltr ax
    END
    SHOWM "access", [gdt + 0x4c], 0xff00
    CASE "sgdt"
        or rax, -1
        mov [0x2000], rax
        mov [0x2008], rax
        sgdt [0x2000]
    END
    SHOWM "limit", [0x2000], 0xffff
    mov rax, [0x2002]
    cmp rax, gdt
    setne al
    movzx eax, al
    SHOW "base differs", rax
    SHOWM "behind", [0x200a], 0xffff
    %macro IS_UD 2+
    CASE %1
        %2
        times 8 nop
    END
    %endmacro
    IS_UD "push es", db 0x06
    IS_UD "pop ds", db 0x1f
    IS_UD "pusha", db 0x60
    IS_UD "far jump to an immediate", db 0xea
    IS_UD "far call of an immediate", db 0x9a
    IS_UD "into", db 0xce
    IS_UD "salc", db 0xd6
    FINISH
LONG_DATA
SWEEP_DATA
SNIP_DATA
