; SPDX-License-Identifier: LGPL-2.1-or-later
; Protected mode: exceptions and error codes, segment checks, privilege changes by IRET, INT, call gates and RETF,
; the I/O map, selector instructions, single-step and breakpoints.
%include "rig.inc"
%define HAVE_GATE
%include "prot32.inc"
bits 32
org 0x100000
start:
    FRAME_SETUP

    ; -- faults and traps
    TRY .de
    xor ecx, ecx
.f1:
    div ecx
    FAIL
.de:
    EXPECT 0, -1, .f1
    test dword [at_fl], 0x10000     ; RF in a fault's image
    OK nz
    TRY .ud
.f2:
    ud2
    FAIL
.ud:
    EXPECT 6, -1, .f2
    TRY .bp
    int3
.f3:
    FAIL
.bp:
    EXPECT 3, -1, .f3
    TRY .of
    mov eax, 0x7fffffff
    inc eax
    into
.f4:
    FAIL
.of:
    EXPECT 4, -1, .f4
    TRY .br
    mov eax, 5
.f5:
    bound eax, [.bounds]
    FAIL
.bounds:
    dd 1, 4
.br:
    EXPECT 5, -1, .f5

    ; -- loading segment registers
    xor eax, eax
    mov es, ax                      ; null is fine
    TRY .gp0
.f6:
    mov eax, [es:0]                 ; its use is not
    FAIL
.gp0:
    EXPECT 13, 0, .f6
    TRY .ss0
    xor eax, eax
.f7:
    mov ss, ax
    FAIL
.ss0:
    EXPECT 13, 0, .f7
    TRY .bey
    mov ax, BEYOND + 3
.f8:
    mov ds, ax
    FAIL
.bey:
    EXPECT 13, BEYOND, .f8
    TRY .np
    mov ax, ABSENT
.f9:
    mov fs, ax
    FAIL
.np:
    EXPECT 11, ABSENT, .f9
    TRY .ssnp
    mov ax, ABSENT
.f10:
    mov ss, ax
    FAIL
.ssnp:
    EXPECT 12, ABSENT, .f10
    TRY .sscode
    mov ax, CODE0
.f11:
    mov ss, ax
    FAIL
.sscode:
    EXPECT 13, CODE0, .f11
    TRY .ssdpl
    mov ax, DATA3
.f12:
    mov ss, ax
    FAIL
.ssdpl:
    EXPECT 13, DATA3 & ~3, .f12
    TRY .xonly
    mov ax, XONLY
.f13:
    mov gs, ax
    FAIL
.xonly:
    EXPECT 13, XONLY, .f13
    ; the accessed bit
    test byte [gdt + SMALL + 5], 1
    OK z
    mov ax, SMALL
    mov es, ax
    test byte [gdt + SMALL + 5], 1
    OK nz

    ; -- limits and rights
    mov eax, [es:0xffc]
    TRY .lim
.f14:
    mov eax, [es:0xffd]
    FAIL
.lim:
    EXPECT 13, 0, .f14
    mov ax, DOWN
    mov es, ax
    mov al, [es:0x1000]
    TRY .down
.f15:
    mov al, [es:0xfff]
    FAIL
.down:
    EXPECT 13, 0, .f15
    mov ax, RODATA
    mov es, ax
    mov eax, [es:0x5000]
    TRY .ro
.f16:
    mov [es:0x5000], eax
    FAIL
.ro:
    EXPECT 13, 0, .f16
    TRY .cs
.f17:
    mov [cs:0x5000], eax
    FAIL
.cs:
    EXPECT 13, 0, .f17
    ; -- interrupt gates
    TRY .intnp
    mov byte [idt + 0x2e * 8 + 5], 0x0e
.f19:
    int 0x2e
    FAIL
.intnp:
    EXPECT 11, 0x2e * 8 + 2, .f19
    TRY .intlim
.f20:
    int 0x30
    FAIL
.intlim:
    EXPECT 13, 0x30 * 8 + 2, .f20
    TRY .int2d
    sti
    int 0x2d
.f21:
    FAIL
.int2d:
    EXPECT 0x2d, -1, .f21
    test dword [at_fl], 0x200       ; the image has IF, the handler not
    OK nz
    pushfd
    pop eax
    test eax, 0x200
    OK z

    ; -- level 3 by IRET
%macro TO_USER 1
    push dword DATA3
    push dword 0x60000
    pushfd
    push dword CODE3
    push dword %1
    iretd
%endmacro
    TRY .u1back
    TO_USER .u1
.u1:
    mov ax, cs
    and ax, 3
    cmp ax, 3
    jne .u1bad
    mov ax, DATA3
    mov ds, ax
    mov es, ax
.f22:
    cli
.u1bad:
    ud2
.u1back:
    EXPECT 13, 0, .f22
    IS dword [at_cs], CODE3
    IS dword [at_ss], DATA3
    IS dword [at_esp], 0x60000
    IS dword [at_frame], 0x70000 - 4 * 9
    ; ports: the map says no, then yes
    TRY .u2back
    TO_USER .u2
.u2:
    mov dx, 0x80
.f23:
    in al, dx
    ud2
.u2back:
    EXPECT 13, 0, .f23
    and byte [io_map + 0x80 / 8], 0xfe
    TRY .u3back
    TO_USER .u3
.u3:
    mov dx, 0x80
    in al, dx
.f24:
    in ax, dx                       ; port 81h is not allowed
    ud2
.u3back:
    EXPECT 13, 0, .f24
    ; a gate of DPL 0 from level 3
    TRY .u4back
    TO_USER .u4
.u4:
.f25:
    int 0x2d
    ud2
.u4back:
    EXPECT 13, 0x2d * 8 + 2, .f25
    TRY .u5back
    TO_USER .u5
.u5:
    int 0x2f
.f26:
    ud2
.u5back:
    EXPECT 0x2f, -1, .f26
    ; system data from level 3 is null after the outward return
    mov ax, DATA0
    mov gs, ax
    TRY .u6back
    TO_USER .u6
.u6:
    mov ax, gs
    test ax, ax
    jnz .u6bad
    int 0x2f
.u6bad:
    ud2
.u6back:
    IS dword [vec], 0x2f
    ; HLT, MOV CR, LGDT are privileged; SGDT and SMSW are not
    TRY .u7back
    TO_USER .u7
.u7:
    mov ax, DATA3
    mov ds, ax
    smsw ax
    sgdt [scratch]
.f27:
    hlt
    ud2
.u7back:
    EXPECT 13, 0, .f27
    TRY .u8back
    TO_USER .u8
.u8:
.f28:
    mov eax, cr0
    ud2
.u8back:
    EXPECT 13, 0, .f28
    ; POPF at level 3 changes neither IF nor IOPL, silently
    TRY .u9back
    cli
    TO_USER .u9
.u9:
    push dword 0x3202
    popfd
    int 0x2f
    ud2
.u9back:
    IS dword [vec], 0x2f
    test dword [at_fl], 0x3200
    OK z

    ; -- call gate from level 3: parameters move to the new stack
    TRY .g1back
    TO_USER .g1
.g1:
    push dword 0x11111111
    push dword 0x22222222
    call GATE:0
.g1ret:
    cmp esp, 0x60000                ; RETF 8 took the parameters off here too
    jne .g1bad
    cmp eax, 0x1234
    jne .g1bad
    int 0x2f
.g1bad:
    ud2
.g1back:
    IS dword [vec], 0x2f
    IS dword [gate_cs], CODE3
    IS dword [gate_ret], .g1ret
    ; a gate whose DPL is too low
    TRY .g2back
    TO_USER .g2
.g2:
.f29:
    call (GATE0 + 3):0
    ud2
.g2back:
    EXPECT 13, GATE0, .f29
    ; the same level through the gate: no parameters are copied, no stack is changed
    mov ebp, esp
    push dword 0x33333333
    push dword 0x44444444
    call (GATE & ~3):0
    IS esp, ebp
    ; conforming code keeps the level
    call CONFORM:conform_code
    IS ecx, CODE0 & 3
    ; far jumps into data and out of limits
    TRY .j1
.f30:
    jmp DATA0:0
    FAIL
.j1:
    EXPECT 13, DATA0, .f30
    TRY .j2
.f31:
    jmp 0:0
    FAIL
.j2:
    EXPECT 13, 0, .f31

    ; -- selector instructions
    mov ax, SMALL
    lar ebx, ax
    OK z
    and ebx, 0x00f0ff00
    IS ebx, 0x00409300
    lsl ebx, ax
    OK z
    IS ebx, 0xfff
    mov ax, CODE0
    lsl ebx, ax
    IS ebx, 0xffffffff
    mov ax, BEYOND
    lar ebx, ax
    OK nz
    mov ax, RODATA
    verr ax
    OK z
    verw ax
    OK nz
    mov ax, XONLY
    verr ax
    OK nz
    mov ax, 0x10
    mov bx, 3
    arpl ax, bx
    OK z
    IS ax, 0x13
    arpl ax, bx
    OK nz
    sldt ax
    IS ax, 0
    mov ax, LDT0
    lldt ax
    sldt ax
    IS ax, LDT0
    str ax
    IS ax, TSS0
    test byte [gdt + TSS0 + 5], 2
    OK nz
    TRY .ltr
    mov ax, TSS0
.f32:
    ltr ax                          ; busy
    FAIL
.ltr:
    EXPECT 13, TSS0, .f32

    ; -- single-step
    xor eax, eax
    mov dr6, eax
    TRY .tf
    pushfd
    or dword [esp], 0x100
    popfd
    nop
.f33:
    nop
    FAIL
.tf:
    EXPECT 1, -1, .f33
    mov eax, dr6
    test eax, 0x4000
    OK nz
    ; MOV SS holds it off for one instruction
    TRY .tfss
    mov bx, ss
    pushfd
    or dword [esp], 0x100
    popfd
    mov ss, bx
    nop
.f34:
    nop
    FAIL
.tfss:
    EXPECT 1, -1, .f34
    ; -- breakpoints: instruction
    xor eax, eax
    mov dr6, eax
    mov eax, .f35
    mov dr0, eax
    mov eax, 1
    mov dr7, eax
    TRY .ibp
    nop
.f35:
    nop
    FAIL
.ibp:
    EXPECT 1, -1, .f35
    mov eax, dr6
    and eax, 0xf00f
    IS eax, 1
    ; RF lets it pass once
    TRY .rfback
    pushfd
    or dword [esp], 0x10000
    push dword CODE0
    push dword .f35b
    mov eax, .f35b
    mov dr0, eax
    iretd
.f35b:
    nop
    jmp .rfdone
.rfback:
    FAIL
.rfdone:
    ; data write, 1 byte: a trap behind the store
    mov eax, scratch
    mov dr1, eax
    mov eax, 0x00d00004 | 0x400
    mov dr7, eax
    xor eax, eax
    mov dr6, eax
    TRY .dbp
    mov eax, [scratch]              ; reads do not count
    mov byte [scratch + 3], 1
.f36:
    FAIL
.dbp:
    EXPECT 1, -1, .f36
    mov eax, dr6
    and eax, 0xf00f
    IS eax, 2
    xor eax, eax
    mov dr7, eax
    mov byte [scratch + 3], 2

    ; -- alignment check at level 3
    mov eax, cr0
    or eax, 0x40000
    mov cr0, eax
    TRY .acback
    push dword DATA3
    push dword 0x60000
    push dword 0x40202
    push dword CODE3
    push dword .ac
    iretd
.ac:
    mov ax, DATA3
    mov ds, ax
    mov eax, [scratch]
    mov ax, [scratch + 2]
.f37:
    mov eax, [scratch + 1]
    ud2
.acback:
    EXPECT 17, 0, .f37
    cli
    PASS

conform_code:
    mov cx, cs
    and ecx, 3
    retf

gate_entry:
    mov eax, [esp]
    mov dx, DATA0
    mov ds, dx
    mov [gate_ret], eax
    mov eax, [esp + 4]
    mov [gate_cs], eax
    test eax, 3
    jz .same
    IS dword [esp + 8], 0x22222222
    IS dword [esp + 12], 0x11111111
    IS dword [esp + 16], 0x60000 - 8
    IS dword [esp + 20], DATA3
.same:
    mov eax, 0x1234
    retf 8
gate_entry_lo equ gate_entry - start
gate_entry_hi equ 0x10
gate_ret: dd 0
gate_cs: dd 0
align 8
scratch: dd 0, 0
    FRAME_DATA
