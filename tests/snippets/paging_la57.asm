; SPDX-License-Identifier: LGPL-2.1-or-later
; 5-level paging: how it is entered and left, what it translates, canonical addresses of 57 bits, the PML5E's rights and reserved bits.
; SDM vol. 3, 2.5, 4.1, 4.5.
; CPU viv: x86-64-v3,+la57
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%define LEVEL3_CODE
PML5 equ 0x28000
PML4B equ 0x29000
%define LIN5 0x00ab000000000000         ; PML5's entry 171, all other indices 0
%define ENTRY5 PML5 + 171 * 8
%define ALL 0, ENTRY2 + 7, ENTRY1 + 7, PAGE_A + 7
%define HOLE4 0x0000800000000000        ; canonical with 57 bits only
%define HOLE5 0x0100000000000000        ; not canonical at all
%macro WRITE_MSR 2
        mov rax, %2
        mov rdx, rax
        shr rdx, 32
        mov ecx, %1
        wrmsr
%endmacro
%macro ONE 3                            ; name, value of the PML5E, bits of it
    ENTRIES ALL
    mov rax, PML4B + (%2)
    mov rcx, %3
    or rax, rcx
    mov [ENTRY5], rax
    FLUSH
    PROBE %1
%endmacro
; Level 0 of compatibility mode, paging off, root %1, LA57 as %2 says, paging on, back.
%macro SWITCH 2
    push CODE0
    push %%compat
    o64 retf
    bits 32
%%compat:
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov eax, cr4
    %2 eax, 12
    mov cr4, eax
    mov eax, %1
    mov cr3, eax
    mov eax, cr0
    bts eax, 31
    mov cr0, eax
    jmp CODE64:%%long
    bits 64
%%long:
%endmacro
START
    call tables_init
    NEED "la57", 7, 0, ecx, 16, .no
    mov edi, PML5
    mov ecx, 0x2000 / 4
    xor eax, eax
    rep stosd
    mov dword [PML5], 0x11000 + 7
    mov dword [ENTRY5], PML4B + 7
    mov dword [PML4B], ENTRY3 + 7
    CASE "la57, off, canonical with 57 bits, load"
        mov rbx, HOLE4
        mov al, [rbx]
    END
    CASE "la57, off, canonical with 57 bits, MSR"
        WRITE_MSR 0xc0000102, HOLE4
        WRITE_MSR 0xc0000082, HOLE5 - 1
    END
    CASE "la57, off, not canonical, MSR"
        WRITE_MSR 0xc0000082, HOLE5
    END
    CASE "la57, off, FS base makes the address"
        WRITE_MSR 0xc0000100, HOLE4
        mov al, [fs:0]
    END
    WRITE_MSR 0xc0000100, 0
    CASE "la57, off, canonical with 57 bits, LGDT"
        sgdt [table]
        mov rax, [table + 2]
        push rax
        mov rax, HOLE4
        mov [table + 2], rax
        lgdt [table]
        pop rax
        mov [table + 2], rax
        lgdt [table]
    END
    CASE "la57, off, canonical with 57 bits, JMP"
        mov rax, HOLE4
        jmp rax
    END
    CASE "la57, off, canonical with 57 bits, INVLPG"
        mov rax, HOLE4
        invlpg [rax]
    END
    CASE "la57, on"
        SWITCH PML5, bts
    END
    SHOWM "cr4", cr4, CR4_LA57
    CASE "la57, cannot be changed in 64-bit mode"
        mov rax, cr4
        btr eax, 12
        mov cr4, rax
    END
    mov rax, LIN5
    mov [probe_lin], rax
    ONE "la57, page", 7, 0
    CASE "la57, load"
        mov rbx, LIN5
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    CASE "la57, A"
        ENTRIES ALL
        mov dword [ENTRY5], PML4B + 7
        FLUSH
        mov eax, [rbx]
    END
    SHOWM "", [ENTRY5], 0x60
    SHOWM "", [PML4B], 0x20
    SHOWM "", [ENTRY1], 0x60
    ONE "la57, PML5E read-only", 5, 0
    ONE "la57, PML5E supervisor", 3, 0
    ONE "la57, PML5E neither", 1, 0
    ONE "la57, PML5E not present", 6, 0
    ONE "la57, PML5E, bit 7", 0x87, 0
    ONE "la57, PML5E, bit 8", 0x107, 0
    ONE "la57, PML5E, bits that mean nothing", 0x7ff0000000000e5f, 0
    ONE "la57, PML5E, XD without NXE", 7, NX
    CR_SET cr0, CR0_WP
    EFER_BIT bts, NXE
    ONE "la57, WP, PML5E read-only", 5, 0
    ONE "la57, PML5E, XD", 7, NX
    EFER_BIT btr, NXE
    CR_CLEAR cr0, CR0_WP
    ONE "la57, again", 7, 0
    or byte [PML4B], 0x80
    PROBE "la57, PML4E, bit 7"
    and byte [PML4B], 0x7f
    mov byte [PML4B], 6
    PROBE "la57, PML4E not present"
    mov byte [PML4B], 7
    ENTRIES 0, ENTRY2 + 7, LARGE_A + 0x87, 0
    PROBE "la57, 2M"
    ENTRIES ALL
    CASE "la57, CPUID's linear address"
        mov eax, 0x80000008
        cpuid
        movzx ebx, ah
    END
    SHOW "", rbx
    mov eax, 0x80000008
    cpuid
    movzx r8d, al
    cmp r8d, 52
    jae .phys
    bts qword [ENTRY5], r8
    PROBE "la57, PML5E, address"
    btr qword [ENTRY5], r8
.phys:
    CASE "la57, PML4's first hole"
        mov rbx, HOLE4
        mov al, [rbx]
    END
    SHOW "cr2", [x_cr2]
    CASE "la57, last byte of the lower half"
        mov rbx, HOLE5 - 1
        mov al, [rbx]
    END
    SHOW "cr2", [x_cr2]
    CASE "la57, over the end of the lower half"
        mov rbx, HOLE5 - 1
        mov ax, [rbx]
    END
    CASE "la57, not canonical, load"
        mov rbx, HOLE5
        mov al, [rbx]
    END
    CASE "la57, not canonical, upper side"
        mov rbx, 0xfeffffffffffffff
        mov al, [rbx]
    END
    CASE "la57, first byte of the upper half"
        mov rbx, 0xff00000000000000
        mov al, [rbx]
    END
    SHOW "cr2", [x_cr2]
    CASE "la57, not canonical, PUSH"
        mov rsp, HOLE5 + 8
        push rax
    END
    CASE "la57, not canonical, JMP"
        mov rbx, HOLE5
        jmp rbx
    END
    CASE "la57, code"
        mov word [PAGE_A + 0xf00], 0xe3ff       ; jmp ebx
        mov rax, LIN5 + 0xf00
        mov ebx, .back
        jmp rax
.back:
    END
    CASE "la57, RET to code, level 3"
        mov rax, LIN5 + 0x800
        LEVEL3 0, rax
    END
    SHOW "rip", [x_ip]
    CASE "la57, stack, level 3"
        push DATA3
        mov rax, LIN5 + 0x700
        push rax
        push 2
        push CODE643
        push USER_PAGE + 0x200
        iretq
    END
    SHOW "rsp", [x_sp]
    CASE "la57, LSTAR"
        WRITE_MSR 0xc0000082, LIN5
        rdmsr
    END
    SHOW "edx", rdx
    CASE "la57, FS base"
        WRITE_MSR 0xc0000100, LIN5
        mov eax, [fs:0x100]
    END
    SHOW "eax", rax
    CASE "la57, RIP-relative over 48 bits"
        mov rax, LIN5 + 0x300
        mov word [PAGE_A + 0x300], 0x058b          ; mov eax, [rip - 206h]
        mov dword [PAGE_A + 0x302], -0x206
        mov word [PAGE_A + 0x306], 0x0b0f
        jmp rax
    END
    SHOW "eax", rax
    CASE "la57, INVLPG"
        mov rbx, LIN5
        mov eax, [rbx + 0x100]
        mov dword [ENTRY1], PAGE_B + 7
        invlpg [rbx]
        mov eax, [rbx + 0x100]
    END
    SHOW "eax", rax
    CASE "la57, off again"
        SWITCH 0x11000, btr
    END
    SHOWM "cr4", cr4, CR4_LA57
    CASE "la57, afterwards"
        mov rbx, LIN5
        mov al, [rbx]
    END
    CASE "la57, afterwards, canonical"
        mov rbx, HOLE4 - 1
        mov al, [rbx]
    END
    SHOW "cr2", [x_cr2]
    WRITE_MSR 0xc0000100, 0
    CASE "la57, without paging it can be changed at will"
        push CODE0
        push .off
        o64 retf
        bits 32
.off:
        mov eax, cr0
        btr eax, 31
        mov cr0, eax
        mov eax, cr4
        bts eax, 12
        mov cr4, eax
        btr eax, 12
        mov cr4, eax
        mov eax, cr0
        bts eax, 31
        mov cr0, eax
        jmp CODE64:.on
        bits 64
.on:
    END
    CASE "la57, with PAE paging it means nothing"
        push CODE0
        push .legacy
        o64 retf
        bits 32
.legacy:
        mov eax, cr0
        btr eax, 31
        mov cr0, eax
        mov ecx, 0xc0000080
        rdmsr
        btr eax, 8
        wrmsr
        mov dword [0x2a000], 0x13000 + 1
        mov eax, 0x2a000
        mov cr3, eax
        mov eax, cr4
        bts eax, 12
        mov cr4, eax
        mov eax, cr0
        bts eax, 31
        mov cr0, eax
        mov ebx, [0x200100]
        mov eax, cr4
        btr eax, 12
        mov cr4, eax                ; allowed: not in long mode
        bts eax, 12
        mov cr4, eax
        mov eax, cr0
        btr eax, 31
        mov cr0, eax
        rdmsr
        bts eax, 8
        wrmsr
        mov eax, cr4
        btr eax, 12
        mov cr4, eax
        mov eax, 0x11000
        mov cr3, eax
        mov eax, cr0
        bts eax, 31
        mov cr0, eax
        jmp CODE64:.end
        bits 64
.end:
    END
    ; tables that map the program with 4 levels, too, on a processor that lets it happen
    mov edi, 0x2c000
    mov ecx, 0x3000 / 4
    xor eax, eax
    rep stosd
    mov dword [0x2c000], 0x2d000 + 7
    mov dword [0x2d000], 0x2e000 + 7
    mov dword [0x2e000], 0x87               ; 1 GiB, or 2 MiB
    NEED "la57, cannot be changed in compatibility mode", 0x80000001, 0, edx, 26, .no
    SWITCH 0x2c000, bts
    CASE "la57, cannot be changed in compatibility mode"
        push CODE0
        push .compat
        o64 retf
        bits 32
.compat:
        mov eax, cr4
        btr eax, 12
        mov cr4, eax
        ud2
        bits 64
    END
.no:
    FINISH
PAGING_DATA
align 16
table: dq 0, 0
USER_CODE
    pop rax
    ud2
USER_CODE_END
SNIP_DATA
