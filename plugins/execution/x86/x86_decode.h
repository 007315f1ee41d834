/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: private to the decoder's files. */
#ifndef X86_DECODE_H
#define X86_DECODE_H

#include <Zydis/Zydis.h>

#include "x86_exec.h"
#include "x86_isa.h"

typedef struct X86Dec {
    X86Cpu *c;
    X86Insn *i;
    const uint8_t *bytes;
    ZydisDecodedInstruction z;
    ZydisDecoderContext ctx;
    const ZydisDecoder *decoder;
    uint32_t code; /* X86_MODE_16, 32, 64 */
    uint32_t off;
    bool p66, rep, repne, lock, rexed;
    uint8_t seg;     /* override, or X86_SEG_NONE */
    uint8_t reg, rm; /* ModRM fields with REX */
    bool mem;
    uint8_t opc;
    uint32_t osz; /* bytes */
    uint32_t w;   /* log2 of osz */
} X86Dec;

static inline uint8_t x86_dec_r8(const X86Dec *d, uint32_t n)
{
    return (uint8_t)(n < 4 || d->rexed ? n * 8 : (n - 4) * 8 + 1);
}

/* A register operand field for width w (log2 bytes). */
static inline uint8_t x86_dec_r(const X86Dec *d, uint32_t n, uint32_t w)
{
    return w == 0 ? x86_dec_r8(d, n) : (uint8_t)n;
}

/* Immediate k, sign-extended from its own size. */
static inline uint64_t x86_dec_simm(const X86Dec *d, unsigned k)
{
    uint64_t v = d->z.raw.imm[k].value.u;
    switch (d->z.raw.imm[k].size) {
    case 8: return (uint64_t)(int64_t)(int8_t)v;
    case 16: return (uint64_t)(int64_t)(int16_t)v;
    case 32: return (uint64_t)(int64_t)(int32_t)v;
    default: return v;
    }
}

static inline uint64_t x86_dec_uimm(const X86Dec *d, unsigned k)
{
    uint64_t v = d->z.raw.imm[k].value.u;
    uint32_t bits = d->z.raw.imm[k].size;
    return bits == 0 ? 0 : bits >= 64 ? v : v & ((1ull << bits) - 1);
}

static inline void x86_dec_end(X86Dec *d)
{
    d->i->flags |= X86_IF_END;
}

/* ModRM.rm operand of log2 width w: memory fields, or the register. */
void x86_dec_rm(X86Dec *d, uint32_t w);
/* A near branch: its size; with a relative target. */
void x86_dec_near(X86Dec *d);
void x86_dec_rel(X86Dec *d, X86Handler fn);
/* x86_isa.c: does the guest's CPU have the instruction? */
bool x86_isa_allows(const X86Dec *d);
/* What Zydis refuses: its length (0: needs more bytes) or that it is no instruction either. */
#define X86_ISA_UNKNOWN UINT32_MAX
uint32_t x86_isa_special(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail,
                         uint32_t off, X86Insn *i);
/* Each sets i->fn, or returns false: not an instruction of this map. */
bool x86_dec_one(X86Dec *d);
bool x86_dec_0f(X86Dec *d);
bool x86_dec_0f38(X86Dec *d);
bool x86_dec_vex(X86Dec *d);
bool x86_dec_host(X86Dec *d);

#endif
