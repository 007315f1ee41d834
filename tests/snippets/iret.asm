; SPDX-License-Identifier: LGPL-2.1-or-later
; IRET in 32-bit protected mode and V86 mode: which flags it may change at which CPL and IOPL, the same and outer levels, to V86
; mode and within it. (What it says to each code segment is in far_transfers, the return to a task in tasks.)
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
ONES  equ 0x003d7ed7    ; all flags but VM and TF
START
    call sweep_init
    mov al, 0xff                ; IF is going to be set
    out 0x21, al
    out 0xa1, al
; -- flags: a line for each level and IOPL ---------------------------------------------------------------------------------------
    mov dword [level], 0
.level:
    mov dword [iopl], 0
.iopl:
    mov al, 10
    call print_char
    mov esi, .name
    call print_text
    mov eax, [level]
    mov ecx, 1
    call print_digits
    mov esi, .name2
    call print_text
    mov eax, [iopl]
    mov ecx, 1
    call print_digits
    mov al, ':'
    call print_char
    mov esi, .ops
.op:
    push esi
    mov ebp, [esi]
    call flags
    SHOW "", [flags_after]
    pop esi
    add esi, 4
    cmp esi, .ops_end
    jb .op
    inc dword [iopl]
    cmp dword [iopl], 4
    jb .iopl
    inc dword [level]
    cmp dword [level], 4
    jb .level
    jmp singly
.name: db "flags level ", 0
.name2: db " iopl ", 0
align 4
.ops: dd f_iretd_ones, f_iretd_zeros, f_iret_ones, f_iret_zeros, f_popfd_ones, f_popf_zeros
.ops_end:

; at [level] with [iopl], the code at EBP
flags:
    mov [x_home_sp], esp
    mov dword [x_resume], .back
    mov dword [x_vec], -1
    mov ebx, [level]
    mov eax, DATA3
    mov ds, eax
    mov es, eax
    mov eax, [iopl]
    shl eax, 12
    or eax, 0x200                   ; IF
    test ebx, ebx
    jz .zero
    movzx edx, word [ebx * 2 + sweep_data_sels]
    push edx
    push dword USER_TOP
    push eax
    movzx edx, word [ebx * 2 + sweep_code_sels]
    push edx
    push ebp
    iretd
.zero:
    push eax
    popfd
    jmp ebp
.back:
    push dword 2
    popfd
    ret
flags_end:
    pushfd
    pop dword [flags_after]
    ud2
f_iretd_ones:
    push dword ONES
    push cs
    push dword flags_end
    iretd
f_iretd_zeros:
    push dword 0
    push cs
    push dword flags_end
    iretd
f_iret_ones:
    mov eax, flags_end
    push word ONES & 0xffff
    mov ecx, cs
    push cx
    push ax
    iretw
f_iret_zeros:
    mov eax, flags_end
    push word 0
    mov ecx, cs
    push cx
    push ax
    iretw
f_popfd_ones:
    push dword ONES & ~0x180000     ; not VIP, VIF
    popfd
    jmp flags_end
f_popf_zeros:
    push word 0
    popfw
    jmp flags_end

; OUTER "name", SS, CS, EIP: IRETD with these
%macro OUTER 4
    CASE %1
        push dword %2
        push dword USER_TOP
        push dword 0x2
        push dword %3
        push dword %4
        iretd
    END
%endmacro
singly:
    OUTER "null cs", DATA3, 3, 0x8000
    OUTER "cs beyond the gdt", DATA3, 0x1003, 0x8000
    OUTER "null ss", 3, CODE3, 0x8000
    OUTER "ss of the wrong rpl", DATA3 - 1, CODE3, 0x8000
    OUTER "ss of the wrong dpl", DATA0 + 3, CODE3, 0x8000
    OUTER "ss beyond the gdt", 0x1003, CODE3, 0x8000
    OUTER "code as ss", CODE3, CODE3, 0x8000
    SETDESC 0x48, 0, 0xfffff, 0xf1, 0xc
    OUTER "read-only ss", 0x4b, CODE3, 0x8000
    SETDESC 0x48, 0, 0xfffff, 0x73, 0xc
    OUTER "ss not present", 0x4b, CODE3, 0x8000
    SETDESC 0x58, 0, 0xfff, 0xfb, 4
    OUTER "ss goes before the limit of cs", 0x4b, 0x5b, 0x8000
    OUTER "limit of cs at an outer level", DATA3, 0x5b, 0x1000
    SHOW "cs", [x_cs]
    OUTER "level 1", DATA1, CODE1, sweep_landing
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    CASE "to an inner level"
        RING3 %$go
%$go:
        push dword 2
        push dword CODE0
        push dword %$go
        iretd
    END
    CASE "segments at an outer level"
        SETDESC 0x48, 0, 0xfffff, 0x9f, 0xc
        SETDESC 0x50, 0, 0xfffff, 0x9b, 0xc
        mov eax, 0x48
        mov es, ax
        mov eax, 0x50
        mov fs, ax
        mov eax, DATA3
        mov gs, ax
        push dword DATA3
        push dword USER_TOP
        push dword 2
        push dword CODE3
        push dword %$go
        iretd
%$go:
        mov eax, ds
        mov ebx, es
        mov ecx, fs
        mov edx, gs
        ud2
    END
    SHOW "ds", eax
    SHOW "es", ebx
    SHOW "fs", ecx
    SHOW "gs", edx
    CASE "null selectors lose their rpl at an outer level"
        mov eax, 3
        mov fs, ax
        mov eax, 1
        mov gs, ax
        push dword DATA3
        push dword USER_TOP
        push dword 2
        push dword CODE3
        push dword %$go
        iretd
%$go:
        mov eax, fs
        mov ebx, gs
        ud2
    END
    SHOW "fs", eax
    SHOW "gs", ebx
    CASE "16 bits to level 3, 32-bit stack"
        mov esp, 0x13ff0
        mov eax, %$go
        push word DATA3
        push word 0x4ff0
        push word 2
        push word CODE3
        push ax
        iretw
%$go:
        ud2
    END
    SHOW "esp", [x_sp]
    CASE "32 bits to level 3, 16-bit stack"
        SETDESC 0x48, 0, 0xffff, 0xf3, 0
        push dword 0x4b
        push dword 0x98764ff0
        push dword 2
        push dword CODE3
        push dword %$go
        iretd
%$go:
        ud2
    END
    SHOWM "sp", [x_sp], 0xffff
    CASE "same level, 16 bits"
        mov esp, 0x3f00
        mov eax, %$go
        push word 2
        push word CODE0
        push ax
        iretw
%$go:
        ud2
    END
    SHOW "frame", [x_frame]
    CASE "same level to conforming code"
        SETDESC 0x48, 0, 0xfffff, 0x9e, 0xc
        push dword 2
        push dword 0x48
        push dword %$go
        iretd
%$go:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOWM "access", [gdt + 0x4c], 0xff00
    CASE "to level 3 in conforming code of dpl 0"
        push dword DATA3
        push dword USER_TOP
        push dword 2
        push dword 0x4b
        push dword %$go
        iretd
%$go:
        ud2
    END
    SHOW "cs", [x_cs]
    CASE "vm in the image at level 3"
        RING3 %$go
%$go:
        push dword 0x20002
        push dword CODE3
        push dword %$to
        iretd
%$to:
        ud2
    END
    SHOW "cs", [x_cs]
    SHOWM "fl", [x_fl], 0x20000
; -- V86 mode ------------------------------------------------------------------------------------------------------------------
    %macro TO_V86 3         ; ip, flags, esp
        mov ebx, %1
        mov edx, %2
        mov esi, %3
        call to_v86
    %endmacro
    CASE "to v86 mode"
        TO_V86 %$go, 0x20002, 0x98765000
        bits 16
%$go:
        mov bp, sp
        ud2
        bits 32
    END
    SHOW "esp", [x_sp]
    SHOW "cs", [x_cs]
    SHOW "ss", [x_ss]
    mov ebx, [x_frame]
    SHOW "es", [ebx + 20]
    SHOW "ds", [ebx + 24]
    SHOW "fs", [ebx + 28]
    SHOW "gs", [ebx + 32]
    CASE "to v86 mode with flags"
        TO_V86 %$go, 0x3f7ed7, USER_TOP
        bits 16
%$go:
        ud2
        bits 32
    END
    SHOWM "fl", [x_fl], ~0x10000
    CASE "to v86 mode beyond 64 kib"
        TO_V86 0x10000, 0x20002, USER_TOP
    END
    SHOW "cs", [x_cs]
    CASE "v86 limits are 64 kib, whatever the segments were"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        mov ebx, 0x10000
        mov al, [cs:ebx]
        bits 32
    END
    CASE "v86 code may be written"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        mov [cs:0x2000], al
        ud2
        bits 32
    END
    CASE "v86 iret with iopl 3"
        TO_V86 %$go, 0x23002, USER_TOP
        bits 16
%$go:
        push word 0x4ed7
        push word 0x100
        push word %$to - 0x1000
        iretw
%$to:
        ud2
        bits 32
    END
    SHOW "cs", [x_cs]
    SHOWM "fl", [x_fl], ~0x10000
    SHOW "sp", [x_sp]
    CASE "v86 iretd with iopl 3"
        TO_V86 %$go, 0x23002, USER_TOP
        bits 16
%$go:
        push dword 0x1c0ed7 | 0x200000
        push dword 0
        push dword %$to
        o32 iret
%$to:
        ud2
        bits 32
    END
    SHOWM "fl", [x_fl], ~0x10000
    CASE "v86 iretd beyond 64 kib"
        TO_V86 %$go, 0x23002, USER_TOP
        bits 16
%$go:
        push dword 2
        push dword 0
        push dword 0x10000
        o32 iret
        bits 32
    END
    SHOW "sp", [x_sp]
    CASE "v86 iret with iopl 0"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        iretw
        bits 32
    END
    CASE "v86 int with iopl 0"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        int 0x30
        bits 32
    END
    CASE "v86 int3 with iopl 0"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        int3
        bits 32
    END
    CASE "v86 into with iopl 0"
        TO_V86 %$go, 0x20802, USER_TOP
        bits 16
%$go:
        into
        bits 32
    END
    CASE "v86 int with iopl 3"
        TO_V86 %$go, 0x23002, USER_TOP
        bits 16
%$go:
        int 0x30
        bits 32
    END
    CASE "v86 far jump and return"
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        call 0x100:%$to - 0x1000
%$back:
        ud2
%$to:
        mov ax, cs
        retf
        bits 32
    END
    SHOWM "cs", eax, 0xffff
    SHOW "sp", [x_sp]
    %macro V86_UD 2+
    CASE %1
        TO_V86 %$go, 0x20002, USER_TOP
        bits 16
%$go:
        %2
        nop
        nop
        int3
        bits 32
    END
    %endmacro
    V86_UD "v86 lar", lar ax, cx
    V86_UD "v86 lsl", lsl ax, cx
    V86_UD "v86 verr", verr ax
    V86_UD "v86 arpl", db 0x63, 0xc8
    V86_UD "v86 sldt", sldt ax
    V86_UD "v86 str", str ax
    V86_UD "v86 lldt", lldt ax
    V86_UD "v86 ltr", ltr ax
    V86_UD "v86 lgdt", lgdt [0x2000]
    V86_UD "v86 lmsw", lmsw ax
    V86_UD "v86 clts", clts
    V86_UD "v86 hlt", hlt
    FINISH
bits 32
to_v86:
    push dword 0xffff4444
    push dword 0xffff3333
    push dword 0xffff1111
    push dword 0xffff2222
    push dword 0xffff0000
    push esi
    push edx
    push dword 0xffff0000
    push ebx
    iretd
align 4
level: dd 0
iopl: dd 0
flags_after: dd 0
INT_DATA
SWEEP_DATA
SNIP_DATA
