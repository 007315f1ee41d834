; SPDX-License-Identifier: LGPL-2.1-or-later
; Interrupt gates whose handlers are beyond their limit, or without room on the stack.
%define HOME 32
%include "snip.inc"
%include "sweep.inc"
%include "int.inc"
START
    call sweep_init
    SETDESC 0x48, 0, 0xfff, 0x9b, 4
    BOTH "handler beyond its limit", 0x48, 0xee
    SETDESC 0x48, 0, 0xfff, 0x9f, 4
    BOTH "conforming handler beyond its limit", 0x48, 0xee
    SETDESC 0x60, 0, 0xffff, 0xb3, 0x4
    mov dword [tss0 + 12], 0x10
    mov dword [tss0 + 16], 0x61
    BOTH "stack without room", CODE1, 0xee
    mov dword [tss0 + 12], 0x14
    BOTH "stack with room for five", CODE1, 0xee
    SETDESC 0x48, 0, 0xfff, 0xbb, 4
    mov dword [tss0 + 12], 0x10
    BOTH "room goes before the handler's limit", 0x48, 0xee
    mov dword [tss0 + 12], RING0_TOP
    mov dword [tss0 + 16], DATA1
    CASE "no room on the stack of level 3"
        SETDESC 0x48, 0, 0xfffff, 0xff, 0xc
        SETDESC 0x50, 0, 0xfff, 0xf3, 4
        IGATE 0x4b, sweep_landing, 0xee
        push dword 0x53
        push dword 8
        push dword 0x3002
        push dword CODE3
        push dword %$go
        iretd
%$go:
        int 0x31
    END
    SHOW "esp", [x_sp]
    SETDESC 0x48, 0, 0xfff, 0x9b, 4
    V86_BOTH "v86 handler beyond its limit", 0x48, 0xee
    CASE "no room for an error code"
        SETDESC 0x48, 0, 0xfffff, 0xff, 0xc
        SETDESC 0x50, 0, 0xfff, 0xf3, 4
        IGATE 0x4b, sweep_landing, 0xee
        AS_VECTOR 13
        push dword 0x53
        push dword 12
        push dword 0x3002
        push dword CODE3
        push dword %$go
        iretd
%$go:
        hlt
    END
    RESTORE
    SHOW "esp", [x_sp]
    CASE "room without an error code"
        IGATE 0x4b, sweep_landing, 0xee
        AS_VECTOR 0
        push dword 0x53
        push dword 12
        push dword 0x3002
        push dword CODE3
        push dword %$go
        iretd
%$go:
        xor ecx, ecx
        div ecx
    END
    RESTORE
    SHOW "esp", [x_sp]
    FINISH
INT_DATA
SWEEP_DATA
SNIP_DATA
