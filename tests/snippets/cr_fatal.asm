; SPDX-License-Identifier: LGPL-2.1-or-later
; Writes to CR0 and CR4 in long mode that must be refused, and that nobody comes back from who takes them: PE, PG, PAE, LA57, and all that
; CPUID does not offer in CR4. SDM vol. 3, 2.5, 9.8.5.
; CPU viv: x86-64-v3,+la57
%define HOME 64
%include "snip.inc"
%include "paging.inc"
%include "bits.inc"
; the end of the machine, in any mode
%macro EXIT 0
        mov al, 0
        out 0xf4, al
%endmacro
%macro FATAL 3
    CASE %1
        mov rax, %3
        mov %2, rax
        EXIT
    END
%endmacro
%macro WRITE_CR 3               ; name, register, value
    CASE %1
        mov rax, %3
        mov %2, rax
    END
%endmacro
START
    call tables_init
    mov rax, cr4
    mov [home_cr4], rax
    WRITE_CR "CR0, all ones", cr0, 0xffffffffffffffff
    SHOW "cr0", cr0
    FATAL "CR0, PE clear", cr0, 0x80000010
    FATAL "CR0, PG clear", cr0, 0x11
    FATAL "CR0, PE and PG clear", cr0, 0x10
    FATAL "CR4, PAE clear", cr4, 0
    FATAL "CR4, LA57", cr4, CR4_PAE | CR4_LA57
    CASE "CR0, PE clear in compatibility mode"
        push CODE0
        push .compat
        o64 retf
        bits 32
.compat:
        mov eax, 0x80000010
        mov cr0, eax
        EXIT
        bits 64
    END
    CASE "CR4, PAE clear in compatibility mode"
        push CODE0
        push .compat4
        o64 retf
        bits 32
.compat4:
        xor eax, eax
        mov cr4, eax
        EXIT
        bits 64
    END
    SHOWM "cr0", cr0, 0x7fffffff
    SHOW "cr4", cr4
    BITS "CR4 bits", try_cr4, undo_cr4
    FINISH
PAGING_DATA
BITS_DATA
try_cr4:
    cmp r8d, 5                  ; PAE, LA57: below
    je bits_not
    cmp r8d, 12
    je bits_not
    TRY_CR cr4, cr4_list
undo_cr4:
    mov rax, [home_cr4]
    mov cr4, rax
    ret
align 8
cr4_list:
    FEATURE 0, 1, 0, 3, 1       ; VME
    FEATURE 1, 1, 0, 3, 1       ; PVI
    FEATURE 2, 1, 0, 3, 4       ; TSD
    FEATURE 3, 1, 0, 3, 2       ; DE
    FEATURE 4, 1, 0, 3, 3       ; PSE
    FEATURE 6, 1, 0, 3, 7       ; MCE
    FEATURE 7, 1, 0, 3, 13      ; PGE
    FEATURE 9, 1, 0, 3, 24      ; OSFXSR
    FEATURE 10, 1, 0, 3, 25     ; OSXMMEXCPT
    FEATURE 11, 7, 0, 2, 2      ; UMIP
    FEATURE 13, 1, 0, 2, 5      ; VMXE
    FEATURE 14, 1, 0, 2, 6      ; SMXE
    FEATURE 16, 7, 0, 1, 0      ; FSGSBASE
    FEATURE 17, 1, 0, 2, 17     ; PCIDE
    FEATURE 18, 1, 0, 2, 26     ; OSXSAVE
    FEATURE 19, 7, 0, 2, 23     ; KL
    FEATURE 20, 7, 0, 1, 7      ; SMEP
    FEATURE 21, 7, 0, 1, 20     ; SMAP
    FEATURE 22, 7, 0, 2, 3      ; PKE
    FEATURE 24, 7, 0, 2, 31     ; PKS
    FEATURE 25, 7, 0, 3, 5      ; UINTR
    FEATURE 27, 7, 1, 0, 6      ; LASS
    FEATURE 28, 7, 1, 0, 26     ; LAM
    FEATURE 32, 7, 1, 0, 17     ; FRED
    dd -1
home_cr4: dq 0
SNIP_DATA
