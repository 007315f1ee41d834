/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: MUL IMUL DIV IDIV. Flags that the manuals call undefined: SF, ZF, PF follow the low half of
 * a product, AF is cleared; divisions leave all flags alone. */
#include "x86_exec.h"

typedef unsigned __int128 X86U128;
typedef __int128 X86I128;

static void x86_mul_flags(X86Cpu *c, uint64_t low, unsigned bits, bool over)
{
    c->fr = (int64_t)(low << (64 - bits)) >> (64 - bits);
    c->fz = (uint64_t)c->fr;
    x86_set_cf_of_af(c, over, over, false);
}

int x86_op_mul(X86Cpu *c, const X86Insn *i)
{
    uint64_t b;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    switch (i->osz) {
    case 1: {
        uint32_t r = (uint32_t)(uint8_t)c->r[X86_RAX] * (uint8_t)b;
        X86_W16(c, X86_RAX, r);
        x86_mul_flags(c, r & 0xff, 8, r >> 8);
        break;
    }
    case 2: {
        uint32_t r = (uint32_t)(uint16_t)c->r[X86_RAX] * (uint16_t)b;
        X86_W16(c, X86_RAX, r);
        X86_W16(c, X86_RDX, r >> 16);
        x86_mul_flags(c, r & 0xffff, 16, r >> 16);
        break;
    }
    case 4: {
        uint64_t r = (uint64_t)(uint32_t)c->r[X86_RAX] * (uint32_t)b;
        c->r[X86_RAX] = (uint32_t)r;
        c->r[X86_RDX] = r >> 32;
        x86_mul_flags(c, (uint32_t)r, 32, r >> 32);
        break;
    }
    default: {
        X86U128 r = (X86U128)c->r[X86_RAX] * b;
        c->r[X86_RAX] = (uint64_t)r;
        c->r[X86_RDX] = (uint64_t)(r >> 64);
        x86_mul_flags(c, (uint64_t)r, 64, (r >> 64) != 0);
        break;
    }
    }
    X86_NEXT(c, i);
}

int x86_op_imul1(X86Cpu *c, const X86Insn *i)
{
    uint64_t b;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    switch (i->osz) {
    case 1: {
        int32_t r = (int32_t)(int8_t)c->r[X86_RAX] * (int8_t)b;
        X86_W16(c, X86_RAX, r);
        x86_mul_flags(c, (uint8_t)r, 8, r != (int8_t)r);
        break;
    }
    case 2: {
        int32_t r = (int32_t)(int16_t)c->r[X86_RAX] * (int16_t)b;
        X86_W16(c, X86_RAX, r);
        X86_W16(c, X86_RDX, r >> 16);
        x86_mul_flags(c, (uint16_t)r, 16, r != (int16_t)r);
        break;
    }
    case 4: {
        int64_t r = (int64_t)(int32_t)c->r[X86_RAX] * (int32_t)b;
        c->r[X86_RAX] = (uint32_t)r;
        c->r[X86_RDX] = (uint32_t)(r >> 32);
        x86_mul_flags(c, (uint32_t)r, 32, r != (int32_t)r);
        break;
    }
    default: {
        X86I128 r = (X86I128)(int64_t)c->r[X86_RAX] * (int64_t)b;
        c->r[X86_RAX] = (uint64_t)r;
        c->r[X86_RDX] = (uint64_t)(r >> 64);
        x86_mul_flags(c, (uint64_t)r, 64, r != (int64_t)r);
        break;
    }
    }
    X86_NEXT(c, i);
}

static uint64_t x86_imul(X86Cpu *c, uint64_t a, uint64_t b, uint32_t n)
{
    if (n == 2) {
        int32_t r = (int32_t)(int16_t)a * (int16_t)b;
        x86_mul_flags(c, (uint16_t)r, 16, r != (int16_t)r);
        return (uint16_t)r;
    }
    if (n == 4) {
        int64_t r = (int64_t)(int32_t)a * (int32_t)b;
        x86_mul_flags(c, (uint32_t)r, 32, r != (int32_t)r);
        return (uint32_t)r;
    }
    X86I128 r = (X86I128)(int64_t)a * (int64_t)b;
    x86_mul_flags(c, (uint64_t)r, 64, r != (int64_t)r);
    return (uint64_t)r;
}

int x86_op_imul2_32r(X86Cpu *c, const X86Insn *i)
{
    c->r[i->reg] = x86_imul(c, c->r[i->reg], c->r[i->rm], 4);
    X86_NEXT(c, i);
}

int x86_op_imul2_64r(X86Cpu *c, const X86Insn *i)
{
    c->r[i->reg] = x86_imul(c, c->r[i->reg], c->r[i->rm], 8);
    X86_NEXT(c, i);
}

int x86_op_imul2(X86Cpu *c, const X86Insn *i)
{
    uint64_t b;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    x86_reg_set(c, i->reg, x86_imul(c, c->r[i->reg], b, i->osz), i->osz);
    X86_NEXT(c, i);
}

int x86_op_imul3(X86Cpu *c, const X86Insn *i)
{
    uint64_t a;
    c->cur = i;
    a = x86_rm_get(c, i, i->osz);
    x86_reg_set(c, i->reg, x86_imul(c, a, i->imm, i->osz), i->osz);
    X86_NEXT(c, i);
}

/* The host's own division: its quotient fits, hi < b, so it does not trap. The compiler has no way
 * to say 128 by 64 bits. */
static inline void x86_divq(uint64_t hi, uint64_t lo, uint64_t b, uint64_t *q, uint64_t *r)
{
    __asm__("divq %4" : "=a"(*q), "=d"(*r) : "0"(lo), "1"(hi), "r"(b) : "cc");
}

static inline void x86_divl(uint32_t hi, uint32_t lo, uint32_t b, uint64_t *q, uint64_t *r)
{
    __asm__("divl %k4" : "=a"(*q), "=d"(*r) : "0"(lo), "1"(hi), "r"(b) : "cc");
}

/* A divisor of 0 is not above anything either. */
static inline void x86_div32(X86Cpu *c, uint32_t b)
{
    if (X86_UNLIKELY((uint32_t)c->r[X86_RDX] >= b))
        x86_raise(c, X86_DE, 0);
    x86_divl((uint32_t)c->r[X86_RDX], (uint32_t)c->r[X86_RAX], b, &c->r[X86_RAX], &c->r[X86_RDX]);
}

static inline void x86_div64(X86Cpu *c, uint64_t b)
{
    if (X86_UNLIKELY(c->r[X86_RDX] >= b))
        x86_raise(c, X86_DE, 0);
    x86_divq(c->r[X86_RDX], c->r[X86_RAX], b, &c->r[X86_RAX], &c->r[X86_RDX]);
}

int x86_op_div_32r(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_div32(c, (uint32_t)c->r[i->rm]);
    X86_NEXT(c, i);
}

int x86_op_div_64r(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_div64(c, c->r[i->rm]);
    X86_NEXT(c, i);
}

int x86_op_div(X86Cpu *c, const X86Insn *i)
{
    uint64_t b;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    if (b == 0)
        x86_raise(c, X86_DE, 0);
    switch (i->osz) {
    case 1: {
        uint32_t a = (uint16_t)c->r[X86_RAX], q = a / (uint32_t)b;
        if (q > 0xff)
            x86_raise(c, X86_DE, 0);
        X86_W16(c, X86_RAX, q | (a % (uint32_t)b) << 8);
        break;
    }
    case 2: {
        uint32_t a = (uint32_t)(uint16_t)c->r[X86_RDX] << 16 | (uint16_t)c->r[X86_RAX];
        uint32_t q = a / (uint32_t)b;
        if (q > 0xffff)
            x86_raise(c, X86_DE, 0);
        X86_W16(c, X86_RAX, q);
        X86_W16(c, X86_RDX, a % (uint32_t)b);
        break;
    }
    case 4: x86_div32(c, (uint32_t)b); break;
    default: x86_div64(c, b); break;
    }
    X86_NEXT(c, i);
}

/* Signed 128 by 64 bits, a quotient that fits in no register or a divisor of 0 raising #DE. */
static __attribute__((noinline)) void x86_idiv_wide(X86Cpu *c, uint64_t hi, uint64_t lo, int64_t b)
{
    X86U128 a = (X86U128)hi << 64 | lo, ua = hi >> 63 ? -a : a;
    uint64_t ub = b < 0 ? -(uint64_t)b : (uint64_t)b, q, r;
    bool neg = (bool)(hi >> 63) != (b < 0);
    if ((uint64_t)(ua >> 64) >= ub)
        x86_raise(c, X86_DE, 0);
    x86_divq((uint64_t)(ua >> 64), (uint64_t)ua, ub, &q, &r);
    if (q > (uint64_t)INT64_MAX + neg)
        x86_raise(c, X86_DE, 0);
    c->r[X86_RAX] = neg ? -q : q;
    c->r[X86_RDX] = hi >> 63 ? -r : r;
}

/* What compilers divide has been sign-extended. */
static inline void x86_idiv64(X86Cpu *c, int64_t b)
{
    int64_t lo = (int64_t)c->r[X86_RAX];
    if (X86_UNLIKELY(c->r[X86_RDX] != (uint64_t)(lo >> 63) || (uint64_t)b + 1 <= 1)) {
        x86_idiv_wide(c, c->r[X86_RDX], c->r[X86_RAX], b);
        return;
    }
    c->r[X86_RAX] = (uint64_t)(lo / b);
    c->r[X86_RDX] = (uint64_t)(lo % b);
}

static inline void x86_idiv32(X86Cpu *c, int32_t b)
{
    int64_t a = (int64_t)(c->r[X86_RDX] << 32 | (uint32_t)c->r[X86_RAX]), q;
    if (X86_UNLIKELY(b == 0 || (a == INT64_MIN && b == -1)))
        x86_raise(c, X86_DE, 0);
    q = a / b;
    if (X86_UNLIKELY(q != (int32_t)q))
        x86_raise(c, X86_DE, 0);
    c->r[X86_RAX] = (uint32_t)q;
    c->r[X86_RDX] = (uint32_t)(a % b);
}

int x86_op_idiv_32r(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_idiv32(c, (int32_t)c->r[i->rm]);
    X86_NEXT(c, i);
}

int x86_op_idiv_64r(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_idiv64(c, (int64_t)c->r[i->rm]);
    X86_NEXT(c, i);
}

int x86_op_idiv(X86Cpu *c, const X86Insn *i)
{
    uint64_t b;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    if (b == 0)
        x86_raise(c, X86_DE, 0);
    switch (i->osz) {
    case 1: {
        int32_t a = (int16_t)c->r[X86_RAX], d = (int8_t)b, q = a / d;
        if (q != (int8_t)q)
            x86_raise(c, X86_DE, 0);
        X86_W16(c, X86_RAX, (uint8_t)q | (uint32_t)(uint8_t)(a % d) << 8);
        break;
    }
    case 2: {
        int64_t a = (int32_t)((uint32_t)(uint16_t)c->r[X86_RDX] << 16 | (uint16_t)c->r[X86_RAX]);
        int64_t d = (int16_t)b, q = a / d;
        if (q != (int16_t)q)
            x86_raise(c, X86_DE, 0);
        X86_W16(c, X86_RAX, q);
        X86_W16(c, X86_RDX, a % d);
        break;
    }
    case 4: x86_idiv32(c, (int32_t)b); break;
    default: x86_idiv64(c, (int64_t)b); break;
    }
    X86_NEXT(c, i);
}
