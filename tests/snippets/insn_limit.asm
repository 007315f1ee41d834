; SPDX-License-Identifier: LGPL-2.1-or-later
; The length of an instruction, where its bytes may lie, and LOCK where it may not stand. SDM vol. 2, 2.3.11 and LOCK; vol. 3,
; table 6-2 (an instruction of more than 15 bytes is found before its bytes beyond are missed).
; Linear 40000000h: a page (20000h); the next is not there.
%define HOME 64
%include "snip.inc"
%define MEM 0x40001000
; BYTES n, bytes...: the last n bytes of the page, and a jump there
%macro BYTES 2+
        mov esi, %%bytes
        mov edi, 0x21000 - (%%end - %%bytes)
        mov ecx, %%end - %%bytes
        rep movsb
        mov rax, MEM - (%%end - %%bytes)
        mov rbx, MEM
        jmp rax
%%bytes:
        %2
%%end:
%endmacro
%macro FCASE 2+
    CASE %1
        BYTES 0, %2
    END
    call where
%endmacro
%macro UD 2+
    CASE %1
        db 0xf0
        %2
    END
%endmacro
START
    mov edi, 0x15000
    mov ecx, 0x2000 / 4
    xor eax, eax
    rep stosd
    mov dword [0x12008], 0x15007
    mov dword [0x15000], 0x16007
    mov dword [0x16000], 0x20007
    mov rax, cr4
    or eax, 0x200
    mov cr4, rax
    CASE "15 bytes"
        times 14 db 0x66
        nop
    END
    CASE "16 bytes"
        times 15 db 0x66
        nop
    END
    CASE "15 bytes with an operand"
        times 4 db 0x2e
        add dword [data], 0x12345678
    END
    CASE "15 prefixes and no opcode"
        times 15 db 0x3e
        ud2
    END
    CASE "14 prefixes and UD2"
        times 13 db 0x3e
        ud2
    END
    CASE "15 bytes, UD2 is too long"
        times 14 db 0x3e
        ud2
    END
    CASE "too long by its immediate"
        times 6 db 0x3e
        mov rax, 0x1122334455667788
    END
    CASE "too long by LOCK and REX"
        times 4 db 0xf0
        times 4 db 0x48
        add [data], rax
    END
    FCASE "opcode beyond the page", db 0x66
    FCASE "ModRM beyond the page", db 0x8b
    FCASE "SIB beyond the page", db 0x8b, 0x04
    FCASE "displacement beyond the page", db 0x8b, 0x05, 1, 2, 3
    FCASE "immediate beyond the page", db 0xb8, 1, 2, 3
    FCASE "second opcode byte beyond the page", db 0x0f
    FCASE "third opcode byte beyond the page", db 0x0f, 0x38
    FCASE "VEX beyond the page", db 0xc5, 0xf8
    FCASE "UD2 at the end", ud2
    FCASE "UD1, ModRM beyond the page", db 0x0f, 0xb9
    FCASE "UD1, displacement beyond the page", db 0x0f, 0xb9, 0x05, 1, 2
    FCASE "UD1, whole", db 0x0f, 0xb9, 0xc0
    FCASE "invalid opcode at the end", db 0x06
    FCASE "invalid group member, ModRM at the end", db 0xff, 0xf8
    FCASE "LOCK NOP at the end", db 0xf0, 0x90
    FCASE "LOCK ADD to a register, at the end", db 0xf0, 0x01, 0xc0
    FCASE "LOCK MOV, displacement beyond the page", db 0xf0, 0x89, 0x05, 1
    FCASE "14 prefixes at the end", times 14 db 0x66
    FCASE "15 prefixes at the end", times 15 db 0x66
    FCASE "8 prefixes and an immediate beyond", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xb8, 1
    FCASE "runs over the end", nop
    FCASE "HLT is the last", {db 0x90, 0xeb, 0xff}
    CASE "fault of the operand is not the fetch's"
        mov rbx, MEM
        mov rax, [rbx]
    END
    CASE "the rest comes later"
        mov word [idt + 14 * 16], ADDR(pager)
        mov dword [0x21000], 0x900b0f44
        mov byte [0x20ffc], 0xb8
        mov byte [0x20ffd], 0x11
        mov byte [0x20ffe], 0x22
        mov byte [0x20fff], 0x33
        mov rax, MEM - 4
        jmp rax
    END
    call where
    SHOW "rax", rax
    mov word [idt + 14 * 16], ADDR(stubs) + 14 * 16
    ; -- LOCK
    UD "LOCK, NOP", nop
    UD "LOCK, MOV to memory", mov [data], eax
    UD "LOCK, MOV from memory", mov eax, [data]
    UD "LOCK, ADD to a register", add eax, ebx
    UD "LOCK, ADD from memory", add eax, [data]
    UD "LOCK, CMP with memory", cmp [data], eax
    UD "LOCK, TEST", test [data], eax
    UD "LOCK, INC of a register", inc eax
    UD "LOCK, NOT of a register", not eax
    UD "LOCK, MUL", mul dword [data]
    UD "LOCK, SHL", shl dword [data], 1
    UD "LOCK, BT", bt dword [data], 1
    UD "LOCK, BTS of a register", bts eax, 1
    UD "LOCK, XADD of registers", xadd eax, ebx
    UD "LOCK, CMPXCHG of registers", cmpxchg eax, ebx
    UD "LOCK, XCHG of registers", xchg eax, ebx
    UD "LOCK, MOVSB", movsb
    UD "LOCK, STOSB", stosb
    UD "LOCK, SETC", setc [data]
    UD "LOCK, CMOV", cmovc eax, [data]
    UD "LOCK, MOVZX", movzx eax, byte [data]
    UD "LOCK, LEA", lea eax, [data]
    UD "LOCK, SGDT", sgdt [data]
    UD "LOCK, INVLPG", invlpg [data]
    UD "LOCK, CPUID", cpuid
    UD "LOCK, FLD", fld dword [data]
    UD "LOCK, MOVUPS", movups [data], xmm0
    UD "LOCK, MOVNTI", movnti [data], eax
    UD "LOCK, FXSAVE", fxsave [data]
    UD "LOCK, MFENCE", mfence
    UD "LOCK, SHLD", shld [data], eax, 1
    UD "LOCK, MOVBE", movbe [data], eax
    UD "LOCK, CRC32", crc32 eax, dword [data]
    UD "LOCK, POPCNT", popcnt eax, [data]
    UD "LOCK, PREFETCH", prefetcht0 [data]
    UD "LOCK, CMPXCHG8B of a register", db 0x0f, 0xc7, 0xc8
    UD "LOCK, RDRAND", rdrand eax
    UD "LOCK, VEX", vzeroupper
    UD "LOCK, ENDBR64", db 0xf3, 0x0f, 0x1e, 0xfa
    UD "LOCK, ADC is fine", adc [data], eax
    UD "LOCK, BTC is fine", btc dword [data], 3
    UD "LOCK, NEG is fine", neg byte [data]
    UD "LOCK, DEC is fine", dec word [data]
    UD "LOCK, CMPXCHG8B is fine", cmpxchg8b [data]
    UD "LOCK, CMPXCHG16B is fine", cmpxchg16b [data]
    UD "LOCK, XCHG is fine", xchg [data], al
    UD "LOCK, SBB imm is fine", sbb dword [data], 1
    ; -- prefixes
    CASE "66 and F3 before VEX"
        db 0x66
        vzeroupper
    END
    CASE "F3 before VEX"
        db 0xf3
        vzeroupper
    END
    CASE "REX before VEX"
        db 0x48
        vzeroupper
    END
    CASE "REX that is not last"
        mov rbx, -1
        db 0x48, 0x66, 0xbb, 0x34, 0x12
        times 6 nop
    END
    SHOW "rbx", rbx
    CASE "the last of two segments counts"
        db 0x64, 0x65
        mov al, [data]
    END
    CASE "F2 F3, the last counts"
        mov ecx, 2
        mov rsi, data
        mov rdi, data + 8
        db 0xf2, 0xf3
        cmpsb
    END
    SHOW "rcx", rcx
    UD "LOCK, PUSH", push qword [data]
    UD "LOCK, POP", pop qword [data]
    UD "LOCK, IN", in al, 0x80
    UD "LOCK, LGDT", lgdt [gdtr]
    UD "LOCK, CLI", cli
    UD "LOCK, WRMSR", wrmsr
    UD "LOCK, MOV to CR2", mov cr2, rax
    UD "LOCK, INT n", int 0x30
    FINISH
where:
    push rax
    mov rax, [x_ip]
    mov esi, MEM
    sub rax, rsi
    SHOW "at", rax
    mov rax, [x_cr2]
    SHOW "cr2", rax
    pop rax
    ret
pager:
    push rax
    mov dword [0x16008], 0x21007
    mov rax, cr2
    invlpg [rax]
    pop rax
    add rsp, 8
    iretq
align 16
data: times 64 db 0
SNIP_DATA
