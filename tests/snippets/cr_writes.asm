; SPDX-License-Identifier: LGPL-2.1-or-later
; Writes to CR0, CR3, CR4, CR8, EFER and XCR0 in 64-bit mode, bit by bit and in forbidden combinations; registers that are not there;
; LMSW, SMSW, CLTS. What legacy modes add is in long_entry. SDM vol. 3, 2.5, 2.2.1, 2.6; vol. 2, MOV to control registers, LMSW, XSETBV.
;
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%include "bits.inc"
%define LEVEL3_CODE
%macro WRITE_CR 3               ; name, register, value
    CASE %1
        mov rax, %3
        mov %2, rax
    END
%endmacro
%macro XSETBV 2
    CASE %1
        mov eax, %2
        xor edx, edx
        xor ecx, ecx
        xsetbv
    END
%endmacro
START
    call tables_init
    mov rax, cr0
    mov [home_cr0], rax
    BITS "CR0 bits", try_cr0, undo_cr0
    WRITE_CR "CR0, CD and NW", cr0, 0xe0000011
    mov rax, [home_cr0]
    mov cr0, rax
    BITS "CR3 low bits", try_cr3, undo_cr3
    BITS "CR8 bits", try_cr8, undo_cr8
    CASE "CR8, 15"
        mov eax, 15
        mov cr8, rax
        xor eax, eax
        mov rax, cr8
    END
    SHOW "", rax
    CASE "CR8, 16"
        mov eax, 16
        mov cr8, rax
    END
    SHOW "", cr8
    mov ebx, 0xfee00000
    CASE "CR8 is the task priority's upper half"
        mov eax, [rbx + 0x80]
    END
    SHOW "tpr", rax
    CASE "and the other way"
        mov dword [rbx + 0x80], 0x7f
        mov rax, cr8
        mov dword [rbx + 0x80], 0
    END
    SHOW "", rax
    BITS "EFER bits", try_efer, undo_efer
    CASE "EFER, LME clear"
        mov ecx, 0xc0000080
        rdmsr
        btr eax, 8
        wrmsr
    END
    CASE "EFER, LMA clear"
        mov ecx, 0xc0000080
        rdmsr
        btr eax, 10
        wrmsr
    END
    CASE "EFER, LME and LMA clear"
        xor eax, eax
        xor edx, edx
        wrmsr
    END
    CASE "EFER, as it is"
        mov ecx, 0xc0000080
        rdmsr
        wrmsr
        rdmsr
    END
    SHOWM "", rax, 0x500
; -- XCR0 --------------------------------------------------------------------------------------------------------------------------
    NEED "XCR0", 1, 0, ecx, 28, .no_xsave
    CR_SET cr4, 0x40200
    BITS "XCR0 bits", try_xcr0, undo_xcr0
    XSETBV "XCR0, none", 0
    XSETBV "XCR0, x87", 1
    XSETBV "XCR0, SSE without x87", 2
    XSETBV "XCR0, SSE", 3
    XSETBV "XCR0, AVX without SSE", 5
    XSETBV "XCR0, AVX without x87", 6
    XSETBV "XCR0, AVX", 7
    CASE "XCR0, it has been set"
        xor ecx, ecx
        xgetbv
    END
    SHOW "", rax
    XSETBV "XCR0, BNDREGS without BNDCSR", 0xf
    XSETBV "XCR0, opmask alone", 0x27
    XSETBV "XCR0, all ones", 0xffffffff
    CASE "XCR1"
        mov ecx, 1
        mov eax, 1
        xor edx, edx
        xsetbv
    END
    CASE "XCR2, read"
        mov ecx, 2
        xgetbv
    END
    CASE "XCR0, read with the upper half of RCX"
        mov rcx, 0x100000000
        mov rdx, -1
        xgetbv
    END
    SHOW "rdx", rdx
    CASE "XSETBV at level 3"
        xor ecx, ecx
        xor edx, edx
        mov eax, 1
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "XGETBV at level 3"
        xor ecx, ecx
        LEVEL3 0, USER_PAGE + 0x210
    END
    CR_CLEAR cr4, 0x40000
    CASE "XSETBV without OSXSAVE"
        xsetbv
    END
    CASE "XGETBV without OSXSAVE"
        xgetbv
    END
    CASE "XSETBV without OSXSAVE at level 3"
        LEVEL3 0, USER_PAGE + 0x200
    END
    CASE "LOCK XSETBV"
        db 0xf0
        xsetbv
    END
.no_xsave:
; -- registers -----------------------------------------------------------------------------------------------------------------------
    %macro MOV_CR 2             ; name, opcode
    %assign n 0
    %rep 16
        %if n != 0 && n != 2 && n != 3 && n != 4 && n != 8
            %defstr digits n
            %strcat text %1, digits
            CASE text
                xor eax, eax
                db 0x40 | (n >> 3 << 2), 0x0f, %2, 0xc0 | ((n & 7) << 3)
            END
        %endif
        %assign n n + 1
    %endrep
    %endmacro
    MOV_CR "read of CR", 0x20
    MOV_CR "write of CR", 0x22
    CASE "read of CR3 at level 3"
        LEVEL3 0, USER_PAGE + 0x220
    END
    CASE "write of CR8 at level 3"
        LEVEL3 0x3000, USER_PAGE + 0x230
    END
    CASE "LOCK read of CR3"
        db 0xf0
        mov rax, cr3
    END
    CASE "ModRM's mode means nothing"
        db 0x0f, 0x20, 0x1b             ; rm 3
    END
    SHOW "rbx", rbx
    CASE "nor does it with a displacement's or a SIB's value"
        db 0x0f, 0x20, 0x9c             ; rm 4: RSP
        ud2
    END
    SHOW "rsp", [x_sp]
    CASE "66 and REX.W mean nothing"
        mov rbx, -1
        db 0x66
        mov rbx, cr3
        mov rax, -1
        db 0x48
        mov rax, cr3
    END
    SHOW "rbx", rbx
    SHOW "rax", rax
    CASE "CR2 is of 64 bits"
        mov rax, 0x123456789abcdef0
        mov cr2, rax
        xor eax, eax
        mov rax, cr2
    END
    SHOW "", rax
    CASE "in compatibility mode they are of 32 bits"
        mov rbx, -1
        push CODE0
        push .compat2
        o64 retf
        bits 32
.compat2:
        mov ebx, cr2
        ud2
        bits 64
    END
    SHOW "rbx", rbx
    CASE "in compatibility mode a write clears the upper half"
        mov rax, -1
        mov cr2, rax
        push CODE0
        push .compat3
        o64 retf
        bits 32
.compat3:
        mov cr2, eax
        ud2
        bits 64
    END
    SHOW "cr2", [x_cr2]
; -- LMSW, SMSW, CLTS ----------------------------------------------------------------------------------------------------------------
    %macro LMSW_CASE 2
    CASE %1
        mov eax, %2
        lmsw ax
    END
    SHOWM "cr0", cr0, 0x7fffffff
    mov rax, [home_cr0]
    mov cr0, rax
    %endmacro
    LMSW_CASE "LMSW of 0 leaves PE", 0
    LMSW_CASE "LMSW, MP EM TS", 0xe
    LMSW_CASE "LMSW, no other bits", 0xfff0
    CASE "LMSW clears them"
        mov eax, 0xf
        lmsw ax
        xor eax, eax
        lmsw ax
    END
    SHOWM "cr0", cr0, 0x7fffffff
    CASE "LMSW reads a word"
        mov rbx, LIN + 0xffe
        mov word [PAGE_A + 0xffe], 8
        ENTRIES ENTRY3 + 7, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
        lmsw [rbx]
        fwait
        fninit
    END
    CASE "LMSW over the end of a page"
        lmsw [rbx + 1]
    END
    CASE "CLTS"
        clts
        fninit
    END
    CASE "SMSW of 16 bits"
        mov rax, -1
        smsw ax
    END
    SHOW "", rax
    CASE "SMSW of 32 bits"
        mov rax, -1
        smsw eax
    END
    SHOW "", rax
    CASE "SMSW of 64 bits"
        mov rax, -1
        smsw rax
    END
    SHOW "", rax
    CASE "SMSW to memory"
        mov qword [bits_try], 0xffffff
        smsw [bits_try]
    END
    SHOW "", [bits_try]
    CASE "LMSW at level 3"
        LEVEL3 0, USER_PAGE + 0x240
    END
    CASE "CLTS at level 3"
        LEVEL3 0x3000, USER_PAGE + 0x250
    END
    CASE "LOCK LMSW"
        db 0xf0
        lmsw ax
    END
    CASE "LOCK CLTS"
        db 0xf0
        clts
    END
    FINISH
PAGING_DATA
USER_CODE
    xsetbv
    ud2
align 16, nop
    xgetbv
    ud2
align 16, nop
    mov rax, cr3
    ud2
align 16, nop
    mov cr8, rax
    ud2
align 16, nop
    lmsw ax
    ud2
align 16, nop
    clts
    ud2
USER_CODE_END

BITS_DATA
try_cr0:
    cmp r8d, 0                  ; PE, PG: below
    je bits_not
    cmp r8d, 31
    je bits_not
    TRY_CR cr0, 0
undo_cr0:
    mov rax, [home_cr0]
    mov cr0, rax
    ret
try_cr3:
    mov dword [bits_count], 12
    mov r9, cr3
    mov r10, r9
    btc r10, r8
    xor r11d, r11d
    mov cr3, r10                ; what is read back of bits that mean nothing is not looked at
    ud2
undo_cr3:
    mov eax, 0x11000
    mov cr3, rax
    ret
try_cr8:
    TRY_CR cr8, 0
undo_cr8:
    xor eax, eax
    mov cr8, rax
    ret
try_efer:
    cmp r8d, 13                 ; AMD's LMSLE has no bit of CPUID everywhere
    je bits_not
    mov ecx, 0xc0000080
    rdmsr
    mov [bits_regs], eax
    mov [bits_regs + 4], edx
    mov r9, [bits_regs]
    mov r10, r9
    mov r11, efer_list
    mov rax, r9
    btc rax, r8
    mov rdx, rax
    shr rdx, 32
    wrmsr
    rdmsr
    shl rdx, 32
    lea r10, [rax + rdx]
    ud2
undo_efer:
    mov ecx, 0xc0000080
    mov eax, 0x500
    xor edx, edx
    wrmsr
    ret
try_xcr0:
    mov r9d, 7
    mov r11, xcr0_list
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    cmp r8d, 1                  ; without SSE, AVX has to go, too
    jne .both
    mov r9d, 3
    mov eax, 3
.both:
    xsetbv
    mov r10, r9
    mov rax, r9
    btc rax, r8
    mov rdx, rax
    shr rdx, 32
    xsetbv
    xgetbv
    shl rdx, 32
    lea r10, [rax + rdx]
    ud2
undo_xcr0:
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    xsetbv
    ret

align 8
efer_list:
    FEATURE 0, 0x80000001, 0, 3, 11     ; SCE
    FEATURE 11, 0x80000001, 0, 3, 20    ; NXE
    FEATURE 12, 0x80000001, 0, 2, 2     ; SVME
    FEATURE 14, 0x80000001, 0, 3, 25    ; FFXSR
    FEATURE 15, 0x80000001, 0, 2, 17    ; TCE
    FEATURE 17, 0x80000008, 0, 1, 8     ; MCOMMIT
    FEATURE 18, 0x80000008, 0, 1, 13    ; INTWB
    FEATURE 20, 0x80000021, 0, 0, 7     ; UAI
    FEATURE 21, 0x80000021, 0, 0, 8     ; AIBRS
    dd -1
xcr0_list:
    FEATURE 9, 13, 0, 0, 9              ; PKRU
    FEATURE 62, 13, 0, 3, 30            ; LWP
    dd -1
align 8
home_cr0: dq 0
SNIP_DATA
