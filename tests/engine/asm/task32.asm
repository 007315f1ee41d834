; SPDX-License-Identifier: LGPL-2.1-or-later
; Hardware task switches: JMP, CALL and IRET, a task gate in the IDT, faults in the new task, a double fault through
; a task gate.
%include "rig.inc"
%include "prot32.inc"
bits 32
org 0x100000
start:
    FRAME_SETUP
    ; CALL to a task and IRET back
    mov edi, tss1
    call fill
    mov dword [tss1 + 32], task_a
    mov ebx, 0xb0b0b0b0
    mov eax, cr0
    and eax, ~8
    mov cr0, eax
    call TSS1:0
    IS ebx, 0xb0b0b0b0              ; our registers came back
    IS esp, 0x80000
    mov eax, cr0
    test eax, 8
    OK nz                           ; TS
    test byte [gdt + TSS1 + 5], 2
    OK z                            ; not busy any more
    test byte [gdt + TSS0 + 5], 2
    OK nz
    str ax
    IS ax, TSS0
    IS dword [seen], 0xa
    ; the task was saved behind its IRET
    IS dword [tss1 + 32], task_a_again
    ; a second CALL goes on there
    call TSS1:0
    IS dword [seen], 0xaa

    ; JMP: no link, the old task is free
    mov dword [tss1 + 32], task_b
    jmp TSS1:0
back_from_b:
    IS dword [seen], 0xb
    str ax
    IS ax, TSS0

    ; a task gate for vector 21h; with error codes for #GP
    mov dword [idt + 0x21 * 8], TSS1 << 16
    mov dword [idt + 0x21 * 8 + 4], 0x8500
    mov edi, tss1
    call fill
    mov dword [tss1 + 32], task_c
    int 0x21
    IS dword [seen], 0xc
    mov dword [idt + 13 * 8], TSS1 << 16
    mov dword [idt + 13 * 8 + 4], 0x8500
    mov edi, tss1
    call fill
    mov dword [tss1 + 32], task_d
    mov [save_esp], esp
.gp:
    mov ax, BEYOND
    mov ds, ax
after_gp:
    IS dword [seen], 0xd
    IS dword [err], BEYOND
    call idt_gp_back

    ; a new task with a bad data segment: #TS in the new task
    mov edi, tss1
    call fill
    mov dword [tss1 + 32], task_a
    mov dword [tss1 + 84], XONLY
    TRY .ts
    jmp TSS1:0
.ts:
    IS dword [vec], 10
    IS dword [err], XONLY
    IS dword [at_eip], task_a
    str ax
    IS ax, TSS1
    ; back to the first task's TSS by hand
    and byte [gdt + TSS0 + 5], ~2
    mov ax, TSS0
    ltr ax
    and byte [gdt + TSS1 + 5], ~2

    ; a busy task cannot be called
    TRY .busy
.f1:
    call TSS0:0
    FAIL
.busy:
    EXPECT 13, TSS0, .f1
    ; nor one with too small a segment
    mov word [gdt + TSS1], 0x66
    TRY .small
.f2:
    jmp TSS1:0
    FAIL
.small:
    EXPECT 10, TSS1, .f2
    mov word [gdt + TSS1], 0x67

    ; double fault: the stack is gone, only a task can help
    mov dword [idt + 8 * 8], TSS2 << 16
    mov dword [idt + 8 * 8 + 4], 0x8500
    mov edi, tss2
    call fill
    mov dword [tss2 + 32], task_df
    mov ax, SMALLSS
    mov ss, ax
    mov esp, 0x1001
double:
    push eax
    FAIL
df_done:
    PASS

idt_gp_back:
    mov dword [idt + 13 * 8], (CODE0 << 16) | ((stubs_off + 13 * 16) & 0xffff)
    mov dword [idt + 13 * 8 + 4], 0x8e00 | 0x100000
    ret
stubs_off equ stubs - $$

; a plain level-0 task state at edi
fill:
    push edi
    xor eax, eax
    mov ecx, 26
    rep stosd
    pop edi
    mov dword [edi + 36], 2
    mov dword [edi + 40], 0x1111
    mov dword [edi + 56], 0x50000
    mov dword [edi + 72], DATA0
    mov dword [edi + 76], CODE0
    mov dword [edi + 80], DATA0
    mov dword [edi + 84], DATA0
    mov dword [edi + 88], DATA0
    mov dword [edi + 92], DATA0
    mov word [edi + 102], 104
    ret

task_a:
    IS eax, 0x1111
    pushfd
    pop eax
    test eax, 0x4000                ; NT
    OK nz
    IS word [tss1], TSS0            ; link
    mov ebx, 0
    mov dword [seen], 0xa
    iretd
task_a_again:
    mov dword [seen], 0xaa
    iretd
task_b:
    pushfd
    pop eax
    test eax, 0x4000
    OK z
    test byte [gdt + TSS0 + 5], 2
    OK z
    mov dword [seen], 0xb
    jmp TSS0:0
task_c:
    mov dword [seen], 0xc
    iretd
    FAIL
task_d:
    mov dword [seen], 0xd
    pop dword [err]
    mov dword [tss0 + 32], after_gp
    iretd
task_df:
    IS dword [esp], 0
    IS dword [tss0 + 32], double
    mov ax, DATA0
    mov ss, ax
    mov esp, 0x80000
    jmp df_done
seen: dd 0
    FRAME_DATA
