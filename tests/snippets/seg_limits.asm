; SPDX-License-Identifier: LGPL-2.1-or-later
; Segment limits and types at work: operands of 1 to 16 bytes at the edges of expand-up and expand-down segments, the stack, the
; end of a code segment. The lines of a sweep have a letter for each offset from the one in brackets on:
;       . no fault, G #GP(0), S #SS(0), A #AC, ? anything else
%define HOME 32
%include "snip.inc"
%include "sweep.inc"

; EDGE "name", first offset, count: the operations of `edge_ops` at these offsets in the segment of slot 48h
%macro EDGE 3
    jmp near %%go
%%name: db %1, 0
%%go:
    mov esi, %%name
    mov dword [edge_first], %2
    mov dword [edge_count], %3
    call edges
%endmacro

START
    call sweep_init
    mov eax, cr4
    or eax, 0x200               ; OSFXSR
    mov cr4, eax
    fninit
    mov edi, 0x20000
    mov ecx, 0x20000 / 4
    xor eax, eax
    rep stosd
    SETDESC 0x48, 0x20000, 0x1234, 0xf3, 4
    EDGE "up 1234", 0x1214, 36
    EDGE "up 1234 far away", 0xffffffe0, 8
    SETDESC 0x48, 0x20000, 0x0, 0xf3, 4
    EDGE "up 0", 0, 4
    SETDESC 0x48, 0x20000, 0x1, 0xf3, 0xc
    EDGE "up pages", 0x1fe0, 36
    SETDESC 0x48, 0x20000, 0xffff, 0xf3, 0
    EDGE "up ffff", 0xffe0, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xf7, 0
    EDGE "down 1234 16 bits low", 0x1214, 36
    EDGE "down 1234 16 bits high", 0xffe0, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xf7, 4
    EDGE "down 1234 32 bits low", 0x1214, 36
    EDGE "down 1234 32 bits high", 0xffe0, 36
    SETDESC 0x48, 0x20000, 0x1, 0xf7, 0xc
    EDGE "down pages 32 bits", 0x1fe0, 36
    SETDESC 0x48, 0x20000, 0xf, 0xf7, 0x8
    EDGE "down pages 16 bits", 0xffe0, 36
    SETDESC 0x48, 0x20000, 0xffff, 0xf7, 0
    EDGE "down ffff 16 bits", 0xffe0, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xf1, 4
    EDGE "up read-only", 0x1214, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xf5, 4
    EDGE "down read-only", 0x1214, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xfb, 4
    EDGE "code readable", 0x1214, 36
    SETDESC 0x48, 0x20000, 0x1234, 0xf3, 4
    mov word [sweep_data_sels + 6], 0x4b
    mov dword [edge_table], stack_ops
    EDGE "ss up 1234", 0x1224, 22
    EDGE "ss wrap", 0, 22
    SETDESC 0x48, 0x20000, 0xffff, 0xf3, 0
    EDGE "ss 16 bits", 0, 22
    EDGE "ss 16 bits", 0xfff0, 16
    SETDESC 0x48, 0x20000, 0xfffe, 0xf3, 0
    EDGE "ss 16 bits fffe", 0, 22
    SETDESC 0x48, 0x20000, 0x1234, 0xf7, 0
    EDGE "ss down 16 bits", 0, 22
    EDGE "ss down 16 bits", 0x1224, 44
    SETDESC 0x48, 0x20000, 0x1234, 0xf7, 4
    EDGE "ss down 32 bits", 0x1224, 44
    mov word [sweep_data_sels + 6], DATA3
    jmp code_limits

; xSI: name
edges:
    mov [sweep_name], esi
    mov ebp, [edge_table]
.op:
    mov al, 10
    call print_char
    mov esi, [sweep_name]
    call print_text
    mov al, ' '
    call print_char
    lea esi, [ebp + 4]
    call print_text
    mov [edge_next], esi
    mov al, ' '
    call print_char
    mov al, '['
    call print_char
    mov eax, [edge_first]
    mov [edge_off], eax
    mov ecx, 8
    call print_digits
    mov al, ']'
    call print_char
    mov al, ':'
    call print_char
    mov al, ' '
    call print_char
    mov eax, [edge_count]
    mov [edge_left], eax
.offset:
    push ebp
    mov ecx, [ebp]
    mov ebx, 3
    call try
    pop ebp
    mov al, '.'
    cmp dword [x_vec], 6
    je .print
    mov al, '?'
    cmp dword [x_err], 0
    jne .print
    mov al, 'G'
    cmp dword [x_vec], 13
    je .print
    mov al, 'S'
    cmp dword [x_vec], 12
    je .print
    mov al, 'A'
    cmp dword [x_vec], 17
    je .print
    mov al, '?'
.print:
    call print_char
    inc dword [edge_off]
    dec dword [edge_left]
    jnz .offset
    mov ebp, [edge_next]
    cmp dword [ebp], 0
    jne .op
    ret

; a table of operations: code, name, again and again
%macro ENTRY 2
    dd %2
    db %1, 0
%endmacro
edge_ops:
    ENTRY "r1", e_r1
    ENTRY "r2", e_r2
    ENTRY "r4", e_r4
    ENTRY "r8", e_r8
    ENTRY "r10", e_r10
    ENTRY "r16", e_r16
    ENTRY "w1", e_w1
    ENTRY "w2", e_w2
    ENTRY "w4", e_w4
    ENTRY "w8", e_w8
    ENTRY "w10", e_w10
    ENTRY "w16", e_w16
    ENTRY "add4", e_add4
    ENTRY "xchg4", e_xchg4
    ENTRY "cmpxchg8b", e_cx8
    ENTRY "bt", e_bt
    ENTRY "lgs", e_lgs
    ENTRY "bound", e_bound
    ENTRY "fldenv", e_fldenv
    ENTRY "fnstenv", e_fnstenv
    dd 0
stack_ops:
    ENTRY "push4", s_push4
    ENTRY "push2", s_push2
    ENTRY "pop4", s_pop4
    ENTRY "pop2", s_pop2
    ENTRY "pusha", s_pusha
    ENTRY "popa", s_popa
    ENTRY "call", s_call
    ENTRY "ret", s_ret
    ENTRY "call far", s_callf
    ENTRY "retf", s_retf
    ENTRY "iret", s_iret
    ENTRY "enter", s_enter
    ENTRY "leave", s_leave
    ENTRY "[ebp]", s_ebp
    dd 0

%macro EDGE_CODE 0
    mov edx, 0x4b
    mov fs, edx
    mov ebx, [edge_off]
    xor eax, eax
%endmacro
e_r1:
    EDGE_CODE
    mov al, [fs:ebx]
    OKAY
e_r2:
    EDGE_CODE
    mov ax, [fs:ebx]
    OKAY
e_r4:
    EDGE_CODE
    mov eax, [fs:ebx]
    OKAY
e_r8:
    EDGE_CODE
    fld qword [fs:ebx]
    fstp st0
    OKAY
e_r10:
    EDGE_CODE
    fld tword [fs:ebx]
    fstp st0
    OKAY
e_r16:
    EDGE_CODE
    movups xmm0, [fs:ebx]
    OKAY
e_w1:
    EDGE_CODE
    mov [fs:ebx], al
    OKAY
e_w2:
    EDGE_CODE
    mov [fs:ebx], ax
    OKAY
e_w4:
    EDGE_CODE
    mov [fs:ebx], eax
    OKAY
e_w8:
    EDGE_CODE
    fninit
    fldz
    fstp qword [fs:ebx]
    OKAY
e_w10:
    EDGE_CODE
    fninit
    fldz
    fstp tword [fs:ebx]
    OKAY
e_w16:
    EDGE_CODE
    movups [fs:ebx], xmm0
    OKAY
e_add4:
    EDGE_CODE
    add [fs:ebx], eax
    OKAY
e_xchg4:
    EDGE_CODE
    xchg [fs:ebx], eax
    OKAY
e_cx8:
    EDGE_CODE
    mov edi, ebx
    xor ebx, ebx
    xor ecx, ecx
    cmpxchg8b [fs:edi]
    OKAY
e_bt:
    EDGE_CODE
    bt dword [fs:ebx], 3
    OKAY
e_lgs:
    EDGE_CODE
    lgs esi, [fs:ebx]
    OKAY
e_bound:
    EDGE_CODE
    bound eax, [fs:ebx]
    OKAY
e_fldenv:
    EDGE_CODE
    fldenv [fs:ebx]
    fninit
    OKAY
e_fnstenv:
    EDGE_CODE
    fnstenv [fs:ebx]
    xor eax, eax                ; the next ones shall find zeros
    mov ecx, 28
.zero:
    mov [fs:ebx + ecx - 1], al
    loop .zero
    OKAY

%macro STACK_CODE 0
    mov esp, [edge_off]
    xor eax, eax
    mov ecx, .okay
%endmacro
%macro STACK_END 0
.okay:
    OKAY
%endmacro
s_push4:
    STACK_CODE
    push eax
    STACK_END
s_push2:
    STACK_CODE
    push ax
    STACK_END
s_pop4:
    STACK_CODE
    pop eax
    STACK_END
s_pop2:
    STACK_CODE
    pop ax
    STACK_END
s_pusha:
    STACK_CODE
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor ebp, ebp
    xor esi, esi
    xor edi, edi
    pushad
    STACK_END
s_popa:
    STACK_CODE
    popad
    STACK_END
s_call:
    STACK_CODE
    call .okay
    STACK_END
s_ret:
    STACK_CODE
    pop eax
    push ecx
    ret
    STACK_END
s_callf:
    STACK_CODE
    call CODE3:.okay
    STACK_END
s_retf:
    STACK_CODE
    pop eax
    pop eax
    push dword CODE3
    push ecx
    retf
    STACK_END
s_iret:
    STACK_CODE
    pop eax
    pop eax
    pop eax
    pushfd
    push dword CODE3
    push ecx
    iretd
    STACK_END
s_enter:
    STACK_CODE
    enter 0, 0
    STACK_END
s_leave:
    STACK_CODE
    mov ebp, esp
    mov esp, 0x2000
    leave
    STACK_END
s_ebp:
    STACK_CODE
    mov ebp, esp
    mov eax, [ebp]
    STACK_END

; -- the end of a code segment ---------------------------------------------------------------------------------------------------
LIMIT equ 0x48
%macro CODE_LIMIT 1
    SETDESC LIMIT, 0, ADDR(%1) - 1, 0x9b, 4
%endmacro
code_limits:
    CASE "falls over the limit"
        CODE_LIMIT .end1
        jmp LIMIT:.go1
.go1:
        nop
.end1:
        nop
    END
    CASE "instruction across the limit"
        CODE_LIMIT .go2 + 4
        jmp LIMIT:.go2
.go2:
        mov eax, 0x12345678
    END
    CASE "jump behind the limit"
        CODE_LIMIT .end3
        jmp LIMIT:.go3
.go3:
        jmp .end3
.end3:
        nop
    END
    CASE "jump to the last byte"
        CODE_LIMIT .end4 + 1
        jmp LIMIT:.go4
.go4:
        jmp .end4
        nop
.end4:
        nop
        nop
    END
    CASE "jcc behind the limit"
        CODE_LIMIT .end5
        jmp LIMIT:.go5
.go5:
        cmp eax, eax
        je .end5
.end5:
        nop
    END
    CASE "jcc not taken"
        CODE_LIMIT .end6
        jmp LIMIT:.go6
.go6:
        cmp eax, eax
        jne .end6
        ud2
.end6:
        nop
    END
    CASE "loop behind the limit"
        CODE_LIMIT .end7
        jmp LIMIT:.go7
.go7:
        mov ecx, 2
        loop .end7
.end7:
        nop
    END
    SHOW "ecx", ecx
    CASE "call behind the limit"
        CODE_LIMIT .end8
        jmp LIMIT:.go8
.go8:
        mov esp, 0x6ff0
        call .end8
.end8:
        nop
    END
    SHOW "esp", [x_frame]
    CASE "call by a register behind the limit"
        CODE_LIMIT .end9
        jmp LIMIT:.go9
.go9:
        mov esp, 0x6ff0
        mov eax, .end9
        call eax
.end9:
        nop
    END
    SHOW "esp", [x_frame]
    CASE "ret behind the limit"
        CODE_LIMIT .end10
        jmp LIMIT:.go10
.go10:
        mov esp, 0x6ff0
        push dword .end10
        ret
.end10:
        nop
    END
    SHOW "esp", [x_frame]
    CASE "far jump behind the limit"
        CODE_LIMIT .end11
        jmp LIMIT:.end11
.end11:
        nop
    END
    SHOW "cs", [x_cs]
    CASE "far call behind the limit"
        CODE_LIMIT .end12
        mov esp, 0x6ff0
        call LIMIT:.end12
.end12:
        nop
    END
    SHOW "cs", [x_cs]
    SHOW "esp", [x_frame]
    CASE "retf behind the limit"
        CODE_LIMIT .end13
        mov esp, 0x6ff0
        push dword LIMIT
        push dword .end13
        retf
.end13:
        nop
    END
    SHOW "esp", [x_frame]
    CASE "iret behind the limit"
        CODE_LIMIT .end14
        mov esp, 0x6ff0
        push dword 0x6002
        push dword LIMIT
        push dword .end14
        iretd
.end14:
        nop
    END
    SHOW "esp", [x_frame]
    SHOWM "flags", [x_fl], 0x7000
    SETDESC LIMIT, 0x20000, 0xffff, 0x9b, 0
    mov word [0x20032], 0x0b0f  ; ud2
    mov word [0x2fff0], 0x40eb  ; jmp short
    mov byte [0x2ffff], 0x90
    CASE "jump with 16 bits wraps"
        jmp LIMIT:0xfff0
    END
    SHOW "ip", [x_ip]
    SHOW "cs", [x_cs]
    CASE "going on with 16 bits does not wrap"
        jmp LIMIT:0xffff
    END
    SHOW "ip", [x_ip]
    SHOW "cs", [x_cs]
    CASE "write by cs"
        mov [cs:0x2000], eax
    END
    CASE "read by an execute-only cs"
        SETDESC LIMIT, 0, 0xfffff, 0x99, 0xc
        jmp LIMIT:.go17
.go17:
        mov eax, [cs:0x2000]
    END
    CASE "xlat by an execute-only cs"
        SETDESC LIMIT, 0, 0xfffff, 0x99, 0xc
        jmp LIMIT:.go18
.go18:
        cs xlatb
    END
    FINISH
align 4
edge_table: dd edge_ops
edge_next: dd 0
edge_first: dd 0
edge_count: dd 0
edge_left: dd 0
edge_off: dd 0
SWEEP_DATA
SNIP_DATA
