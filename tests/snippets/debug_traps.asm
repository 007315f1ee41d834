; SPDX-License-Identifier: LGPL-2.1-or-later
; Debug exceptions: single steps, breakpoints on code, data and ports. SDM vol. 3, 17.2 and 17.3; APM vol. 2, 13.1.
%define HOME 32
%include "snip.inc"
%include "trace.inc"
START
    TRACE_SETUP
    ; -- single step
    TCASE "step", 3
        TFON
        nop
        inc eax
        nop
        nop
    TEND
    TCASE "step, POPF that clears TF", 9
        TFON
        pushfd
        and dword [esp], ~0x100
        popfd
        nop
    TEND
    TCASE "step, IRET sets TF", 2
        pushfd
        or dword [esp], 0x100
        push cs
        push dword .iret
        iretd
.iret:
        nop
        nop
        nop
    TEND
    TCASE "step, fault", 2
        TFON
        ud2
    TEND
    SHOWM "fl", [x_fl], 0x10100
    TCASE "step, fault behind a step", 2
        TFON
        nop
        ud2
    TEND
    TCASE "step, REP", 4
        mov esi, ADDR(data)
        mov edi, ADDR(data) + 16
        mov ecx, 3
        TFON
        rep movsb
        nop
    TEND
    TCASE "step, REP of one element, of none", 2
        mov ecx, 1
        TFON
        rep lodsb
        rep lodsb
        nop
    TEND
    TCASE "step, REPNE SCAS ends early", 3
        mov edi, ADDR(data)
        mov ecx, 9
        xor eax, eax
        TFON
        repe scasb
        nop
        nop
    TEND
    TCASE "step, MOV SS", 2
        mov ax, ss
        TFON
        mov ss, ax
        nop
        nop
        nop
    TEND
    TCASE "step, POP SS", 2
        push ss
        TFON
        pop ss
        nop
        nop
        nop
    TEND
    TCASE "step, LSS", 2
        mov [data + 4], ss
        mov [data], esp
        TFON
        lss esp, [data]
        nop
        nop
    TEND
    TCASE "step, MOV SS and a fault", 2
        mov ax, ss
        TFON
        mov ss, ax
        ud2
    TEND
    TCASE "step, STI", 3
        cli
        TFON
        sti
        cli
        nop
    TEND
    TCASE "step, branch", 3
        TFON
        jmp short .over
        nop
.over:
        nop
        nop
    TEND
    TCASE "step, CALL and RET", 3
        TFON
        call .sub
        nop
        jmp .out
.sub:
        ret
.out:
    TEND
    TCASE "step, PUSHF shows TF", 2
        TFON
        pushfd
        pop ebx
        nop
    TEND
    SHOWM "fl", ebx, 0x10100
    TCASE "step, INTO not taken", 2
        xor eax, eax
        TFON
        into
        nop
        nop
    TEND
    ; -- breakpoints on code
    TCASE "code", 9
        BREAK 0, .code, 0, 0
        nop
.code:
        inc eax
        nop
    TEND
    TCASE "code, without RF it comes again", 3
        mov dword [trace_rf], 0
        BREAK 0, .code2, 0, 0
.code2:
        nop
    TEND
    TCASE "code, not within an instruction", 9
        BREAK 1, .code3 + 1, 0, 0
.code3:
        mov eax, 0x12345678
    TEND
    TCASE "code, first prefix", 9
        BREAK 2, .code4, 0, 0
        BREAK 3, .code4 + 1, 0, 0
.code4:
        db 0x3e
        mov eax, [data]
    TEND
    TCASE "code, behind MOV SS", 9
        BREAK 0, .code5, 0, 0
        mov ax, ss
        mov ss, ax
.code5:
        nop
        nop
    TEND
    TCASE "code, behind a step", 3
        BREAK 0, .code6, 0, 0
        TFON
        nop
.code6:
        nop
        nop
    TEND
    TCASE "code, REP is met once", 9
        mov ecx, 3
        mov esi, ADDR(data)
        BREAK 0, .code7, 0, 0
.code7:
        rep lodsb
        nop
    TEND
    SHOW "ecx", ecx
    TCASE "code, before the fault", 9
        BREAK 0, .code8, 0, 0
.code8:
        ud2
    TEND
    TCASE "code, IRET brings RF", 9
        BREAK 0, .code9, 0, 0
        pushfd
        or dword [esp], 0x10000
        push cs
        push dword .code9
        iretd
.code9:
        nop
    TEND
    TCASE "code, POPF does not bring RF", 9
        BREAK 0, .code10, 0, 0
        pushfd
        or dword [esp], 0x10000
        popfd
.code10:
        nop
    TEND
    TCASE "code, RF lasts for one instruction", 9
        BREAK 0, .code11, 0, 0
        pushfd
        or dword [esp], 0x10000
        push cs
        push dword .code12
        iretd
.code12:
        nop
.code11:
        nop
    TEND
    TCASE "code, disabled", 9
        BREAK 0, .code13, 0, 0
        mov eax, dr7
        and al, 0xfc
        mov dr7, eax
.code13:
        nop
    TEND
    TCASE "code, local enable", 9
        BREAK 0, .code14, 0, 0
        mov eax, dr7
        xor al, 3
        mov dr7, eax
.code14:
        nop
    TEND
    ; -- breakpoints on data
    TCASE "data, write", 9
        BREAK 0, data, 1, 3
        mov eax, [data]
        mov [data], eax
        nop
    TEND
    TCASE "data, access", 9
        BREAK 1, data, 3, 3
        mov eax, [data]
        mov [data], eax
        nop
    TEND
    TCASE "data, bytes around", 9
        BREAK 0, data + 4, 3, 0
        mov al, [data + 3]
        mov al, [data + 5]
        mov ax, [data + 3]
        mov eax, [data + 1]
        mov eax, [data + 4]
        nop
    TEND
    TCASE "data, length 2, odd address", 9
        BREAK 0, data + 5, 3, 1
        mov al, [data + 3]
        mov al, [data + 4]
        mov al, [data + 5]
        mov al, [data + 6]
        nop
    TEND
    TCASE "data, length 4, odd address", 9
        BREAK 0, data + 7, 3, 3
        mov al, [data + 3]
        mov al, [data + 4]
        mov al, [data + 7]
        mov al, [data + 8]
        nop
    TEND
    TCASE "data, length 8", 9
        BREAK 0, data, 3, 2
        mov al, [data + 7]
        mov al, [data + 8]
        nop
    TEND
    TCASE "data, two at once", 9
        BREAK 0, data, 3, 0
        BREAK 3, data + 2, 1, 0
        mov [data], eax
        nop
    TEND
    TCASE "data, and a step", 2
        BREAK 2, data, 1, 0
        TFON
        mov [data], al
        nop
    TEND
    TCASE "data, read-modify-write", 9
        BREAK 0, data, 1, 0
        inc byte [data]
        test byte [data], 1
        xchg [data], al
        lock add [data], al
        mov eax, 0x55
        cmpxchg [data + 64], al
        nop
    TEND
    TCASE "data, across pages", 9
        BREAK 0, 0x21000, 1, 0
        BREAK 1, 0x20fff, 1, 0
        mov [0x20ffe], ax
        mov [0x20ffd], eax
        mov [0x20fff], ax
        mov [0x21000], al
        nop
    TEND
    TCASE "data, stack", 9
        lea ebx, [esp - 4]
        BREAK 0, ebx, 1, 3
        push eax
        pop eax
        call .sub2
.sub2:
        add esp, 4
        pushad
        add esp, 32
        enter 4, 0
        leave
        nop
    TEND
    TCASE "data, REP MOVS", 9
        mov esi, ADDR(data)
        mov edi, 0x20000
        mov ecx, 6
        BREAK 0, 0x20008, 1, 3
        rep movsd
        nop
    TEND
    TCASE "data, REP STOS, last element", 9
        mov edi, 0x20000
        mov ecx, 3
        BREAK 0, 0x20008, 1, 3
        rep stosd
        nop
    TEND
    TCASE "data, REP LODS on each", 9
        mov esi, 0x20000
        mov ecx, 3
        BREAK 0, 0x20000, 3, 3
        rep lodsb
        nop
    TEND
    TCASE "data, REPE CMPS", 9
        mov esi, 0x20000
        mov edi, 0x20000
        mov ecx, 3
        BREAK 0, 0x20001, 3, 0
        repe cmpsb
        nop
    TEND
    TCASE "data, instruction that faults", 9
        mov dword [data], 0
        BREAK 0, data, 3, 3
        xor edx, edx
        div dword [data]
    TEND
    TCASE "data, REP that faults behind it", 9
        SETDESC 0x48, 0x20000, 0xf, 0x93, 4
        mov ax, 0x48
        mov es, ax
        mov edi, 8
        mov ecx, 9
        BREAK 0, 0x2000c, 1, 3
        rep stosd
    TEND
    SHOW "ecx", ecx
    SHOWM "fl", [x_fl], 0x10000
    TCASE "data, MOV SS is held", 9
        mov [data], ss
        BREAK 0, data, 3, 1
        mov ss, [data]
        nop
        nop
    TEND
    TCASE "data, MOV SS is held, with a step", 2
        mov [data], ss
        BREAK 0, data, 3, 1
        TFON
        mov ss, [data]
        nop
        nop
    TEND
    ; the inhibition ends after delivery of an exception (SDM vol. 2, POP)
    TCASE "data, MOV SS is held, and the next instruction faults", 9
        jmp short .held
.held_ud:
        add dword [esp], 2
        iretd
.held:
        mov word [idt + 6 * 8], ADDR(.held_ud)
        mov [data], ss
        BREAK 0, data, 3, 1
        mov ss, [data]
        ud2
        nop
    TEND
    TCASE "data, MOV SS is held, and the next instruction faults, with a step", 3
        jmp short .held2
.held_ud2:
        add dword [esp], 2
        iretd
.held2:
        mov word [idt + 6 * 8], ADDR(.held_ud2)
        mov [data], ss
        BREAK 0, data, 3, 1
        TFON
        mov ss, [data]
        ud2
        nop
        nop
    TEND
    mov word [idt + 6 * 8], ADDR(stubs) + 6 * 16
    TCASE "data, FPU and vectors", 9
        mov eax, cr4
        or eax, 0x200
        mov cr4, eax
        BREAK 0, 0x20004, 1, 0
        fninit
        fldz
        fst qword [0x20000]
        fst dword [0x20000]
        fnstenv [0x20000]
        movups [0x20000], xmm0
        movups xmm0, [0x20000]
        nop
    TEND
    TCASE "data, address above 4 GiB does not match", 9
        BREAK 0, 0xffffffff, 1, 0
        mov [data], al
        nop
    TEND
    ; -- breakpoints on ports
    mov eax, cr4
    or eax, 8
    mov cr4, eax
    TCASE "port", 9
        BREAK 0, 0x80, 2, 0
        out 0x80, al
        in al, 0x80
        out 0x81, al
        out 0x7f, ax
        mov [0x80], al
        nop
    TEND
    TCASE "port, word", 9
        BREAK 0, 0x80, 2, 1
        out 0x81, al
        out 0x82, al
        out 0x80, eax
        nop
    TEND
    TCASE "port, REP OUTS", 9
        mov esi, ADDR(data)
        mov edx, 0x80
        mov ecx, 3
        BREAK 0, 0x80, 2, 0
        rep outsb
        nop
    TEND
    mov eax, cr4
    and eax, ~8
    mov cr4, eax
    ; -- DR6 and general detect
    TCASE "DR6, BS stays, behind a breakpoint", 9
        mov eax, 0xffff4ff0
        mov dr6, eax
        BREAK 1, data, 1, 0
        mov [data], al
        nop
    TEND
    TCASE "general detect", 9
        mov eax, 0x2400
        mov dr7, eax
        mov eax, dr0
        mov ebx, dr7
        nop
    TEND
    SHOW "dr7", ebx
    TCASE "general detect, write", 9
        mov eax, 0x2400
        mov dr7, eax
        mov dr6, eax
        nop
    TEND
    TCASE "general detect, level 3 has #GP", 9
        mov eax, 0x2400
        mov dr7, eax
        push dword DATA3
        push dword USER_TOP
        push dword 2
        push dword CODE3
        push dword .user
        iretd
.user:
        mov eax, dr0
    TEND
    FINISH
TRACE_DATA
align 16
data: times 128 db 0x11
SNIP_DATA
