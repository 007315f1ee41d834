; SPDX-License-Identifier: LGPL-2.1-or-later
; Virtual-8086 mode: entry by IRET, what traps at which IOPL, the frame of an exit, ports, VME.
%include "rig.inc"
%include "prot32.inc"
bits 32
org 0x100000
start:
    FRAME_SETUP
    mov esi, code16
    mov edi, 0x9000
    mov ecx, code16_end - code16
    rep movsb

; TO_V86 offset, flags
%macro TO_V86 2
    push dword 0x1111               ; gs
    push dword 0x2222               ; fs
    push dword 0x3333               ; ds
    push dword 0x4444               ; es
    push dword 0x0700               ; ss
    push dword 0xffe                ; esp
    push dword 0x20002 | (%2)
    push dword 0x0900               ; cs
    push dword (%1) - code16
    iretd
%endmacro

    ; HLT traps; the frame holds everything
    TRY .b1
    TO_V86 v_hlt, 0
.b1:
    EXPECT 13, 0, v_hlt_at - code16
    IS dword [at_cs], 0x900
    IS dword [at_ss], 0x700
    IS dword [at_esp], 0xffe
    test dword [at_fl], 0x20000
    OK nz
    mov ebx, [at_frame]
    IS dword [ebx + 36], 0x4444     ; es ds fs gs above ss
    IS dword [ebx + 40], 0x3333
    IS dword [ebx + 44], 0x2222
    IS dword [ebx + 48], 0x1111
    IS dword [tss_seen], 0x5678     ; written at 0700:0FFC
    ; CLI at IOPL 0 traps, at 3 does not
    TRY .b2
    TO_V86 v_cli, 0
.b2:
    EXPECT 13, 0, 0 + v_cli - code16
    TRY .b3
    TO_V86 v_cli, 0x3000
.b3:
    EXPECT 13, 0, v_cli - code16 + 1 ; the HLT behind it
    ; PUSHF at IOPL 0
    TRY .b4
    TO_V86 v_pushf, 0
.b4:
    EXPECT 13, 0, v_pushf - code16
    ; INT n at IOPL 0 is #GP; at 3 it goes through the IDT, whose gate must have DPL 3
    TRY .b5
    TO_V86 v_int, 0
.b5:
    EXPECT 13, 0, v_int - code16
    TRY .b6
    TO_V86 v_int, 0x3000
.b6:
    EXPECT 0x2f, -1, v_int - code16 + 2
    TRY .b7
    TO_V86 v_int2d, 0x3000
.b7:
    EXPECT 13, 0x2d * 8 + 2, v_int2d - code16
    ; ports ask the map whatever the IOPL
    TRY .b8
    TO_V86 v_in, 0x3000
.b8:
    EXPECT 13, 0, v_in - code16
    and byte [io_map + 0x80 / 8], 0xfe
    TRY .b9
    TO_V86 v_in, 0
.b9:
    EXPECT 13, 0, v_in - code16 + 2
    ; instructions of protected mode are none here
    TRY .b10
    TO_V86 v_sldt, 0
.b10:
    EXPECT 6, -1, v_sldt - code16
    ; a segment's end
    TRY .b11
    TO_V86 v_limit, 0
.b11:
    EXPECT 13, 0, v_limit_at - code16

    ; VME: INT 20h is redirected to the IVT, CLI and STI work on VIF, POPF with TF traps
    mov eax, cr4
    or eax, 1
    mov cr4, eax
    mov dword [0x20 * 4], 0x09000000 | (v_handler - code16)
    mov word [tss0 + 102], 104 + 32
    mov edi, tss0 + 104
    xor eax, eax
    mov ecx, 8
    rep stosd
    TRY .b12
    TO_V86 v_vme, 0
.b12:
    EXPECT 13, 0, v_vme_hlt - code16
    IS dword [at_esp], 0xffe
    test dword [at_fl], 0x80000     ; VIF set by STI
    OK nz
    IS word [0x700 * 16 + 0xffc], 0x3002 ; the INT's image: IF as VIF was, IOPL 3
    mov byte [tss0 + 104 + 0x2f / 8], 0x80
    TRY .b13
    TO_V86 v_int, 0x3000
.b13:
    EXPECT 0x2f, -1, v_int - code16 + 2
    TRY .b14
    TO_V86 v_int, 0
.b14:
    EXPECT 13, 0, v_int - code16
    PASS

tss_seen equ 0x700 * 16 + 0xffc

bits 16
code16:
v_hlt:
    push word 0x5678
    pop ax
    cmp ax, 0x5678
    jne v_bad
    mov bx, cs
    cmp bx, 0x900
    jne v_bad
v_hlt_at:
    hlt
v_bad:
    ud2
v_cli:
    cli
    hlt
v_pushf:
    pushf
    hlt
v_int:
    int 0x2f
    hlt
v_int2d:
    int 0x2d
    hlt
v_in:
    in al, 0x80
    hlt
v_sldt:
    sldt ax
    hlt
v_limit:
    mov bx, 0xffff
v_limit_at:
    mov ax, [bx]
    hlt
v_vme:
    cli
    int 0x20
    sti
v_vme_hlt:
    hlt
v_handler:
    iret
code16_end:
bits 32
    FRAME_DATA
