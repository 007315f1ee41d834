/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: bit tests and scans, POPCNT, CRC32, ADX, BMI1, BMI2, RDRAND. */

#include "x86_rmw.h"

/* -- BT BTS BTR BTC ---------------------------------------------------------------------------- */
static uint64_t x86_bit_op(uint32_t op, uint64_t v, uint64_t bit)
{
    switch (op) {
    case 1: return v | bit;
    case 2: return v & ~bit;
    case 3: return v ^ bit;
    default: return v;
    }
}

int x86_op_bt(X86Cpu *c, const X86Insn *i)
{
    uint64_t n = (c->r[i->reg] + i->imm) & (i->osz * 8u - 1), bit = 1ull << n;
    uint64_t v = c->r[i->rm];
    if (i->op)
        x86_reg_set(c, i->rm, x86_bit_op(i->op, v, bit), i->osz);
    x86_set_cf(c, (v & bit) != 0);
    X86_NEXT(c, i);
}

/* With a register, the bit index reaches beyond the operand, signed. Not inlined, so that the
 * handler goes on by a sibling call. */
static __attribute__((noinline)) void x86_bt_mem(X86Cpu *c, const X86Insn *i)
{
    uint64_t n, bit, was = 0, ea = x86_ea(c, i);
    c->cur = i;
    if (i->reg == X86_ZERO) {
        n = i->imm;
    } else {
        int64_t index = (int64_t)(c->r[i->reg] << (64 - i->osz * 8)) >> (64 - i->osz * 8);
        n = (uint64_t)index & (i->osz * 8u - 1);
        ea += (uint64_t)(index >> (i->osz == 8 ? 6 : i->osz == 4 ? 5 : 4)) * i->osz;
        ea &= i->amask;
    }
    bit = 1ull << n;
    if (i->op == 0) {
        was = x86_ldn(c, i->seg, ea, i->osz);
    } else if (i->flags & X86_IF_LOCK) {
        switch (i->osz) {
        case 2:
            X86_RMW_LOCKED_AT(16, c, i, ea, v, was = v; v = (uint16_t)x86_bit_op(i->op, v, bit));
            break;
        case 4:
            X86_RMW_LOCKED_AT(32, c, i, ea, v, was = v; v = (uint32_t)x86_bit_op(i->op, v, bit));
            break;
        default: X86_RMW_LOCKED_AT(64, c, i, ea, v, was = v; v = x86_bit_op(i->op, v, bit)); break;
        }
    } else {
        was = x86_rmw_slow(c, i->seg, ea, i->osz);
        x86_rmw_done(c, x86_bit_op(i->op, was, bit), i->osz);
    }
    x86_set_cf(c, (was & bit) != 0);
}

int x86_op_bt_mem(X86Cpu *c, const X86Insn *i)
{
    x86_bt_mem(c, i);
    X86_NEXT(c, i);
}

/* -- scans ------------------------------------------------------------------------------------- */
int x86_op_bsf(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    if (v)
        x86_reg_set(c, i->reg, (uint64_t)__builtin_ctzll(v), i->osz);
    x86_fl_logic64(c, v);
    X86_NEXT(c, i);
}

int x86_op_bsr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    if (v)
        x86_reg_set(c, i->reg, 63u - (uint64_t)__builtin_clzll(v), i->osz);
    x86_fl_logic64(c, v);
    X86_NEXT(c, i);
}

int x86_op_tzcnt(X86Cpu *c, const X86Insn *i)
{
    uint64_t v, n;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    n = v ? (uint64_t)__builtin_ctzll(v) : i->osz * 8u;
    x86_reg_set(c, i->reg, n, i->osz);
    x86_fl_logic64(c, n);
    x86_set_cf(c, v == 0);
    X86_NEXT(c, i);
}

int x86_op_lzcnt(X86Cpu *c, const X86Insn *i)
{
    uint64_t v, n;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    n = v ? (uint64_t)__builtin_clzll(v) - (64u - i->osz * 8u) : i->osz * 8u;
    x86_reg_set(c, i->reg, n, i->osz);
    x86_fl_logic64(c, n);
    x86_set_cf(c, v == 0);
    X86_NEXT(c, i);
}

int x86_op_popcnt(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    x86_reg_set(c, i->reg, (uint64_t)__builtin_popcountll(v), i->osz);
    c->fz = v;
    c->fr = 1; /* SF and PF clear */
    c->fc = 0;
    X86_NEXT(c, i);
}

/* Polynomial 11EDC6F41h, bit-reflected. */
int x86_op_crc32(X86Cpu *c, const X86Insn *i)
{
    uint32_t crc, k, b;
    uint64_t v;
    c->cur = i;
    v = x86_rm_get(c, i, i->osz);
    crc = (uint32_t)c->r[i->reg];
    for (k = 0; k < i->osz; k++) {
        crc ^= (uint8_t)(v >> (k * 8));
        for (b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    c->r[i->reg] = crc;
    X86_NEXT(c, i);
}

/* -- ADCX ADOX --------------------------------------------------------------------------------- */
int x86_op_adx(X86Cpu *c, const X86Insn *i)
{
    uint64_t a, b, r;
    bool cf = x86_cf(c), of = x86_of(c), in = i->op ? of : cf, out;
    c->cur = i;
    b = x86_rm_get(c, i, i->osz);
    a = x86_reg_get(c, i->reg, i->osz);
    if (i->osz == 8) {
        bool o1 = __builtin_add_overflow(a, b, &r);
        bool o2 = __builtin_add_overflow(r, (uint64_t)in, &r);
        out = o1 || o2;
    } else {
        r = a + b + in;
        out = r >> 32;
    }
    x86_reg_set(c, i->reg, r, i->osz);
    x86_set_cf_of(c, i->op ? cf : out, i->op ? out : of);
    X86_NEXT(c, i);
}

/* -- BMI --------------------------------------------------------------------------------------- */
static uint64_t x86_pdep(uint64_t src, uint64_t mask)
{
    uint64_t r = 0, bit = 1;
    for (; mask; mask &= mask - 1, bit <<= 1)
        if (src & bit)
            r |= mask & -mask;
    return r;
}

static uint64_t x86_pext(uint64_t src, uint64_t mask)
{
    uint64_t r = 0, bit = 1;
    for (; mask; mask &= mask - 1, bit <<= 1)
        if (src & mask & -mask)
            r |= bit;
    return r;
}

static void x86_bmi_flags(X86Cpu *c, uint64_t r, uint32_t n, bool cf)
{
    c->fr = (int64_t)(r << (64 - n * 8)) >> (64 - n * 8);
    c->fz = (uint64_t)c->fr;
    x86_set_cf_of_af(c, cf, false, false);
}

/* i->op: the order of the table in x86_dec_vex(): 0 ANDN 1 BEXTR 2 BLSI 3 BLSMSK 4 BLSR 5 BZHI 6
 * PDEP 7 PEXT 8 MULX 9 RORX 10 SARX 11 SHLX 12 SHRX; i->imm: the third register, or RORX's count.
 */
int x86_op_bmi(X86Cpu *c, const X86Insn *i)
{
    uint32_t n = i->osz, bits = n * 8, dst = i->reg;
    uint64_t mask = n == 8 ? ~0ull : 0xffffffffull, v, r, third;
    c->cur = i;
    v = x86_rm_get(c, i, n) & mask;
    third = c->r[i->imm & 15] & mask;
    switch (i->op) {
    case 0:
        r = ~third & v;
        x86_bmi_flags(c, r, n, false);
        break;
    case 1: {
        uint32_t start = third & 0xff, len = (third >> 8) & 0xff;
        r = start < bits ? v >> start : 0;
        if (len < bits)
            r &= (1ull << len) - 1;
        x86_bmi_flags(c, r, n, false);
        break;
    }
    case 2:
        r = v & -v;
        dst = (uint32_t)i->imm;
        x86_bmi_flags(c, r, n, v != 0);
        break;
    case 3:
        r = (v ^ (v - 1)) & mask;
        dst = (uint32_t)i->imm;
        x86_bmi_flags(c, r, n, v == 0);
        break;
    case 4:
        r = v & (v - 1);
        dst = (uint32_t)i->imm;
        x86_bmi_flags(c, r, n, v == 0);
        break;
    case 5: {
        uint32_t k = third & 0xff;
        r = k < bits ? v & ((1ull << k) - 1) : v;
        x86_bmi_flags(c, r, n, k >= bits);
        break;
    }
    case 6: r = x86_pdep(third, v); break;
    case 7: r = x86_pext(third, v); break;
    case 8: {
        unsigned __int128 p = (unsigned __int128)(c->r[X86_RDX] & mask) * v;
        x86_reg_set(c, (uint32_t)i->imm, (uint64_t)p & mask, n);
        r = (uint64_t)(p >> bits);
        break;
    }
    case 9: {
        uint32_t k = (uint32_t)i->imm & (bits - 1);
        r = k ? (v >> k | v << (bits - k)) & mask : v;
        break;
    }
    case 10:
        r = n == 8 ? (uint64_t)((int64_t)v >> (third & 63))
                   : (uint64_t)(uint32_t)((int32_t)v >> (third & 31));
        break;
    case 11: r = v << (third & (bits - 1)); break;
    default: r = v >> (third & (bits - 1)); break;
    }
    x86_reg_set(c, dst, r & mask, n);
    X86_NEXT(c, i);
}

/* VEX stands for nothing in real and V86 mode (SDM vol. 2, 2.3). */
int x86_op_bmi_protected(X86Cpu *c, const X86Insn *i)
{
    if (x86_real_or_v86(c))
        return x86_fault(c, i, X86_UD, 0);
    return x86_op_bmi(c, i);
}

/* RDRAND (op 6), RDSEED (op 7): CF says that there was a number. */
static __attribute__((noinline)) void x86_rdrand(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = 0;
    bool ok;
    x86_sync(c);
    ok = c->h->random(c->v, &v) == VIV_OK;
    x86_host_call_done(c);
    x86_reg_set(c, i->rm, ok ? v : 0, i->osz);
    x86_flags_set_arith(c, ok ? X86_FL_CF : 0);
}

int x86_op_rdrand(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_rdrand(c, i);
    X86_NEXT(c, i);
}
