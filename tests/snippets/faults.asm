; SPDX-License-Identifier: LGPL-2.1-or-later
; Page faults in the middle: registers as before, memory as before, CR2, and that the instruction can be begun again; string
; instructions at any element. SDM vol. 3, 6.6; vol. 2, REP.
; Linear 40000000h: a page (20000h), one that is not there, a read-only one (22000h), a page (23000h); MEM is the first byte of
; the gap. That a read-modify-write faults as a write was seen on a CPU too.
%define HOME 64
%include "snip.inc"
%define MEM 0x40001000
%define LOW 0x20000
%macro FILL 0
    mov edi, LOW
    mov ecx, 0x4000 / 8
    mov rax, 0x1111111111111111
    rep stosq
%endmacro
; a case of the string instructions: rSI and rDI from MEM, rCX; registers are shown relative to it
%macro SCASE 5
    FILL
    CASE %1
        mov rsi, %2
        mov rdi, %3
        mov ecx, %4
        mov eax, 0x11111111
        cmp eax, 0x22222222     ; CF, ZF clear
        %5
        cld
    END
    call show_string
%endmacro
%macro INOUT 0
        rep insb
        rep outsb
%endmacro
; A case about an instruction on memory: its registers are known, and shown when they are not what they were.
%macro MBEGIN 1
    FILL
    mov rax, 0x0101010101010101
    mov rbx, MEM - 1
    mov rcx, 0x0303030303030303
    mov rdx, 0x0404040404040404
    mov rbp, MEM - 1
    CASE %1
%endmacro
%macro MEND 0
    END
    call changed
%endmacro
%macro MCASE 2+
    MBEGIN %1
        %2
    MEND
%endmacro
START
    mov edi, 0x15000
    mov ecx, 0x2000 / 4
    xor eax, eax
    rep stosd
    mov dword [0x12008], 0x15007
    mov dword [0x15000], 0x16007
    mov dword [0x16000], 0x20007
    mov dword [0x16010], 0x22005
    mov dword [0x16018], 0x23007
    mov rax, cr0
    or eax, 0x10000
    mov cr0, rax
    mov rax, cr4
    or eax, 0x200
    mov cr4, rax
    ; -- strings
    SCASE "MOVSB", MEM - 20, MEM - 1, 5, movsb
    SCASE "REP MOVSB, destination", MEM - 20, MEM - 3, 9, rep movsb
    SCASE "REP MOVSB, source", MEM - 3, MEM - 40, 9, rep movsb
    SCASE "REP MOVSD across the page", MEM - 40, MEM - 6, 9, rep movsd
    SCASE "REP MOVSQ, source across", MEM - 12, MEM - 40, 9, rep movsq
    SCASE "REP MOVSW read-only", MEM - 40, MEM + 0xffe, 9, rep movsw
    SCASE "REP STOSB", 0, MEM - 3, 9, rep stosb
    SCASE "REP STOSD across", 0, MEM - 10, 9, rep stosd
    SCASE "REP STOSQ", 0, MEM - 16, 9, rep stosq
    SCASE "REP LODSB", MEM - 3, 0, 9, rep lodsb
    SHOW "ax", rax
    SCASE "REP LODSQ", MEM - 16, 0, 9, rep lodsq
    SHOW "ax", rax
    SCASE "REPE CMPSB, source", MEM - 3, MEM - 40, 9, repe cmpsb
    SHOWM "fl", [x_fl], 0x8d5
    SCASE "REPE CMPSB, destination", MEM - 40, MEM - 3, 9, repe cmpsb
    SHOWM "fl", [x_fl], 0x8d5
    SCASE "REPE CMPSB, at once", MEM, MEM - 3, 9, repe cmpsb
    SHOWM "fl", [x_fl], 0x8d5
    SCASE "REPNE CMPSW ends before", MEM - 3, MEM - 40, 9, repne cmpsw
    SCASE "REPE SCASB", 0, MEM - 3, 9, repe scasb
    SHOWM "fl", [x_fl], 0x8d5
    SCASE "REPE SCASD across", 0, MEM - 6, 9, repe scasd
    SCASE "SCASB", 0, MEM, 9, scasb
    SCASE "CMPSB, both", MEM, MEM + 1, 9, cmpsb
%macro BACK 1
        std
        %1
%endmacro
    SCASE "down, REP MOVSB", 0x40002002, 0x40000800, 9, BACK {rep movsb}
    SCASE "down, REP MOVSD across", 0x40000400, 0x40003006, 9, BACK {rep movsd}
    SCASE "down, REP STOSQ", 0, 0x40003010, 9, BACK {rep stosq}
    SCASE "down, REP LODSW", 0x40002002, 0, 9, BACK {rep lodsw}
    SCASE "down, REPE SCASB", 0, 0x40002002, 9, BACK {repe scasb}
    SCASE "down, REPE CMPSW", 0x40002003, 0x40000800, 9, BACK {repe cmpsw}
    SCASE "32-bit addresses", MEM - 20, MEM - 3, 9, a32 rep movsb
    SCASE "32-bit addresses, upper halves go", 0x1200000000 + MEM - 20, 0x3400000000 + MEM - 3, 2, a32 rep movsb
    SCASE "32-bit addresses, none", 0x1200000000 + MEM, 0x3400000000 + MEM, 0, a32 rep movsb
    SCASE "none does not touch, MOVS", MEM, MEM, 0, rep movsq
    SCASE "none does not touch, STOS", MEM, MEM, 0, rep stosb
    SCASE "none does not touch, LODS", MEM, MEM, 0, rep lodsb
    SCASE "none does not touch, CMPS", MEM, MEM, 0, repe cmpsb
    SCASE "none does not touch, SCAS", MEM, MEM, 0, repe scasb
    mov edx, 0x80
    SCASE "REP INSB", 0, MEM - 3, 9, rep insb
    SCASE "REP INSD across", 0, MEM - 6, 9, rep insd
    SCASE "REP INSW read-only", 0, MEM + 0xffe, 9, rep insw
    SCASE "REP OUTSB", MEM - 3, 0, 9, rep outsb
    SCASE "REP OUTSW across", MEM - 3, 0, 9, rep outsw
    SCASE "down, REP INSB", 0, 0x40003002, 9, BACK {rep insb}
    SCASE "none does not touch, INS and OUTS", MEM, MEM, 0, INOUT
    ; -- and goes on
    mov word [idt + 14 * 16], ADDR(pager)
    FILL
    CASE "REP MOVSB goes on"
        mov rsi, MEM - 0x800
        mov rdi, MEM - 0x10
        mov ecx, 0x20
        rep movsb
        mov rax, [0x21000]
    END
    SHOW "si", rsi
    SHOW "di", rdi
    SHOW "cx", rcx
    SHOW "data", rax
    SHOW "faults", [pager_count]
    FILL
    call unmap
    CASE "REPE CMPSB goes on"
        mov rsi, MEM - 8
        mov rdi, MEM - 0x100
        mov ecx, 0x10
        mov byte [0x21003], 0x22
        repe cmpsb
    END
    SHOW "si", rsi
    SHOW "di", rdi
    SHOW "cx", rcx
    SHOW "faults", [pager_count]
    call unmap
    CASE "store across goes on"
        mov rax, 0x8877665544332211
        mov [MEM - 3], rax
        mov rbx, [0x20ffd]
        mov rcx, [0x21000]
    END
    SHOW "low", rbx
    SHOW "high", rcx
    SHOW "faults", [pager_count]
    call unmap
    CASE "CALL m64 with both pages away"
        mov qword [0x21008], .called
        mov rsp, MEM + 8
        call [rsp]
.called:
        mov rbx, rsp
        mov esp, STACK_TOP
    END
    SHOW "rsp", rbx
    SHOW "faults", [pager_count]
    mov word [idt + 14 * 16], ADDR(stubs) + 14 * 16
    call unmap
    ; -- operands
    MCASE "MOV to memory", mov [rbx], rax
    MCASE "MOV from memory", mov rax, [rbx]
    MCASE "ADD to memory", add [rbx], eax
    MCASE "LOCK XADD", lock xadd [rbx], eax
    MCASE "XADD", xadd [rbx], rcx
    MCASE "XCHG", xchg [rbx], ecx
    MCASE "CMPXCHG", cmpxchg [rbx], ecx
    MCASE "CMPXCHG8B", cmpxchg8b [rbx]
    MCASE "INC", inc dword [rbx]
    MCASE "NEG", neg word [rbx]
    MCASE "RCL", rcl dword [rbx], cl
    MCASE "SHLD", shld [rbx], edx, 5
    MCASE "BTS by a register", bts [rbx], ecx
    MBEGIN "BTS far away"
        mov rcx, 8 * 8
        bts [rbx - 7], rcx
    MEND
    MCASE "MUL", mul dword [rbx]
    MCASE "DIV", div dword [rbx]
    MCASE "IMUL", imul rax, [rbx], 3
    MBEGIN "XLAT"
        mov rbx, MEM - 1
        xlatb
        mov rbx, MEM - 1
    MEND
    MCASE "MOVBE store", movbe [rbx], eax
    MCASE "SETC", setc [rbx + 1]
    MCASE "MOVSX", movsx eax, word [rbx]
    MBEGIN "CMOV not taken"
        cmp eax, eax
        cmovne rax, [rbx]
    MEND
    MCASE "PUSH m", push qword [rbx]
    MBEGIN "POP m"
        push 5
        pop qword [rbx - 3]
    MEND
    SHOW "rsp", rsp
    MBEGIN "PUSH onto the gap"
        mov rsp, MEM + 8
        push rax
    MEND
    SHOW "rsp", rsp
    MBEGIN "PUSH across"
        mov rsp, MEM + 4
        push rax
    MEND
    MBEGIN "POP"
        mov rsp, MEM - 4
        pop rax
    MEND
    MBEGIN "CALL"
        mov rsp, MEM + 8
        call changed
    MEND
    MBEGIN "RET"
        mov rsp, MEM - 4
        ret
    MEND
    MBEGIN "ENTER"
        mov rsp, MEM + 4
        enter 0, 0
    MEND
    MBEGIN "ENTER, frame on the gap"
        mov rsp, 0x40003080
        enter 0x100, 0
    MEND
    MBEGIN "ENTER, display"
        mov rsp, MEM - 0x800
        mov rbp, MEM + 4
        enter 0, 2
    MEND
    mov rbp, MEM - 1
    MCASE "LEAVE", leave
    MBEGIN "IRETQ"
        mov rsp, MEM - 16
        iretq
    MEND
    MCASE "LGDT", lgdt [rbx]
    MCASE "SIDT", sidt [rbx - 4]
    MCASE "FLD m80", fld tword [rbx]
    MBEGIN "FSTP m80"
        fninit
        fldz
        fstp tword [rbx - 4]
        fnop
    MEND
    MCASE "MOVUPS store", movups [rbx - 3], xmm0
    MBEGIN "FNSAVE"
        fninit
        fnsave [rbx - 50]
    MEND
    MBEGIN "FXSAVE"
        fxsave [rbx - 0xff]
    MEND
    MCASE "CMPXCHG16B", cmpxchg16b [rbx + 1]
    MCASE "PREFETCH", prefetcht0 [rbx + 1]
    MBEGIN "read-only, ADD of nothing"
        mov rbx, MEM + 0x1000
        add dword [rbx], 0
    MEND
    mov rbx, MEM - 1
    MBEGIN "read-only, CMPXCHG that fails"
        mov rbx, MEM + 0x1000
        cmpxchg [rbx], ecx
    MEND
    MBEGIN "read-only, BT"
        mov rbx, MEM + 0x1000
        bt dword [rbx], 1
    MEND
    MBEGIN "read-only, SHL by 0"
        mov rbx, MEM + 0x1000
        mov cl, 0
        shl dword [rbx], cl
    MEND
    MBEGIN "gap, SHL by 0"
        mov cl, 0
        shl dword [rbx], cl
    MEND
    FINISH
; Maps the page.
pager:
    push rax
    mov dword [0x16008], 0x21007
    inc qword [pager_count]
    mov rax, cr2
    invlpg [rax]
    pop rax
    add rsp, 8
    iretq
unmap:
    mov dword [0x16008], 0
    mov rax, MEM
    invlpg [rax]
    mov qword [pager_count], 0
    ret
; What a case has changed.
changed:
    push rsi
    push rax
    mov rsi, 0x0101010101010101
    cmp rax, rsi
    je .rax
    SHOW "rax", rax
.rax:
    mov rsi, 0x0303030303030303
    cmp rcx, rsi
    je .rcx
    SHOW "rcx", rcx
.rcx:
    mov rsi, 0x0404040404040404
    cmp rdx, rsi
    je .rdx
    SHOW "rdx", rdx
.rdx:
    cmp rbx, MEM - 1
    je .rbx
    SHOW "rbx", rbx
.rbx:
    cmp rbp, MEM - 1
    je .rbp
    SHOW "rbp", rbp
.rbp:
    mov rax, [LOW + 0xff8]
    mov rsi, 0x1111111111111111
    cmp rax, rsi
    je .memory
    SHOW "memory", rax
.memory:
    pop rax
    pop rsi
    SHOW "cr2", [x_cr2]
    ret
show_string:
    cld
    SHOW "si", rsi
    SHOW "di", rdi
    SHOW "cx", rcx
    SHOW "cr2", [x_cr2]
    ret
align 8
pager_count: dq 0
SNIP_DATA
