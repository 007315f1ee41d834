; SPDX-License-Identifier: LGPL-2.1-or-later
; Loads of segment registers in 32-bit protected mode: every type, DPL, RPL and CPL; tables, null selectors, accessed bits; what
; LAR, LSL, VERR, VERW and ARPL see; LLDT and LTR.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
START
    call sweep_init
    SWEEP_RINGS "mov ds", t_ds
    SWEEP_RINGS "mov ss", t_ss
    mov dword [sweep_from], 0x10
    SWEEP "pop es", t_pop_es, 3
    SWEEP "pop fs", t_pop_fs, 0
    SWEEP "lgs", t_lgs, 3
    SWEEP "lss", t_lss, 3
    SWEEP "pop ss", t_pop_ss, 0
    mov byte [sweep_change], 0
    mov dword [sweep_from], 0
    SWEEP "lar", t_lar, 0
    SWEEP "lar", t_lar, 3
    SWEEP "lsl", t_lsl, 0
    SWEEP "lsl", t_lsl, 2
    mov dword [sweep_from], 0xf
    SWEEP "verr", t_verr, 0
    SWEEP "verr", t_verr, 3
    SWEEP "verw", t_verw, 1
    SWEEP "verw", t_verw, 3
    mov dword [sweep_from], 0
    mov dword [sweep_to], 0x11
    SWEEP "lldt", t_lldt, 0
    mov byte [sweep_change], 2
    mov byte [sweep_change_if], 0xff
    SWEEP "ltr", t_ltr, 0
    jmp tables

t_ds:
    mov ds, ax
    OKAY
t_ss:
    mov ss, ax
    OKAY
t_pop_es:
    push eax
    pop es
    OKAY
t_pop_fs:
    push eax
    pop fs
    OKAY
t_lgs:
    lgs esi, [sweep_far]
    OKAY
t_lss:
    mov dword [sweep_far], USER_TOP
    lss esp, [sweep_far]
    OKAY
t_pop_ss:
    push eax
    pop ss
    OKAY
t_lar:
    mov edx, [gdt + UNDER + 4]
    lar ecx, ax
    jnz .no
    xor ecx, edx
    test ecx, 0x00f0ff00
    jnz .wrong
    OKAY
.wrong:
    hlt
.no:
    OTHER
t_lsl:
    lsl ecx, ax
    jnz .no
    OKAY
.no:
    OTHER
t_verr:
    verr ax
    jnz .no
    OKAY
.no:
    OTHER
t_verw:
    verw ax
    jnz .no
    OKAY
.no:
    OTHER
t_lldt:
    lldt ax
    xor ecx, ecx
    lldt cx
    OKAY
t_ltr:
    ltr ax
    and byte [gdt + TSS0 + 5], ~2
    mov ecx, TSS0
    ltr cx
    OKAY

; -- one by one ----------------------------------------------------------------------------------------------------------------
tables:
    CASE "null to ds"
        mov eax, 3
        mov ds, ax
        mov ax, ds
        mov ds, [cs:.data0]
    END
    SHOW "", eax
    jmp .after
.data0: dw DATA0
.after:
    CASE "null to ss"
        xor eax, eax
        mov ss, ax
    END
    CASE "null with rpl 3 to ss"
        mov eax, 3
        mov ss, ax
    END
    CASE "null to ss at level 3"
        RING3 .null3
.null3:
        mov eax, 3
        mov ss, ax
    END
    CASE "null by lds"
        mov dword [0x2000], 0x12345678
        mov word [0x2004], 0
        lds esi, [0x2000]
        mov al, [ds:0]
    END
    SHOW "esi", esi
    CASE "null to cs by retf"
        push dword 3
        push dword 0
        retf
    END
    CASE "write through a null segment"
        xor eax, eax
        mov gs, ax
        mov [gs:0], al
    END
    CASE "mov to cs"
        mov eax, DATA0
        db 0x8e, 0xc8
    END
    CASE "mov to segment register 6"
        db 0x8e, 0xf0
    END
    CASE "mov from segment register 7"
        db 0x8c, 0xf8
    END
    CASE "last whole descriptor of the gdt"
        SETDESC 0x60, 0, 0xfffff, 0x92, 0xc
        mov word [0x2000], 0x67
        mov dword [0x2002], gdt
        lgdt [0x2000]
        mov eax, 0x60
        mov fs, ax
    END
    lgdt [gdtr]
    SHOWM "access", [gdt + 0x64], 0xff00
    CASE "descriptor a byte beyond the gdt"
        SETDESC 0x60, 0, 0xfffff, 0x92, 0xc
        mov word [0x2000], 0x66
        mov dword [0x2002], gdt
        lgdt [0x2000]
        mov eax, 0x63
        mov fs, ax
    END
    lgdt [gdtr]
    SHOWM "access", [gdt + 0x64], 0xff00
    CASE "ss beyond the gdt"
        mov word [0x2000], 0x5f
        mov dword [0x2002], gdt
        lgdt [0x2000]
        mov eax, 0x60
        mov ss, ax
    END
    lgdt [gdtr]
    CASE "ldt selector without an ldt"
        mov eax, 0x57
        mov es, ax
    END
    CASE "ldt selector"
        SETDESC 0x48, 0x2000, 0xf, 0x82, 0
        mov dword [0x2008], 0x1000ffff
        mov dword [0x200c], 0x00cf9200
        mov byte [0x1010], 0x5a
        mov eax, 0x48
        lldt ax
        mov eax, 0x0c
        mov es, ax
        movzx eax, byte [es:0x10]
    END
    SHOW "", eax
    SHOWM "access", [0x200c], 0xff00
    CASE "ldt selector beyond the ldt"
        mov eax, 0x14
        mov es, ax
    END
    CASE "ldt entry 0"
        mov dword [0x2000], 0x0000ffff
        mov dword [0x2004], 0x00cf9300
        mov eax, 4
        mov es, ax
    END
    CASE "lldt by an ldt selector"
        mov eax, 0x0c
        lldt ax
    END
    CASE "sldt"
        or ebx, -1
        sldt bx
        mov ecx, ebx
        mov dword [0x2010], -1
        sldt [0x2010]
        sldt eax
    END
    SHOW "", ecx
    SHOW "", [0x2010]
    SHOWM "", eax, 0xffff
    CASE "lldt null with rpl"
        mov eax, 2
        lldt ax
        xor ebx, ebx
        sldt bx
    END
    SHOW "", ebx
    CASE "lldt beyond the gdt"
        mov eax, 0x1000
        lldt ax
    END
    CASE "lldt at level 3"
        RING3 .lldt3
.lldt3:
        xor eax, eax
        lldt ax
    END
    CASE "ltr null"
        xor eax, eax
        ltr ax
        and byte [gdt + TSS0 + 5], ~2
        mov eax, TSS0
        ltr ax
    END
    CASE "ltr by an ldt selector"
        mov eax, 0x4c
        ltr ax
    END
    CASE "ltr busy"
        mov eax, TSS0
        ltr ax
    END
    CASE "str"
        or ebx, -1
        str bx
        str eax
    END
    SHOW "", ebx
    SHOWM "", eax, 0xffff
    CASE "lsl of bytes"
        SETDESC 0x48, 0, 0x12345, 0x92, 0
        mov eax, 0x48
        lsl ecx, ax
        or edx, -1
        lsl dx, ax
    END
    SHOW "", ecx
    SHOW "", edx
    CASE "lsl of pages"
        SETDESC 0x48, 0, 0x12345, 0x92, 8
        mov eax, 0x48
        lsl ecx, ax
    END
    SHOW "", ecx
    CASE "lsl of an expand-down segment"
        SETDESC 0x48, 0, 0x345, 0x96, 0
        mov eax, 0x48
        lsl ecx, ax
    END
    SHOW "", ecx
    CASE "lar with 16 bits"
        SETDESC 0x48, 0, 0x345, 0x96, 0xd
        mov eax, 0x48
        or ecx, -1
        lar cx, ax
    END
    SHOW "", ecx
    CASE "lar and lsl of null"
        mov ecx, 0x1234
        mov edx, 0x5678
        xor eax, eax
        cmp eax, eax
        lar ecx, ax
        setz bl
        cmp eax, eax
        lsl edx, ax
        setz bh
        movzx ebx, bx
    END
    SHOW "", ecx
    SHOW "", edx
    SHOW "zf", ebx
    CASE "verr beyond the table"
        mov eax, 0xfff8
        cmp eax, eax
        verr ax
        setz bl
        movzx ebx, bl
    END
    SHOW "zf", ebx
    CASE "verr by memory beyond a limit"
        SETDESC 0x48, 0, 0xf, 0x92, 0
        mov eax, 0x48
        mov es, ax
        verr word [es:0xf]
    END
    CASE "arpl raises"
        mov eax, 0x48
        mov ecx, 0xabcd0002
        arpl ax, cx
        setz bl
        movzx ebx, bl
    END
    SHOW "", eax
    SHOW "zf", ebx
    CASE "arpl leaves"
        mov eax, 0xffff004a
        mov ecx, 1
        arpl ax, cx
        setz bl
        movzx ebx, bl
    END
    SHOW "", eax
    SHOW "zf", ebx
    CASE "arpl to a read-only segment"
        SETDESC 0x48, 0, 0xffff, 0x90, 0
        mov eax, 0x48
        mov es, ax
        mov word [0x2000], 0
        mov ecx, 3
        arpl [es:0x2000], cx
    END
    CASE "sgdt with 16 bits"
        mov dword [0x2000], -1
        mov dword [0x2004], -1
        mov word [0x2010], 0x00ff
        mov dword [0x2012], 0x89abcdef
        mov word [0x2016], -1
        o32 lgdt [0x2010]
        o16 sgdt [0x2000]
        o32 lgdt [gdtr]
    END
    SHOW "", [0x2000]
    SHOW "", [0x2004]
    CASE "lgdt with 16 bits"
        mov dword [0x2000], -1
        mov dword [0x2004], -1
        o16 lgdt [0x2010]
        o32 sgdt [0x2000]
        o32 lgdt [gdtr]
    END
    SHOW "", [0x2000]
    SHOW "", [0x2004]
    CASE "sidt with 16 bits"
        mov dword [0x2000], -1
        mov dword [0x2004], -1
        o32 lidt [0x2010]
        o16 sidt [0x2000]
        o32 lidt [idtr]
    END
    SHOW "", [0x2000]
    SHOW "", [0x2004]
    CASE "smsw to memory"
        mov dword [0x2000], -1
        smsw [0x2000]
        smsw ax
    END
    SHOW "", [0x2000]
    CASE "lmsw does not leave protected mode"
        xor eax, eax
        lmsw ax
        smsw ax
        mov ecx, eax
        mov eax, cr0
        and eax, ~0xe
        mov cr0, eax
        and ecx, 0xf
    END
    SHOW "", ecx
    CASE "lmsw sets mp em ts"
        mov eax, 0xe
        lmsw ax
        mov ecx, cr0
        clts
        mov eax, cr0
        and eax, ~0xe
        mov cr0, eax
        and ecx, 0xf
    END
    SHOW "", ecx
    CASE "lmsw at level 3"
        RING3 .lmsw3
.lmsw3:
        lmsw ax
    END
; -- read-only descriptor tables -----------------------------------------------------------------------------------------------
    mov edi, 0x20000            ; page directory, one table that maps 4 MiB
    mov dword [edi], 0x21007
    mov edi, 0x21000
    mov eax, 7
    mov ecx, 1024
.pt:
    mov [edi], eax
    add eax, 0x1000
    add edi, 4
    loop .pt
    mov esi, gdt
    mov edi, 0x30000
    mov ecx, (gdt_end - gdt) / 4
    rep movsd
    mov dword [0x21000 + 0x30 * 4], 0x30005
    mov word [0x2000], gdt_end - gdt - 1
    mov dword [0x2002], 0x30000
    lgdt [0x2000]
    mov eax, 0x20000
    mov cr3, eax
    mov dword [0x30048], 0x0000ffff
    mov dword [0x3004c], 0x00cf9200
    mov dword [0x30050], 0x0000ffff
    mov dword [0x30054], 0x00cf9300
    mov dword [0x30058], 0x0000ffff
    mov dword [0x3005c], 0x00cff200
    mov eax, cr0
    or eax, 0x80010000
    mov cr0, eax
    CASE "accessed descriptor in a read-only page"
        mov eax, 0x50
        mov fs, ax
    END
    CASE "accessed bit in a read-only page"
        mov eax, 0x48
        mov fs, ax
    END
    SHOWM "cr2", [x_cr2], ~7
    SHOWM "access", [0x3004c], 0xff00
    CASE "accessed bit in a read-only page at level 3"
        RING3 .ro3
.ro3:
        mov eax, 0x5b
        mov fs, ax
    END
    CASE "present fault before the accessed bit"
        mov byte [0x21000 + 0x30 * 4], 7
        invlpg [0x30000]
        mov byte [0x3004d], 0x12
        mov byte [0x21000 + 0x30 * 4], 5
        invlpg [0x30000]
        mov eax, 0x48
        mov fs, ax
    END
    CASE "accessed bit without cr0.wp"
        mov eax, cr0
        and eax, ~0x10000
        mov cr0, eax
        mov byte [0x3004d], 0x92
        mov eax, 0x48
        mov fs, ax
    END
    SHOWM "access", [0x3004c], 0xff00
    mov eax, cr0
    and eax, ~0x80000000
    mov cr0, eax
    lgdt [gdtr]
    CASE "lgdt beyond a limit"
        SETDESC 0x48, 0, 0x2005, 0x92, 0
        mov eax, 0x48
        mov es, ax
        lgdt [es:0x2001]
    END
    FINISH
SWEEP_DATA
SNIP_DATA
