; SPDX-License-Identifier: LGPL-2.1-or-later
; Interrupt and trap gates in 32-bit protected mode: gates and code of every type and level, frames, flags, faults of the delivery
; with EXT for exceptions and without for INT n; INT3, INTO, BOUND and ICEBP; from V86 mode.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
START
    call sweep_init
    mov dword [sweep_care], 0xfe
    IGATE CODE0, sweep_landing, 0xee
    SWEEP_RINGS "gate", t_gate
    IGATE CODE0, sweep_landing, 0xee
    mov dword [sweep_from], 0xf
    SWEEP_RINGS "gated", t_gated
    jmp singly

t_gate:
    mov cl, [sweep_byte]
    mov [G31 + 5], cl
    int 0x31
t_gated:
    mov [G31 + 2], ax
    int 0x31

singly:
    CASE "beyond the idt"
        int 0x40
    END
    CASE "partly beyond the idt"
        mov word [0x2000], 0x31 * 8 + 6
        mov dword [0x2002], idt
        lidt [0x2000]
        int 0x31
        nop
    END
    lidt [idtr]
    CASE "interrupt gate on the same level"
        IGATE CODE0, %$to, 0x8e
        mov esp, 0x3f00
        push dword 0x46d7          ; ID and VM are not to be had by POPF
        popfd
        int 0x31
%$to:
        ud2
    END
    FRAME 3
    SHOWM "fl", [x_fl], ~0x10000
    CASE "trap gate on the same level"
        IGATE CODE0, %$to, 0x8f
        mov esp, 0x3f00
        push dword 0x406d7
        popfd
        int 0x31
%$to:
        ud2
    END
    FRAME 3
    SHOWM "fl", [x_fl], ~0x10000
    push dword 2
    popfd
    CASE "interrupt gate with nt"
        IGATE CODE0, %$to, 0x8e
        mov esp, 0x3f00
        push dword 0x4002
        popfd
        int 0x31
%$to:
        ud2
    END
    FRAME 3
    SHOWM "fl", [x_fl], ~0x10000
    CASE "trap gate with nt"
        IGATE CODE0, %$to, 0x8f
        mov esp, 0x3f00
        push dword 0x4202
        popfd
        int 0x31
%$to:
        pushfd
        ud2
    END
    FRAME 4
    push dword 2
    popfd
    CASE "16-bit interrupt gate"
        IGATE CODE0, %$to, 0x86
        mov esp, 0x3f00
        int 0x31
%$to:
        ud2
    END
    FRAME 2
    CASE "interrupt gate from level 3"
        mov dword [tss0 + 4], INNER
        IGATE CODE0, %$to, 0xee
        RING3 %$go
%$go:
        int 0x31
%$to:
        mov eax, ss
        ud2
    END
    FRAME 5
    SHOW "ss", eax
    CASE "16-bit trap gate from level 3"
        IGATE CODE0, %$to, 0xe7
        RING3 %$go
%$go:
        int 0x31
%$to:
        ud2
    END
    FRAME 3
    CASE "segments stay"
        IGATE CODE0, %$to, 0xee
        RING3 %$go
%$go:
        mov eax, DATA3
        mov ds, ax
        mov fs, ax
        int 0x31
%$to:
        mov eax, ds
        mov ebx, es
        mov ecx, fs
        ud2
    END
    SHOW "ds", eax
    SHOW "es", ebx
    SHOW "fs", ecx
    CASE "conforming handler at level 3"
        SETDESC 0x48, 0, 0xfffff, 0x9e, 0xc
        IGATE 0x48, %$to, 0xee
        RING3 %$go
%$go:
        int 0x31
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOW "esp", [x_sp]
    SHOWM "access", [gdt + 0x4c], 0xff00
    CASE "fault with an error code, 32 bits"
        IGATE CODE0, %$to, 0x8e
        AS_VECTOR 13
        mov esp, 0x3f00
        mov eax, 0x1000
        mov fs, ax
%$to:
        RESTORE
        ud2
    END
    FRAME 4
    CASE "fault with an error code, from level 3, 16 bits"
        IGATE CODE0, %$to, 0x86
        AS_VECTOR 13
        RING3 %$go
%$go:
        mov eax, 0x1000
        mov fs, ax
%$to:
        RESTORE
        ud2
    END
    FRAME 3
    mov dword [tss0 + 4], RING0_TOP
; -- who asks for the gate's dpl -------------------------------------------------------------------------------------------------
    CASE "int3 with dpl 0"
        RING3 %$go
%$go:
        int3
    END
    CASE "cd 03 with dpl 0"
        RING3 %$go
%$go:
        db 0xcd, 3
    END
    CASE "into with dpl 0"
        RING3 %$go
%$go:
        mov al, 0x7f
        inc al
        into
    END
    CASE "into without overflow"
        RING3 %$go
%$go:
        xor eax, eax
        into
        ud2
    END
    CASE "icebp with dpl 0"
        RING3 %$go
%$go:
        db 0xf1
    END
    CASE "bound with dpl 0"
        RING3 %$go
%$go:
        mov dword [0x2000], 5
        mov dword [0x2004], 7
        mov eax, 4
        bound eax, [0x2000]
    END
    mov byte [idt + 3 * 8 + 5], 0xee
    mov byte [idt + 4 * 8 + 5], 0xee
    mov byte [idt + 13 * 8 + 5], 0xee
    CASE "int3 with dpl 3"
        RING3 %$go
%$go:
        int3
    END
    SHOWM "fl", [x_fl], 0x10000
    CASE "cd 03 with dpl 3"
        RING3 %$go
%$go:
        db 0xcd, 3
    END
    CASE "into with dpl 3"
        RING3 %$go
%$go:
        mov al, 0x7f
        inc al
        into
    END
    SHOWM "fl", [x_fl], 0x10000
    CASE "int 13 pushes no error code"
        IGATE CODE0, %$to, 0xee
        AS_VECTOR 13
        mov esp, 0x3f00
        int 13
%$to:
        RESTORE
        ud2
    END
    FRAME 3
    mov byte [idt + 13 * 8 + 5], 0x8e
    CASE "bound within"
        mov dword [0x2000], -5
        mov dword [0x2004], 7
        mov eax, -5
        bound eax, [0x2000]
        mov eax, 7
        bound eax, [0x2000]
        mov word [0x2000], -5
        mov word [0x2002], 7
        mov eax, 0x1fffb
        bound ax, [0x2000]
    END
    CASE "bound above"
        mov dword [0x2000], -5
        mov eax, 8
        bound eax, [0x2000]
    END
    SHOWM "fl", [x_fl], 0x10000
; -- faults on the way, by INT n and by an exception (#UD through the same gate) -------------------------------------------------
    BOTH "null handler", 0, 0xee
    BOTH "null handler with rpl", 3, 0xee
    BOTH "handler beyond the gdt", 0x1003, 0xee
    BOTH "handler in data", DATA0, 0xee
    SETDESC 0x48, 0, 0xfffff, 0x1b, 0xc
    BOTH "handler not present", 0x48, 0xee
    BOTH "gate not present", CODE0, 0x6e
    BOTH "gate of type 0", CODE0, 0xe0
    BOTH "gate in the segment types", CODE0, 0xfe
    BOTH "call gate", CODE0, 0xec
    mov dword [tss0 + 16], 0
    BOTH "null stack", CODE1, 0xee
    mov dword [tss0 + 16], 0x1001
    BOTH "stack beyond the gdt", CODE1, 0xee
    mov dword [tss0 + 16], DATA3
    BOTH "stack of the wrong rpl", CODE1, 0xee
    mov dword [tss0 + 16], DATA0 + 1
    BOTH "stack of the wrong dpl", CODE1, 0xee
    SETDESC 0x60, 0, 0xfffff, 0x33, 0xc
    mov dword [tss0 + 16], 0x61
    BOTH "stack not present", CODE1, 0xee
    mov dword [tss0 + 12], RING0_TOP
    mov dword [tss0 + 16], DATA1
    CASE "tss too small for the stack"
        SETDESC 0x68, tss_small, 0x10, 0x89, 0
        mov dword [tss_small + 4], RING0_TOP
        mov dword [tss_small + 8], DATA0
        mov eax, 0x68
        ltr ax
        IGATE CODE1, sweep_landing, 0xee
        RING3 %$go
%$go:
        int 0x31
    END
    CASE "tss too small for the stack, exception"
        IGATE CODE1, sweep_landing, 0xee
        AS_VECTOR 6
        RING3 %$go
%$go:
        ud2
    END
    RESTORE
    and byte [gdt + TSS0 + 5], ~2
    mov eax, TSS0
    ltr ax
; -- from V86 mode ---------------------------------------------------------------------------------------------------------------
    CASE "v86 exception"
        mov dword [tss0 + 4], INNER
        V86 %$go
        bits 16
%$go:
        ud2
        bits 32
    END
    SHOW "cs", [x_cs]
    SHOWM "fl", [x_fl], 0x33000
    SHOW "ss", [x_ss]
    SHOW "esp", [x_sp]
    mov ebx, [x_frame]
    SHOW "frame", ebx
    SHOW "es", [ebx + 20]
    SHOW "ds", [ebx + 24]
    SHOW "fs", [ebx + 28]
    SHOW "gs", [ebx + 32]
    CASE "v86 segments of the handler"
        IGATE CODE0, %$to, 0xee
        V86 %$go
        bits 16
%$go:
        int 0x31
        bits 32
%$to:
        mov eax, ds
        mov ebx, es
        mov ecx, fs
        mov edx, gs
        ud2
    END
    SHOW "ds", eax
    SHOW "es", ebx
    SHOW "fs", ecx
    SHOW "gs", edx
    SHOWM "fl", [x_fl], 0x33000
    CASE "v86 16-bit gate"
        IGATE CODE0, %$to, 0xe6
        V86 %$go
        bits 16
%$go:
        int 0x31
        bits 32
%$to:
        ud2
    END
    FRAME 5
    mov dword [tss0 + 4], RING0_TOP
    V86_BOTH "v86 gate of dpl 0", CODE0, 0x8e
    V86_BOTH "v86 handler of level 1", CODE1, 0xee
    V86_BOTH "v86 handler of level 3", CODE3, 0xee
    SETDESC 0x48, 0, 0xfffff, 0x9f, 0xc
    V86_BOTH "v86 conforming handler", 0x48, 0xee
    FINISH
INT_DATA
SWEEP_DATA
SNIP_DATA
