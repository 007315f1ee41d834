; SPDX-License-Identifier: LGPL-2.1-or-later
; Into long mode and out of it: what is missing when, EFER.LMA on the way, what is refused outside; segment bases, limits and operand
; sizes in 64-bit and compatibility mode, what registers keep. SDM vol. 3, 9.8.5, 3.4.4, 4.4, 2.5; APM vol. 2, 14.6.
%define HOME 32
%include "snip.inc"
%include "paging.inc"
PML4   equ 0x20000
PDPTL  equ 0x21000
PDL    equ 0x22000
PDPT32 equ 0x23000          ; for PAE paging: the same page directory
PD32   equ 0x24000          ; 32-bit paging, 4 MiB pages
IDT64  equ 0x28000
LBASE  equ SPARE            ; data, base 300000h, limit FFFFh
LCODE  equ SPARE + 8        ; code, L set
LTSS16 equ SPARE + 16
LTSS64 equ SPARE + 24       ; two slots
LDATA16 equ SPARE + 40      ; base 300000h, 16 bits, limit FFFh
CODE16B equ SPARE + 48
STORE  equ 0x2000           ; what 64-bit code leaves

%macro SET_MSR 2
    push eax
    push ecx
    push edx
    mov ecx, 0xc0000080
    rdmsr
    %1 eax, %2
    wrmsr
    pop edx
    pop ecx
    pop eax
%endmacro
%define LME 8
; the end of the machine, in any mode: for a processor that takes what it must not
%macro EXIT 0
        mov al, 0
        out 0xf4, al
%endmacro
; everything for long mode but for PG
%macro PREPARE 0
    CR_SET cr4, CR4_PAE
    mov eax, PML4
    mov cr3, eax
    SET_MSR bts, LME
%endmacro
; on with paging, and off; also from where it is not on
%macro PG_ON 0
    CR_SET cr0, CR0_PG
%endmacro
%macro PG_OFF 0
    CR_CLEAR cr0, CR0_PG
%endmacro
%macro UNDO 0
    PG_OFF
    SET_MSR btr, LME
    CR_CLEAR cr4, CR4_PAE | CR4_PSE
%endmacro
%macro SHOW_EFER 1
    mov ecx, 0xc0000080
    rdmsr
    SHOWM %1, eax, 0x500
%endmacro
; in compatibility mode, with the IDT of long mode: %1 is what follows, until LONG_END. Exceptions there come back as at home.
%macro LONG 1
    CASE %1
        PREPARE
        lidt [idtr64]
        PG_ON
%endmacro
%macro LONG_END 0
        jmp .leave_ %+ case_number
    .leave_ %+ case_number:
        PG_OFF
        lidt [idtr]
    END
    UNDO
    %assign case_number case_number + 1
%endmacro
%assign case_number 0
; from compatibility to 64-bit mode, and back
%macro TO64 0
        jmp CODE64:%%to
        bits 64
%%to:
%endmacro
%macro TO32 0
        push CODE0
        push %%to
        o64 retf
        bits 32
%%to:
%endmacro
START
    ; -- tables and segments
    cld
    mov edi, 0x20000
    mov ecx, 0x6000 / 4
    xor eax, eax
    rep stosd
    mov dword [PML4], PDPTL + 7
    mov dword [PDPTL], PDL + 7
    mov dword [PDPT32], PDL + 1
    mov dword [PD32], 0x83
    mov edi, PDL
    mov eax, 0x83
    mov ecx, 16
.pd:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .pd
    mov edi, IDT64
    mov eax, gates64
    mov ecx, 32
.idt:
    mov [edi], ax
    mov word [edi + 2], CODE64
    mov dword [edi + 4], 0x8e00
    mov dword [edi + 8], 0
    mov dword [edi + 12], 0
    add edi, 16
    add eax, 16
    loop .idt
    SETDESC LBASE, 0x300000, 0xffff, 0x93, 4
    SETDESC LCODE, 0, 0xffff, 0x9b, 2
    SETDESC LTSS16, ADDR(tss0), 0x67, 0x81, 0
    SETDESC LDATA16, 0x300000, 0xfff, 0x93, 0
    SETDESC CODE16B, 0, 0xffff, 0x9b, 0
    mov dword [0x300010], 0x33333333
    mov dword [0x10], 0x44444444
; -- what is missing -----------------------------------------------------------------------------------------------------------------
    CASE "no PAE"
        SET_MSR bts, LME
        mov eax, PML4
        mov cr3, eax
        mov eax, cr0
        or eax, CR0_PG
        mov cr0, eax
    END
    SHOW_EFER "efer"
    SHOWM "pg", cr0, CR0_PG
    UNDO
    CASE "CS has L"
        PREPARE
        jmp LCODE:.lcode
        bits 16
.lcode:
        mov eax, cr0
        bts eax, 31
        mov cr0, eax
        jmp dword CODE0:.lback
        bits 32
.lback:
    END
    SHOW_EFER "efer"
    UNDO
    CASE "the TSS has 16 bits"                      ; Intel's refuse that
        mov eax, LTSS16
        ltr ax
        PREPARE
        PG_ON
        mov ecx, 0xc0000080
        rdmsr
        mov ebx, eax
        PG_OFF
    END
    SHOWM "efer", ebx, 0x500
    UNDO
    and byte [gdt + TSS0 + 5], 0xfd                 ; not busy
    mov eax, TSS0
    ltr ax
    CASE "LME under 32-bit paging"
        CR_SET cr4, CR4_PSE
        mov eax, PD32
        mov cr3, eax
        PG_ON
        mov ecx, 0xc0000080
        rdmsr
        bts eax, LME
        wrmsr
    END
    UNDO
    CASE "LME under PAE paging"
        CR_SET cr4, CR4_PAE
        mov eax, PDPT32
        mov cr3, eax
        PG_ON
        mov ecx, 0xc0000080
        rdmsr
        bts eax, LME
        wrmsr
    END
    SHOW_EFER "efer"
    UNDO
    NEED "PCIDE outside", 1, 0, ecx, 17, .no_pcid
    CASE "PCIDE outside, without paging"
        mov eax, cr4
        or eax, CR4_PCIDE
        mov cr4, eax
    END
    CASE "PCIDE outside, with LME and PAE, but no paging"
        PREPARE
        mov eax, cr4
        or eax, CR4_PCIDE
        mov cr4, eax
    END
    UNDO
    CASE "PCIDE outside, under PAE paging"
        CR_SET cr4, CR4_PAE
        mov eax, PDPT32
        mov cr3, eax
        PG_ON
        mov eax, cr4
        or eax, CR4_PCIDE
        mov cr4, eax
    END
    UNDO
.no_pcid:
; -- the way -------------------------------------------------------------------------------------------------------------------------
    CASE "EFER on the way"
        PREPARE
        mov ecx, 0xc0000080
        rdmsr
        mov ebx, eax
        PG_ON
        rdmsr
        mov esi, eax
        PG_OFF
        rdmsr
        mov edi, eax
        btr eax, LME
        wrmsr
        rdmsr
    END
    SHOWM "LME", ebx, 0x500
    SHOWM "PG", esi, 0x500
    SHOWM "no PG", edi, 0x500
    SHOWM "no LME", eax, 0x500
    UNDO
    CASE "LMA without paging"
        PREPARE
        mov ecx, 0xc0000080
        mov eax, 0x500
        xor edx, edx
        wrmsr
    END
    SHOW_EFER "efer"
    UNDO
    CASE "PAE paging without LME"
        CR_SET cr4, CR4_PAE
        mov eax, PDPT32
        mov cr3, eax
        PG_ON
        mov eax, [0x300010]
    END
    SHOW "", eax
    SHOW_EFER "efer"
    UNDO
    CASE "the PDPTEs are nothing in long mode"
        PREPARE
        PG_ON
        mov eax, [0x300010]
    END
    SHOW "", eax
    SHOW_EFER "efer"
    UNDO
    CASE "LME without PG is nothing"
        PREPARE
        jmp LCODE:.still16
        bits 16
.still16:
        mov eax, 0x12345678
        inc ax                      ; no REX
        mov ebx, eax
        jmp dword CODE0:.back32
        bits 32
.back32:
    END
    SHOW "", ebx
    UNDO
    CASE "LTR of a 64-bit TSS's type is as ever outside"
        mov dword [gdt + LTSS64 + 8], 0
        mov dword [gdt + LTSS64 + 12], 0
        SETDESC LTSS64, ADDR(tss0), 0x67, 0x89, 0
        mov eax, LTSS64
        ltr ax
    END
    SHOWM "", [gdt + LTSS64 + 4], 0xff00
; -- compatibility mode --------------------------------------------------------------------------------------------------------------
    LONG "compatibility mode, limit"
        mov ax, LBASE
        mov es, ax
        mov eax, [es:0xfffd]
    LONG_END
    LONG "compatibility mode, base"
        mov ax, LBASE
        mov es, ax
        mov eax, [es:0x10]
    LONG_END
    SHOW "", eax
    LONG "compatibility mode, null selector"
        xor eax, eax
        mov es, ax
        mov eax, [es:0x10]
    LONG_END
    LONG "compatibility mode, INC is one byte"
        xor ebx, ebx
        db 0x43
        db 0x43
    LONG_END
    SHOW "", ebx
    LONG "compatibility mode, V86 has gone"
        push dword 0x20002
        popfd
        pushfd
        pop ebx
    LONG_END
    SHOWM "", ebx, 0x20000
    LONG "compatibility mode, PUSHA, DAA, LES, BOUND are there"
        pushad
        popad
        daa
        mov dword [STORE], 0x10
        mov dword [STORE + 4], DATA0
        les ebx, [STORE]
    LONG_END
    SHOW "", ebx
    LONG "compatibility mode, LDT and TSS by 16 bytes"
        mov eax, LTSS64
        ltr ax
    LONG_END
    SHOW "err", [x_err]
    LONG "compatibility mode, a task gate's descriptor"
        jmp LTSS16:0
    LONG_END
    LONG "compatibility mode, ud2"
        ud2
    LONG_END
    LONG "compatibility mode, #PF"
        mov eax, [0x40000000]
    LONG_END
    SHOW "cr2", [x_cr2]
    LONG "compatibility mode, 16 bits"
        jmp CODE16B:.in16
        bits 16
.in16:
        mov ax, 0x1234
        inc ax
        movzx ebx, ax
        jmp dword CODE0:.out16
        bits 32
.out16:
    LONG_END
    SHOW "", ebx
; -- 64-bit mode ---------------------------------------------------------------------------------------------------------------------
    LONG "64-bit mode, bases of DS, ES, SS mean nothing"
        mov ax, LBASE
        mov ds, ax
        mov es, ax
        TO64
        mov eax, [0x10]
        db 0x26                     ; ES
        mov ebx, [0x10]
        mov [abs STORE], eax
        mov [abs STORE + 4], ebx
        TO32
        mov ecx, [es:0x10]
        mov edx, [ds:0x10]
        mov ax, DATA0
        mov ds, ax
        mov es, ax
    LONG_END
    SHOW "ds", [STORE]
    SHOW "es", [STORE + 4]
    SHOW "then es", ecx
    SHOW "then ds", edx
    LONG "64-bit mode, the bases of FS and GS mean something"
        mov ax, LBASE
        mov fs, ax
        mov gs, ax
        TO64
        mov eax, [fs:0x10]
        mov ebx, [gs:0x10]
        mov [abs STORE], eax
        mov [abs STORE + 4], ebx
        TO32
    LONG_END
    SHOW "fs", [STORE]
    SHOW "gs", [STORE + 4]
    LONG "64-bit mode, a base of 64 bits is cut in compatibility mode"
        mov ax, LBASE
        mov fs, ax
        TO64
        mov ecx, 0xc0000100
        mov eax, 0x300000
        mov edx, 0x1234
        wrmsr
        TO32
        mov eax, [fs:0x10]
    LONG_END
    SHOW "fs", eax
    LONG "64-bit mode, limits mean nothing"
        mov ax, LBASE
        mov es, ax
        TO64
        db 0x26                     ; ES
        mov eax, [0x300010]
        mov [abs STORE], eax
        TO32
        mov eax, [es:0x10000]
    LONG_END
    SHOW "", [STORE]
    LONG "64-bit mode, null selectors can be used"
        xor eax, eax
        mov ds, ax
        mov es, ax
        TO64
        db 0x26                     ; ES
        mov eax, [0x10]
        mov [abs STORE], eax
        mov ss, [zero]
        push rax
        pop rax
        mov eax, DATA0
        mov ss, ax
        mov ds, ax
        TO32
        mov eax, [es:0x10]
    LONG_END
    SHOW "", [STORE]
    LONG "64-bit mode, the stack has 64 bits whatever SS says"
        mov esp, 0xff0
        mov ax, LDATA16
        mov ss, ax
        TO64
        mov r8, rsp
        mov esp, 0x6000
        push rax
        mov [abs STORE], rsp
        mov eax, DATA0
        mov ss, ax
        mov esp, STACK_TOP - 0x100
        TO32
    LONG_END
    SHOW "", [STORE]
    LONG "64-bit mode, low halves stay"
        mov ebx, 0x11111111
        mov ecx, 0x22222222
        mov esi, 0x33333333
        mov edi, 0x44444444
        mov ebp, 0x55555555
        TO64
        mov [abs STORE], ebx
        mov [abs STORE + 4], ecx
        mov [abs STORE + 8], esi
        mov [abs STORE + 12], edi
        mov [abs STORE + 16], ebp
        mov rbx, 0x6666666677777777
        mov rcx, 0x8888888899999999
        mov rsi, -2
        TO32
    LONG_END
    SHOW "", [STORE]
    SHOW "", [STORE + 4]
    SHOW "", [STORE + 8]
    SHOW "", [STORE + 12]
    SHOW "", [STORE + 16]
    SHOW "then", ebx
    SHOW "", ecx
    SHOW "", esi
    LONG "64-bit mode, 32-bit results clear the upper half"
        TO64
        mov rax, -1
        mov eax, 5
        mov rbx, -1
        inc bx
        mov rcx, -1
        add ecx, 0
        shr rax, 32
        shr rbx, 32
        shr rcx, 32
        mov [abs STORE], eax
        mov [abs STORE + 4], ebx
        mov [abs STORE + 8], ecx
        TO32
    LONG_END
    SHOW "", [STORE]
    SHOW "", [STORE + 4]
    SHOW "", [STORE + 8]
    LONG "64-bit mode, REX in place of INC"
        TO64
        mov eax, 1
        db 0x48, 0xff, 0xc0         ; inc rax
        mov [abs STORE], eax
        TO32
    LONG_END
    SHOW "", [STORE]
    LONG "64-bit mode, exception's frame"
        TO64
        mov rsp, 0x5ff7
        ud2
        bits 32
    LONG_END
    SHOW "ss", [x_ss]
    SHOW "sp", [x_sp]
    SHOW "frame", [x_frame]
    LONG "compatibility mode, exception's frame"
        mov ax, LDATA16
        mov ss, ax
        mov esp, 0xff7
        ud2
    LONG_END
    SHOW "ss", [x_ss]
    SHOW "sp", [x_sp]
    SHOW "frame", [x_frame]
; -- and out -------------------------------------------------------------------------------------------------------------------------
    CASE "out, to PAE paging"
        PREPARE
        PG_ON
        PG_OFF
        SET_MSR btr, LME
        mov eax, PDPT32
        mov cr3, eax
        PG_ON
        mov eax, [0x300010]
    END
    SHOW "", eax
    UNDO
    CASE "out, to 32-bit paging"
        PREPARE
        PG_ON
        PG_OFF
        SET_MSR btr, LME
        CR_CLEAR cr4, CR4_PAE
        CR_SET cr4, CR4_PSE
        mov eax, PD32
        mov cr3, eax
        PG_ON
        mov eax, [0x300010]
    END
    SHOW "", eax
    UNDO
    CASE "out, to real mode, and in again from there"
        PREPARE
        PG_ON
        PG_OFF
        lidt [real_idtr]
        jmp CODE16B:.code16
        bits 16
.code16:
        mov ax, DATA16
        mov ds, ax
        mov ss, ax
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.real
.real:
        xor ax, ax
        mov ds, ax
        mov ax, 0x3000
        mov es, ax
        mov bx, [es:0]
        mov eax, cr0
        or eax, 0x80000001          ; PE and PG at once
        mov cr0, eax
        jmp dword CODE0:.prot
        bits 32
.prot:
        mov ax, DATA0
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov eax, [0x300010]
        mov ebx, eax
        PG_OFF
        lidt [idtr]
    END
    SHOW "", ebx
    UNDO
; -- what nobody comes back from who takes it ---------------------------------------------------------------------------------------
    CASE "paging without protection"
        CR_SET cr4, CR4_PSE
        mov eax, PD32
        mov cr3, eax
        mov eax, 0x80000010
        mov cr0, eax
        EXIT
    END
    SHOW "cr0", cr0
    UNDO
    LONG "64-bit mode, paging off"
        TO64
        mov rax, cr0
        btr eax, 31
        mov cr0, rax
        EXIT
        bits 32
    LONG_END
    FINISH

align 8
zero: dd 0
idtr64:
    dw 32 * 16 - 1
    dd IDT64
align 16
gates64:
%assign n 0
%rep 32
    bits 64
align 16
%if n == 8 || (n >= 10 && n <= 14) || n == 17
    push n
%else
    push -1
    push n
%endif
    jmp near record64
%assign n n + 1
%endrep
; The frame is kept as at home, then paging goes off and the case is over.
record64:
    mov [abs x_eax], eax
    pop rax
    mov [abs x_vec], eax
    pop rax
    mov [abs x_err], eax
    mov [abs x_frame], esp
    mov eax, [rsp]
    mov [abs x_ip], eax
    mov eax, [rsp + 8]
    mov [abs x_cs], eax
    mov eax, [rsp + 24]
    mov [abs x_sp], eax
    mov eax, [rsp + 32]
    mov [abs x_ss], eax
    mov rax, cr2
    mov [abs x_cr2], eax
    mov eax, DATA0
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, [abs x_home_sp]
    TO32
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    lidt [idtr]
    mov eax, [x_eax]
    cld
    jmp [x_resume]
bits 32
SNIP_DATA
