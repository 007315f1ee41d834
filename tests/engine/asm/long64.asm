; SPDX-License-Identifier: LGPL-2.1-or-later
; 64-bit mode: gates and IST, level changes by IRETQ, SYSCALL and SYSRET, compatibility mode, canonical addresses, NX, SMAP,
; SMEP, SWAPGS, what is no instruction here.
%include "rig.inc"
bits 64
org 0x100000
%define ADDR(label) (0x100000 + ((label) - $$))
CODE0 equ 0x08
DATA0 equ 0x10
CODE32 equ 0x18 + 3
DATA3 equ 0x20 + 3
CODE3 equ 0x28 + 3
TSS0 equ 0x30
CGATE equ 0x40 + 3
CODE32K equ 0x50
WIN equ 0x40000000
PD1 equ 0x5000
PT1 equ 0x6000
PDPT_TOP equ 0x8000                 ; of the last page that there is
PD_TOP equ 0x9000
PT_TOP equ 0xa000
PAGE_TOP equ 0xb000
TOP equ 0xffffffffffffffff

%macro TRY 1
    mov qword [resume], %1
    mov [save_rsp], rsp
    mov qword [vec], -1
    mov qword [err], -1
%endmacro
%macro EXPECT 3
    cmp qword [vec], %1
    OK e
    cmp qword [err], %2
    OK e
    mov rax, %3
    cmp [at_rip], rax
    OK e
%endmacro

start:
    lgdt [gdtr]
    mov ax, DATA0
    mov ss, ax
    mov ds, ax
    mov es, ax
    push qword CODE0
    push qword .next
    o64 retf
.next:
    mov edi, idt
    mov ebx, stubs
    mov ecx, 48
.idt:
    mov [rdi], bx
    mov word [rdi + 2], CODE0
    mov word [rdi + 4], 0x8e00
    mov eax, ebx
    shr eax, 16
    mov [rdi + 6], ax
    mov qword [rdi + 8], 0
    add rdi, 16
    add ebx, 16
    loop .idt
    mov byte [idt + 0x2f * 16 + 5], 0xee
    lidt [idtr]
    mov ax, TSS0
    ltr ax
    mov qword [tss0 + 4], 0x70000
    mov qword [tss0 + 36], 0x6c008  ; IST 1, not aligned
    ; a window of small pages
    mov dword [0x2000 + 8], PD1 + 7
    mov dword [PD1], PT1 + 7
    mov dword [PT1], 0x300000 + 7
    mov dword [PT1 + 8], 0x301000 + 3
    mov dword [PT1 + 24], 0x303000 + 7
    mov dword [PT1 + 28], 0x80000000

    ; -- faults
    TRY .de
    xor ecx, ecx
.f1:
    div rcx
    FAIL
.de:
    EXPECT 0, -1, .f1
    ; the frame is aligned and holds SS:RSP always
    TRY .al
    mov rbp, rsp
    sub rsp, 9
    int 0x2d
.f1b:
    FAIL
.al:
    EXPECT 0x2d, -1, .f1b
    lea rax, [rbp - 9]
    cmp [at_rsp], rax
    OK e
    cmp qword [at_ss], DATA0
    OK e
    mov eax, [at_frame]
    and eax, 15
    cmp eax, 8                      ; five words below a multiple of 16
    OK e
    ; IST
    mov byte [idt + 0x2c * 16 + 4], 1
    TRY .ist
    int 0x2c
.f2:
    FAIL
.ist:
    EXPECT 0x2c, -1, .f2
    cmp qword [at_frame], 0x6c000 - 5 * 8
    OK e
    ; not canonical: #GP, by RSP and RBP #SS
    mov rbx, 0x8000000000000000
    TRY .nc
.f3:
    mov rax, [rbx]
    FAIL
.nc:
    EXPECT 13, 0, .f3
    mov rbp, rbx
    TRY .ncs
.f4:
    mov rax, [rbp]
    FAIL
.ncs:
    EXPECT 12, 0, .f4
    TRY .ncj
.f5:
    jmp rbx
    FAIL
.ncj:
    EXPECT 13, 0, .f5
    mov rbx, 0x00007ffffffffffc
    TRY .ncx
.f6:
    mov rax, [rbx]
    FAIL
.ncx:
    EXPECT 13, 0, .f6
    ; the last byte is canonical: branches to it leave the rest to the fetch
    TRY .top1
    mov rbx, TOP
    jmp rbx
.top1:
    EXPECT 14, 0x10, TOP
    cmp qword [at_cr2], TOP
    OK e
    TRY .top2
    push rbx
    ret
.top2:
    EXPECT 14, 0x10, TOP
    TRY .top3
    push rbx
    ret 8
.top3:
    EXPECT 14, 0x10, TOP
    TRY .top4
    lea rbp, [rsp - 8]
    call rbx
.top4:
    EXPECT 14, 0x10, TOP
    cmp [at_rsp], rbp
    OK e
    TRY .top5
    jmp near TOP
.top5:
    EXPECT 14, 0x10, TOP
    TRY .top6
    call TOP
.top6:
    EXPECT 14, 0x10, TOP
    cmp [at_rsp], rbp
    OK e
    TRY .top7
    stc
    jc near TOP
.top7:
    EXPECT 14, 0x10, TOP
    ; behind it comes 0: an instruction that ends there, and one that goes on
    mov dword [0x1ff8], PDPT_TOP + 3
    mov dword [PDPT_TOP + 0xff8], PD_TOP + 3
    mov dword [PD_TOP + 0xff8], PT_TOP + 3
    mov dword [PT_TOP + 0xff8], PAGE_TOP + 3
    mov word [PAGE_TOP + 0xffe], 0x42b0 ; MOV AL, 42h
    mov dword [0], 0xd3ff           ; CALL RBX
    mov rbx, .wrap1
    mov rcx, TOP - 1
    mov eax, 0
    mov rbp, rsp
    jmp rcx
.wrap1:
    pop rcx
    cmp rcx, 2
    OK e
    cmp rbp, rsp
    OK e
    IS eax, 0x42
    mov dword [PAGE_TOP + 0xffc], 0x1122b890 ; NOP; MOV EAX, ..
    mov dword [0], 0xd3ff3344
    mov rbx, .wrap2
    mov rcx, TOP - 3
    jmp rcx
.wrap2:
    pop rcx
    cmp rcx, 4
    OK e
    IS eax, 0x33441122
    ; page fault with 64-bit address
    mov rbx, 0xffff800000000123
    TRY .pf
.f7:
    mov byte [rbx], 1
    FAIL
.pf:
    EXPECT 14, 2, .f7
    cmp [at_cr2], rbx
    OK e
    ; NX
    mov byte [WIN + 0x3000], 0xc3
    TRY .nx
    mov eax, WIN + 0x3000
    call rax
    FAIL
.nx:
    EXPECT 14, 0x11, WIN + 0x3000
    ; no instructions here
%macro UD 1
    TRY %%back
%%at:
    db %1
    FAIL
%%back:
    EXPECT 6, -1, %%at
%endmacro
    UD 0x06
    UD 0x27
    UD 0x37
    UD 0x60
    UD 0xce
    UD 0xd4
    UD 0xea
    UD 0xd6
    ; CMPXCHG16B wants alignment
    TRY .c16
    mov edi, scratch + 8
.f8:
    cmpxchg16b [rdi]
    FAIL
.c16:
    EXPECT 13, 0, .f8
    mov edi, scratch
    xor eax, eax
    xor edx, edx
    mov ebx, 1
    mov ecx, 2
    lock cmpxchg16b [rdi]
    OK z
    cmp qword [scratch + 8], 2
    OK e
    ; 32-bit results clear the upper half, 16-bit ones do not; address-size prefix wraps at 4 GiB
    mov rax, -1
    mov eax, eax
    shr rax, 32
    OK z
    mov rax, -1
    mov ax, 0
    shr rax, 32
    OK nz
    mov rax, 0xffffffff00000000
    lea rbx, [rax + scratch]
    mov qword [scratch], 0x1234
    a32 mov rcx, [ebx]
    cmp rcx, 0x1234
    OK e
    ; RIP-relative, with an immediate behind
    mov dword [rel scratch], 0x5678
    cmp dword [rel scratch], 0x5678
    OK e

    ; -- level 3 by IRETQ
%macro USER 1
    push qword DATA3
    push qword 0x60000
    pushfq
    push qword CODE3
    push qword %1
    iretq
%endmacro
    TRY .u1b
    USER .u1
.u1:
    mov ax, cs
    cmp ax, CODE3
    jne .u1bad
    mov rax, [WIN]
.f9:
    mov rax, [WIN + 0x1000]
.u1bad:
    ud2
.u1b:
    EXPECT 14, 5, .f9
    cmp qword [at_cs], CODE3
    OK e
    cmp qword [at_ss], DATA3
    OK e
    mov ax, ss
    test ax, ax                     ; null with RPL 0 in the handler
    OK z
    mov ax, DATA0
    mov ss, ax
    TRY .u2b
    USER .u2
.u2:
.f10:
    int 0x2e
    ud2
.u2b:
    EXPECT 13, 0x2e * 8 + 2, .f10
    mov ax, DATA0
    mov ss, ax

    ; -- SYSCALL, SYSRET
    mov ecx, 0xc0000081
    xor eax, eax
    mov edx, (0x18 << 16) | CODE0
    wrmsr
    mov ecx, 0xc0000082
    mov eax, sys_entry
    xor edx, edx
    wrmsr
    mov ecx, 0xc0000084
    mov eax, 0x40700
    wrmsr
    TRY .sysb
    mov ecx, .sysuser
    mov r11d, 0x40602
    o64 sysret
.sysuser:
    mov ax, cs
    cmp ax, CODE3
    jne .sysbad
    mov ax, ss
    cmp ax, DATA3
    jne .sysbad
    mov rsp, 0x60000
    stc
    syscall
.sysret:
    cmp r15, 0x42
    jne .sysbad
    pushfq
    pop rax
    and eax, 0x40f01
    cmp eax, 0x40600                ; as before the SYSCALL but for CF of the comparison
    jne .sysbad
    int 0x2f
.sysbad:
    ud2
.sysb:
    cmp qword [vec], 0x2f
    OK e
    cld
    mov ax, DATA0
    mov ss, ax
    ; SYSRET to a bad address faults at level 3 (AMD; the rig's CPU is one)
    TRY .sysnc
    mov rcx, 0x8000000000000000
    mov r11, 2
    o64 sysret
    FAIL
.sysnc:
    EXPECT 13, 0, 0x8000000000000000
    mov rax, [at_cs]
    and eax, 3
    cmp eax, 3
    OK e

    ; -- SWAPGS
    mov ecx, 0xc0000102
    mov eax, scratch
    xor edx, edx
    wrmsr
    mov qword [scratch], 0x1357
    swapgs
    cmp qword [gs:0], 0x1357
    OK e
    swapgs
    rdmsr
    cmp eax, scratch
    OK e

    ; -- compatibility mode: 32-bit code at level 0 and back
    mov ax, DATA0                   ; the returns to level 3 have made it null
    mov ds, ax
    mov ss, ax
    mov r15, rsp
    push qword CODE32K
    push qword compat
    o64 retf
bits 32
compat:
    mov eax, 0xffffffff
    inc eax                         ; 40 is INC here, not REX
    OK z
    mov esi, -1
    mov eax, [scratch]
    IS eax, 0x1357
    ; behind EIP FFFF_FFFFh comes 0
    mov dword [0x2018], PD_TOP + 3
    mov byte [PAGE_TOP + 0xfff], 0x40 ; INC EAX
    mov dword [0], 0xd3ff           ; CALL EBX
    mov ebx, .back32
    mov ecx, -1
    mov eax, 6
    jmp ecx
.back32:
    pop ecx
    IS ecx, 2
    IS eax, 7
    jmp CODE0:.back64
bits 64
.back64:
    mov rsp, r15
    ; -- a call gate of 16 bytes from level 3
    TRY .cgb
    USER .cg
.cg:
    call dword far [rel .cgptr]
.cgret:
    cmp rsp, 0x60000
    jne .cgbad
    int 0x2f
.cgbad:
    ud2
.cgptr:
    dd 0
    dw CGATE
.cgb:
    cmp qword [vec], 0x2f
    OK e
    mov ax, DATA0
    mov ss, ax

    ; -- SMAP and SMEP
    mov rax, cr4
    or eax, 0x300000
    and dword [0x1000], ~4          ; everything but the window becomes the supervisor's
    or dword [0x1000], 4
    and dword [0x3000], ~4          ; our code, data and stack: the first two 2 MiB pages
    and dword [0x3008], ~4
    mov cr4, rax
    clac                            ; interrupts leave AC as it is
    TRY .smap
.f12:
    mov rax, [WIN]
    FAIL
.smap:
    EXPECT 14, 1, .f12
    stac
    mov rax, [WIN]
    clac
    TRY .smap2
.f13:
    mov [WIN], rax
    FAIL
.smap2:
    EXPECT 14, 3, .f13
    TRY .smep
    mov eax, WIN
    call rax
    FAIL
.smep:
    EXPECT 14, 0x11, WIN
    PASS

sys_entry:
    mov ax, cs
    cmp ax, CODE0
    OK e
    mov ax, ss
    cmp ax, DATA0
    OK e
    cmp ecx, start.sysret
    OK e
    mov eax, r11d
    and eax, 0x40f01
    cmp eax, 0x40601
    OK e
    pushfq
    pop rax
    and eax, 0x40700
    OK z
    mov r15d, 0x42
    o64 sysret

gate_entry:
    mov ax, cs
    cmp ax, CODE0
    OK e
    cmp qword [rsp + 8], CODE3
    OK e
    cmp qword [rsp + 24], DATA3
    OK e
    o64 retf

align 16
stubs:
%assign n 0
%rep 48
align 16
%if n == 8 || (n >= 10 && n <= 14) || n == 17
    push qword n
%else
    push qword -1
    push qword n
%endif
    jmp record
%assign n n + 1
%endrep

record:
    pop qword [vec]
    pop qword [err]
    mov [at_frame], rsp
    pop qword [at_rip]
    pop qword [at_cs]
    pop qword [at_fl]
    pop qword [at_rsp]
    pop qword [at_ss]
    mov rax, cr2
    mov [at_cr2], rax
    mov rsp, [save_rsp]
    jmp [resume]

align 16
gdt:
    dq 0
    DESC 0, 0xfffff, 0x9a, 0xa
    DESC 0, 0xfffff, 0x92, 0xc
    DESC 0, 0xfffff, 0xfa, 0xc
    DESC 0, 0xfffff, 0xf2, 0xc
    DESC 0, 0xfffff, 0xfa, 0xa
    DESC ADDR(tss0), 0x67, 0x89, 0
    dq 0
    dw (gate_entry - $$), CODE0, 0xec00, 0x10
    dq 0
    DESC 0, 0xfffff, 0x9a, 0xc
gdt_end:
gdtr:
    dw gdt_end - gdt - 1
    dq gdt
idtr:
    dw 48 * 16 - 1
    dq idt
align 16
scratch: dq 0, 0
vec: dq 0
err: dq 0
at_rip: dq 0
at_cs: dq 0
at_fl: dq 0
at_rsp: dq 0
at_ss: dq 0
at_cr2: dq 0
at_frame: dq 0
resume: dq 0
save_rsp: dq 0
align 16
idt: times 48 * 16 db 0
tss0: times 104 db 0
