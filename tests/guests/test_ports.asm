; SPDX-License-Identifier: LGPL-2.1-or-later
; A ROM of 64 KiB that tests a few things of its machine and reports over VMMDev's test ports. Configuration value 0 is what it
; adds to the result of one check (so that a failure can be asked for), value 1 not 0: it tells of a panic instead.
cpu 386
bits 16
org 0

%macro report 2                     ; command, string
    mov ax, %1
    mov si, %2
    call say
%endmacro

start:
    mov ax, cs
    mov ds, ax
    xor ax, ax
    mov ss, ax
    mov es, ax
    mov sp, 0x7000
    cld
    mov word [es:errors], 0
    report 0xe000, name
    mov cx, 1
    call query
    test eax, eax
    jnz panic
    call check_nop
    call check_time
    call check_memory
    call check_configuration
    call check_pic
    call check_watchdog
    mov ax, 0xe001                  ; end: with the number of errors
    mov dx, 0x513
    out dx, ax
    movzx eax, word [es:errors]
    mov dx, 0x514
    out dx, eax
stand:
    cli
    hlt
    jmp stand

panic:
    mov dx, 0x505
    mov al, 1
    out dx, al
    jmp stand

; Port 510h gives a known word.
check_nop:
    report 0xe002, s_nop
    mov dx, 0x510
    in eax, dx
    cmp eax, 0x64726962
    je done
fail:
    inc word [es:errors]
    report 0xe004, reason
    jmp done.count
done:
    xor bx, bx
    jmp .tell
.count:
    mov bx, 1
.tell:
    mov ax, 0xe003
    mov dx, 0x513
    out dx, ax
    movzx eax, bx
    mov dx, 0x514
    out dx, eax
    ret

; Time goes on; how long an access takes is a value.
check_time:
    report 0xe002, s_time
    mov dx, 0x511
    in eax, dx
    mov ebx, eax
    mov cx, 1000
.again:
    mov dx, 0x510
    in al, dx
    dec cx
    jnz .again
    mov dx, 0x511
    in eax, dx
    sub eax, ebx
    jz fail
    mov ebx, eax
    mov ax, 0xe005
    mov dx, 0x513
    out dx, ax
    mov dx, 0x514
    mov eax, ebx
    out dx, eax
    xor eax, eax
    out dx, eax
    mov eax, 0x13                   ; nanoseconds
    out dx, eax
    mov si, v_time
    call text
    jmp done

; Read-back registers of the test memory, through both windows.
check_memory:
    report 0xe002, s_memory
    push ds
    mov ax, 0xdf00
    mov ds, ax
    mov dword [0x40], 0x12345678
    mov eax, [0x80]
    mov ebx, [0]
    pop ds
    cmp eax, 0x12345678
    jne fail
    cmp ebx, 0x64726962
    jne fail
    jmp done

check_configuration:
    report 0xe002, s_configuration
    xor cx, cx
    call query
    cmp eax, 0
    jne fail
    jmp done

; The mask register of the master 8259A holds what is written.
check_pic:
    report 0xe002, s_pic
    mov al, 0xa5
    out 0x21, al
    in al, 0x21
    cmp al, 0xa5
    jne fail
    mov al, 0xff
    out 0x21, al
    jmp done

; The watchdog's output as an NMI, held back by bit 7 of port 70h at first.
check_watchdog:
    report 0xe002, s_watchdog
    mov word [es:8], nmi
    mov [es:10], cs
    mov byte [es:nmis], 0
    call find_watchdog
    jc .skip
    mov al, 0x10                    ; BAR 0 to DE000h, memory on
    mov edx, 0xde000
    call pci_write
    mov al, 4
    mov edx, 2
    call pci_write
    push ds
    mov ax, 0xde00
    mov ds, ax
    xor di, di
    call .preload
    mov di, 4
    call .preload
    pop ds
    mov al, 0x80 | 0x0d
    out 0x70, al
    mov al, 0x60                    ; the fast clock, no interrupt
    mov edx, 7
    call pci_write
    mov al, 0x68
    mov edx, 2
    call pci_write
    mov ax, 0xde00
    mov fs, ax
    mov ecx, 2000000
.wait:                              ; the time-out bit
    test word [fs:0xc], 0x200
    jnz .out
    dec ecx
    jnz .wait
    jmp fail
.out:
    cmp byte [es:nmis], 0           ; masked
    jne fail
    mov al, 0x0d
    out 0x70, al
    nop
    mov ecx, 100000
.come:
    cmp byte [es:nmis], 1
    je done
    dec ecx
    jnz .come
    jmp fail
.skip:
    report 0xe006, none
    jmp done
.preload:
    mov word [0xc], 0x80
    mov word [0xc], 0x86
    mov dword [di], 50
    ret

nmi:
    inc byte [es:nmis]
    iret

; BX: bus 0 device and function of 8086:25AB; carry if there is none.
find_watchdog:
    xor bx, bx
.next:
    xor al, al
    call pci_address
    mov dx, 0xcfc
    in eax, dx
    cmp eax, 0x25ab8086
    je .found
    add bx, 8
    cmp bx, 0x100
    jne .next
    stc
    ret
.found:
    clc
    ret

; AL register, BX device and function.
pci_address:
    movzx ecx, al
    movzx eax, bx
    shl eax, 8
    or eax, ecx
    or eax, 0x80000000
    mov dx, 0xcf8
    out dx, eax
    ret

; EDX value
pci_write:
    push edx
    call pci_address
    pop eax
    mov dx, 0xcfc
    out dx, eax
    ret

; CX number; EAX its value
query:
    mov ax, 0xe009
    mov dx, 0x513
    out dx, ax
    mov ax, cx
    mov dx, 0x514
    out dx, ax
    in eax, dx
    ret

; AX command, SI string
say:
    mov dx, 0x513
    out dx, ax
text:
    mov dx, 0x514
.next:
    lodsb
    out dx, al
    or al, al
    jnz .next
    ret

errors equ 0x600
nmis equ 0x602

name: db "test ports", 0
reason: db "not what was expected", 0
none: db "the machine has no i6300esb", 0
s_nop: db "no operation", 0
s_time: db "time", 0
s_memory: db "test memory", 0
s_configuration: db "configuration", 0
s_pic: db "8259A", 0
s_watchdog: db "watchdog and NMI", 0
v_time: db "1000 byte reads", 0

    times 0xfff0 - ($ - $$) db 0xff
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0xff
