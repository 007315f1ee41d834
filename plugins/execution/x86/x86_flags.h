/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: lazy arithmetic flags.
 *
 * Three words hold what the six flags are made of, whatever made them:
 *   fz: ZF = (fz == 0);  fr: SF = its sign, PF = even parity of its low byte (results are stored
 *   sign- extended);  fc: the carry-out vector shifted up so that bit 63 is the carry out of the
 *   operand's top bit and bit 62 the carry into it: CF = bit 63, OF = bit 63 ^ bit 62. Bit 3 is
 *   AF. So a consumer needs no idea of which instruction or width came before. */
#ifndef X86_FLAGS_H
#define X86_FLAGS_H

#include "x86.h"

/* Carry (or borrow) vector of W bits to fc. */
#define X86_FC(W, vec)                                                                             \
    ((W) == 64 ? (uint64_t)(vec) : ((uint64_t)(vec) << (64 - (W))) | ((uint64_t)(vec)&8u))

#define X86_FLAGS_DEF(W)                                                                           \
    static inline void x86_fl_add##W(X86Cpu *c, uint##W##_t a, uint##W##_t b, uint##W##_t r)       \
    {                                                                                              \
        uint##W##_t vec = (uint##W##_t)((a & b) | ((a | b) & ~r));                                 \
        int64_t x = (int##W##_t)r;                                                                 \
        c->fz = (uint64_t)x;                                                                       \
        c->fr = x;                                                                                 \
        c->fc = X86_FC(W, vec);                                                                    \
    }                                                                                              \
    static inline void x86_fl_sub##W(X86Cpu *c, uint##W##_t a, uint##W##_t b, uint##W##_t r)       \
    {                                                                                              \
        uint##W##_t vec = (uint##W##_t)((~a & b) | ((~a | b) & r));                                \
        int64_t x = (int##W##_t)r;                                                                 \
        c->fz = (uint64_t)x;                                                                       \
        c->fr = x;                                                                                 \
        c->fc = X86_FC(W, vec);                                                                    \
    }                                                                                              \
    static inline void x86_fl_logic##W(X86Cpu *c, uint##W##_t r)                                   \
    {                                                                                              \
        int64_t x = (int##W##_t)r;                                                                 \
        c->fz = (uint64_t)x;                                                                       \
        c->fr = x;                                                                                 \
        c->fc = 0;                                                                                 \
    }                                                                                              \
    /* ZF, SF, PF from r; the rest as it was */                                                    \
    static inline void x86_fl_szp##W(X86Cpu *c, uint##W##_t r)                                     \
    {                                                                                              \
        int64_t x = (int##W##_t)r;                                                                 \
        c->fz = (uint64_t)x;                                                                       \
        c->fr = x;                                                                                 \
    }

X86_FLAGS_DEF(8)
X86_FLAGS_DEF(16)
X86_FLAGS_DEF(32)
X86_FLAGS_DEF(64)

static inline bool x86_cf(const X86Cpu *c)
{
    return (int64_t)c->fc < 0;
}

static inline bool x86_of(const X86Cpu *c)
{
    return (int64_t)(c->fc ^ (c->fc << 1)) < 0;
}

static inline bool x86_zf(const X86Cpu *c)
{
    return c->fz == 0;
}

static inline bool x86_sf(const X86Cpu *c)
{
    return c->fr < 0;
}

static inline bool x86_pf(const X86Cpu *c)
{
    return !__builtin_parity((unsigned)c->fr & 0xffu);
}

static inline bool x86_af(const X86Cpu *c)
{
    return (c->fc & 8u) != 0;
}

/* SF != OF */
static inline bool x86_lt(const X86Cpu *c)
{
    return (int64_t)((uint64_t)c->fr ^ c->fc ^ (c->fc << 1)) < 0;
}

static inline void x86_set_cf_of(X86Cpu *c, bool cf, bool of)
{
    c->fc = (c->fc & 8u) | (uint64_t)cf << 63 | (uint64_t)(cf != of) << 62;
}

static inline void x86_set_cf_of_af(X86Cpu *c, bool cf, bool of, bool af)
{
    c->fc = (uint64_t)cf << 63 | (uint64_t)(cf != of) << 62 | (uint64_t)af << 3;
}

static inline void x86_set_cf(X86Cpu *c, bool cf)
{
    x86_set_cf_of(c, cf, x86_of(c));
}

static inline void x86_set_zf(X86Cpu *c, bool zf)
{
    c->fz = !zf;
}

/* The arithmetic bits of RFLAGS. */
static inline uint64_t x86_flags_arith(const X86Cpu *c)
{
    return (uint64_t)x86_cf(c) | (uint64_t)x86_pf(c) << 2 | (uint64_t)x86_af(c) << 4 |
           (uint64_t)x86_zf(c) << 6 | (uint64_t)x86_sf(c) << 7 | (uint64_t)x86_of(c) << 11;
}

static inline uint64_t x86_flags_get(const X86Cpu *c)
{
    return (c->s->rflags & ~(uint64_t)X86_FL_ARITH) | x86_flags_arith(c) | 2u;
}

static inline void x86_flags_set_arith(X86Cpu *c, uint64_t fl)
{
    c->fz = !(fl & X86_FL_ZF);
    c->fr = (int64_t)((fl & X86_FL_SF) << 56 | !(fl & X86_FL_PF));
    x86_set_cf_of_af(c, fl & X86_FL_CF, (fl & X86_FL_OF) != 0, (fl & X86_FL_AF) != 0);
}

/* Condition codes as in Jcc, SETcc, CMOVcc; cc is a constant in the hot handlers. */
static inline bool x86_cond(const X86Cpu *c, unsigned cc)
{
    bool r;
    switch (cc >> 1) {
    case 0: r = x86_of(c); break;
    case 1: r = x86_cf(c); break;
    case 2: r = x86_zf(c); break;
    case 3: r = x86_cf(c) || x86_zf(c); break;
    case 4: r = x86_sf(c); break;
    case 5: r = x86_pf(c); break;
    case 6: r = x86_lt(c); break;
    default: r = x86_zf(c) || x86_lt(c); break;
    }
    return r != (cc & 1u);
}

#endif
