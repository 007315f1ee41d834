; SPDX-License-Identifier: LGPL-2.1-or-later
; Far JMP, CALL and RET in 32-bit protected mode, without gates: every type, DPL, RPL and CPL; what they push and pop; the order of
; their checks.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
START
    call sweep_init
    SWEEP_GATE CODE0
    mov dword [sweep_care], 0xfe        ; accessed bits: see below
    SWEEP_RINGS "jmp", t_jmp
    mov dword [sweep_from], 0x18
    SWEEP_RINGS "call", t_call
    mov dword [sweep_from], 0xf
    SWEEP_RINGS "retf", t_retf
    mov dword [sweep_from], 0x18
    SWEEP_RINGS "iret", t_iret
    jmp singly

t_jmp:
    jmp far [sweep_far]
t_call:
    call far [sweep_far]
t_retf:
    mov eax, [sweep_rpl]
    movzx edx, word [sweep_data_sels + eax * 2]
    push edx
    push dword USER_TOP
    push dword [sweep_sel]
    push dword sweep_landing
    retf
t_iret:
    mov eax, [sweep_rpl]
    movzx edx, word [sweep_data_sels + eax * 2]
    push edx
    push dword USER_TOP
    push dword 0x3002
    push dword [sweep_sel]
    push dword sweep_landing
    iretd

singly:
    CASE "call pushes 32 bits"
        mov esp, 0x3ff0
        call CODE0:.callee
.callee:
        ud2
    END
    SHOWTOP "eip", 0
    mov ebx, [x_frame]
    SHOWM "cs", [ebx + 16], 0xffff
    SHOW "frame", ebx
    CASE "call with 16 bits pushes 16"
        mov esp, 0x3ff0
        mov dword [0x3fec], -1
        mov dword [0x3fe8], -1
        call word CODE0:.callee16
.callee16:
        ud2
    END
    SHOWTOP "", 0
    SHOW "frame", [x_frame]
    CASE "jmp with 16 bits"
        mov word [0x2000], .target16
        mov dword [0x2002], CODE0
        o16 jmp far [0x2000]
.target16:
        ud2
    END
    SHOW "cs", [x_cs]
    CASE "rpl of a selector is not kept"
        RING3 .rpl3
.rpl3:
        jmp (CODE3 & ~3):.rpl3b
.rpl3b:
        ud2
    END
    SHOW "cs", [x_cs]
    CASE "conforming code keeps the level"
        SETDESC 0x48, 0, 0xfffff, 0x9e, 0xc
        RING3 .conf3
.conf3:
        jmp 0x48:.conf3b
.conf3b:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOWM "access", [gdt + 0x4c], 0xff00
    CASE "conforming code does not lower the level"
        SETDESC 0x48, 0, 0xfffff, 0xfe, 0xc
        jmp 0x4b:.conf0
.conf0:
        ud2
    END
    CASE "null selector"
        jmp 3:.null
.null:
    END
    CASE "null selector of a call"
        mov esp, 0x3ff0
        call 0:.nullc
.nullc:
    END
    SHOW "frame", [x_frame]
    CASE "beyond the gdt"
        jmp 0x1003:.beyond
.beyond:
    END
    CASE "descriptor partly beyond the gdt"
        mov word [0x2000], 0x4e
        mov dword [0x2002], gdt
        lgdt [0x2000]
        jmp 0x48:.partly
.partly:
        nop
    END
    lgdt [gdtr]
    CASE "code in the ldt"
        SETDESC 0x50, 0x2000, 0xf, 0x82, 0
        mov dword [0x2008], 0x0000ffff
        mov dword [0x200c], 0x00cf9a00
        mov eax, 0x50
        lldt ax
        jmp 0x0c:.ldt
.ldt:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOWM "access", [0x200c], 0xff00
    CASE "not-present code of a call"
        SETDESC 0x48, 0, 0xfffff, 0x1a, 0xc
        mov esp, 0x3ff0
        call 0x48:.notpresent
.notpresent:
    END
    SHOW "frame", [x_frame]
    SHOWM "access", [gdt + 0x4c], 0xff00
    CASE "l and d set outside of long mode"
        SETDESC 0x48, 0, 0xfffff, 0x9a, 0xe
        jmp 0x48:.ld
.ld:
        mov eax, cs
        ud2
    END
    SHOW "eax", eax
    CASE "16-bit code and back"
        SETDESC 0x48, 0, 0xffff, 0x9a, 0
        mov eax, 0x11111111
        jmp 0x48:.to16
        bits 16
.to16:
        mov ax, 0x2222
        jmp dword CODE0:.to32
        bits 32
.to32:
        ud2
    END
    SHOW "eax", eax
    CASE "offset beyond 64 kib cut by 16 bits"
        mov dword [0x2000], .cut
        mov word [0x2002], CODE0
        o16 jmp far [0x2000]
.cut:
        ud2
    END
    CASE "far pointer across a limit"
        SETDESC 0x48, 0, 0x2004, 0x93, 4
        mov eax, 0x48
        mov es, ax
        jmp far [es:0x2000]
    END
    CASE "call without room for its frame"
        SETDESC 0x48, 0, 0xfff, 0xf3, 4
        push dword 0x4b
        push dword 4
        push dword 0x3002
        push dword CODE3
        push dword .noroom
        iretd
.noroom:
        call CODE3:.noroom2
.noroom2:
    END
    SHOW "esp", [x_sp]
    CASE "no room goes before the target's limit"
        SETDESC 0x48, 0, 0xfff, 0xf3, 4
        SETDESC 0x50, 0, 0xfff, 0xfb, 4
        push dword 0x4b
        push dword 4
        push dword 0x3002
        push dword CODE3
        push dword .noroom3
        iretd
.noroom3:
        call 0x53:.noroom4
.noroom4:
    END
    CASE "the target's type goes before no room"
        push dword 0x4b
        push dword 4
        push dword 0x3002
        push dword CODE3
        push dword .noroom5
        iretd
.noroom5:
        call DATA3:.noroom6
.noroom6:
    END
    CASE "retf marks code and stack"
        SETDESC 0x48, 0, 0xfffff, 0xfa, 0xc
        SETDESC 0x50, 0, 0xfffff, 0xf2, 0xc
        push dword 0x53
        push dword USER_TOP
        push dword 0x4b
        push dword .marks
        retf
.marks:
        ud2
    END
    SHOWM "cs", [gdt + 0x4c], 0xff00
    SHOWM "ss", [gdt + 0x54], 0xff00
    CASE "a retf that faults marks nothing"
        SETDESC 0x48, 0, 0xfffff, 0xfa, 0xc
        SETDESC 0x50, 0, 0xfffff, 0x72, 0xc
        push dword 0x53
        push dword USER_TOP
        push dword 0x4b
        push dword .marks2
        retf
.marks2:
    END
    SHOWM "cs", [gdt + 0x4c], 0xff00
    SHOWM "ss", [gdt + 0x54], 0xff00
; -- returns -------------------------------------------------------------------------------------------------------------------
    CASE "retf n to the same level"
        mov esp, 0x3fe0
        push dword CODE0
        push dword .same
        retf 0x11
.same:
        ud2
    END
    SHOW "frame", [x_frame]
    CASE "retf with 16 bits"
        mov esp, 0x3fe0
        mov eax, .same16
        push word CODE0
        push ax
        o16 retf
.same16:
        ud2
    END
    SHOW "frame", [x_frame]
    CASE "retf n to level 3"
        push dword DATA3
        push dword USER_TOP
        push dword 0x11111111
        push dword 0x22222222
        push dword CODE3
        push dword .outer
        retf 8
.outer:
        ud2
    END
    SHOW "ss", [x_ss]
    SHOW "esp", [x_sp]
    CASE "retf with 16 bits to level 3, 32-bit stack"
        mov esp, 0x16ff0
        mov eax, .outer16
        push word DATA3
        push word 0x4ff0
        push word CODE3
        push ax
        o16 retf
.outer16:
        ud2
    END
    SHOW "esp", [x_sp]
    CASE "retf to level 3, 16-bit stack"
        SETDESC 0x48, 0, 0xffff, 0xf3, 0
        mov esp, 0x3ff0
        push dword 0x4b
        push dword 0x98764ff0
        push dword CODE3
        push dword .outerss
        retf
.outerss:
        push eax
        ud2
    END
    SHOWM "sp", [x_sp], 0xffff
    CASE "segments at an outer level"
        SETDESC 0x48, 0, 0xfffff, 0x9f, 0xc
        SETDESC 0x50, 0, 0xfffff, 0x9b, 0xc
        mov eax, 0x48
        mov es, ax
        mov eax, 0x50
        mov fs, ax
        mov eax, DATA3
        mov gs, ax
        push dword DATA3
        push dword USER_TOP
        push dword CODE3
        push dword .outersegs
        retf
.outersegs:
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
    CASE "null selectors lose their rpl at an outer level"
        mov eax, 3
        mov es, ax
        mov eax, 2
        mov gs, ax
        push dword DATA3
        push dword USER_TOP
        push dword CODE3
        push dword .outernull
        retf
.outernull:
        mov eax, es
        mov ebx, gs
        ud2
    END
    SHOW "es", eax
    SHOW "gs", ebx
    CASE "segments at the same level"
        mov eax, 3
        mov gs, ax
        push dword CODE0
        push dword .samesegs
        retf
.samesegs:
        mov eax, ds
        mov ebx, gs
        ud2
    END
    SHOW "ds", eax
    SHOW "gs", ebx
    %macro OUTER_SS 3
    CASE %1
        push dword %2
        push dword USER_TOP
        push dword CODE3
        push dword %3
        retf
    END
    %endmacro
    OUTER_SS "retf with a null ss", 3, 0x8000
    OUTER_SS "retf with an ss of the wrong rpl", DATA3 - 1, 0x8000
    OUTER_SS "retf with an ss of the wrong dpl", DATA0 + 3, 0x8000
    OUTER_SS "retf with an ss beyond the gdt", 0x1003, 0x8000
    OUTER_SS "retf with code as ss", CODE3, 0x8000
    SETDESC 0x48, 0, 0xfffff, 0xf1, 0xc
    OUTER_SS "retf with a read-only ss", 0x4b, 0x8000
    SETDESC 0x48, 0, 0xfffff, 0x73, 0xc
    OUTER_SS "retf with an ss that is not present", 0x4b, 0x8000
    SETDESC 0x58, 0, 0xfff, 0xfb, 4
    CASE "ss goes before the limit of cs"
        push dword 0x4b
        push dword USER_TOP
        push dword 0x5b
        push dword 0x8000
        retf
    END
    CASE "limit of cs at an outer level"
        push dword DATA3
        push dword USER_TOP
        push dword 0x5b
        push dword 0x1000
        retf
    END
    SHOW "cs", [x_cs]
    CASE "retf beyond the stack"
        SETDESC 0x48, 0, 0x4fff, 0xf3, 4
        push dword 0x4b
        push dword 0x4ffc
        push dword 0x3002
        push dword CODE3
        push dword .beyondstack
        iretd
.beyondstack:
        retf
    END
    CASE "outer part of a frame beyond the stack"
        SETDESC 0x48, 0, 0x4fff, 0xb3, 4
        mov dword [0x4ff8], .level1
        mov dword [0x4ffc], CODE3
        push dword 0x49
        push dword 0x4ff8
        push dword 0x3002
        push dword CODE1
        push dword .level1
        iretd
.level1:
        retf
    END
    SHOW "cs", [x_cs]
    SHOW "esp", [x_sp]
    FINISH
SWEEP_DATA
SNIP_DATA
