; SPDX-License-Identifier: LGPL-2.1-or-later
; Accesses that cross pages: which page's fault is reported, with which address and error code, and that nothing is stored when one of
; them faults: loads, stores, read-modify-writes, pushes, far pointers, strings, instructions; the wrap at 4 GiB.
; SDM vol. 3, 4.7; vol. 1, 3.3.
%define HOME 32
%include "snip.inc"
%include "paging.inc"
EDGE equ LIN + 0x1000
FIRST equ ENTRY1
SECOND equ ENTRY1 + 4
%macro BOTH 2                   ; flags of both pages
    mov dword [FIRST], PAGE_A + (%1)
    mov dword [SECOND], PAGE_B + (%2)
    FLUSH
%endmacro
; ACCESS "name", code of level 3, which ends with UD2: EBX is two bytes before the edge. Prints a group for each of: both pages there, the first
; one missing, the second, both, the first read-only and the second missing, the second read-only:
;       " .." or the error code of #PF with CR2's distance from the edge; then a, b: the first, the second page has changed; d, e: the
;       first, the second one is dirty
%macro ACCESS 2
    call case_begin
    jmp near %%next
    db %1, 0
%%next:
    mov dword [access_code], %2
    call access
%endmacro
; the rest of the case at level 3, whose faults do not need the stack under test
%macro USER 0
        LEVEL3 0, %%user
%%user:
%endmacro
START
    call tables_init
    %assign page 8
    %rep 8
        mov byte [LOW_PT + page * 4], 7     ; the program is level 3's too
        %assign page page + 1
    %endrep
    mov eax, LEGACY_PD
    mov cr3, eax
    CR_SET cr0, CR0_PG | CR0_WP
    ; tables and pages are below 4 MiB: reached with paging, too
    ACCESS "load", op_load
    ACCESS "store", op_store
    ACCESS "add", op_add
    ACCESS "xchg", op_xchg
    ACCESS "lock xadd", op_lock_xadd
    ACCESS "push", op_push
    ACCESS "cmpxchg8b", op_cmpxchg8b
    ACCESS "bts", op_bts
    ACCESS "fst", op_fst
    ACCESS "fstp m80", op_fstp_m80
    ACCESS "stosd", op_stosd
    ACCESS "movsd to itself", op_movsd_to_itself
    ACCESS "sgdt", op_sgdt
    ACCESS "xor of 16 bits, at the edge's last byte", op_xor_of_16_bits
; -- what is done when it faults -----------------------------------------------------------------------------------------------------
    BOTH 7, 6
    CASE "pop leaves esp"
        USER
        mov esp, EDGE - 2
        pop eax
    END
    SHOW "esp", [x_sp]
    CASE "pop to a page that is missing leaves esp"
        USER
        mov esp, EDGE - 0x100
        mov ebx, EDGE
        pop dword [ebx]
    END
    SHOW "esp", [x_sp]
    CASE "rep stosd stops at the edge"
        mov edi, EDGE - 0x10
        mov ecx, 8
        rep stosd
    END
    SHOW "ecx", ecx
    SHOW "edi", edi
    SHOW "cr2", [x_cr2]
    CASE "rep stosd stops across the edge"
        mov edi, EDGE - 0xe
        mov ecx, 8
        rep stosd
    END
    SHOW "ecx", ecx
    SHOW "edi", edi
    SHOW "cr2", [x_cr2]
    CASE "rep movsb down to a page that is missing"
        mov esi, EDGE - 0xff0
        mov edi, LIN + 0x800
        mov ecx, 0x1000
        std
        rep movsb
    END
    cld
    SHOW "ecx", ecx
    SHOW "esi", esi
    SHOW "cr2", [x_cr2]
    CASE "rep movsd, both sides missing"
        mov esi, EDGE
        mov edi, EDGE + 0x800
        mov ecx, 8
        rep movsd
    END
    SHOW "cr2", [x_cr2]
    CASE "cmps, second operand missing"
        mov esi, LIN
        mov edi, EDGE
        cmpsd
    END
    SHOW "cr2", [x_cr2]
    SHOW "esi", esi
    CASE "call with a pushed address across"
        USER
        mov esp, EDGE + 2
        call .called
.called:
    END
    SHOW "cr2", [x_cr2]
    BOTH 7, 6
    CASE "pusha across"
        USER
        mov esp, EDGE + 0x10
        pushad
    END
    SHOWM "D", [FIRST], 0x40
    SHOW "esp", [x_sp]
    BOTH 6, 7
    mov dword [PAGE_B], 0x12345678
    CASE "pusha across, the other way"
        USER
        mov esp, EDGE + 0x10
        pushad
    END
    SHOW "esp", [x_sp]
    SHOW "cr2", [x_cr2]
    BOTH 7, 6
    CASE "lgs across"
        mov dword [PAGE_A + 0xffc], 0x12345678
        mov ebx, EDGE - 4
        lgs eax, [ebx]
    END
    SHOW "cr2", [x_cr2]
    SHOW "eax", eax
    CASE "les across, first missing"
        BOTH 6, 7
        mov ebx, EDGE - 2
        les eax, [ebx]
    END
    SHOW "cr2", [x_cr2]
    CASE "bound across"
        BOTH 7, 6
        mov ebx, EDGE - 4
        xor eax, eax
        bound eax, [ebx]
    END
    SHOW "cr2", [x_cr2]
    CASE "a bit far away"
        xor eax, eax
        mov ebx, LIN
        mov eax, 0x1000 * 8
        bts [ebx], eax
    END
    SHOW "cr2", [x_cr2]
    CASE "fnstenv across"
        mov ebx, EDGE - 27
        fnstenv [ebx]
    END
    SHOW "cr2", [x_cr2]
    CASE "fxsave across"
        CR_SET cr4, 0x200
        mov ebx, EDGE - 0x100
        fxsave [ebx]
    END
    SHOW "cr2", [x_cr2]
    CASE "movups across"
        xorps xmm0, xmm0
        mov dword [PAGE_A + 0xffc], 0x12345678
        mov ebx, EDGE - 15
        movups [ebx], xmm0
    END
    SHOW "cr2", [x_cr2]
    SHOW "a", [PAGE_A + 0xffc]
; -- instructions --------------------------------------------------------------------------------------------------------------------
    %macro FETCH 3              ; name, offset from the edge, flags of the second page
    CASE %1
        BOTH 7, %3
        mov eax, EDGE + (%2)
        jmp eax
    END
    mov edx, [x_ip]
    sub edx, EDGE
    SHOW "ip-edge", edx
    mov edx, [x_cr2]
    sub edx, EDGE
    SHOW "cr2-edge", edx
    %endmacro
    mov dword [PAGE_A + 0xffc], 0x04c08366  ; add ax, 4 ends at the edge
    mov dword [PAGE_B], 0x0b0f0b0f          ; ud2
    FETCH "instruction that ends at the edge", -4, 6
    FETCH "instruction that ends at the edge, next one there", -4, 7
    mov word [PAGE_A + 0xffe], 0x9090
    FETCH "nops up to the edge", -2, 6
    mov byte [PAGE_A + 0xfff], 0xb8
    FETCH "instruction across the edge", -1, 6
    mov word [PAGE_A + 0xffe], 0x66f3
    FETCH "prefixes across the edge", -2, 6
    mov word [PAGE_A + 0xffe], 0x00eb
    FETCH "jump to the edge", -2, 6
    mov word [PAGE_A + 0xffe], 0x80eb
    mov word [PAGE_A + 0xf80], 0x0b0f
    FETCH "jump away in front of the edge", -2, 6
    mov word [PAGE_A + 0xffe], 0xb90f       ; ud1 wants ModRM
    mov byte [PAGE_A + 0xffd], 0x90
    FETCH "two-byte opcode at the edge, ModRM behind", -2, 6
    mov word [PAGE_A + 0xffe], 0x0b0f
    FETCH "ud2 in front of the edge", -2, 6
    mov word [PAGE_A + 0xffe], 0x30b0
    FETCH "mov al in front of the edge", -2, 6
    mov byte [PAGE_A + 0xfff], 0xa1         ; mov eax, [80001000h]
    mov dword [PAGE_B], 0x80001000
    FETCH "operand missing of an instruction across the edge", -1, 7
; -- 4 GiB ---------------------------------------------------------------------------------------------------------------------------
    mov dword [0x2c000 + 0xffc], PAGE_A + 7
    mov dword [LEGACY_PD + 0xffc], 0x2c000 + 7
    FLUSH
    mov dword [PAGE_A + 0xffc], 0xa4a3a2a1
    mov eax, [0]
    mov [saved], eax
    mov dword [0], 0xc4c3c2c1
    CASE "load over 4 GiB"
        mov ebx, 0xfffffffe
        mov ax, [ebx]
    END
    SHOWM "ax", eax, 0xffff
    ; a segment whose base makes the linear address wrap: what lies at FFFFFFFEh is at offset 1000h - 2 of it
    SETDESC SPARE, 0xfffff000, 0xfffff, 0x93, 0xc
    mov ax, SPARE
    mov fs, ax
    CASE "load over 4 GiB by a base"
        mov eax, [fs:0xffe]
    END
    SHOW "eax", eax
    CASE "store over 4 GiB by a base"
        mov dword [fs:0xffe], 0x87654321
    END
    SHOW "a", [PAGE_A + 0xffc]
    SHOW "0", [0]
    CASE "read-modify-write over 4 GiB by a base"
        add dword [fs:0xffe], 0x11111111
    END
    SHOW "a", [PAGE_A + 0xffc]
    SHOW "0", [0]
    CASE "over 4 GiB by a base, page 0 missing"
        mov dword [PAGE_A + 0xffc], 0xa4a3a2a1
        and byte [LOW_PT], 0xfe
        FLUSH
        mov dword [fs:0xffe], 0x87654321
    END
    SHOW "cr2", [x_cr2]
    SHOW "a", [PAGE_A + 0xffc]
    or byte [LOW_PT], 1
    FLUSH
    CASE "over 4 GiB by a base, the last page missing"
        mov ax, SPARE
        mov fs, ax
        and byte [0x2c000 + 0xffc], 0xfe
        FLUSH
        mov dword [fs:0xffe], 0x12345678
    END
    SHOW "cr2", [x_cr2]
    SHOW "0", [0]
    or byte [0x2c000 + 0xffc], 1
    FLUSH
    mov eax, [saved]
    mov [0], eax
    FINISH
align 4
saved: dd 0
access_code: dd 0
access_n: dd 0
access_flags: db 7, 7, 6, 7, 7, 6, 6, 6, 5, 6, 7, 5

access:
    pushad
    mov dword [access_n], 0
.next:
    mov dword [PAGE_A + 0xffc], 0xa4a3a2a1
    mov dword [PAGE_B], 0xb4b3b2b1
    mov esi, [access_n]
    movzx eax, byte [access_flags + esi * 2]
    add eax, PAGE_A
    mov [FIRST], eax
    movzx eax, byte [access_flags + esi * 2 + 1]
    add eax, PAGE_B
    mov [SECOND], eax
    FLUSH
    mov [x_home_sp], esp
    mov dword [x_resume], .back
    mov dword [x_vec], -1
    mov ebx, EDGE - 2
    mov eax, 0x44332211
    mov ecx, 0x88776655
    push dword DATA3
    pop ds
    push ds
    pop es
    push dword DATA3
    push dword USER_TOP
    push dword 2
    push dword CODE3
    push dword [access_code]
    iretd
.back:
    mov al, ' '
    call print_char
    mov eax, [x_err]
    cmp byte [x_vec], 14
    je .fault
    cmp byte [x_vec], 6
    mov al, '?'
    jne .twice
    mov al, '.'
.twice:
    call print_char
    call print_char
    jmp .changes
.fault:
    mov ecx, 2
    call print_digits
    mov al, '@'
    call print_char
    mov eax, [x_cr2]
    sub eax, EDGE
    call print_number
.changes:
    mov al, 'a'
    cmp dword [PAGE_A + 0xffc], 0xa4a3a2a1
    call .unless
    mov al, 'b'
    cmp dword [PAGE_B], 0xb4b3b2b1
    call .unless
    mov al, 'd'
    mov bl, [FIRST]
    and bl, 0x40
    call .unless
    mov al, 'e'
    mov bl, [SECOND]
    and bl, 0x40
    call .unless
    inc dword [access_n]
    cmp dword [access_n], 6
    jb .next
    popad
    ret
.unless:
    je .equal
    call print_char
.equal:
    ret
op_load:
    mov eax, [ebx]
    ud2
op_store:
    mov [ebx], eax
    ud2
op_add:
    add [ebx], eax
    ud2
op_xchg:
    xchg [ebx], eax
    ud2
op_lock_xadd:
    lock xadd [ebx], eax
    ud2
op_push:
    lea esp, [ebx + 4]
    push eax
    ud2
op_cmpxchg8b:
    sub ebx, 2
    mov edx, 1
    cmpxchg8b [ebx]
    ud2
op_bts:
    bts dword [ebx], 3
    ud2
op_fst:
    fninit
    fld1
    fst dword [ebx]
    ud2
op_fstp_m80:
    sub ebx, 4
    fninit
    fldpi
    fstp tword [ebx]
    ud2
op_stosd:
    mov edi, ebx
    stosd
    ud2
op_movsd_to_itself:
    mov edi, ebx
    mov esi, ebx
    movsd
    ud2
op_sgdt:
    sgdt [ebx]
    ud2
op_xor_of_16_bits:
    inc ebx
    xor [ebx], ax
    ud2
PAGING_DATA
SNIP_DATA
