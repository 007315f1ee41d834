; SPDX-License-Identifier: LGPL-2.1-or-later
; Addresses that are not canonical: operands, stacks, branches, tables, MSRs. SDM vol. 1, 3.3.7.1; vol. 2 of each instruction.
%define HOME 64
%include "snip.inc"
%define HOLE 0x0000800000000000
; in a register, what 57 bits could hold is not refused by a processor that has 5-level paging
%define BEYOND 0x0100000000000000
%define TOPHALF 0xffff7fffffffffff
; the last page below the hole is the one at 20000h
%define LAST 0x00007ffffffff000
%macro WRITE_MSR 2
        mov rax, %2
        mov rdx, rax
        shr rdx, 32
        mov ecx, %1
        wrmsr
%endmacro
%macro MSR_CASE 2
    CASE %1
        WRITE_MSR %2, BEYOND
    END
%endmacro
START
    mov edi, 0x15000
    mov ecx, 0x3000 / 4
    xor eax, eax
    rep stosd
    mov dword [0x11000 + 255 * 8], 0x15007
    mov dword [0x15000 + 511 * 8], 0x16007
    mov dword [0x16000 + 511 * 8], 0x17007
    mov dword [0x17000 + 511 * 8], 0x20007
    mov edi, 0x20000
    mov ecx, 0x1000
    mov al, 0x90
    rep stosb
    CASE "load, last byte is beyond"
        mov rbx, HOLE - 7
        mov rax, [rbx]
    END
    CASE "load, last byte is within"
        mov rbx, HOLE - 8
        mov rax, [rbx]
    END
    CASE "load below the upper half"
        mov rbx, TOPHALF
        mov ax, [rbx]
    END
    CASE "address sum that wraps into the hole"
        mov rbx, 0x7fffffffffffffff
        mov al, [rbx + rbx]
    END
    CASE "store by RBP"
        mov rbp, HOLE
        mov [rbp], al
    END
    CASE "store by RSP"
        mov rsp, HOLE
        mov [rsp], al
    END
    CASE "store by RBP with DS"
        mov rbp, HOLE
        db 0x3e
        mov [rbp], al
    END
    CASE "store by RBX with SS"
        mov rbx, HOLE
        db 0x36
        mov [rbx], al
    END
    CASE "store by RBP as index"
        mov rbp, HOLE
        mov [nosplit rbp * 1], al
    END
    CASE "store by RBP with FS"
        mov rbp, HOLE
        mov [fs:rbp], al
    END
    CASE "moffs"
        mov rax, [abs qword 0x8000000000000000]
    END
    CASE "PUSH"
        mov rsp, HOLE + 8
        push rax
    END
    CASE "POP"
        mov rsp, HOLE
        pop rax
    END
    CASE "CALL, stack"
        mov rsp, HOLE + 8
        call .call
.call:
    END
    CASE "RET, stack"
        mov rsp, HOLE - 4
        ret
    END
    CASE "ENTER"
        mov rsp, HOLE + 8
        enter 0, 0
    END
    CASE "LEAVE"
        mov rbp, HOLE
        leave
    END
    CASE "IRETQ, stack"
        mov rsp, HOLE - 16
        iretq
    END
    CASE "string, source"
        mov rsi, HOLE
        lodsb
    END
    CASE "string, destination"
        mov rdi, HOLE
        stosb
    END
    CASE "REP of none"
        mov rdi, HOLE
        xor ecx, ecx
        rep stosb
    END
    CASE "REP into the hole"
        mov rdi, HOLE - 3
        mov ecx, 10
        mov al, 0x90
        rep stosb
    END
    SHOW "rcx", rcx
    SHOW "rdi", rdi
    CASE "JMP r64"
        mov rax, HOLE
        jmp rax
    END
    CASE "JMP m64"
        mov rax, HOLE
        mov [data], rax
        jmp [data]
    END
    CASE "CALL r64"
        mov rax, HOLE
        call rax
    END
    SHOW "rsp", rsp
    CASE "RET"
        mov rax, HOLE
        push rax
        ret
    END
    CASE "RET imm"
        mov rax, HOLE
        push rax
        ret 8
    END
    CASE "RETF"
        mov rax, HOLE
        push CODE64
        push rax
        o64 retf
    END
    CASE "IRETQ"
        push DATA0
        push STACK_TOP
        push 2
        push CODE64
        mov rax, HOLE
        push rax
        iretq
    END
    CASE "IRETQ to level 3, RSP"
        push DATA3
        mov rax, HOLE
        push rax
        push 2
        push CODE643
        push .iret
        iretq
.iret:
        int 0x30
    END
    SHOW "rsp", [x_sp]
    CASE "JMP rel into the hole"
        mov word [0x20ff0], 0x0eeb
        mov rax, LAST + 0xff0
        jmp rax
    END
    SHOW "ip", [x_ip]
    CASE "JMP rel across the hole"
        mov byte [0x20ff0], 0xe9
        mov dword [0x20ff1], 0x7fffffff
        mov rax, LAST + 0xff0
        jmp rax
    END
    SHOW "ip", [x_ip]
    CASE "Jcc into the hole, not taken"
        mov dword [0x20ff0], 0xff310e74      ; jz +14; xor edi, edi
        mov dword [0x20ff4], 0x0b0f0b0f      ; ud2
        xor eax, eax
        inc eax
        mov rax, LAST + 0xff0
        jmp rax
    END
    SHOW "ip", [x_ip]
    CASE "CALL rel into the hole"
        mov byte [0x20ff0], 0xe8
        mov dword [0x20ff1], 0xb
        mov rax, LAST + 0xff0
        jmp rax
    END
    SHOW "ip", [x_ip]
    SHOW "rsp", rsp
    CASE "LOOP into the hole"
        mov word [0x20ff0], 0x0ee2
        mov ecx, 2
        mov rax, LAST + 0xff0
        jmp rax
    END
    SHOW "ip", [x_ip]
    SHOW "rcx", rcx
    CASE "run into the hole"
        mov rax, 0x9090909090909090
        mov [0x20ff0], rax
        mov [0x20ff8], rax
        mov rax, LAST + 0xffe
        jmp rax
    END
    SHOW "ip", [x_ip]
    CASE "instruction that reaches into the hole"
        mov byte [0x20fff], 0xb8
        mov rax, LAST + 0xfff
        jmp rax
    END
    SHOW "ip", [x_ip]
    mov byte [0x20fff], 0x90
    CASE "LGDT operand"
        mov rbx, HOLE
        lgdt [rbx]
    END
    CASE "INVLPG"
        mov rbx, HOLE
        invlpg [rbx]
    END
    CASE "CLFLUSH"
        mov rbx, HOLE
        clflush [rbx]
    END
    CASE "PREFETCH and NOP"
        mov rbx, HOLE
        prefetcht0 [rbx]
        nop dword [rbx]
        lea rax, [rbx + 1]
    END
    MSR_CASE "FS base", 0xc0000100
    MSR_CASE "GS base", 0xc0000101
    MSR_CASE "KERNEL_GS_BASE", 0xc0000102
    MSR_CASE "LSTAR", 0xc0000082
    MSR_CASE "CSTAR", 0xc0000083
    CASE "FS base in the upper half"
        WRITE_MSR 0xc0000100, 0xffff800000000000
        mov al, [fs:0]
    END
    CASE "FS base makes the address"
        WRITE_MSR 0xc0000100, 0x00007ffffffff000
        mov al, [fs:0xfff]
        mov al, [fs:0x1000]
    END
    CASE "address that is canonical without FS base only"
        WRITE_MSR 0xc0000100, 0x10
        mov rbx, HOLE - 8
        mov al, [fs:rbx]
    END
    CASE "address that is canonical by FS base only"
        WRITE_MSR 0xc0000100, 0x00007ffffffff000
        mov rbx, 0xffff800000001000
        mov al, [fs:rbx]
    END
    WRITE_MSR 0xc0000100, 0
    CASE "32-bit addresses with FS base"
        WRITE_MSR 0xc0000100, 0x00007fff00000000
        mov ebx, 0xffffff00
        mov al, [fs:ebx]
    END
    CASE "gate to the hole"
        mov eax, [idt + 6 * 16 + 8]
        push rax
        mov dword [idt + 6 * 16 + 8], 0x8000
        ud2
    END
    mov dword [idt + 6 * 16 + 8], 0
    CASE "FXSAVE"
        mov rax, cr4
        or eax, 0x200
        mov cr4, rax
        mov rbx, HOLE
        fxsave [rbx]
    END
    CASE "FLD m80 by RBP"
        mov rbp, HOLE - 9
        fld tword [rbp]
    END
    CASE "MOVUPS across"
        mov rbx, HOLE - 15
        movups xmm0, [rbx]
    END
    CASE "BT with an index out of the half"
        mov rax, HOLE * 8 / 8
        shl rax, 3
        xor ebx, ebx
        bt [rbx], rax
    END
    CASE "XLAT"
        mov rbx, HOLE - 1
        mov al, 1
        xlatb
    END
    CASE "CMPXCHG16B, odd and not canonical"
        mov rbx, HOLE + 8
        cmpxchg16b [rbx]
    END
    CASE "LLDT, base of the descriptor"
        SETDESC 0x48, 0, 0xffff, 0x82, 0
        mov dword [gdt + 0x50], BEYOND >> 32
        mov dword [gdt + 0x54], 0
        mov eax, 0x48
        lldt ax
    END
    CASE "LTR, base of the descriptor"
        SETDESC 0x48, 0, 0xffff, 0x89, 0
        mov eax, 0x48
        ltr ax
    END
    CASE "LGDT base"
        mov word [data], 0x7f
        mov rax, BEYOND
        mov [data + 2], rax
        lgdt [data]
    END
    CASE "LIDT base"
        lidt [data]
    END
    FINISH
align 16
data: times 32 db 0
SNIP_DATA
