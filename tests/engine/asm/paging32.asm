; SPDX-License-Identifier: LGPL-2.1-or-later
; Paging in 32-bit mode: legacy tables, PSE pages, PAE; error codes, accessed and dirty bits, WP, NX, INVLPG and
; global pages, faults in the middle of what is being stored or repeated.
%include "rig.inc"
%include "prot32.inc"
bits 32
org 0x100000
PD equ 0x200000
PT0 equ 0x201000                    ; first 4 MiB
PT1 equ 0x202000                    ; 40000000h
PDPT equ 0x203000
PD1 equ 0x204000
WIN equ 0x40000000
start:
    FRAME_SETUP
    ; identity-map 4 MiB by 4 KiB pages, for the user too
    mov edi, PT0
    mov eax, 7
.id:
    stosd
    add eax, 0x1000
    cmp edi, PT0 + 0x1000
    jb .id
    mov dword [PD], PT0 + 7
    mov dword [PD + (WIN >> 22) * 4], PT1 + 7
    mov dword [PT1], 0x300000 + 3   ; supervisor
    mov dword [PT1 + 4], 0          ; absent
    mov dword [PT1 + 8], 0x302000 + 1 ; read-only
    mov dword [PT1 + 12], 0x303000 + 7
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000              ; PG, WP
    mov cr0, eax

    ; accessed, then dirty
    mov eax, [WIN]
    mov eax, [PT1]
    and eax, 0x60
    IS eax, 0x20
    mov dword [WIN], 0x1234
    mov eax, [PT1]
    and eax, 0x60
    IS eax, 0x60
    IS dword [0x300000], 0x1234
    test dword [PD + (WIN >> 22) * 4], 0x20
    OK nz

    ; not present: read, write
    TRY .np
.f1:
    mov eax, [WIN + 0x1000]
    FAIL
.np:
    EXPECT 14, 0, .f1
    IS dword [at_cr2], WIN + 0x1000
    TRY .npw
.f2:
    inc dword [WIN + 0x1234]
    FAIL
.npw:
    EXPECT 14, 2, .f2
    IS dword [at_cr2], WIN + 0x1234
    ; read-only with WP
    TRY .ro
.f3:
    mov [WIN + 0x2000], eax
    FAIL
.ro:
    EXPECT 14, 3, .f3
    ; without WP the supervisor may
    mov eax, cr0
    and eax, ~0x10000
    mov cr0, eax
    mov dword [WIN + 0x2000], 5
    IS dword [0x302000], 5
    or eax, 0x10000
    mov cr0, eax
    TRY .ro2
.f4:
    mov [WIN + 0x2000], eax
    FAIL
.ro2:
    EXPECT 14, 3, .f4

    ; level 3
%macro USER 1
    push dword DATA3
    push dword 0x60000
    pushfd
    push dword CODE3
    push dword %1
    iretd
%endmacro
    TRY .u1b
    USER .u1
.u1:
    mov ax, DATA3
    mov ds, ax
    mov eax, [WIN + 0x3000]
.f5:
    mov eax, [WIN]
    ud2
.u1b:
    EXPECT 14, 5, .f5
    TRY .u2b
    USER .u2
.u2:
    mov ax, DATA3
    mov ds, ax
.f6:
    mov [WIN + 0x1000], eax
    ud2
.u2b:
    EXPECT 14, 6, .f6
    TRY .u3b
    USER WIN
.u3b:
    EXPECT 14, 5, WIN               ; fetch; no NX, so no I bit
    IS dword [at_cr2], WIN

    ; a stale entry lives until INVLPG
    mov eax, [WIN + 0x3000]
    mov dword [0x303000], 0xaaaa
    mov dword [0x304000], 0xbbbb
    mov dword [PT1 + 12], 0x304000 + 7
    invlpg [WIN + 0x3000]
    IS dword [WIN + 0x3000], 0xbbbb
    ; CR3 drops it too, unless it is global
    mov eax, cr4
    or eax, 0x80
    mov cr4, eax
    mov dword [PT1 + 12], 0x304000 + 0x107
    invlpg [WIN + 0x3000]
    mov eax, [WIN + 0x3000]
    mov dword [PT1 + 12], 0x303000 + 0x107
    mov eax, cr3
    mov cr3, eax
    IS dword [WIN + 0x3000], 0xbbbb
    mov eax, cr4
    and eax, ~0x80
    mov cr4, eax
    IS dword [WIN + 0x3000], 0xaaaa

    ; a store across a page border faults before anything is written
    mov dword [0x300ffc], 0x55555555
    TRY .cross
    mov eax, 0x99999999
.f7:
    mov [WIN + 0xffe], eax
    FAIL
.cross:
    EXPECT 14, 2, .f7
    IS dword [at_cr2], WIN + 0x1000
    IS dword [0x300ffc], 0x55555555
    ; REP MOVSB stops at the fault with the registers of the next byte, and goes on from there
    mov dword [PT1 + 4], 0
    invlpg [WIN + 0x1000]
    mov edi, WIN + 0xff0
    mov esi, start
    mov ecx, 32
    TRY .rep
.f9:
    rep movsb
    jmp .repdone
.rep:
    EXPECT 14, 2, .f9
    IS ecx, 16
    IS edi, WIN + 0x1000
    IS dword [at_cr2], WIN + 0x1000
    mov dword [PT1 + 4], 0x301000 + 3
    jmp .f9
.repdone:
    IS ecx, 0
    mov esi, start
    mov edi, WIN + 0xff0
    mov ecx, 32
    repe cmpsb
    OK e

    ; 4 MiB pages
    mov eax, cr4
    or eax, 0x10
    mov cr4, eax
    mov dword [PD + (WIN >> 22) * 4 + 4], 0x83 + 0x00000000
    mov eax, [start]
    IS dword [WIN + 0x400000 + 0x100000], eax
    test dword [PD + (WIN >> 22) * 4 + 4], 0x20
    OK nz
    mov dword [WIN + 0x400000 + 0x3f0000], 1
    test dword [PD + (WIN >> 22) * 4 + 4], 0x40
    OK nz
    ; bit 21 is reserved in them
    mov dword [PD + (WIN >> 22) * 4 + 4], 0x83 + 0x200000
    invlpg [WIN + 0x400000]
    TRY .rsvd
.f10:
    mov eax, [WIN + 0x400000]
    FAIL
.rsvd:
    EXPECT 14, 9, .f10

    ; -- PAE
    mov eax, cr0
    and eax, 0x7fffffff
    mov cr0, eax
    mov edi, PDPT
    xor eax, eax
    mov ecx, 0x800
    rep stosd
    mov dword [PDPT], PD1 + 1
    mov dword [PDPT + 8], PT1 + 0x4000 + 1 ; 40000000h: page directory at PT1 + 4000h
    mov dword [PD1], 0x87           ; 2 MiB pages
    mov dword [PD1 + 8], 0x200087
PD2 equ PT1 + 0x4000
PTE equ PT1 + 0x5000
    mov edi, PD2
    xor eax, eax
    mov ecx, 0x800
    rep stosd
    mov dword [PD2], PTE + 7
    mov dword [PTE], 0x300000 + 7
    mov dword [PTE + 8], 0x301000 + 7
    mov dword [PTE + 12], 0x80000000 ; NX
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, PDPT
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x800                   ; NXE
    wrmsr
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    mov dword [WIN], 0x77
    IS dword [0x300000], 0x77
    mov byte [WIN + 0x1000], 0xc3
    TRY .nx
    call WIN + 0x1000
    FAIL
.nx:
    EXPECT 14, 0x11, WIN + 0x1000
    mov byte [WIN], 0xc3
    call WIN
    ; NX is reserved without NXE
    mov ecx, 0xc0000080
    rdmsr
    and eax, ~0x800
    wrmsr
    TRY .nxr
.f11:
    mov eax, [WIN + 0x1000]
    FAIL
.nxr:
    EXPECT 14, 9, .f11
    ; reserved bits of a PDPTE are #GP at MOV CR3
    or dword [PDPT + 8], 0x20
    TRY .pdpt
    mov eax, PDPT
.f12:
    mov cr3, eax
    FAIL
.pdpt:
    EXPECT 13, 0, .f12
    and dword [PDPT + 8], ~0x20
    ; the PDPTEs are registers: a change in memory counts only after MOV CR3
    mov dword [PDPT + 8], 0
    invlpg [WIN]
    IS dword [WIN], 0xc3
    mov eax, PDPT
    mov cr3, eax
    TRY .gone
.f13:
    mov eax, [WIN]
    FAIL
.gone:
    EXPECT 14, 0, .f13
    PASS
    FRAME_DATA
