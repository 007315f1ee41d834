; SPDX-License-Identifier: LGPL-2.1-or-later
; Call gates of 16 and 32 bits: gates and the code that they lead to, of every type, DPL and RPL, from every level; the change of
; stacks with parameters, and its faults.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
GATED equ 0x58
INNER equ 0x5e00        ; stack of the gates' target, in segment 60h

; GATE selector, label, type, count: descriptor GATED with DPL 3
%macro GATE_TO 4
    mov eax, %2
    and eax, 0xffff
    or eax, (%1) << 16
    mov [gdt + GATED], eax
    mov dword [gdt + GATED + 4], 0xe000 | ((%3) << 8) | (%4)
%endmacro
START
    call sweep_init
    SWEEP_GATE CODE0
    mov dword [sweep_care], 0xfe
    mov dword [sweep_from], 0xc
    mov dword [sweep_to], 0xd
    SWEEP_RINGS "jmp gate", t_jmp
    SWEEP_RINGS "call gate", t_call
    mov dword [sweep_from], 4
    mov dword [sweep_to], 5
    SWEEP_RINGS "call gate", t_call
    GATE_TO 0, sweep_landing, 12, 0
    mov dword [sweep_from], 0xf
    mov dword [sweep_to], 0x20
    SWEEP_RINGS "jmp gated", t_jmp_gated
    SWEEP_RINGS "call gated", t_call_gated
    jmp singly

t_jmp:
    jmp far [sweep_far]
t_call:
    call far [sweep_far]
t_jmp_gated:
    mov [gdt + GATED + 2], ax
    jmp GATED + 3:0
t_call_gated:
    mov [gdt + GATED + 2], ax
    call GATED + 3:0

; shows the frame of a gate's target: COUNT words or dwords
%macro FRAME32 1
    mov ebx, [x_frame]
    SHOW "frame", ebx
    %assign k 0
    %rep %1
        SHOW "", [ebx + 12 + k]
        %assign k k + 4
    %endrep
%endmacro

; what goes up to level 0 has the gates' SS:ESP
%macro INNER_SS 1
    mov dword [tss0 + 8], %1
    mov dword [tss0 + 4], INNER
%endmacro

singly:
    CASE "to level 0 without parameters"
        INNER_SS DATA0
        GATE_TO CODE0, %$to, 12, 0
        RING3 %$go
%$go:
        call GATED + 3:0x12345678
%$back:
        nop
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    FRAME32 4
    CASE "to level 0 with three parameters"
        GATE_TO CODE0, %$to, 12, 3
        RING3 %$go
%$go:
        push dword 0x44444444
        push dword 0x33333333
        push dword 0x22222222
        push dword 0x11111111
        call GATED:0
%$to:
        ud2
    END
    FRAME32 7
    CASE "high bits of the count do not count"
        GATE_TO CODE0, %$to, 12, 0xe1
        RING3 %$go
%$go:
        push dword 0x22222222
        push dword 0x11111111
        call GATED:0
%$to:
        ud2
    END
    FRAME32 5
    CASE "31 parameters"
        GATE_TO CODE0, %$to, 12, 31
        RING3 %$go
%$go:
        mov ecx, 31
.push:
        push ecx
        loop .push
        call GATED:0
%$to:
        ud2
    END
    mov ebx, [x_frame]
    SHOW "frame", ebx
    SHOW "", [ebx + 12 + 8]
    SHOW "", [ebx + 12 + 8 + 30 * 4]
    SHOW "", [ebx + 12 + 8 + 31 * 4]
    CASE "16-bit gate with parameters"
        GATE_TO CODE0, %$to, 4, 2
        RING3 %$go
%$go:
        push word 0x3333
        push word 0x2222
        push word 0x1111
        call GATED:0
%$to:
        ud2
    END
    FRAME32 3
    CASE "16-bit gate on the same level"
        GATE_TO CODE0, %$to, 4, 2
        mov esp, 0x3f00
        call GATED:0
%$to:
        ud2
    END
    FRAME32 1
    CASE "32-bit gate on the same level copies nothing"
        GATE_TO CODE0, %$to, 12, 2
        mov esp, 0x3f00
        push dword 0x22222222
        push dword 0x11111111
        call GATED:0
%$to:
        ud2
    END
    FRAME32 3
    CASE "16-bit operand size does not matter"
        GATE_TO CODE0, %$to, 12, 0
        mov esp, 0x3f00
        call word GATED:0
%$to:
        ud2
    END
    FRAME32 2
    CASE "conforming code keeps level and stack"
        SETDESC 0x48, 0, 0xfffff, 0x9e, 0xc
        GATE_TO 0x48, %$to, 12, 2
        RING3 %$go
%$go:
        call GATED:0
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOW "esp", [x_sp]
    CASE "jmp to conforming code"
        GATE_TO 0x48, %$to, 12, 0
        RING3 %$go
%$go:
        jmp GATED:0
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    CASE "there and back with parameters"
        GATE_TO CODE0, %$to, 12, 2
        RING3 %$go
%$go:
        push dword 0x22222222
        push dword 0x11111111
        call GATED:0
        ud2
%$to:
        mov eax, [esp + 8]
        retf 8
    END
    SHOW "eax", eax
    SHOW "esp", [x_sp]
    SHOW "cs", [x_cs]
    CASE "stack of the tss is 16 bits"
        SETDESC 0x60, 0x10000, 0xffff, 0x92, 0
        INNER_SS 0x60
        mov dword [tss0 + 4], 0x76545e00
        mov edi, 0x15df0
        mov ecx, 4
        xor eax, eax
        rep stosd
        GATE_TO CODE0, %$to, 12, 0
        RING3 %$go
%$go:
        call GATED:0
%$to:
        mov eax, ss
        ud2
    END
    SHOWM "esp", [x_frame], 0xffff
    SHOW "ss", eax
    SHOW "", [0x15df8]
    SHOW "", [0x15dfc]
    SHOWM "access", [gdt + 0x64], 0xff00
; -- faults. #TS and what comes next need a good stack of level 0, so the gates lead to level 1 -----------------------------------
    mov dword [tss0 + 4], RING0_TOP
    mov dword [tss0 + 8], DATA0
    %macro TO_RING1 2
        mov dword [tss0 + 16], %2
        CASE %1
            GATE_TO CODE1, sweep_landing, 12, 0
            RING3 %$go
%$go:
            call GATED:0
        END
    %endmacro
    TO_RING1 "null stack selector", 0
    TO_RING1 "null stack selector with rpl", 1
    TO_RING1 "stack selector beyond the gdt", 0x1001
    TO_RING1 "stack selector without an ldt", 0x0d
    TO_RING1 "stack selector of rpl 0", DATA1 & ~3
    TO_RING1 "stack selector of rpl 3", DATA1 | 3
    TO_RING1 "stack of dpl 0", DATA0 + 1
    TO_RING1 "stack of dpl 3", DATA3 - 2
    TO_RING1 "stack in code", CODE1
    SETDESC 0x60, 0, 0xfffff, 0xb1, 0xc
    TO_RING1 "stack read-only", 0x61
    SETDESC 0x60, 0, 0xfffff, 0x32, 0xc
    TO_RING1 "stack not present", 0x61
    SHOWM "access", [gdt + 0x64], 0xff00
    SETDESC 0x60, 0, RING0_TOP - 5, 0xb2, 4
    TO_RING1 "stack beyond its limit", 0x61
    SHOWM "access", [gdt + 0x64], 0xff00
    SETDESC 0x60, 0, 0xffff, 0xb3, 4
    mov dword [tss0 + 12], 0xc
    TO_RING1 "stack without room", 0x61
    SHOW "esp", [x_sp]
    mov dword [tss0 + 12], 0x10
    TO_RING1 "stack with room for four", 0x61
    SHOW "cs", [x_cs]
    SHOW "esp", [x_sp]
    CASE "no room for parameters"
        mov dword [tss0 + 12], 0x1c
        GATE_TO CODE1, sweep_landing, 12, 4
        RING3 %$go
%$go:
        call GATED:0
    END
    CASE "room is checked before the target's limit"
        SETDESC 0x48, 0, 0xfff, 0xbb, 4
        mov dword [tss0 + 12], 8
        GATE_TO 0x48, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    CASE "the target's limit"
        mov dword [tss0 + 12], RING0_TOP
        RING3 %$go
%$go:
        call GATED:0
    END
    SHOW "cs", [x_cs]
    CASE "parameters beyond the old stack"
        SETDESC 0x50, 0, 0x4fff, 0xf3, 4
        GATE_TO CODE1, sweep_landing, 12, 4
        push dword 0x53
        push dword 0x4ff4
        push dword 0x3002
        push dword CODE3
        push dword %$go
        iretd
%$go:
        call GATED:0
    END
    mov dword [tss0 + 16], DATA1
    CASE "null code selector"
        GATE_TO 3, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    CASE "code selector beyond the gdt"
        GATE_TO 0x1000, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    CASE "gate itself beyond the gdt"
        call 0x1003:0
    END
    CASE "gate in the ldt"
        SETDESC 0x50, 0x2000, 0xf, 0x82, 0
        mov eax, 0x50
        lldt ax
        GATE_TO CODE0, %$to, 12, 0
        mov eax, [gdt + GATED]
        mov [0x2008], eax
        mov eax, [gdt + GATED + 4]
        mov [0x200c], eax
        jmp 0x0c:0
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
; -- a tss with a limit, a tss of 16 bits ----------------------------------------------------------------------------------------
    ; TR of limit %2 and type %1, with the stacks of level 1 at the ends
    %macro LOAD_TSS 2
        SETDESC 0x68, 0x15000, %2, 0x80 | (%1), 0
        mov eax, 0x68
        ltr ax
    %endmacro
    mov edi, 0x15000
    xor eax, eax
    mov ecx, 32
    rep stosd
    mov dword [0x15004], RING0_TOP
    mov dword [0x15008], DATA0
    mov dword [0x1500c], RING0_TOP
    mov dword [0x15010], DATA1
    CASE "tss ends behind the stack"
        LOAD_TSS 9, 0x11
        GATE_TO CODE1, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    SHOW "cs", [x_cs]
    CASE "tss ends within the stack selector"
        LOAD_TSS 9, 0x10
        GATE_TO CODE1, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    SHOW "cs", [x_cs]
    mov word [0x15002], RING0_TOP
    mov word [0x15004], DATA0
    mov word [0x15006], RING0_TOP
    mov word [0x15008], DATA1
    CASE "16-bit tss ends behind the stack"
        LOAD_TSS 1, 9
        GATE_TO CODE1, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    SHOW "cs", [x_cs]
    SHOW "esp", [x_sp]
    CASE "16-bit tss ends within the stack selector"
        LOAD_TSS 1, 8
        GATE_TO CODE1, sweep_landing, 12, 0
        RING3 %$go
%$go:
        call GATED:0
    END
    SHOW "cs", [x_cs]
    FINISH
SWEEP_DATA
SNIP_DATA
