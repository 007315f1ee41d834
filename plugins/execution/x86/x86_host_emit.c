/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the emitter. Bytes are gathered in a local buffer, position-independent but for
 * absolute addresses of C functions; the cache copies them to executable memory. */
#include "x86_host_internal.h"

void x86_host_emit(X86HostCode *code, const void *bytes, unsigned len)
{
    if (len > X86_HOST_CODE_MAX - code->len) {
        code->overflow = true;
        return;
    }
    memcpy(code->bytes + code->len, bytes, len);
    code->len += len;
}

void x86_host_emit_u8(X86HostCode *code, unsigned v)
{
    uint8_t b = (uint8_t)v;
    x86_host_emit(code, &b, sizeof(b));
}

void x86_host_emit_u16(X86HostCode *code, unsigned v)
{
    uint16_t w = (uint16_t)v;
    x86_host_emit(code, &w, sizeof(w));
}

void x86_host_emit_u32(X86HostCode *code, uint32_t v)
{
    x86_host_emit(code, &v, sizeof(v));
}

void x86_host_emit_u64(X86HostCode *code, uint64_t v)
{
    x86_host_emit(code, &v, sizeof(v));
}

void x86_host_emit_cpu(X86HostCode *code, uint32_t opcode, unsigned opcode_len, unsigned reg,
                       size_t offset)
{
    x86_host_emit(code, &opcode, opcode_len);
    x86_host_emit_u8(code, 0x86u | reg << 3); /* mod 10, rm 110: [rsi + disp32] */
    x86_host_emit_u32(code, (uint32_t)offset);
}

void x86_host_emit_tail(X86HostCode *code, X86HostExec target)
{
    x86_host_emit(code, "\x48\xb8", 2); /* mov rax, imm64 */
    x86_host_emit_u64(code, (uint64_t)(uintptr_t)target);
    x86_host_emit(code, "\xff\xe0", 2); /* jmp rax */
}

unsigned x86_host_emit_jnz(X86HostCode *code)
{
    x86_host_emit(code, "\x0f\x85", 2);
    x86_host_emit_u32(code, 0);
    return code->len;
}

void x86_host_emit_bind(X86HostCode *code, unsigned position)
{
    uint32_t rel = code->len - position;
    if (!code->overflow)
        memcpy(code->bytes + position - sizeof(rel), &rel, sizeof(rel));
}
