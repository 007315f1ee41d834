; SPDX-License-Identifier: LGPL-2.1-or-later
; The cost of device accesses: each row reads or writes one register in a loop, a word on the debug console before
; and after it. The host's clock counts, so the same image can run anywhere. The row "empty" is the loop alone.

%define HOME 32
%include "snip.inc"

%ifndef LOOPS
    %define LOOPS 200000
%endif
%define ACCESSES 10 ; a loop
%define IOAPIC 0xfec00000
%define LAPIC 0xfee00000

; Prints "begin-NAME", runs the loop with the instruction (which may use eax, edx, esi, edi), prints "end-NAME".
%macro ROW 2
    %strcat %%begin "begin-", %1
    %strcat %%end "end-", %1
    SAY %%begin
    SAY 10
    mov ecx, LOOPS
    mov edx, 0x21
    mov esi, IOAPIC
    mov edi, LAPIC + 0x80
    xor eax, eax
    align 16
%%again:
    %rep ACCESSES
        %2
    %endrep
    dec ecx
    jnz %%again
    SAY %%end
    SAY 10
%endmacro

START
    ROW "empty", {nop}
    mov al, 0xff ; the PIC's mask: nothing may come in between
    out 0x21, al
    ROW "in", {in al, dx}
    mov al, 0xff
    ROW "out", {out 0xa1, al}
    ROW "mmio-read", {mov eax, [esi]}
    ROW "mmio-write", {mov [esi], eax}
    ROW "apic-read", {mov eax, [edi]}
    FINISH
SNIP_DATA
