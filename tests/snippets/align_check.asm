; SPDX-License-Identifier: LGPL-2.1-or-later
; Alignment checks: CR0.AM, EFLAGS.AC, level 3. SDM vol. 3, 6.15 (#AC, table 6-7). The widths of what the manual leaves open
; (vectors that need not be aligned, masked and gathered ones) are those seen on a CPU, and left out.
%define HOME 64
%include "snip.inc"
%define D data
%macro LEVEL3 1
        push DATA3
        push USER_TOP
        push (%1) | 2
        push CODE643
        push %%code
        iretq
%%code:
%endmacro
%define AC 0x40000
%macro UCASE 2+
    CASE %1
        mov ebx, D
        mov edx, 0
        mov ecx, 1
        LEVEL3 AC
        %2
        int 0x30
    END
%endmacro
START
    mov rax, cr4
    or eax, 0x600
    mov cr4, rax
    UCASE "without CR0.AM", mov ax, [rbx + 1]
    mov rax, cr0
    or eax, 0x40000
    mov cr0, rax
    CASE "without EFLAGS.AC"
        mov ebx, D
        LEVEL3 0
        mov ax, [rbx + 1]
        int 0x30
    END
    CASE "level 0"
        mov ebx, D
        pushfq
        or dword [rsp], AC
        popfq
        mov ax, [rbx + 1]
        pushfq
        and dword [rsp], ~AC
        popfq
    END
    UCASE "byte", mov al, [rbx + 1]
    UCASE "word", mov ax, [rbx + 1]
    SHOWM "fl", [x_fl], 0x50000
    UCASE "word, even", mov ax, [rbx + 2]
    UCASE "dword", mov eax, [rbx + 2]
    UCASE "dword, at 4", mov eax, [rbx + 4]
    UCASE "qword", mov rax, [rbx + 4]
    UCASE "store", mov [rbx + 2], eax
    UCASE "read-modify-write", inc dword [rbx + 2]
    UCASE "LOCK", lock inc dword [rbx + 2]
    UCASE "XCHG", xchg [rbx + 1], ax
    UCASE "MOVZX", movzx eax, word [rbx + 1]
    UCASE "BT, dword", bt dword [rbx + 2], 1
    UCASE "BT by a register", bt [rbx + 3], ecx
    UCASE "CMPXCHG8B", cmpxchg8b [rbx + 4]
    UCASE "CMPXCHG16B has #GP", cmpxchg16b [rbx + 8]
    UCASE "LGS at 2", lgs eax, [rbx + 2]
    UCASE "LGS at 4", lgs eax, [rbx + 4]
    UCASE "LGS of 16 bits at 2", o16 lgs ax, [rbx + 2]
    UCASE "LGS of 16 bits at 1", o16 lgs ax, [rbx + 1]
    UCASE "SGDT at 2", sgdt [rbx + 2]
    UCASE "SGDT at 0", sgdt [rbx]
    UCASE "SGDT at 1", sgdt [rbx + 1]
    UCASE "SLDT at 1", sldt [rbx + 1]
    UCASE "FLD of 32 bits", fld dword [rbx + 2]
    UCASE "FLD of 64 bits", fld qword [rbx + 4]
    UCASE "FLD of 80 bits at 4", fld tword [rbx + 4]
    UCASE "FLD of 80 bits at 8", fld tword [rbx + 8]
    UCASE "FBLD at 4", fbld [rbx + 4]
    UCASE "FNSTCW", fnstcw [rbx + 1]
    UCASE "FNSTENV at 2", fnstenv [rbx + 2]
    UCASE "FNSTENV at 4", fnstenv [rbx + 4]
    UCASE "FNSTENV of 16 bits at 2", o16 fnstenv [rbx + 2]
    UCASE "FNSTENV of 16 bits at 1", o16 fnstenv [rbx + 1]
    UCASE "FNSAVE at 2", fnsave [rbx + 2]
    UCASE "FXSAVE at 8", fxsave [rbx + 8]
    UCASE "MOVQ mm", movq mm0, [rbx + 4]
    UCASE "MOVSS", movss xmm0, [rbx + 2]
    UCASE "MOVSD", movsd xmm0, [rbx + 4]
    UCASE "MOVLPS", movlps xmm0, [rbx + 4]
    UCASE "MOVAPS has #GP", movaps xmm0, [rbx + 8]
    UCASE "STMXCSR", stmxcsr [rbx + 2]
    UCASE "PREFETCH", prefetcht0 [rbx + 1]
    UCASE "CLFLUSH", clflush [rbx + 1]
    UCASE "LEA", lea rax, [rbx + 1]
    UCASE "NOP", nop dword [rbx + 1]
    UCASE "FS base counts", {mov ax, [fs:rbx]}
    mov ecx, 0xc0000100
    mov eax, 1
    xor edx, edx
    wrmsr
    UCASE "FS base makes it odd", {mov ax, [fs:rbx]}
    UCASE "FS base makes it even", {mov ax, [fs:rbx + 1]}
    mov ecx, 0xc0000100
    xor eax, eax
    xor edx, edx
    wrmsr
    CASE "PUSH"
        LEVEL3 AC
        lea rsp, [rsp - 12]
        push rax
        int 0x30
    END
    CASE "POP"
        LEVEL3 AC
        lea rsp, [rsp - 12]
        pop rax
        int 0x30
    END
    CASE "PUSH of a word at 2"
        LEVEL3 AC
        lea rsp, [rsp - 14]
        push ax
        int 0x30
    END
    CASE "CALL"
        LEVEL3 AC
        lea rsp, [rsp - 12]
        call .call
.call:
        int 0x30
    END
    CASE "RET"
        mov qword [USER_TOP - 12], .ret
        LEVEL3 AC
        lea rsp, [rsp - 12]
        ret
.ret:
        int 0x30
    END
    CASE "ENTER"
        LEVEL3 AC
        lea rsp, [rsp - 12]
        enter 0, 0
        int 0x30
    END
    CASE "LEAVE"
        LEVEL3 AC
        lea rbp, [rsp - 12]
        leave
        int 0x30
    END
    CASE "RETF"
        mov qword [USER_TOP - 62], .retf
        mov qword [USER_TOP - 54], CODE643
        LEVEL3 AC
        lea rsp, [rsp - 62]
        o64 retf
.retf:
        int 0x30
    END
    CASE "IRETQ"
        mov qword [USER_TOP - 62], .iret
        mov qword [USER_TOP - 54], CODE643
        mov qword [USER_TOP - 46], 2
        mov qword [USER_TOP - 38], USER_TOP
        mov qword [USER_TOP - 30], DATA3
        LEVEL3 AC
        lea rsp, [rsp - 62]
        iretq
.iret:
        int 0x30
    END
    CASE "POPF that clears AC, odd stack"
        mov qword [USER_TOP - 12], 2
        LEVEL3 AC
        lea rsp, [rsp - 12]
        popfq
        int 0x30
    END
    CASE "POPF sets AC"
        LEVEL3 0
        mov ebx, D
        push AC | 2
        popfq
        mov ax, [rbx + 1]
        int 0x30
    END
    CASE "INT uses level 0's stack"
        mov qword [tss0 + 4], RING0_TOP + 4
        LEVEL3 AC
        int 0x30
    END
    mov qword [tss0 + 4], RING0_TOP
    CASE "REP MOVSW"
        mov esi, D
        mov edi, D + 33
        mov ecx, 4
        LEVEL3 AC
        rep movsw
        int 0x30
    END
    SHOW "cx", rcx
    CASE "LODSD"
        mov esi, D + 2
        LEVEL3 AC
        lodsd
        int 0x30
    END
    CASE "OUTSD"
        mov esi, D + 2
        mov edx, 0x80
        LEVEL3 AC | 0x3000
        outsd
        int 0x30
    END
    CASE "INSW"
        mov edi, D + 1
        mov edx, 0x80
        LEVEL3 AC | 0x3000
        insw
        int 0x30
    END
    CASE "far CALL, slots of 4 bytes"
        mov dword [D], .far
        mov word [D + 4], CODE643
        mov ebx, D
        LEVEL3 AC
        sub esp, 4
        call dword far [rbx]
.far:
        int 0x30
    END
    CASE "#GP is before #AC"
        mov rbx, 0x0000800000000001
        LEVEL3 AC
        mov ax, [rbx]
    END
    CASE "IRET to a selector that is looked up"
        LEVEL3 AC
        mov eax, DATA3
        mov ds, ax
        verr ax
        lar ebx, ax
        int 0x30
    END
    CASE "odd GDT is the processor's matter"
        mov esi, gdt
        mov edi, 0x20001
        mov ecx, gdt_end - gdt
        rep movsb
        mov word [D], gdt_end - gdt - 1
        mov qword [D + 2], 0x20001
        lgdt [D]
        LEVEL3 AC
        mov eax, DATA3
        mov ds, ax
        lar ebx, ax
        int 0x30
    END
    lgdt [gdtr]
    FINISH
align 64
data: times 256 db 0
SNIP_DATA
