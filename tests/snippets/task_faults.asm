; SPDX-License-Identifier: LGPL-2.1-or-later
; Task switches that fail in the new task: its LDT, CS, SS and data segments, EIP, stack for an error code; and pages: TSSs that are
; not there, read-only or in two pages, GDT read-only, CR3 of the new task.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
%include "task.inc"
START
    call sweep_init
    ; the new task is B on level 3, so that its faults have a stack
    %macro BAD_TASK 2+
    CASE %1
        TASK3 %$to
        %2
        jmp TASK_B:0
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    STATE
    %endmacro
    %macro BAD_SEGMENT 5    ; name, field, base, access, selector: with that descriptor in slot 68h
    SETDESC 0x68, %3, 0xfffff, %4, 0xc
    BAD_TASK %1, mov word [B + %2], %5
    %endmacro
    BAD_TASK "nothing wrong", nop
    BAD_TASK "ldt beyond the gdt", mov word [B + T_LDT], 0x1000
    BAD_TASK "ldt in the ldt", mov word [B + T_LDT], 0x6c
    BAD_TASK "ldt is code", mov word [B + T_LDT], CODE0
    BAD_SEGMENT "ldt not present", T_LDT, 0x15c00, 0x02, 0x68
    BAD_TASK "null ldt with rpl", mov word [B + T_LDT], 3
    BAD_TASK "null cs", mov word [B + T_CS], 3
    BAD_TASK "cs beyond the gdt", mov word [B + T_CS], 0x1003
    BAD_TASK "cs in no ldt", mov word [B + T_CS], 0x6f
    BAD_TASK "cs is data", mov word [B + T_CS], DATA3
    BAD_TASK "cs is a gate", mov word [B + T_CS], GATE_B + 3
    BAD_TASK "cs of dpl 0", mov word [B + T_CS], CODE0 + 3
    BAD_SEGMENT "conforming cs of dpl 0", T_CS, 0, 0x9e, 0x6b
    SHOWM "access", [gdt + 0x6c], 0xff00
    BAD_SEGMENT "cs not present", T_CS, 0, 0x7a, 0x6b
    SHOWM "access", [gdt + 0x6c], 0xff00
    BAD_TASK "null ss", mov word [B + T_SS], 0
    BAD_TASK "null ss with rpl", mov word [B + T_SS], 3
    BAD_TASK "ss beyond the gdt", mov word [B + T_SS], 0x1003
    BAD_TASK "ss of rpl 0", mov word [B + T_SS], DATA3 - 3
    BAD_TASK "ss of dpl 0", mov word [B + T_SS], DATA0 + 3
    BAD_TASK "ss is code", mov word [B + T_SS], CODE3
    BAD_SEGMENT "ss read-only", T_SS, 0, 0xf1, 0x6b
    BAD_SEGMENT "ss not present", T_SS, 0, 0x72, 0x6b
    SHOWM "access", [gdt + 0x6c], 0xff00
    BAD_SEGMENT "ss marked as accessed", T_SS, 0, 0xf2, 0x6b
    SHOWM "access", [gdt + 0x6c], 0xff00
    %macro BAD_DATA 2
    %strcat name %1, " beyond the gdt"
    BAD_TASK name, mov word [B + %2], 0x1003
    %strcat name %1, " of dpl 0"
    BAD_TASK name, mov word [B + %2], DATA0
    %strcat name %1, " is a gate"
    BAD_TASK name, mov word [B + %2], GATE_B
    SETDESC 0x68, 0, 0xfffff, 0xf9, 0xc
    %strcat name %1, " execute-only"
    BAD_TASK name, mov word [B + %2], 0x6b
    SETDESC 0x68, 0, 0xfffff, 0x72, 0xc
    %strcat name %1, " not present"
    BAD_TASK name, mov word [B + %2], 0x6b
    SETDESC 0x68, 0, 0xfffff, 0x9e, 0xc
    %strcat name %1, " conforming code of dpl 0"
    BAD_TASK name, mov word [B + %2], 0x6b
    %endmacro
    BAD_DATA "ds", T_DS
    BAD_DATA "es", T_ES
    BAD_DATA "fs", T_FS
    BAD_DATA "gs", T_GS
    CASE "data segment of dpl 0 with rpl 3 on level 0"
        TASKS %$to
        mov word [B + T_ES], DATA0 + 3
        mov word [B + T_SS], DATA0
        jmp TASK_B:0
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    STATE
    ; by interrupts and exceptions
    CASE "by int"
        TASK3 %$to
        mov word [B + T_CS], 0x1003
        mov dword [G31], TASK_B << 16
        mov dword [G31 + 4], 0xe500
        int 0x31
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    STATE
    CASE "by an exception"
        TASK3 %$to
        mov word [B + T_FS], 0x1003
        AS_VECTOR 6
        ud2
%$to:
    END
    RESTORE
    SHOW "cs", [x_cs]
    STATE
    CASE "by call"
        TASK3 %$to
        mov word [B + T_SS], 0x1003
        call TASK_B:0
%$to:
    END
    STATE
    SHOWM "link", [B + T_LINK], 0xffff
    CASE "by iret"
        TASKS %$to
        RING3 %$go
%$go:
        call TASK_B + 3:0
        ud2
%$to:
        mov word [tss0 + T_GS], 0x1003
        mov [0x2000], dword %$after
        sub dword [0x2000], %$to
%$after:
        iretd
    END
    SHOW "cs", [x_cs]
    STATE
    CASE "v86 task with a bad ldt"
        TASKS sweep_landing
        mov dword [B + T_EFLAGS], 0x20002
        mov word [B + T_LDT], 0x1000
        jmp TASK_B:0
    END
    SHOWM "fl", [x_fl], 0x20000
    STATE
; -- pages -----------------------------------------------------------------------------------------------------------------------
    mov edi, 0x20000            ; page directory, two tables for the same 4 MiB: the second is of another CR3
    mov dword [0x20000], 0x21007
    mov dword [0x24000], 0x25007
    mov edi, 0x21000
    mov eax, 7
    mov ecx, 1024
.pt:
    mov [edi], eax
    mov [edi + 0x4000], eax
    add eax, 0x1000
    add edi, 4
    loop .pt
    mov eax, 0x20000
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    ; PAGE linear, flags: of a page of the home task
    %macro PAGE 2
        mov dword [0x21000 + ((%1) >> 12) * 4], ((%1) & ~0xfff) | (%2)
        invlpg [%1]
    %endmacro
    ; B at 31F80h: in two pages from its CR3 and EIP on
    %macro MOVED_B 1
        mov dword [B + T_CR3], 0x20000
        mov esi, B
        mov edi, 0x32000 - (%1)
        mov ecx, 0x68 / 4
        cld
        rep movsd
        SETDESC TASK_B, 0x32000 - (%1), 0x67, 0xe9, 0
    %endmacro
    CASE "tss in two pages"
        TASKS %$to
        MOVED_B 0x20
        jmp TASK_B:0
%$to:
        ud2
    END
    STATE
    SHOW "eax", eax
    CASE "new tss not there"
        TASKS sweep_landing
        MOVED_B 0x20
        PAGE 0x31000, 6
        jmp TASK_B:0
    END
    PAGE 0x31000, 7
    SHOWM "cr2", [x_cr2], ~0xfff
    SHOW "cs", [x_cs]
    STATE
    CASE "second page of the new tss not there"
        TASKS sweep_landing
        MOVED_B 0x20
        PAGE 0x32000, 6
        jmp TASK_B:0
    END
    PAGE 0x32000, 7
    SHOW "cr2", [x_cr2]
    STATE
    CASE "new tss read-only by jmp"
        TASKS %$to
        MOVED_B 0x80
        PAGE 0x31000, 5
        jmp TASK_B:0
%$to:
        ud2
    END
    PAGE 0x31000, 7
    STATE
    CASE "new tss read-only by call"
        TASKS %$to
        MOVED_B 0x80
        PAGE 0x31000, 5
        call TASK_B:0
%$to:
        ud2
    END
    PAGE 0x31000, 7
    SHOWM "cr2", [x_cr2], ~0xfff
    STATE
    CASE "new tss not there from level 3"
        TASKS %$to
        MOVED_B 0x80
        PAGE 0x31000, 6
        RING3 %$go
%$go:
        jmp TASK_B:0
%$to:
        ud2
    END
    PAGE 0x31000, 7
    SHOW "cs", [x_cs]
    STATE
    CASE "supervisor pages serve level 3"
        TASKS %$to
        MOVED_B 0x80
        PAGE 0x31000, 3
        RING3 %$go
%$go:
        jmp TASK_B:0
%$to:
        ud2
    END
    PAGE 0x31000, 7
    STATE
    CASE "old tss read-only"
        TASKS %$go
        MOVED_B 0x80
        jmp TASK_B:0
%$go:
        mov word [C + T_IP16], sweep_landing
        PAGE 0x31000, 5
        jmp TASK_C:0
    END
    PAGE 0x31000, 7
    SHOWM "cr2", [x_cr2], ~0xfff
    SHOW "error", [x_err]
    STATE
    CASE "gdt read-only"
        TASKS sweep_landing
        mov esi, gdt
        mov edi, 0x30000
        mov ecx, (gdt_end - gdt) / 4
        rep movsd
        mov word [0x2000], gdt_end - gdt - 1
        mov dword [0x2002], 0x30000
        mov dword [B + T_CR3], 0x20000
        lgdt [0x2000]
        PAGE 0x30000, 5
        jmp TASK_B:0
    END
    PAGE 0x30000, 7
    SHOWM "cr2", [x_cr2], ~0xfff
    SHOWM "a", [0x30000 + TSS0 + 4], 0xff00
    SHOWM "b", [0x30000 + TASK_B + 4], 0xff00
    str ax
    movzx eax, ax
    SHOW "tr", eax
    lgdt [gdtr]
    CASE "cr3 of the new task"
        TASKS %$to
        mov dword [B + T_CR3], 0x24000
        mov dword [0x25000 + 0x33 * 4], 0x34007
        mov dword [0x33000], 0x11111111
        mov dword [0x34000], 0x22222222
        mov ecx, [0x33000]
        jmp TASK_B:0
%$to:
        mov eax, [0x33000]
        mov ebx, cr3
        ud2
    END
    mov ecx, 0x20000
    mov cr3, ecx
    SHOW "", eax
    SHOW "cr3", ebx
    SHOW "a.cr3", [tss0 + T_CR3]
    CASE "back to the old cr3"
        TASKS %$to
        mov dword [B + T_CR3], 0x24000
        mov dword [tss0 + T_CR3], 0x20000
        call TASK_B:0
        mov eax, [0x33000]
        ud2
%$to:
        iretd
    END
    SHOW "", eax
    CASE "16-bit task keeps cr3"
        TASKS %$to
        mov dword [B + T_CR3], 0x24000
        jmp TASK_C:0
%$to:
        WIDE_STACK
        mov eax, cr3
        ud2
    END
    SHOW "", eax
    CASE "code of the new task is not there"
        TASKS %$to
        mov dword [B + T_CR3], 0x24000
        mov dword [B + T_EIP], 0x35000
        mov dword [0x25000 + 0x35 * 4], 0x35006
        jmp TASK_B:0
%$to:
    END
    mov ecx, 0x20000
    mov cr3, ecx
    SHOW "cr2", [x_cr2]
    SHOW "eip", [x_ip]
    STATE
    FINISH
INT_DATA
TASK_DATA
SWEEP_DATA
SNIP_DATA
