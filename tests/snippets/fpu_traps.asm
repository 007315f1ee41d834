; SPDX-License-Identifier: LGPL-2.1-or-later
; #MF: which instructions wait, and what comes before; #NM and #UD by CR0.MP, EM and TS. SDM vol. 1, 8.7; vol. 3, 2.5, 6.15.
%define HOME 16
%include "snip.inc"
%macro CR0 2
    mov eax, cr0
    and al, ~(%1) & 0xff
    or al, %2
    mov cr0, eax
%endmacro
; a pending division by zero; waiting code follows
%macro ZERO_DIVIDE 0
        fninit
        fldcw [unmasked]
        fld1
        fldz
        fdivp st1, st0
%endmacro
; NM name, instruction: a letter for each value of TS EM MP (bit 2 to 0): . no fault, N #NM, U #UD, ? anything else
%macro NM 2+
    jmp near %%go
%%name: db 10, "by MP EM TS, ", %1, ":", 0
%%code:
    %2
    jmp near tried
%%go:
    mov esi, %%name
    mov dx, %%code
    call each_nm
%endmacro
START
    CR0 0x0e, 0x20
    ; -- #MF
    CASE "FWAIT"
        ZERO_DIVIDE
        fwait
    END
    CASE "FLD1"
        ZERO_DIVIDE
        fld1
    END
    CASE "FLD of no memory"
        ZERO_DIVIDE
        mov bx, 0xffff
        fld dword [bx]
    END
    CASE "FNSTCW of no memory does not wait"
        ZERO_DIVIDE
        mov bx, 0xffff
        fnstcw [bx]
    END
    CASE "FNSTSW does not wait"
        ZERO_DIVIDE
        fnstsw ax
    END
    SHOWM "ax", eax, 0x80ff
    CASE "FNSTENV does not wait"
        ZERO_DIVIDE
        fnstenv [0x3000]
    END
    SHOWM "fsw", [0x3002], 0x80ff
    CASE "FNSTENV masks"
        ZERO_DIVIDE
        fnstenv [0x3000]
        fwait
    END
    CASE "FNSAVE does not wait"
        ZERO_DIVIDE
        fnsave [0x3000]
        fwait
    END
    SHOWM "fsw", [0x3002], 0x80ff
    CASE "FXSAVE does not wait"
        ZERO_DIVIDE
        fxsave [0x3000]
        fnstsw ax
    END
    SHOWM "ax", eax, 0x80ff
    CASE "FNCLEX does not wait"
        ZERO_DIVIDE
        fnclex
        fwait
    END
    CASE "FLDENV waits"
        ZERO_DIVIDE
        fldenv [0x3000]
    END
    CASE "EMMS waits"
        ZERO_DIVIDE
        emms
    END
    CASE "MOVD MM0 waits"
        ZERO_DIVIDE
        movd mm0, eax
    END
    CASE "#NM comes first"
        ZERO_DIVIDE
        CR0 0, 0x0a
        fwait
    END
    CR0 0x0e, 0
    ; -- #NM
    fninit
    mov eax, cr4
    or ax, 0x600
    mov cr4, eax
    NM "FWAIT", fwait
    NM "FLD1", fld1
    NM "FLD", fld dword [result]
    NM "FNCLEX", fnclex
    NM "FNINIT", fninit
    NM "FNSTSW", fnstsw ax
    NM "FNSTCW", fnstcw [result]
    NM "FXSAVE", fxsave [0x3000]
    NM "EMMS", emms
    NM "MOVD MM0", movd mm0, eax
    NM "XORPS", xorps xmm0, xmm0
    NM "LDMXCSR", ldmxcsr [mxcsr]
    NM "SFENCE", sfence
    FINISH

; ESI: name, DX: code
each_nm:
    call print_text
    mov al, ' '
    call print_char
    xor ecx, ecx
.next:
    pushad
    CR0 0x0e, 0
    mov ebx, ecx
    shl bl, 1
    or al, bl
    mov cr0, eax
    mov [x_home_sp], esp
    mov word [x_resume], tried
    mov dword [x_vec], -1
    jmp dx
tried:
    CR0 0x0e, 0
    mov al, '.'
    cmp dword [x_vec], -1
    je .print
    mov al, 'N'
    cmp dword [x_vec], 7
    je .print
    mov al, 'U'
    cmp dword [x_vec], 6
    je .print
    mov al, '?'
.print:
    call print_char
    popad
    inc ecx
    cmp ecx, 8
    jb each_nm.next
    ret

align 4
result: dd 0
mxcsr: dd 0x1f80
unmasked: dw 0x37b
SNIP_DATA
