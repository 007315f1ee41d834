; SPDX-License-Identifier: LGPL-2.1-or-later
; Long mode, one by one: far calls, 64-bit call gates, interrupts (IST, alignment, the stack of the TSS), from
; 64-bit and compatibility mode.
%define HOME 64
%include "snip.inc"
%include "sweep.inc"
%include "long.inc"
START
    call sweep_init
    mov dword [tss0 + 4], 0x5e00
    CASE "call to 64 bits"
        POINTER %$to, CODE64
        mov rsp, 0x3f00
        CALL_FAR 0x2000
%$to:
        ud2
    END
    FRAME 1
    CASE "rex.w is nothing to a far pointer of amd"
        POINTER %$to, CODE64
        mov rsp, 0x3f00
        db 0x48
        CALL_FAR 0x2000
%$to:
        ud2
    END
    FRAME 1
    CASE "call with 16 bits"
        POINTER %$to + (CODE64 << 16), 0
        mov rsp, 0x3f00
        db 0x66
        CALL_FAR 0x2000
%$to:
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "call to compatibility mode and retf"
        POINTER %$to, CODE0
        mov rsp, 0x3f00
        CALL_FAR 0x2000
        ud2
        bits 32
%$to:
        mov eax, cs
        retf
        bits 64
    END
    SHOW "rax", rax
    SHOW "rsp", [x_sp]
    CASE "far call on a stack that is not canonical"
        POINTER %$to, CODE64
        mov rsp, HIGH + 8
        CALL_FAR 0x2000
%$to:
    END
    CASE "limit of compatibility code"
        SETDESC 0x48, 0, 0xfff, 0x9b, 4
        POINTER %$to, 0x48
        JMP_FAR 0x2000
%$to:
    END
    SHOW "cs", [x_cs]
; -- call gates ------------------------------------------------------------------------------------------------------------------
    CASE "gate to level 0"
        CALL_GATE %$to, CODE64
        POINTER -1, GATED + 3
        RING3 %$go
%$go:
        CALL_FAR 0x2000
%$to:
        mov eax, ss
        ud2
    END
    SHOW "ss", rax
    FRAME 4
    CASE "gate to level 1"
        CALL_GATE %$to, CODE1
        POINTER -1, GATED
        RING3 %$go
%$go:
        CALL_FAR 0x2000
%$to:
        mov eax, ss
        ud2
    END
    SHOW "ss", rax
    SHOW "cs", [x_cs]
    SHOW "rsp", [x_sp]
    CASE "stack of a gate is not aligned"
        mov dword [tss0 + 4], 0x5df5
        CALL_GATE %$to, CODE64
        POINTER -1, GATED
        RING3 %$go
%$go:
        CALL_FAR 0x2000
%$to:
        ud2
    END
    mov dword [tss0 + 4], 0x5e00
    SHOW "rsp", [x_sp]
    CASE "there and back"
        CALL_GATE %$to, CODE64
        POINTER -1, GATED
        RING3 %$go
%$go:
        CALL_FAR 0x2000
        mov eax, ss
        ud2
%$to:
        o64 retf
    END
    SHOW "ss", rax
    SHOW "cs", [x_cs]
    SHOW "rsp", [x_sp]
    CASE "gate on the same level"
        CALL_GATE %$to, CODE64
        POINTER -1, GATED
        mov rsp, 0x3f00
        CALL_FAR 0x2000
%$to:
        ud2
    END
    FRAME 2
    CASE "from compatibility mode"
        CALL_GATE %$to, CODE64
        COMPAT3 %$go
        bits 32
%$go:
        call GATED:0x12345678
        bits 64
%$to:
        ud2
    END
    FRAME 4
    CASE "from compatibility mode on the same level"
        SETDESC 0x70, 0, 0xfff, 0xf3, 4
        CALL_GATE %$to, CODE643
        push 0x73
        push 0x3f00
        push 2
        push CODE3
        push %$go
        iretq
        bits 32
%$go:
        call GATED:0
        bits 64
%$to:
        mov rax, [rsp]
        mov rbx, [rsp + 8]
        ud2
    END
    SHOW "rip", rax
    SHOW "cs", rbx
    SHOW "rsp", [x_sp]
    SHOW "ss", [x_ss]
    %macro GATE_FAULT 2+
    CASE %1
        CALL_GATE sweep_landing, CODE64
        POINTER 0, GATED
        %2
        RING3 %$go
%$go:
        CALL_FAR 0x2000
    END
    %endmacro
    GATE_FAULT "type in the upper half", mov dword [gdt + GATED + 12], 0x0c00
    GATE_FAULT "high bits of the upper half", mov dword [gdt + GATED + 12], 0xffffe0ff
    GATE_FAULT "offset that is not canonical", mov dword [gdt + GATED + 8], 0x8000
    GATE_FAULT "null code", mov word [gdt + GATED + 2], 3
    GATE_FAULT "code beyond the gdt", mov word [gdt + GATED + 2], 0x1000
    GATE_FAULT "not present", mov byte [gdt + GATED + 5], 0x6c
    CASE "upper half beyond the gdt"
        CALL_GATE sweep_landing, CODE64
        POINTER 0, 0x58
        mov word [0x2010], 0x66
        mov qword [0x2012], gdt
        lgdt [0x2010]
        CALL_FAR 0x2000
    END
    lgdt [gdtr]
    CASE "stack of level 1 that is not canonical"
        mov dword [tss0 + 12 + 4], 0x12345678
        CALL_GATE sweep_landing, CODE1
        POINTER 0, GATED
        RING3 %$go
%$go:
        CALL_FAR 0x2000
    END
    mov dword [tss0 + 12 + 4], 0
    CASE "tss too small for level 1"
        SETDESC 0x68, ADDR(tss0), 0x12, 0x89, 0
        mov dword [gdt + 0x70], 0
        mov dword [gdt + 0x74], 0
        mov eax, 0x68
        ltr ax
        CALL_GATE sweep_landing, CODE1
        POINTER 0, GATED
        RING3 %$go
%$go:
        CALL_FAR 0x2000
    END
    CASE "tss large enough for level 1"
        SETDESC 0x68, ADDR(tss0), 0x13, 0x89, 0
        mov eax, 0x68
        ltr ax
        RING3 %$go
%$go:
        CALL_FAR 0x2000
    END
    SHOW "cs", [x_cs]
    and byte [gdt + TSS0 + 5], ~2
    mov eax, TSS0
    ltr ax
; -- interrupts ------------------------------------------------------------------------------------------------------------------
    CASE "interrupt on the same level aligns the stack"
        IGATE %$to, CODE64, 0xee, 0
        mov rsp, 0x3f0d
        int 0x31
%$to:
        ud2
    END
    FRAME 5
    CASE "interrupt from level 3"
        IGATE %$to, CODE64, 0xee, 0
        mov dword [tss0 + 4], 0x5dfb
        RING3 %$go
%$go:
        int 0x31
%$to:
        mov eax, ss
        ud2
    END
    mov dword [tss0 + 4], 0x5e00
    SHOW "ss", rax
    FRAME 5
    CASE "interrupt from compatibility mode"
        IGATE %$to, CODE64, 0xef, 0
        COMPAT3 %$go
        bits 32
%$go:
        int 0x31
        bits 64
%$to:
        ud2
    END
    FRAME 5
    CASE "ist"
        IGATE %$to, CODE64, 0xee, 2
        mov dword [tss0 + 0x2c], 0x3e0f
        mov rsp, 0x3f00
        int 0x31
%$to:
        ud2
    END
    FRAME 5
    CASE "error code"
        IGATE %$to, CODE64, 0x8e, 0
        AS_VECTOR 13
        mov rsp, 0x3f00
        mov eax, 0x1000
        mov fs, eax
%$to:
        RESTORE 13
        ud2
    END
    FRAME 6
    %macro INT_FAULT 2+
    CASE %1
        IGATE sweep_landing, CODE64, 0xee, 0
        %2
        RING3 %$go
%$go:
        int 0x31
    END
    %strcat name %1, ", exception"
    CASE name
        IGATE sweep_landing, CODE64, 0xee, 0
        %2
        AS_VECTOR 6
        RING3 %$go
%$go:
        ud2
    END
    RESTORE 6
    %endmacro
    INT_FAULT "16-bit gate", mov byte [G31 + 5], 0xe6
    INT_FAULT "task gate", mov byte [G31 + 5], 0xe5
    INT_FAULT "call gate", mov byte [G31 + 5], 0xec
    INT_FAULT "gate not present", mov byte [G31 + 5], 0x6e
    INT_FAULT "null handler", mov word [G31 + 2], 3
    INT_FAULT "handler beyond the gdt", mov word [G31 + 2], 0x1003
    INT_FAULT "handler in data", mov word [G31 + 2], DATA0
    INT_FAULT "handler in compatibility mode", mov word [G31 + 2], CODE0
    SETDESC 0x48, 0, 0xfffff, 0x9b, 0xe
    INT_FAULT "handler with l and d", mov word [G31 + 2], 0x48
    SETDESC 0x48, 0, 0xfffff, 0x1b, 0xa
    INT_FAULT "handler not present", mov word [G31 + 2], 0x48
    SETDESC 0x48, 0, 0xfffff, 0x1b, 0xc
    INT_FAULT "handler not present in compatibility mode", mov word [G31 + 2], 0x48
    INT_FAULT "handler that is not canonical", mov dword [G31 + 8], 0x8000
    mov dword [tss0 + 0x2c + 4], 0x12345678
    INT_FAULT "ist that is not canonical", mov byte [G31 + 4], 2
    mov dword [tss0 + 0x2c + 4], 0
    CASE "gate of dpl 0"
        IGATE sweep_landing, CODE64, 0x8e, 0
        RING3 %$go
%$go:
        int 0x31
    END
    CASE "partly beyond the idt"
        mov word [0x2010], 0x31 * 16 + 14
        mov qword [0x2012], idt
        lidt [0x2010]
        int 0x31
    END
    lidt [idtr]
    CASE "icebp at level 3"
        RING3 %$go
%$go:
        db 0xf1
    END
    CASE "int3 at level 3"
        RING3 %$go
%$go:
        int3
    END
    CASE "stack that is not canonical"
        mov rsp, HIGH
        mov rax, 0x1234
        add rsp, 16
        int 0x30
    END
    SHOW "rsp", [x_sp]
    CASE "stack below the hole"
        mov rsp, HIGH + 7
        ud2
    END
    SHOW "cr2", [x_cr2]
    FINISH
LONG_DATA
SWEEP_DATA
SNIP_DATA
