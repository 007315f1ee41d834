; SPDX-License-Identifier: LGPL-2.1-or-later
; What level 3 may do: the privileged instructions, IOPL's, and those that CR4 opens or shuts: TSD, PCE, UMIP, FSGSBASE; RDTSCP, RDPID,
; SWAPGS, MONITOR, MWAIT. SDM vol. 3, 2.5, 5.9; vol. 2 of each instruction.
;
; A line "name: G ." has a letter for level 3 with IOPL 0, and one with IOPL 3: . none, G #GP(0), U #UD, P #PF, ? anything else.
%define HOME 64
%include "snip.inc"
%include "paging.inc"
CR4_TSD  equ 4
CR4_PCE  equ 0x100
CR4_UMIP equ 0x800
CR4_FSGSBASE equ 0x10000
%macro RING3 2+
    call case_begin
    jmp near %%next
    db %1, 0
%%next:
    mov r15, %%code
    call ring3
    jmp %%over
%%code:
    %2
    ud2
%%over:
%endmacro
; what stops an instruction at level 0: name, instruction
%macro RING0 2+
    CASE %1
        %2
    END
%endmacro
START
    ; every page is level 3's, too
    RING3 "HLT", hlt
    RING3 "CLI", cli
    RING3 "STI", sti
    RING3 "IN imm", in al, 0x80
    RING3 "IN DX", in eax, dx
    RING3 "OUT imm", out 0x80, al
    RING3 "INS", insb
    RING3 "OUTS", outsb
    RING3 "REP INS of none", rep insb
    RING3 "REP OUTS of none", rep outsb
    RING3 "CLTS", clts
    RING3 "LMSW", lmsw ax
    RING3 "LGDT", lgdt [0x2000]
    RING3 "LIDT", lidt [0x2000]
    RING3 "LLDT", lldt ax
    RING3 "LTR", ltr ax
    RING3 "read of CR0", mov rax, cr0
    RING3 "write of CR0", mov cr0, rax
    RING3 "read of CR8", mov rax, cr8
    RING3 "write of CR3", mov cr3, rax
    RING3 "read of DR0", mov rax, dr0
    RING3 "write of DR7", mov dr7, rax
    RING3 "INVD", invd
    RING3 "WBINVD", wbinvd
    RING3 "INVLPG", invlpg [0x2000]
    RING3 "RDMSR", rdmsr
    RING3 "WRMSR", wrmsr
    RING3 "SWAPGS", swapgs
    RING3 "SYSRET", o64 sysret
    RING3 "RSM", rsm
    RING3 "UD0", db 0x0f, 0xff, 0xc0
    RING3 "UD1", db 0x0f, 0xb9, 0xc0
    RING3 "CPUID", cpuid
    RING3 "LAR", lar ebx, ax
    RING3 "VERR", verr ax
    RING3 "CLFLUSH", clflush [0x2000]
    RING3 "memory that is not there", mov al, [rbp]
; -- TSD, PCE ----------------------------------------------------------------------------------------------------------------------
    RING3 "RDTSC", rdtsc
    CR_SET cr4, CR4_TSD
    RING3 "RDTSC, TSD", rdtsc
    RING0 "RDTSC, TSD, level 0", rdtsc
    CR_CLEAR cr4, CR4_TSD
    CASE "RDTSC clears the upper halves"
        mov rax, -1
        mov rdx, -1
        rdtsc
        shr rax, 32
        shr rdx, 32
    END
    SHOW "rax", rax
    SHOW "rdx", rdx
    CASE "RDTSC goes on"
        rdtsc
        mov ebx, eax
        mov ecx, 1000
        loop $
        rdtsc
        cmp eax, ebx
        mov eax, 0
        setne al
    END
    SHOW "", rax
    RING3 "RDPMC", rdpmc
    CR_SET cr4, CR4_PCE
    RING3 "RDPMC, PCE, no such counter", rdpmc
    CR_CLEAR cr4, CR4_PCE
    NEED "RDTSCP", 0x80000001, 0, edx, 27, .no_rdtscp
    mov ecx, 0xc0000103
    mov eax, 0x87654321
    xor edx, edx
    wrmsr
    RING3 "RDTSCP", rdtscp
    CR_SET cr4, CR4_TSD
    RING3 "RDTSCP, TSD", rdtscp
    CASE "RDTSCP, TSC_AUX"
        mov rcx, -1
        mov rdx, -1
        rdtscp
        shr rdx, 32
    END
    SHOW "rcx", rcx
    SHOW "rdx", rdx
    CASE "RDTSCP, LOCK"
        db 0xf0
        rdtscp
    END
    NEED "RDPID", 7, 0, ecx, 22, .no_rdpid
    RING3 "RDPID, TSD", rdpid rax
    CASE "RDPID, value"
        mov rbx, -1
        rdpid rbx
    END
    SHOW "rbx", rbx
    CASE "RDPID, LOCK"
        db 0xf0
        rdpid rbx
    END
.no_rdpid:
    CR_CLEAR cr4, CR4_TSD
.no_rdtscp:
; -- UMIP --------------------------------------------------------------------------------------------------------------------------
    %macro UMIP_FIVE 1
    %strcat text %1, "SGDT"
    RING3 text, sgdt [0x2000]
    %strcat text %1, "SIDT"
    RING3 text, sidt [0x2000]
    %strcat text %1, "SLDT"
    RING3 text, sldt eax
    %strcat text %1, "STR"
    RING3 text, str [0x2000]
    %strcat text %1, "SMSW"
    RING3 text, smsw rax
    %strcat text %1, "SMSW to a page that is not there"
    RING3 text, smsw [rbp]
    %strcat text %1, "SGDT to a page that is not there"
    RING3 text, sgdt [rbp]
    %endmacro
    UMIP_FIVE "off, "
    NEED "UMIP", 7, 0, ecx, 2, .no_umip
    CR_SET cr4, CR4_UMIP
    UMIP_FIVE "UMIP, "
    CASE "UMIP, level 0"
        sgdt [0x2000]
        sidt [0x2000]
        sldt eax
        str eax
        smsw eax
    END
    CASE "UMIP, compatibility mode"
        push DATA3
        push USER_TOP
        push 2
        push CODE3
        push .compat
        iretq
        bits 32
.compat:
        smsw eax
        bits 64
    END
    CASE "UMIP, SGDT of a register"
        LEVEL3 0, .register
.register:
        db 0x0f, 0x01, 0xc0             ; not SGDT
    END
    CR_CLEAR cr4, CR4_UMIP
.no_umip:
; -- FSGSBASE ----------------------------------------------------------------------------------------------------------------------
    NEED "FSGSBASE", 7, 0, ebx, 0, .no_fsgsbase
    RING3 "FSGSBASE, off, RDFSBASE", rdfsbase rax
    RING3 "FSGSBASE, off, WRGSBASE", wrgsbase rax
    RING0 "FSGSBASE, off, level 0", rdfsbase rax
    CR_SET cr4, CR4_FSGSBASE
    RING3 "FSGSBASE, RDFSBASE", rdfsbase rax
    RING3 "FSGSBASE, RDGSBASE", rdgsbase rax
    RING3 "FSGSBASE, WRFSBASE", wrfsbase rax
    RING3 "FSGSBASE, WRGSBASE", wrgsbase rax
    CASE "FSGSBASE, 64 bits"
        mov rax, 0x0000123456789abc
        wrfsbase rax
        rdfsbase rbx
        mov rcx, -1
        rdfsbase ecx
    END
    SHOW "", rbx
    SHOW "", rcx
    CASE "FSGSBASE, 32 bits clear the upper half"
        mov rax, 0x1234567887654321
        wrgsbase eax
        rdgsbase rbx
    END
    SHOW "", rbx
    CASE "FSGSBASE, they are the MSRs"
        mov ecx, 0xc0000101
        rdmsr
    END
    SHOW "", rax
    CASE "FSGSBASE, not canonical"
        mov rax, 0x0100000000000000
        wrfsbase rax
    END
    CASE "FSGSBASE, not canonical, upper side"
        mov rax, 0xfeffffffffffffff
        wrgsbase rax
    END
    CASE "FSGSBASE, upper half"
        mov rax, 0xffff800000000000
        wrgsbase rax
        rdgsbase rbx
    END
    SHOW "", rbx
    CASE "FSGSBASE, used at once"
        mov dword [0x3010], 0x5a5a5a5a
        mov eax, 0x3000
        wrfsbase rax
        mov ebx, [fs:0x10]
    END
    SHOW "", rbx
    CASE "FSGSBASE, with 66"
        db 0x66
        rdfsbase rbx
    END
    CASE "FSGSBASE, LOCK"
        db 0xf0
        rdfsbase rbx
    END
    CASE "FSGSBASE, without F3"
        db 0x0f, 0xae, 0xc0
    END
    CASE "FSGSBASE, compatibility mode"
        push CODE0
        push .compat2
        o64 retf
        bits 32
.compat2:
        db 0xf3, 0x0f, 0xae, 0xc0
        bits 64
    END
    CASE "FSGSBASE, SWAPGS"
        mov ecx, 0xc0000102
        mov eax, 0x3333
        xor edx, edx
        wrmsr
        mov eax, 0x4444
        wrgsbase rax
        swapgs
        rdgsbase rbx
        rdmsr
    END
    SHOW "gs", rbx
    SHOW "kernel", rax
    CASE "FSGSBASE, a null selector's load"
        mov eax, 0x3000
        wrfsbase rax
        mov eax, DATA0
        mov fs, ax
        rdfsbase rbx
    END
    SHOW "", rbx
.no_fsgsbase:
    CASE "SWAPGS in compatibility mode"
        push CODE0
        push .compat3
        o64 retf
        bits 32
.compat3:
        db 0x0f, 0x01, 0xf8
        bits 64
    END
; -- MONITOR, MWAIT ------------------------------------------------------------------------------------------------------------------
    NEED "MONITOR", 1, 0, ecx, 3, .no_monitor
    %macro MON 3                ; name, RAX, ECX
    CASE %1
        mov rax, %2
        mov ecx, %3
        xor edx, edx
        monitor
    END
    %endmacro
    RING3 "MONITOR", monitor
    RING3 "MONITOR, MWAIT", mwait
    MON "MONITOR, level 0", 0x2000, 0
    MON "MONITOR, ECX", 0x2000, 1
    MON "MONITOR, a page that is not there", 0x40000000, 0
    MON "MONITOR, not canonical", 0x0100000000000000, 0
    CASE "MONITOR, hints"
        xor ecx, ecx
        mov edx, -1
        mov eax, 0x2000
        monitor
    END
    CASE "MONITOR, 32-bit address"
        mov rax, 0x0100000000002000
        xor ecx, ecx
        a32 monitor
    END
    CASE "MONITOR, LOCK"
        db 0xf0
        monitor
    END
    CASE "MONITOR, MWAIT with ECX"
        mov ecx, 2
        mwait
    END
    CASE "MONITOR, MWAIT with LOCK"
        db 0xf0
        mwait
    END
.no_monitor:
    FINISH

; R15: the code
ring3:
    xPUSHA
    mov ebx, 2
.next:
    mov [x_home_sp], rsp
    mov qword [x_resume], .back
    mov qword [x_vec], -1
    mov [ring3_fl], rbx
    push DATA3
    push USER_TOP
    push rbx
    push CODE643
    push r15
    xor eax, eax
    xor ecx, ecx
    mov edx, 0x80
    mov esi, 0x3000
    mov edi, 0x3000
    mov ebp, 0x40000000
    mov ebx, 0x3000
    iretq
.back:
    mov al, ' '
    call print_char
    mov eax, [x_vec]
    mov ecx, '?'
    cmp eax, 14
    mov ebx, 'P'
    cmove ecx, ebx
    cmp eax, 13
    mov ebx, 'G'
    cmove ecx, ebx
    cmp eax, 6
    jne .letter
    mov ecx, 'U'
    cmp r15, [x_ip]
    je .letter
    mov ecx, '.'
.letter:
    mov eax, ecx
    call print_char
    mov rbx, [ring3_fl]
    xor ebx, 0x3000
    test ebx, 0x3000
    jnz .next
    xPOPA
    ret
align 8
ring3_fl: dq 0
SNIP_DATA
