; SPDX-License-Identifier: LGPL-2.1-or-later
; Code changed by every kind of store that the CPU makes: operands, stacks, frames, descriptors, page tables, task
; segments. Each time the code has been run before, and the new bytes must run at once.
%include "rig.inc"
%define HAVE_GATE
gate_entry_lo equ (0x100000 + (gate_code - $$)) & 0xffff
gate_entry_hi equ (0x100000 + (gate_code - $$)) >> 16
%include "prot32.inc"
bits 32
org 0x100000

; PATCH ... GIVES value: what stands between stores to [edi], the immediate of the next instruction but one. Two rounds
; from the same start: in the first the code is new, in the second it is known.
%macro PATCH 0
    %push patch
    mov dword [rounds], 2
%$round:
    mov dword [%$imm + 1], 0x100
    mov edi, %$imm + 1
    jmp %$go
    align 16
%$go:
%endmacro
%macro GIVES 1
    nop
%$imm:
    mov ebx, 0
    IS ebx, %1
    dec dword [rounds]
    jnz %$round
    %pop
%endmacro
%macro SIMPLE 2+
    PATCH
    %2
    GIVES %1
%endmacro

start:
    FRAME_SETUP
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    mov eax, cr0
    and eax, ~0xe
    mov cr0, eax

    ; read-modify-write, plain and locked
    SIMPLE 0x105, add dword [edi], 5
    SIMPLE 0x101, inc byte [edi]
    SIMPLE 0xfffffeff, not dword [edi]
    SIMPLE 0xffffff00, neg dword [edi]
    SIMPLE 0x400, shl dword [edi], 2
    SIMPLE 0x10100, bts dword [edi], 16
    SIMPLE 0x107, lock or dword [edi], 7
    SIMPLE 0x0ff, lock dec dword [edi]
    PATCH
    mov ecx, 0x1234
    lock xadd [edi], ecx
    GIVES 0x1334
    PATCH
    mov esi, 0x77
    xchg [edi], esi
    GIVES 0x77
    PATCH
    mov ecx, 0x55
    mov eax, 0x100
    lock cmpxchg [edi], ecx
    GIVES 0x55
    PATCH
    mov eax, 0x100
    mov ecx, 0x66
    cmpxchg [edi], ecx
    GIVES 0x66
    PATCH
    cmp eax, eax
    setz [edi]
    GIVES 0x101
    mov ax, DATA0
    SIMPLE DATA0, mov [edi], ds
    PATCH
    push dword 0x3456
    pop dword [edi]
    GIVES 0x3456
    mov eax, 0x9999
    PATCH
    mov eax, 0x9999
    movnti [edi], eax
    GIVES 0x9999
    PATCH
    mov ax, 0x19a
    mov [edi], ax
    GIVES 0x19a
    ; string instructions
    PATCH
    mov eax, 0x5a5a5a5a
    stosd
    GIVES 0x5a5a5a5a
    PATCH
    mov eax, 0x5a
    mov ecx, 4
    rep stosb
    GIVES 0x5a5a5a5a
    mov dword [scratch], 0x778899aa
    PATCH
    mov esi, scratch
    movsd
    GIVES 0x778899aa
    PATCH
    mov dx, 0x999
    insb
    GIVES 0x100 + 0xff

    ; CMPXCHG8B, x87, MMX, SSE
    PATCH
    mov eax, [edi]
    mov edx, [edi + 4]
    mov ebx, 0x11223344
    mov ecx, edx
    lock cmpxchg8b [edi]
    GIVES 0x11223344
    PATCH
    fld1
    fadd st0, st0
    fstp dword [edi]
    GIVES 0x40000000
    PATCH
    mov dword [edi], 0
    fninit
    fnstcw [edi]
    GIVES 0x37f
    PATCH
    fld1
    fld1
    fld1
    faddp
    faddp
    fistp dword [edi]
    GIVES 3
    mov eax, 0x13579bdf
    movd xmm1, eax
    SIMPLE 0x13579bdf, movd [edi], xmm1
    movd mm1, eax
    SIMPLE 0x13579bdf, movd [edi], mm1
    emms
    SIMPLE 0x13579bdf, movss [edi], xmm1
    pcmpeqb xmm2, xmm2
    psrldq xmm2, 12                 ; the first four bytes
    SIMPLE 0x13579bdf, maskmovdqu xmm1, xmm2
    SIMPLE 0x1f80, stmxcsr [edi]

    ; sixteen bytes of code at once, aligned and not; a whole FXSAVE image
    call vector_code
    IS eax, 0
    movups xmm0, [vector_new]
    movaps [vector_code], xmm0
    call vector_code
    IS eax, 0xabcdef01
    mov dword [vector_code + 1], 0
    call vector_code
    IS eax, 0
    movups [vector_code - 3], xmm0
    call vector_code - 3
    IS eax, 0xabcdef01
    mov dword [fx_image + 160], 0xc3c031 ; xor eax, eax; ret
    call fx_image + 160
    IS eax, 0
    fxsave [fx_image]
    call fx_image + 160
    IS eax, 0xabcdef01

    ; stacks: PUSHA, PUSHF, ENTER, CALL
    mov dword [stack_code], 0xc3c031
    call stack_code
    IS eax, 0
    mov [save_esp], esp
    mov esp, stack_code + 32
    mov edi, 0xc340c031             ; xor eax, eax; inc eax; ret
    pusha
    mov esp, [save_esp]
    call stack_code
    IS eax, 1
    mov esp, stack_code + 4
    mov ebp, 0xc348c031             ; xor eax, eax; dec eax; ret
    enter 0, 0
    mov esp, [save_esp]
    call stack_code
    IS eax, -1
    ; a CALL whose return address falls onto the code that it goes to
    mov esp, over_code + 5
    xor ebx, ebx
    call over_code
over_back:
    FAIL
over_done:
    mov esp, [save_esp]
    IS ebx, over_back

    ; an interrupt's frame on the handler's own code
    mov dword [idt + 0x20 * 8], (CODE0 << 16) | (ADDR(int_code) & 0xffff)
    mov ecx, 3
int_again:
    mov eax, scratch
    mov esp, int_code + 13
    xor ebx, ebx
    mov dl, 1
    test dl, dl                     ; flags 2
    int 0x20
int_back:
    mov esp, [save_esp]
    FAIL
int_done:
    mov esp, [save_esp]
    IS ebx, int_back
    dec ecx
    jnz int_again

    ; accessed bit and busy bit in a descriptor table that is also code
    mov esi, gdt
    mov edi, gdt2
    mov ecx, (gdt_end - gdt) / 4
    rep movsd
    lgdt [gdtr2]
    call gdt2 + NEW_DATA + 3
    IS eax, 0x00cf9200
    mov cx, NEW_DATA
    mov fs, cx
    call gdt2 + NEW_DATA + 3
    IS eax, 0x00cf9300
    call gdt2 + NEW_TSS + 3
    IS eax, 0x00008900
    mov cx, NEW_TSS
    ltr cx
    call gdt2 + NEW_TSS + 3
    IS eax, 0x00008b00
    and byte [gdt2 + TSS0 + 5], ~2
    mov cx, TSS0
    ltr cx

    ; a task segment that is also code: the saved instruction pointer is an immediate
    mov edi, tss1
    xor eax, eax
    mov ecx, 26
    rep stosd
    mov dword [tss1 + 32], task
    mov dword [tss1 + 36], 2
    mov dword [tss1 + 56], 0x60000
    mov word [tss1 + 72], DATA0
    mov word [tss1 + 76], CODE0
    mov word [tss1 + 80], DATA0
    mov word [tss1 + 84], DATA0
    mov word [tss1 + 102], 104
    mov byte [tss0 + 31], 0xbb      ; mov ebx, the saved EIP
    mov dword [tss0 + 32], 0
    mov dword [tss0 + 36], 0
    mov byte [tss0 + 40], 0xc3
    mov eax, scratch + 0xc3
    call tss0 + 31
    IS ebx, 0
    mov dl, 1
    test dl, dl
    call TSS1:0
after_task:
    mov eax, scratch + 0xc3
    call tss0 + 31
    IS ebx, after_task

    ; a call gate's frame: parameter, stack pointer and all
    mov dword [tss0 + 4], gate_frame_end
    call gate_frame_end - 13
    IS eax, 0x01010101
    mov [save_esp], esp
    push dword DATA3
    push dword 0x70000
    push dword CODE3
    push dword level3
    retf
level3:
    mov esp, 0x000710eb + 8
    push dword 0x44332211           ; becomes the immediate
    push dword 0xb8000000           ; its top byte is MOV EAX
    ; the pushed ESP is that of the caller: its low bytes are JMP SHORT
    call GATE:0
    FAIL
gate_done:
    mov cx, DATA0
    mov ds, cx
    mov es, cx
    mov esp, [save_esp]
    IS eax, 0x44332211

    ; page-table entries that are also code: accessed and dirty bits
    mov edi, PT
    mov eax, 7
map:
    stosd
    add eax, 0x1000
    cmp edi, PT + 0x800
    jb map
    mov dword [PT + 0xc00 - 4], 0xb8000000
    mov dword [PT + 0xc00], 0x00180003
    mov dword [PT + 0xc04], 0x000000c3     ; RET; a page that nobody touches
    mov dword [PD], PT + 7
    call PT + 0xbff
    IS eax, 0x00180003
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    call PT + 0xbff
    IS eax, 0x00180003
    mov ecx, [0x300000]
    call PT + 0xbff
    IS eax, 0x00180023
    mov [0x300000], ecx
    call PT + 0xbff
    IS eax, 0x00180063
    PASS

task:
    iret
    FAIL

PD equ 0x1c0000
PT equ 0x1c1000
NEW_DATA equ gdt_end - gdt
NEW_TSS equ NEW_DATA + 16

align 16
vector_new:
    db 0xb8
    dd 0xabcdef01
    db 0xc3
    times 10 db 0x90
    times 61 db 0x90
align 16
    times 16 db 0x90
vector_code:
    mov eax, 0
    ret
    times 10 db 0x90
align 16
fx_image: times 512 db 0
align 64
stack_code: times 36 db 0x90
    times 32 db 0x90
over_code:                          ; pop returns here: mov ebx, the pushed address
    db 0xbb
    dd 0
    jmp over_done
align 64
gate_code:
    jmp gate_frame_end - 13
    times 40 db 0x90
    dd 0, 0                         ; EIP, CS
    db 0, 0, 0, 0xb8                ; the second parameter
    dd 0x01010101                   ; the first one
    db 0xc3, 0x10, 7, 0             ; ESP: RET at first, then JMP SHORT
    dd 0                            ; SS
gate_frame_end:
    times 10 db 0x90
    jmp gate_done
align 64
int_code:
    db 0xbb
    dd 0                            ; EIP
    dd 0                            ; CS: or [eax], al and the like
    dd 0                            ; EFLAGS
    jmp int_done
align 256
scratch: times 256 db 0
rounds: dd 0
align 64
gdt2: times gdt_end - gdt db 0
    dd 0xb800ffff, 0x00cf9200       ; NEW_DATA: ...B8h | 00 92 CF 00
    dd 0x000000c3, 0
    dd 0xb8000067, 0x00008900       ; NEW_TSS
    dd 0x000000c3, 0
gdt2_end:
gdtr2:
    dw gdt2_end - gdt2 - 1
    dd gdt2
FRAME_DATA
