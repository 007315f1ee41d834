/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: ROL ROR RCL RCR SHL SHR SAR, SHLD SHRD. OF after a count other than 1 is undefined; it is
 * computed as for a count of 1 on the last step, which is what current chips do for shifts; for
 * rotates it is made from the result. AF, undefined, is cleared by shifts. */
#include "x86_rmw.h"

/* Each returns the result and sets flags; n is masked, not 0, and may exceed the width for 8 and
 * 16 bits. */
#define SHIFT_OPS(W)                                                                               \
    static inline uint##W##_t x86_rol##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        unsigned k = n & (W - 1);                                                                  \
        uint##W##_t r = (uint##W##_t)(k ? (v << k) | (v >> (W - k)) : v);                          \
        bool cf = r & 1;                                                                           \
        x86_set_cf_of(c, cf, cf != (bool)(r >> (W - 1)));                                          \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_ror##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        unsigned k = n & (W - 1);                                                                  \
        uint##W##_t r = (uint##W##_t)(k ? (v >> k) | (v << (W - k)) : v);                          \
        bool cf = r >> (W - 1);                                                                    \
        x86_set_cf_of(c, cf, cf != (bool)((r >> (W - 2)) & 1));                                    \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_rcl##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        bool cf = x86_cf(c);                                                                       \
        for (n %= W + 1; n; n--) {                                                                 \
            bool out = v >> (W - 1);                                                               \
            v = (uint##W##_t)((v << 1) | cf);                                                      \
            cf = out;                                                                              \
        }                                                                                          \
        x86_set_cf_of(c, cf, cf != (bool)(v >> (W - 1)));                                          \
        return v;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_rcr##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        bool cf = x86_cf(c);                                                                       \
        for (n %= W + 1; n; n--) {                                                                 \
            bool out = v & 1;                                                                      \
            v = (uint##W##_t)((v >> 1) | (uint##W##_t)((uint##W##_t)cf << (W - 1)));               \
            cf = out;                                                                              \
        }                                                                                          \
        x86_set_cf_of(c, cf, (bool)(v >> (W - 1)) != (bool)((v >> (W - 2)) & 1));                  \
        return v;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_shl##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        bool cf = n <= W && ((v >> (W - n)) & 1);                                                  \
        uint##W##_t r = (uint##W##_t)(n < W ? v << n : 0);                                         \
        x86_fl_szp##W(c, r);                                                                       \
        x86_set_cf_of_af(c, cf, cf != (bool)(r >> (W - 1)), false);                                \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_shr##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        uint##W##_t before = (uint##W##_t)(n <= W ? v >> (n - 1) : 0);                             \
        uint##W##_t r = (uint##W##_t)(before >> 1);                                                \
        x86_fl_szp##W(c, r);                                                                       \
        x86_set_cf_of_af(c, before & 1, (bool)(before >> (W - 1)), false);                         \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t x86_sar##W(X86Cpu *c, uint##W##_t v, unsigned n)                     \
    {                                                                                              \
        int##W##_t before = (int##W##_t)((int##W##_t)v >> (n <= W ? n - 1 : W - 1));               \
        uint##W##_t r = (uint##W##_t)(before >> 1);                                                \
        x86_fl_szp##W(c, r);                                                                       \
        x86_set_cf_of_af(c, before & 1, false, false);                                             \
        return r;                                                                                  \
    }

SHIFT_OPS(8)
SHIFT_OPS(16)
SHIFT_OPS(32)
SHIFT_OPS(64)

#define SHIFT(op, W)                                                                               \
    static int x86_op_##op##_ri##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        unsigned n = (unsigned)i->imm;                                                             \
        uint##W##_t v = X86_R##W(c, i->rm);                                                        \
        X86_W##W(c, i->rm, n ? x86_##op##W(c, v, n) : v);                                          \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##op##_mi##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        unsigned n = (unsigned)i->imm;                                                             \
        X86_RMW(W, c, i, v, if (n) v = x86_##op##W(c, v, n));                                      \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##op##_rc##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        unsigned n = (unsigned)c->r[X86_RCX] & (W == 64 ? 63 : 31);                                \
        uint##W##_t v = X86_R##W(c, i->rm);                                                        \
        X86_W##W(c, i->rm, n ? x86_##op##W(c, v, n) : v);                                          \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##op##_mc##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        unsigned n = (unsigned)c->r[X86_RCX] & (W == 64 ? 63 : 31);                                \
        X86_RMW(W, c, i, v, if (n) v = x86_##op##W(c, v, n));                                      \
        X86_NEXT(c, i);                                                                            \
    }
#define SHIFT_ALL(op) SHIFT(op, 8) SHIFT(op, 16) SHIFT(op, 32) SHIFT(op, 64)
SHIFT_ALL(rol)
SHIFT_ALL(ror)
SHIFT_ALL(rcl)
SHIFT_ALL(rcr)
SHIFT_ALL(shl)
SHIFT_ALL(shr)
SHIFT_ALL(sar)

#define SHIFT_ROW(op, k)                                                                           \
    {                                                                                              \
        {x86_op_##op##_r##k##8, x86_op_##op##_m##k##8},                                            \
            {x86_op_##op##_r##k##16, x86_op_##op##_m##k##16},                                      \
            {x86_op_##op##_r##k##32, x86_op_##op##_m##k##32},                                      \
            {x86_op_##op##_r##k##64, x86_op_##op##_m##k##64},                                      \
    }
/* /6 is SHL too */
const X86Handler x86_shift_i[8][4][2] = {
    SHIFT_ROW(rol, i), SHIFT_ROW(ror, i), SHIFT_ROW(rcl, i), SHIFT_ROW(rcr, i),
    SHIFT_ROW(shl, i), SHIFT_ROW(shr, i), SHIFT_ROW(shl, i), SHIFT_ROW(sar, i),
};
const X86Handler x86_shift_c[8][4][2] = {
    SHIFT_ROW(rol, c), SHIFT_ROW(ror, c), SHIFT_ROW(rcl, c), SHIFT_ROW(rcr, c),
    SHIFT_ROW(shl, c), SHIFT_ROW(shr, c), SHIFT_ROW(shl, c), SHIFT_ROW(sar, c),
};

/* 8 or 16 bits by a count that is not masked, and not 0. */
uint32_t x86_shift_any(X86Cpu *c, uint32_t op, uint32_t bytes, uint32_t v, uint32_t n)
{
#define SHIFT_ANY(fn) (bytes == 1 ? x86_##fn##8(c, (uint8_t)v, n) : x86_##fn##16(c, (uint16_t)v, n))
    switch (op) {
    case 0: return SHIFT_ANY(rol);
    case 1: return SHIFT_ANY(ror);
    case 2: return SHIFT_ANY(rcl);
    case 3: return SHIFT_ANY(rcr);
    case 5: return SHIFT_ANY(shr);
    case 7: return SHIFT_ANY(sar);
    default: return SHIFT_ANY(shl);
    }
#undef SHIFT_ANY
}

/* -- double shifts: A4 A5 SHLD, AC AD SHRD ----------------------------------------------------- */
static uint64_t x86_shd(X86Cpu *c, const X86Insn *i, uint64_t dst, unsigned n)
{
    unsigned bits = i->osz * 8u;
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1, src = c->r[i->reg] & mask, r;
    bool cf;
    dst &= mask;
    if (i->op < 0xa8) {
        if (bits == 16) { /* counts above 16 shift the source and then the destination in again */
            uint64_t wide = dst << 32 | src << 16 | dst;
            r = (wide << n) >> 32 & mask;
            cf = wide >> (48 - n) & 1;
        } else {
            r = (dst << n | src >> (bits - n)) & mask;
            cf = dst >> (bits - n) & 1;
        }
    } else {
        if (bits == 16) {
            uint64_t wide = dst << 32 | src << 16 | dst;
            r = wide >> n & mask;
            cf = wide >> (n - 1) & 1;
        } else {
            r = (dst >> n | src << (bits - n)) & mask;
            cf = dst >> (n - 1) & 1;
        }
    }
    c->fr = (int64_t)(r << (64 - bits)) >> (64 - bits);
    c->fz = r;
    x86_set_cf_of_af(c, cf, ((r ^ dst) >> (bits - 1)) & 1, false);
    return r;
}

int x86_op_shld(X86Cpu *c, const X86Insn *i)
{
    unsigned n = (unsigned)(i->op & 1 ? c->r[X86_RCX] : i->imm) & (i->osz == 8 ? 63u : 31u);
    c->cur = i;
    if (!(i->flags & X86_IF_MEM)) {
        uint64_t v = c->r[i->rm];
        x86_reg_set(c, i->rm, n ? x86_shd(c, i, v, n) : v, i->osz);
    } else {
        uint64_t ea = x86_ea(c, i);
        uint64_t v = x86_rmw_slow(c, i->seg, ea, i->osz);
        x86_rmw_done(c, n ? x86_shd(c, i, v, n) : v, i->osz);
    }
    X86_NEXT(c, i);
}
