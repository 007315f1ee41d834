/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: is a result inexact? What the precision flag says beside an unmasked overflow or
 * underflow: those deliver, as far as the flags are concerned, the result rounded to the format's
 * precision with an exponent without bounds (SDM vol. 1, 4.9.1.4 and 4.9.1.5), which no run with
 * masked exceptions shows.
 *
 * Every operation here but division is a product plus an addend. Numbers are odd integers times a
 * power of two, so what has to be counted is the bits of an integer. */
#include "x86_host_internal.h"

typedef unsigned __int128 X86HostWide;

typedef struct X86HostNum {
    uint64_t m; /* odd, or 0 */
    int e;
    bool negative;
    bool finite;
} X86HostNum;

#define HALF_PRECISION 11
#define HALF_BY_MXCSR  4u    /* immediate: rounding is MXCSR.RC's, not bits 0 and 1 */
#define HALF_LEAST     (-14) /* exponent of the smallest normal number */

static const X86HostNum x86_host_one = {1, 0, false, true};
static const X86HostNum x86_host_zero = {0, 0, false, true};

/* fraction_bits and exponent_bits of an IEEE format whose encoding is raw. */
static X86HostNum x86_host_num(uint64_t raw, unsigned fraction_bits, unsigned exponent_bits,
                               bool daz)
{
    unsigned top = (1u << exponent_bits) - 1u;
    unsigned exponent = (unsigned)(raw >> fraction_bits) & top;
    X86HostNum n = {.m = raw & ((UINT64_C(1) << fraction_bits) - 1u),
                    .negative = raw >> (fraction_bits + exponent_bits) & 1u,
                    .finite = exponent != top};

    if (exponent != 0)
        n.m |= UINT64_C(1) << fraction_bits;
    else if (daz)
        n.m = 0;
    if (n.m == 0)
        return n;
    int zeros = __builtin_ctzll(n.m);
    n.m >>= zeros;
    n.e = (exponent ? (int)exponent : 1) - (int)(top >> 1) - (int)fraction_bits + zeros;
    return n;
}

static int x86_host_wide_bits(X86HostWide v)
{
    uint64_t high = (uint64_t)(v >> 64);
    uint64_t low = (uint64_t)v;

    if (high)
        return 128 - __builtin_clzll(high);
    return low ? 64 - __builtin_clzll(low) : 0;
}

/* Significant bits: without the zeros at the end. */
static int x86_host_wide_width(X86HostWide v)
{
    uint64_t low = (uint64_t)v;

    if (v == 0)
        return 0;
    int zeros = low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(v >> 64));
    return x86_host_wide_bits(v) - zeros;
}

/* Does a * b + c have more than precision bits? The product of two odd numbers is odd, and below
 * 2^106. */
static bool x86_host_sum_inexact(X86HostNum a, X86HostNum b, X86HostNum c, int precision)
{
    X86HostWide p = (X86HostWide)a.m * b.m;
    int pe = a.e + b.e;

    if (!a.finite || !b.finite || !c.finite)
        return false;
    if (p == 0 || c.m == 0)
        return x86_host_wide_width(p | c.m) > precision;
    int low = pe < c.e ? pe : c.e;
    int p_top = pe + x86_host_wide_bits(p);
    int c_top = c.e + x86_host_wide_bits(c.m);
    int top = p_top > c_top ? p_top : c_top;
    if (top - low > 120) /* the tops are so far apart that nothing cancels */
        return true;
    X86HostWide x = p << (pe - low);
    X86HostWide y = (X86HostWide)c.m << (c.e - low);
    bool apart = (a.negative != b.negative) != c.negative;
    X86HostWide sum = !apart ? x + y : x > y ? x - y : y - x;
    return x86_host_wide_width(sum) > precision;
}

/* Is n, rounded to the precision of a half, below its smallest normal? That it rounds up to. Rounding
 * is MXCSR.RC's. */
static bool x86_host_num_half_tiny(X86HostNum n, unsigned rounding)
{
    int bits = x86_host_wide_bits(n.m);
    int top = n.e + bits - 1;

    if (!n.finite || n.m == 0 || top > HALF_LEAST - 1)
        return false;
    if (top < HALF_LEAST - 1 || bits <= HALF_PRECISION)
        return true;
    uint64_t kept = n.m >> (bits - HALF_PRECISION - 1); /* and a bit more */
    if (kept >> 1 != (1u << HALF_PRECISION) - 1u)
        return true;
    switch (rounding) {
    case 0: return !(kept & 1u);
    case 1: return !n.negative;
    case 2: return n.negative;
    default: return true;
    }
}

/* Both odd: the quotient ends only if it is an integer. */
static bool x86_host_quotient_inexact(X86HostNum a, X86HostNum b)
{
    return a.finite && b.finite && a.m != 0 && b.m != 0 && a.m % b.m != 0;
}

/* -- operands ---------------------------------------------------------------------------------- */

static void x86_host_fetch(const viv_cpu_t *cpu, unsigned id, uint8_t *out)
{
    memcpy(out, cpu->xsave + X86_HOST_XS_XMM + 16u * id, 16);
    memcpy(out + 16, cpu->xsave + X86_HOST_XS_YMMH + 16u * id, 16);
}

void x86_host_operands(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem,
                       X86HostOperands *ret_operands)
{
    x86_host_fetch(cpu, op->priv_reg, ret_operands->reg);
    x86_host_fetch(cpu, op->priv_vvvv, ret_operands->vvvv);
    x86_host_fetch(cpu, op->priv_rm, ret_operands->rm);
    if (op->mem_access & X86_HOST_MEM_READ && op->mem_bytes <= sizeof(ret_operands->rm))
        memcpy(ret_operands->rm, mem, op->mem_bytes);
}

/* What the elements are. */
typedef struct X86HostFormat {
    unsigned bytes;
    bool daz;
} X86HostFormat;

static X86HostFormat x86_host_format(bool is_double, uint32_t mxcsr)
{
    return (X86HostFormat){is_double ? 8 : 4, (mxcsr & X86_HOST_MXCSR_DAZ) != 0};
}

static X86HostNum x86_host_element(X86HostFormat f, const uint8_t *from, unsigned i)
{
    uint64_t raw = 0;

    memcpy(&raw, from + i * f.bytes, f.bytes);
    return f.bytes == 8 ? x86_host_num(raw, 52, 11, f.daz) : x86_host_num(raw, 23, 8, f.daz);
}

static int x86_host_precision(X86HostFormat f)
{
    return f.bytes == 8 ? 53 : 24;
}

static X86HostNum x86_host_negate(X86HostNum n, bool negate)
{
    n.negative ^= negate;
    return n;
}

/* Neighbours i and i + 1 of one source. */
static bool x86_host_pair_inexact(X86HostFormat f, const uint8_t *from, unsigned i, bool subtract)
{
    return x86_host_sum_inexact(x86_host_element(f, from, i), x86_host_one,
                                x86_host_negate(x86_host_element(f, from, i + 1u), subtract),
                                x86_host_precision(f));
}

static bool x86_host_element_inexact(const X86HostOp *op, const X86HostOperands *o, X86HostFormat f,
                                     unsigned i)
{
    bool subtract = (op->priv_imm & (i & 1u ? X86_HOST_OF_SUB_ODD : X86_HOST_OF_SUB_EVEN)) != 0;
    const uint8_t *first = op->cls == X86_HOST_CLASS_AVX ? o->vvvv : o->reg;
    int precision = x86_host_precision(f);
    X86HostNum a = x86_host_element(f, first, i);
    X86HostNum b = x86_host_element(f, o->rm, i);
    X86HostNum d = x86_host_element(f, o->reg, i);

    switch (op->priv_kind) {
    case X86_HOST_KIND_ADD:
        return x86_host_sum_inexact(a, x86_host_one, x86_host_negate(b, subtract), precision);
    case X86_HOST_KIND_HADD:
        return !(i & 1u) && (x86_host_pair_inexact(f, first, i, subtract) ||
                             x86_host_pair_inexact(f, o->rm, i, subtract));
    case X86_HOST_KIND_MUL: return x86_host_sum_inexact(a, b, x86_host_zero, precision);
    case X86_HOST_KIND_DIV: return x86_host_quotient_inexact(a, b);
    case X86_HOST_KIND_NARROW: return x86_host_sum_inexact(b, x86_host_one, x86_host_zero, 24);
    case X86_HOST_KIND_HALF:
        return x86_host_sum_inexact(d, x86_host_one, x86_host_zero, HALF_PRECISION);
    case X86_HOST_KIND_FMA132:
        return x86_host_sum_inexact(d, b, x86_host_negate(a, subtract), precision);
    case X86_HOST_KIND_FMA213:
        return x86_host_sum_inexact(a, d, x86_host_negate(b, subtract), precision);
    case X86_HOST_KIND_FMA231:
        return x86_host_sum_inexact(a, b, x86_host_negate(d, subtract), precision);
    default: return false;
    }
}

bool x86_host_inexact(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem, uint32_t mxcsr)
{
    X86HostOperands o;
    X86HostFormat f = x86_host_format(op->priv_imm & X86_HOST_OF_DOUBLE, mxcsr);
    unsigned bytes = op->priv_wide || op->mem_bytes == 32 ? 32 : 16;
    unsigned count = op->priv_imm & X86_HOST_OF_SCALAR ? 1 : bytes / f.bytes;
    bool inexact = false;

    x86_host_operands(op, cpu, mem, &o);
    for (unsigned i = 0; i < count; i++)
        inexact |= x86_host_element_inexact(op, &o, f, i);
    return inexact;
}

bool x86_host_half_tiny(const X86HostOp *op, const viv_cpu_t *cpu, uint32_t mxcsr)
{
    X86HostOperands o;
    X86HostFormat f = x86_host_format(false, mxcsr);
    unsigned rounding = op->fop & HALF_BY_MXCSR ? mxcsr >> 13 & 3u : op->fop & 3u;
    bool tiny = false;

    x86_host_operands(op, cpu, NULL, &o);
    for (unsigned i = 0; i < (op->priv_wide ? 8u : 4u); i++)
        tiny |= x86_host_num_half_tiny(x86_host_element(f, o.reg, i), rounding);
    return tiny;
}

bool x86_host_inexact_array(const uint8_t *a, const uint8_t *b, unsigned n, bool is_double,
                            bool multiply, uint32_t mxcsr)
{
    X86HostFormat f = x86_host_format(is_double, mxcsr);
    bool inexact = false;

    for (unsigned i = 0; i < n; i++) {
        X86HostNum x = x86_host_element(f, a, i);
        X86HostNum y = x86_host_element(f, b, i);
        inexact |= x86_host_sum_inexact(x, multiply ? y : x86_host_one,
                                        multiply ? x86_host_zero : y, x86_host_precision(f));
    }
    return inexact;
}

/* -- description ------------------------------------------------------------------------------- */

#define X86_HOST_SUB_BOTH (X86_HOST_OF_SUB_EVEN | X86_HOST_OF_SUB_ODD)

typedef struct X86HostArith {
    uint8_t opcode;
    uint8_t kind;
    uint8_t of;
} X86HostArith;

static const X86HostArith x86_host_ariths[] = {
    {0x58, X86_HOST_KIND_ADD, 0},
    {0x59, X86_HOST_KIND_MUL, 0},
    {0x5a, X86_HOST_KIND_NARROW, 0},
    {0x5c, X86_HOST_KIND_ADD, X86_HOST_SUB_BOTH},
    {0x5e, X86_HOST_KIND_DIV, 0},
    {0x7c, X86_HOST_KIND_HADD, 0},
    {0x7d, X86_HOST_KIND_HADD, X86_HOST_SUB_BOTH},
    {0xd0, X86_HOST_KIND_ADD, X86_HOST_OF_SUB_EVEN},
};

/* Map 0F, by mandatory prefix: none PS, 66 PD, F3 SS, F2 SD; of the horizontal ones F2 is PS. */
static void x86_host_inexact_0f(X86HostOp *op, unsigned opcode, unsigned pp)
{
    bool horizontal = opcode >= 0x7c;
    bool wide = pp == 1 || (pp == 3 && !horizontal);

    if (opcode == 0x5a && !wide) /* widens */
        return;
    for (unsigned i = 0; i < sizeof(x86_host_ariths) / sizeof(x86_host_ariths[0]); i++) {
        if (x86_host_ariths[i].opcode != opcode)
            continue;
        op->priv_kind = x86_host_ariths[i].kind;
        op->priv_imm = (uint8_t)(x86_host_ariths[i].of | (wide ? X86_HOST_OF_DOUBLE : 0) |
                                 (pp >= 2 && !horizontal ? X86_HOST_OF_SCALAR : 0));
    }
}

/* FMA: the order in the high digit of the opcode, the signs in the low one. Both signs turned are as
 * exact as none. */
static void x86_host_inexact_fma(X86HostOp *op, unsigned opcode, unsigned wide)
{
    static const uint8_t signs[16] = {
        [0x6] = X86_HOST_OF_SUB_EVEN,
        [0x7] = X86_HOST_OF_SUB_ODD,
        [0x9] = X86_HOST_OF_SCALAR,
        [0xa] = X86_HOST_SUB_BOTH,
        [0xb] = X86_HOST_SUB_BOTH | X86_HOST_OF_SCALAR,
        [0xc] = X86_HOST_SUB_BOTH,
        [0xd] = X86_HOST_SUB_BOTH | X86_HOST_OF_SCALAR,
        [0xf] = X86_HOST_OF_SCALAR,
    };

    op->priv_kind = (uint8_t)(X86_HOST_KIND_FMA132 + (opcode >> 4) - 9u);
    op->priv_imm = (uint8_t)(signs[opcode & 15u] | (wide ? X86_HOST_OF_DOUBLE : 0));
}

/* DPPS, DPPD, VCVTPS2PH */
static void x86_host_inexact_imm(X86HostBuild *build, uint8_t kind)
{
    build->op.priv_kind = kind;
    build->op.priv_imm = build->insn->opcode == 0x41 ? X86_HOST_OF_DOUBLE : 0;
    build->op.fop = build->bytes[build->insn->raw.imm[0].offset];
}

void x86_host_inexact_describe(X86HostBuild *build)
{
    const ZydisDecodedInstruction *insn = build->insn;
    unsigned opcode = insn->opcode;

    if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F)
        x86_host_inexact_0f(&build->op, opcode, x86_host_pp(build));
    else if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F38 && insn->meta.isa_set == ZYDIS_ISA_SET_FMA)
        x86_host_inexact_fma(&build->op, opcode, insn->raw.vex.W);
    else if (insn->mnemonic == ZYDIS_MNEMONIC_VCVTPS2PH)
        x86_host_inexact_imm(build, X86_HOST_KIND_HALF);
    else if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F3A && (opcode == 0x40 || opcode == 0x41))
        x86_host_inexact_imm(build, X86_HOST_KIND_DOT);
}
