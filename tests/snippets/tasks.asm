; SPDX-License-Identifier: LGPL-2.1-or-later
; Hardware task switches that succeed, and those that fail before they begin: JMP, CALL, interrupts, exceptions and IRET, with 32-bit
; and 16-bit TSSs and task gates; busy bits, back links, NT, CR0.TS, CR3, DR7, the T bit, V86 tasks.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
%include "task.inc"
START
    call sweep_init
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    CASE "jmp to a tss"
        TASKS %$to
        mov eax, 0x11111111
        mov ecx, 0x22222222
        mov esp, 0x3f00
        stc
        jmp TASK_B:0x12345678
%$back:
%$to:
        ud2
    END
    STATE
    SHOW "eax", eax
    SHOW "frame", [x_frame]
    SHOW "fl", [x_fl]
    SHOW "link", [B + T_LINK]
    SHOW "a.eip", [tss0 + T_EIP]
    SHOW "a.eflags", [tss0 + T_EFLAGS]
    SHOW "a.eax", [tss0 + T_EAX]
    SHOW "a.esp", [tss0 + T_ESP]
    SHOWM "a.cs", [tss0 + T_CS], 0xffff
    CASE "call of a tss and iret"
        TASKS %$to
        mov eax, 0x11111111
        call TASK_B:0
        ud2
%$to:
        pushfd
        pop dword [0x2000]
        str [0x2004]
        iretd
    END
    STATE
    SHOW "eax", eax
    SHOW "fl", [x_fl]
    SHOW "link", [B + T_LINK]
    SHOW "b.fl", [0x2000]
    SHOWM "b.tr", [0x2004], 0xffff
    SHOW "b.eip", [B + T_EIP]
    SHOW "b.eflags", [B + T_EFLAGS]
    CASE "call of a tss by a task gate, and call on"
        TASKS %$to
        mov word [C + T_IP16], %$to16
        call GATE_B:0
        ud2
%$to:
        call TASK_C:0
%$to16:
        WIDE_STACK
        ud2
    END
    STATE
    SHOW "b.link", [B + T_LINK]
    SHOWM "c.link", [C + T_LINK], 0xffff
    SHOWM "fl", [x_fl], 0x4000
    SHOWM "b.eflags", [B + T_EFLAGS], 0x4000
    CASE "iret through two tasks"
        TASKS %$to
        mov word [C + T_IP16], %$to16
        call GATE_B:0
        ud2
%$to:
        call TASK_C:0
        iretd
%$to16:
        iretd
    END
    STATE
    SHOWM "fl", [x_fl], 0x4000
    CASE "int by a task gate"
        TASKS %$to
        SETGATE 0x60, TASK_B, 0, 0xe5, 0
        mov eax, [gdt + 0x60]
        mov [G31], eax
        mov eax, [gdt + 0x64]
        mov [G31 + 4], eax
        int 0x31
%$to:
        ud2
    END
    STATE
    SHOW "link", [B + T_LINK]
    SHOW "frame", [x_frame]
    SHOW "fl", [x_fl]
    SHOW "a.eflags", [tss0 + T_EFLAGS]
    CASE "int by a task gate and iret"
        TASKS %$to
        int 0x31
        ud2
%$to:
        iretd
    END
    STATE
    CASE "int by a task gate from level 3"
        TASKS %$to
        RING3 %$go
%$go:
        int 0x31
%$to:
        ud2
    END
    STATE
    SHOW "cs", [x_cs]
    SHOWM "a.cs", [tss0 + T_CS], 0xffff
    SHOWM "a.ss", [tss0 + T_SS], 0xffff
    SHOW "a.esp", [tss0 + T_ESP]
    CASE "fault with an error code by a task gate"
        TASKS %$to
        AS_VECTOR 13
        mov eax, 0x1000
%$fault:
        mov fs, ax
%$to:
        RESTORE
        pop eax
        mov edx, %$fault
        sub edx, [tss0 + T_EIP]
        ud2
    END
    STATE
    SHOW "error", eax
    SHOW "a.eip", edx
    SHOWM "a.rf", [tss0 + T_EFLAGS], 0x10000
    SHOW "frame", [x_frame]
    CASE "fault without an error code by a task gate, and retried"
        TASKS %$to
        AS_VECTOR 0
        mov ecx, 0
        mov eax, 77
        xor edx, edx
        div ecx
        ud2
%$to:
        RESTORE
        mov dword [tss0 + 44], 7
        iretd
    END
    STATE
    SHOW "eax", eax
    CASE "task gate to a 16-bit tss with an error code"
        TASKS %$to
        mov word [gdt + 0x60 + 2], TASK_C
        mov eax, [gdt + 0x60]
        mov [G31], eax
        AS_VECTOR 13
        mov eax, 0x1000
        mov fs, ax
%$to:
        WIDE_STACK
        RESTORE
        pop ax
        movzx eax, ax
        ud2
    END
    STATE
    SHOW "error", eax
    SHOWM "frame", [x_frame], 0xffff
    SHOWM "ss", [C + T_SS16], 0xffff
    CASE "jmp to a 16-bit tss"
        TASKS %$to
        mov eax, DATA3
        mov fs, ax
        jmp TASK_C:0
%$to:
        WIDE_STACK
        mov ebx, fs
        ud2
    END
    STATE
    SHOWM "eax", eax, 0xffff
    SHOWM "frame", [x_frame], 0xffff
    SHOW "fs", ebx
    CASE "from a 16-bit tss to a 32-bit one"
        TASKS %$to
        mov word [C + T_IP16], %$from16
        mov word [C + T_DS16], DATA3
        or dword [C + T_LDT16 + 2], -1
        jmp TASK_C:0
%$from16:
        mov eax, 0x12345678
        mov ebx, 0x9abcdef0
        jmp TASK_B:0
%$to:
        ud2
    END
    STATE
    SHOWM "c.ax", [C + T_AX16], 0xffff
    SHOWM "c.bx", [C + 24], 0xffff
    SHOWM "c.ds", [C + T_DS16], 0xffff
    SHOWM "c.ldt", [C + T_LDT16], 0xffff
    SHOW "c.behind", [C + T_LDT16 + 2]
    CASE "segments come from the ldt of the task"
        TASKS %$to
        SETDESC 0x68, 0x15c00, 0xf, 0x82, 0
        mov dword [0x15c08], 0x1000ffff
        mov dword [0x15c0c], 0x00cf9200
        mov word [B + T_LDT], 0x68
        mov word [B + T_FS], 0x0c
        mov byte [0x1010], 0x77
        jmp TASK_B:0
%$to:
        movzx eax, byte [fs:0x10]
        sldt bx
        movzx ebx, bx
        ud2
    END
    SHOW "", eax
    SHOW "ldt", ebx
    SHOWM "access", [0x15c0c], 0xff00
    CASE "null data segments"
        TASKS %$to
        mov word [B + T_ES], 3
        mov word [B + T_GS], 1
        jmp TASK_B:0
%$to:
        mov eax, es
        mov ebx, gs
        ud2
    END
    SHOW "es", eax
    SHOW "gs", ebx
    CASE "flags of a 32-bit tss"
        TASKS %$to
        mov dword [B + T_EFLAGS], 0xffedbeff      ; all but VM, NT, TF
        jmp TASK_B:0
%$to:
        pushfd
        pop eax
        ud2
    END
    SHOW "", eax
    CASE "nt of the new task stays after jmp"
        TASKS %$to
        mov dword [B + T_EFLAGS], 0x4002
        jmp TASK_B:0
%$to:
        pushfd
        pop eax
        ud2
    END
    SHOW "", eax
    CASE "level 3 by jmp"
        TASK3 %$to
        jmp TASK_B:0
%$to:
        ud2
    END
    STATE
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    SHOW "esp", [x_sp]
    CASE "level 3 jumps to a tss of dpl 3"
        TASKS %$to
        RING3 %$go
%$go:
        jmp TASK_B + 3:0
%$to:
        ud2
    END
    STATE
    SHOW "cs", [x_cs]
    CASE "t bit"
        TASKS %$to
        mov word [B + T_TRAP], 1
        xor eax, eax
        mov dr6, eax
        jmp TASK_B:0
%$to:
        ud2
    END
    STATE
    SHOWM "dr6", [x_dr6], 0xe00f
    mov eax, [x_ip]
    SHOW "at the task's eip", [B + T_EIP]
    sub eax, [B + T_EIP]
    SHOW "", eax
    CASE "local breakpoints end"
        TASKS %$to
        xor eax, eax
        mov dr0, eax
        mov eax, 0x7ff
        mov dr7, eax
        jmp TASK_B:0
%$to:
        mov eax, dr7
        xor ebx, ebx
        mov dr7, ebx
        ud2
    END
    SHOW "dr7", eax
    CASE "cr3 without paging"
        TASKS %$to
        mov eax, 0x5000
        mov cr3, eax
        mov dword [B + T_CR3], 0x7000
        jmp TASK_B:0
%$to:
        mov eax, cr3
        ud2
    END
    SHOW "", eax
; -- V86 -------------------------------------------------------------------------------------------------------------------------
    CASE "v86 task"
        TASKS %$to
        mov dword [B + T_EFLAGS], 0x20002
        mov word [B + T_CS], 0
        mov word [B + T_SS], 0x100
        mov word [B + T_DS], 0x1111
        mov word [B + T_ES], 0x2222
        mov word [B + T_FS], 0x3333
        mov word [B + T_GS], 0x4444
        jmp TASK_B:0
        bits 16
%$to:
        ud2
        bits 32
    END
    STATE
    SHOW "cs", [x_cs]
    SHOWM "fl", [x_fl], 0x20000
    SHOW "ss", [x_ss]
    SHOW "esp", [x_sp]
    mov ebx, [x_frame]
    SHOW "es", [ebx + 20]
    SHOW "ds", [ebx + 24]
    SHOW "fs", [ebx + 28]
    SHOW "gs", [ebx + 32]
    CASE "task gate out of v86 mode and iret back"
        TASKS %$to
        mov word [gdt + 0x60 + 2], TASK_B
        mov eax, [gdt + 0x60]
        mov [G31], eax
        V86 %$go
        bits 16
%$go:
        int 0x31
        ud2
        bits 32
%$to:
        mov eax, [tss0 + T_EFLAGS]
        mov [0x2000], eax
        movzx eax, word [tss0 + T_DS]
        mov [0x2004], eax
        iretd
    END
    STATE
    SHOWM "a.eflags", [0x2000], ~0x10000
    SHOW "a.ds", [0x2004]
    SHOWM "fl", [x_fl], 0x33000
    SHOW "esp", [x_sp]
    CASE "iret in v86 mode with nt is no task return"
        TASKS %$to
        mov ebx, %$to
        V86 %$go
        bits 16
%$go:
        push word 0x7002
        popfw
        push word 0x7002
        push word 0
        push bx
        iretw
%$to:
        ud2
        bits 32
    END
    STATE
    SHOWM "fl", [x_fl], 0x37000
; -- faults that leave the old task as it was ------------------------------------------------------------------------------------
    %macro NO_SWITCH 2+
    CASE %1
        TASKS sweep_landing
        %2
        jmp TASK_B:0
    END
    STATE
    %endmacro
    NO_SWITCH "tss too small", mov word [gdt + TASK_B], 0x66
    NO_SWITCH "tss not present", mov byte [gdt + TASK_B + 5], 0x69
    NO_SWITCH "tss busy", mov byte [gdt + TASK_B + 5], 0xeb
    NO_SWITCH "tss not present and busy", mov byte [gdt + TASK_B + 5], 0x6b
    CASE "tss not present and too small"
        TASKS sweep_landing
        mov byte [gdt + TASK_B + 5], 0x69
        mov word [gdt + TASK_B], 0x66
        jmp TASK_B:0
    END
    CASE "16-bit tss too small"
        TASKS sweep_landing
        mov word [gdt + TASK_C], 0x2a
        jmp TASK_C:0
    END
    STATE
    CASE "tss as small as it may be"
        TASKS %$to
        mov word [gdt + TASK_C], 0x2b
        mov word [gdt + TASK_B], 0x67
        mov word [C + T_IP16], %$then
        jmp TASK_C:0
%$then:
        jmp TASK_B:0
%$to:
        ud2
    END
    STATE
    CASE "tss beyond the gdt"
        jmp 0x1000:0
    END
    CASE "tss in the ldt"
        TASKS sweep_landing
        SETDESC 0x68, 0x15c00, 0xf, 0x82, 0
        mov eax, [gdt + TASK_B]
        mov [0x15c00], eax
        mov eax, [gdt + TASK_B + 4]
        mov [0x15c04], eax
        mov eax, 0x68
        lldt ax
        jmp 4:0
    END
    STATE
    CASE "call of the own tss"
        TASKS sweep_landing
        call TSS0:0
    END
    STATE
    CASE "level 3 to a tss of dpl 0"
        TASKS sweep_landing
        mov byte [gdt + TASK_B + 5], 0x89
        RING3 %$go
%$go:
        jmp TASK_B:0
    END
    STATE
    CASE "gate of dpl 3 to a tss of dpl 0"
        TASKS %$to
        mov byte [gdt + TASK_B + 5], 0x89
        RING3 %$go
%$go:
        jmp GATE_B + 3:0
%$to:
        ud2
    END
    STATE
    CASE "level 3 to a gate of dpl 0"
        TASKS sweep_landing
        mov byte [gdt + GATE_B + 5], 0x85
        RING3 %$go
%$go:
        call GATE_B:0
    END
    %macro GATE_FAULT 2
    CASE %1
        TASKS sweep_landing
        mov word [gdt + GATE_B + 2], %2
        call GATE_B:0
    END
    %strcat name %1, ", int"
    CASE name
        TASKS sweep_landing
        mov eax, 0xe500
        mov [G31 + 4], eax
        mov word [G31 + 2], %2
        int 0x31
    END
    %strcat name %1, ", exception"
    CASE name
        TASKS sweep_landing
        mov eax, 0xe500
        mov [G31 + 4], eax
        mov word [G31 + 2], %2
        AS_VECTOR 6
        ud2
    END
    RESTORE
    STATE
    %endmacro
    GATE_FAULT "gate to null", 0
    GATE_FAULT "gate beyond the gdt", 0x1000
    GATE_FAULT "gate to the ldt", 0x4c
    GATE_FAULT "gate to code", CODE0
    GATE_FAULT "gate to a busy tss", TSS0
    SETDESC 0x70, B, 0x67, 0x69, 0
    GATE_FAULT "gate to a tss that is not present", 0x70
    SETDESC 0x70, B, 0x66, 0xe9, 0
    GATE_FAULT "gate to a tss that is too small", 0x70
    CASE "gate not present"
        TASKS sweep_landing
        mov byte [gdt + GATE_B + 5], 0x65
        jmp GATE_B:0
    END
; -- IRET with NT ----------------------------------------------------------------------------------------------------------------
    %macro BAD_LINK 2+
    CASE %1
        TASKS %$to
        call TASK_B:0
%$to:
        %2
        iretd
    END
    STATE
    SHOWM "fl", [x_fl], 0x4000
    %endmacro
    BAD_LINK "link to null", mov word [B + T_LINK], 0
    BAD_LINK "link beyond the gdt", mov word [B + T_LINK], 0x1000
    BAD_LINK "link to the ldt", mov word [B + T_LINK], TSS0 + 4
    BAD_LINK "link to code", mov word [B + T_LINK], CODE0
    BAD_LINK "link to a task that is not busy", mov byte [gdt + TSS0 + 5], 0x89
    BAD_LINK "link to a task that is not present", mov byte [gdt + TSS0 + 5], 0x0b
    BAD_LINK "link to a task that is too small", mov dword [gdt + TSS0], (ADDR(tss0) << 16) | 0x66
    CASE "nt without a nested task"
        TASKS sweep_landing
        mov dword [tss0 + T_LINK], 0
        push dword 0x4002
        popfd
        iretd
    END
    STATE
    CASE "iret with nt does not look at the stack"
        TASKS %$to
        call TASK_B:0
        ud2
%$to:
        mov esp, 0xfffffff0
        iretd
    END
    STATE
    FINISH
INT_DATA
TASK_DATA
SWEEP_DATA
SNIP_DATA
