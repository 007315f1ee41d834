; SPDX-License-Identifier: LGPL-2.1-or-later
; A second exception while the first is delivered: benign, contributory and page faults in all pairs; #DF with error code 0, EXT; the
; same for INT n, ICEBP and an external interrupt.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
NOT_THERE equ 0x33000       ; a page
ABSENT    equ 0x58          ; descriptor: data of level 3
ABSENT1   equ 0x60          ; of level 1
; the second exception: how it is brought about at the gate of vector %1
%macro WITH_NP 1
    mov byte [idt + (%1) * 8 + 5], 0x6e
%endmacro
%macro WITH_GP 1
    mov byte [idt + (%1) * 8 + 5], 0xe0
%endmacro
%macro WITH_LEVEL1 3
    mov word [idt + (%1) * 8 + 2], CODE1
    mov byte [idt + (%1) * 8 + 5], 0xee
    mov dword [tss0 + 16], %2
    mov dword [tss0 + 12], %3
%endmacro
%macro WITH_TS 1
    WITH_LEVEL1 %1, 0, RING0_TOP
%endmacro
%macro WITH_SS 1
    WITH_LEVEL1 %1, ABSENT1 + 1, RING0_TOP
%endmacro
%macro WITH_PF 1
    WITH_LEVEL1 %1, DATA1, NOT_THERE + 0x800
%endmacro
; PAIR first, vector, code at level 3, second
%macro PAIR 4
    %defstr second %4
    %strcat name %1, " then #", second
    CASE name
        mov eax, [idt + (%2) * 8]
        mov [saved], eax
        mov eax, [idt + (%2) * 8 + 4]
        mov [saved + 4], eax
        WITH_%4 %2
        mov ecx, %3
        jmp to_level3
    END
    mov eax, [saved]
    mov [idt + (%2) * 8], eax
    mov eax, [saved + 4]
    mov [idt + (%2) * 8 + 4], eax
    SHOWM "cs", [x_cs], 3
    mov eax, [x_ip]
    sub eax, %3
    SHOW "at", eax
%endmacro
%macro PAIRS 3
    PAIR %1, %2, %3, NP
    PAIR %1, %2, %3, GP
    PAIR %1, %2, %3, TS
    PAIR %1, %2, %3, SS
    PAIR %1, %2, %3, PF
%endmacro
START
    call sweep_init
    SETDESC ABSENT, 0, 0xfffff, 0x72, 0xc
    SETDESC ABSENT1, 0, 0xfffff, 0x32, 0xc
    mov dword [tss0], 0
    ; an external interrupt: the APIC's own, vector 31h
    mov dword [0xfee000f0], 0x1ff
    CASE "external interrupt"
        mov dword [0xfee00300], 0x44031
        sti
        nop
        nop
        ud2
    END
    mov dword [0xfee000b0], 0
    CASE "external interrupt with its gate not present"
        mov byte [idt + 0x31 * 8 + 5], 0x6e
        mov dword [0xfee00300], 0x44031
        sti
        nop
        nop
        ud2
    END
    mov dword [0xfee000b0], 0
    CASE "external interrupt with a null handler"
        mov byte [idt + 0x31 * 8 + 5], 0x8e
        mov word [idt + 0x31 * 8 + 2], 0
        mov dword [0xfee00300], 0x44031
        sti
        nop
        nop
        ud2
    END
    mov dword [0xfee000b0], 0
    mov word [idt + 0x31 * 8 + 2], HOME_CS
    mov byte [idt + 0x31 * 8 + 5], 0xee
    mov edi, 0x20000
    mov dword [edi], 0x21007
    mov edi, 0x21000
    mov eax, 7
    mov ecx, 1024
.pt:
    mov [edi], eax
    add eax, 0x1000
    add edi, 4
    loop .pt
    mov dword [0x21000 + (NOT_THERE >> 12) * 4], 0
    mov eax, 0x20000
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80050000          ; PG, AM, WP
    mov cr0, eax
    PAIRS "#DE", 0, f_de
    PAIRS "#DB by icebp", 1, f_icebp
    PAIRS "#BR", 5, f_br
    PAIRS "#UD", 6, f_ud
    PAIRS "#TS", 10, f_ts
    PAIRS "#NP", 11, f_np
    PAIRS "#SS", 12, f_ss
    PAIRS "#GP", 13, f_gp
    PAIRS "#PF", 14, f_pf
    PAIRS "#AC", 17, f_ac
    PAIRS "int 31", 0x31, f_int
    mov eax, cr0
    or eax, 8
    mov cr0, eax
    PAIRS "#NM", 7, f_nm
    clts
    CASE "#BR then #PF then #GP"
        mov eax, [idt + 14 * 8 + 4]
        mov [saved + 4], eax
        WITH_PF 5
        WITH_GP 14
        mov ecx, f_br
        jmp to_level3
    END
    mov eax, [saved + 4]
    mov [idt + 14 * 8 + 4], eax
    SHOW "cr2", [x_cr2]
    CASE "page fault in a page fault"
        mov eax, [idt + 14 * 8]
        mov [saved], eax
        mov eax, [idt + 14 * 8 + 4]
        mov [saved + 4], eax
        WITH_PF 14
        mov ecx, f_pf
        jmp to_level3
    END
    mov eax, [saved]
    mov [idt + 14 * 8], eax
    mov eax, [saved + 4]
    mov [idt + 14 * 8 + 4], eax
    SHOW "cr2", [x_cr2]
    FINISH

to_level3:
    mov eax, DATA3
    mov ds, eax
    mov es, eax
    push dword DATA3
    push dword USER_TOP
    push dword 0x3002
    push dword CODE3
    push ecx
    xor ecx, ecx
    iretd
f_de:
    div ecx
f_icebp:
    db 0xf1
    ud2
f_br:
    bound esp, [zeros]
f_ud:
    ud2
f_ts:
    push dword 0x7002
    popfd
    iretd
f_np:
    mov eax, ABSENT + 3
    mov fs, eax
f_ss:
    mov eax, ABSENT + 3
    mov ss, eax
f_gp:
    hlt
f_pf:
    mov eax, [NOT_THERE]
f_ac:
    push dword 0x43002
    popfd
    mov eax, [0x2001]
f_int:
    int 0x31
f_nm:
    fnop
INT_DATA
SWEEP_DATA
SNIP_DATA
