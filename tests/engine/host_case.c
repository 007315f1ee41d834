/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_case: the bytes, registers and memory of a case.
 *
 * Registers are random, with many of the values at which results change; those that make an
 * address are then set so that it falls where something is to be seen: mostly into mapped memory,
 * at times across the end of it, into read-only or no memory, or outside the canonical range.
 *
 * Memory is the same on both sides at any time: a case writes a little of it anew, and what
 * instructions did to it has been compared. */
#include <string.h>

#include "host.h"

uint64_t host_rng_state;

/* Accesses outside host_regions[] below 4 GiB would meet the sanitizer's shadow. */
#if defined(__SANITIZE_ADDRESS__)
#define HOST_WILD 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_WILD 0
#endif
#endif
#ifndef HOST_WILD
#define HOST_WILD 2 /* percent of addresses that stay random */
#endif

/* -- values ------------------------------------------------------------------------------------ */
static uint64_t case_integer(void)
{
    static const uint64_t edges[] = {
        0,          1,          0x7f,        0x80,      0xff,      0x7fff, 0x8000,           0xffff,
        0x7fffffff, 0x80000000, 0xffffffffu, INT64_MAX, ~0ull - 1, ~0ull,  UINT64_C(1) << 63};
    uint64_t v = host_rng();
    switch (v & 3) {
    case 0: return edges[(v >> 8) % (sizeof(edges) / sizeof(edges[0]))];
    case 1: return host_rng() >> (v >> 8 & 63);
    default: return host_rng();
    }
}

/* Zeros, denormals, infinities, quiet and signalling NaNs, powers of two, what a conversion to half
 * rounds up to its smallest normal number or not, and ordinary numbers. */
static uint32_t case_single(void)
{
    static const uint32_t edges[] = {0,          1,          0x7fffff,   0x800000,
                                     0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001,
                                     0x3f800000, 0x4b000000, 0x4f000000, 0x5f000000,
                                     0x387fe000, 0x387fefff, 0x387ff000, 0x387ff001};
    uint32_t v = (uint32_t)host_rng(), sign = v & 0x80000000u;
    switch (v & 3) {
    case 0: return sign | edges[v >> 4 & 15];
    case 1: return sign | ((v >> 8 & 31) + 112) << 23 | ((uint32_t)host_rng() & 0x7fffff);
    case 2: return sign | ((v >> 8 & 31) + 112) << 23 | ((uint32_t)host_rng() & 0x700000);
    default: return (uint32_t)host_rng();
    }
}

static uint64_t case_double(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     UINT64_C(0x000fffffffffffff),
                                     UINT64_C(0x0010000000000000),
                                     UINT64_C(0x7fefffffffffffff),
                                     UINT64_C(0x7ff0000000000000),
                                     UINT64_C(0x7ff8000000000000),
                                     UINT64_C(0x7ff0000000000001),
                                     UINT64_C(0x3ff0000000000000),
                                     UINT64_C(0x41e0000000000000),
                                     UINT64_C(0x43e0000000000000),
                                     UINT64_C(0x3690000000000000)};
    uint64_t v = host_rng(), sign = v & UINT64_C(1) << 63, exponent = (v >> 8 & 63) + 992;
    switch (v & 3) {
    case 0: return sign | edges[(v >> 4) % 12];
    case 1: return sign | exponent << 52 | host_rng() >> 12;
    case 2: return sign | exponent << 52 | (host_rng() & UINT64_C(0xff) << 44);
    default: return host_rng();
    }
}

/* 16 bytes of one kind of element. */
static void case_vector(uint8_t *to)
{
    uint32_t kind = host_rng_below(4), k;
    for (k = 0; k < 16; k += 8) {
        uint64_t v;
        if (kind == 0)
            v = case_single() | (uint64_t)case_single() << 32;
        else
            v = kind == 1 ? case_double() : kind == 2 ? case_integer() : host_rng();
        memcpy(to + k, &v, 8);
    }
}

/* An 80-bit number: with the integer bit as it should be, or not. */
static void case_extended(uint8_t *to)
{
    static const uint16_t exponents[] = {0, 0, 1, 0x7fff, 0x7fff, 0x3fff, 0x403e, 0x7ffe};
    uint64_t fraction = case_integer();
    uint16_t exponent = (uint16_t)(0x3fff - 40 + host_rng_below(80));
    if (host_chance(30))
        exponent = exponents[host_rng_below(8)];
    if (!host_chance(4))
        fraction = exponent ? fraction | UINT64_C(1) << 63 : fraction & INT64_MAX;
    if (exponent == 0x7fff && host_chance(40))
        fraction = UINT64_C(1) << 63;
    exponent |= (uint16_t)(host_rng() & 0x8000);
    memcpy(to, &fraction, 8);
    memcpy(to + 8, &exponent, 2);
}

static void case_x87(uint8_t *x)
{
    uint16_t fcw = 0x40 | 0x37f, fsw = 0;
    uint32_t k;
    if (host_chance(60))
        fcw = (uint16_t)(0x40 | (host_rng() & 0xf00) | 0x3f);
    if (host_chance(15))
        fcw &= (uint16_t)(host_rng() | ~0x3fu);
    fsw = (uint16_t)(host_rng() & 0x7f00);
    if (host_chance(60))
        fsw &= (uint16_t)~0x3800;
    if (host_chance(20))
        fsw |= (uint16_t)(host_rng() & 0x7f);
    if ((fsw & ~fcw & 0x3f) && !host_chance(10))
        fcw |= 0x3f;
    if (fsw & ~fcw & 0x3f)
        fsw |= 0x8080; /* ES, B */
    memcpy(x + HOST_XSAVE_FCW, &fcw, 2);
    memcpy(x + HOST_XSAVE_FSW, &fsw, 2);
    x[HOST_XSAVE_FTW] = host_chance(70) ? 0xff : (uint8_t)host_rng();
    for (k = 0; k < 8; k++)
        case_extended(x + HOST_XSAVE_ST + 16 * k);
}

/* All exceptions of the FPU and of MXCSR masked, and none pending. */
static void case_all_masked(uint8_t *x)
{
    x[HOST_XSAVE_FCW] |= 0x3f;
    x[HOST_XSAVE_FSW] &= 0x7f;
    x[HOST_XSAVE_FSW + 1] &= 0x7f;
    x[HOST_XSAVE_MX] |= 0x80;
    x[HOST_XSAVE_MX + 1] |= 0x1f;
}

static void case_fpu(uint8_t *x)
{
    uint32_t mxcsr = 0x1f80, mask = 0xffff, k;
    memset(x, 0, HOST_XSAVE);
    case_x87(x);
    if (host_chance(60))
        mxcsr |= (uint32_t)host_rng() & 0xe07f;
    if (host_chance(15))
        mxcsr &= (uint32_t)host_rng() | 0xe07f;
    memcpy(x + HOST_XSAVE_MX, &mxcsr, 4);
    memcpy(x + HOST_XSAVE_MX + 4, &mask, 4);
    for (k = 0; k < 16; k++) {
        case_vector(x + HOST_XSAVE_XMM + 16 * k);
        case_vector(x + HOST_XSAVE_YMM + 16 * k);
    }
}

static void case_state(HostCase *t)
{
    HostState *s = &t->in;
    uint32_t k;
    memset(s, 0, offsetof(HostState, xsave));
    for (k = 0; k < 16; k++)
        s->gpr[k] = case_integer();
    if (t->mode32)
        for (k = 0; k < 16; k++)
            s->gpr[k] = k < 8 ? s->gpr[k] & 0xffffffffu : 0;
    s->gpr[VIV_REG_RSP] =
        HOST_STACK + 0x2000 + (host_chance(90) ? host_rng_below(64) * 8 : host_rng_below(512));
    s->rip = t->rip;
    s->rflags = 0x202 | (host_rng() & HOST_ARITH);
    if (host_chance(25))
        s->rflags |= HOST_DF;
    if (!t->sequence && host_chance(4))
        s->rflags |= HOST_AC;
    s->base[0] = HOST_FSBASE;
    s->base[1] = HOST_GSBASE;
    s->sel[VIV_SEG_CS] = t->mode32 ? HOST_CS32 : HOST_CS64;
    s->sel[VIV_SEG_ES] = s->sel[VIV_SEG_SS] = s->sel[VIV_SEG_DS] = HOST_DS;
    case_fpu(s->xsave);
}

/* -- bytes ------------------------------------------------------------------------------------- */
static uint32_t case_pick(uint8_t mask)
{
    uint32_t k;
    do {
        k = host_rng_below(8);
    } while (!(mask >> k & 1));
    return k;
}

static uint32_t case_prefixes(const HostForm *f, uint8_t *p, bool plain)
{
    static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x64, 0x65};
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
    uint32_t n = 0;
    if (!plain && host_chance(10))
        p[n++] = segments[host_rng_below(8)];
    if (!plain && host_chance(7))
        p[n++] = 0x67;
    if (f->pp && !f->vex)
        p[n++] = prefixes[f->pp];
    if (plain)
        return n;
    if (host_chance(f->mem ? 6 : 1))
        p[n++] = 0xf0;
    if (host_chance(4))
        p[n++] = prefixes[1 + host_rng_below(3)];
    if (n > 1 && host_chance(50)) {
        uint8_t first = p[0];
        p[0] = p[n - 1];
        p[n - 1] = first;
    }
    return n;
}

static uint32_t case_vex(const HostForm *f, uint8_t *p, uint32_t vvvv)
{
    uint8_t rxb = f->mode32 ? 7 : (uint8_t)host_rng() & 7;
    uint8_t tail = (uint8_t)((vvvv & 15) << 3 | (f->l ? 4 : 0) | f->pp);
    if (f->map == 1 && !f->w && (rxb & 3) == 3 && host_chance(60)) {
        p[0] = 0xc5;
        p[1] = (uint8_t)((rxb & 4) << 5 | tail);
        return 2;
    }
    p[0] = 0xc4;
    p[1] = (uint8_t)(rxb << 5 | f->map);
    p[2] = (uint8_t)((f->w ? 0x80 : 0) | tail);
    return 3;
}

static uint32_t case_escape(const HostForm *f, uint8_t *p)
{
    uint32_t n = 0, rex = host_chance(50) ? 0x40 | (host_rng_below(8)) : 0;
    if (f->w)
        rex |= 0x48;
    if (rex && !f->mode32)
        p[n++] = (uint8_t)rex;
    if (f->map)
        p[n++] = 0x0f;
    if (f->map > 1)
        p[n++] = f->map == 2 ? 0x38 : 0x3a;
    return n;
}

static uint32_t case_modrm(const HostForm *f, uint8_t *p, bool plain)
{
    uint32_t n = 0, reg = case_pick(f->reg), rm = case_pick(f->rm), mod = host_rng_below(3), k;
    if (f->mem && plain) { /* an absolute address in every mode */
        p[n++] = (uint8_t)(reg << 3 | (f->mode32 ? 5 : 4));
        if (!f->mode32)
            p[n++] = 0x25;
    } else {
        p[n++] = (uint8_t)((f->mem ? mod : 3) << 6 | reg << 3 | rm);
        if (f->mem && rm == 4)
            p[n++] = (uint8_t)host_rng();
    }
    for (k = 0; k < 4; k++, n++)
        p[n] = (uint8_t)(k == 0 || host_chance(30) ? host_rng() : p[n - 1] & 0x80 ? 0xff : 0);
    return n;
}

static void case_decode(HostInsn *i, bool mode32)
{
    i->valid = ZYAN_SUCCESS(
        ZydisDecoderDecodeFull(&host_decoder[mode32], i->bytes, sizeof(i->bytes), &i->z, i->op));
    if (i->valid)
        i->len = i->z.length;
}

/* plain: for sequences: no prefixes but mandatory ones, memory by absolute address. */
static void case_encode(HostInsn *i, const HostForm *f, bool plain)
{
    uint32_t n, at = 0, k, vvvv = (uint32_t)host_rng();
    memset(i, 0, sizeof(*i));
    i->form = f;
    n = case_prefixes(f, i->bytes, plain);
    if (f->vex && host_chance(95))
        n = i->bytes[0] == 0x64 || i->bytes[0] == 0x65 ? 1 : 0;
    at = n;
    n += f->vex ? case_vex(f, i->bytes + n, f->mode32 ? vvvv | 8 : vvvv)
                : case_escape(f, i->bytes + n);
    i->bytes[n++] = f->opcode;
    if (f->modrm && n < 10)
        n += case_modrm(f, i->bytes + n, plain);
    for (k = n; k < 16; k++)
        i->bytes[k] = (uint8_t)host_rng();
    case_decode(i, f->mode32);
    if (!i->valid && f->vex && f->mnemonic && host_chance(90)) { /* VEX.vvvv must be 1111b */
        i->bytes[at + (i->bytes[at] == 0xc4 ? 2 : 1)] |= 0x78;
        case_decode(i, f->mode32);
    }
    if (!i->valid) { /* the host may know better: an immediate byte, and nothing behind it */
        i->len = n < 15 ? n + 1 : 15;
        memset(i->bytes + n, 0xcc, 16 - n);
    }
}

/* -- addresses --------------------------------------------------------------------------------- */
static int case_gpr(ZydisRegister reg)
{
    ZydisRegister r = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    return r >= ZYDIS_REGISTER_RAX && r <= ZYDIS_REGISTER_R15 ? (int)(r - ZYDIS_REGISTER_RAX) : -1;
}

/* Its operand is a selector, which has to be one that both descriptor tables agree on. */
static bool case_wants_selector(const HostInsn *i)
{
    switch (i->z.mnemonic) {
    case ZYDIS_MNEMONIC_LAR:
    case ZYDIS_MNEMONIC_LSL:
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW: return true;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_POP:
        return i->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               ZydisRegisterGetClass(i->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
    default: return false;
    }
}

/* Where an operand of n bytes is to be. */
static uint64_t case_target(const HostCase *t, const HostInsn *i, uint32_t n, bool stack)
{
    uint64_t at = stack ? HOST_STACK + 0x1000 : HOST_DATA + 0x400;
    uint32_t kind = host_rng_below(100);
    if (i->z.address_width == 16)
        return HOST_LOW + 0x400 + host_rng_below(0x3800);
    if (kind < 60 || t->sequence || case_wants_selector(i) || host_is_far(i, true) ||
        (!HOST_WILD && i->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE))
        return at + host_rng_below(0x20) * 64;
    if (kind < 82)
        return at + host_rng_below(0x800);
    if (kind < 86) /* across pages */
        return HOST_DATA + 0x2000 - host_rng_below(n + 1);
    if (kind < 89) /* into read-only memory */
        return HOST_CONST - host_rng_below(n + 1);
    if (kind < 93)
        return HOST_CONST + host_rng_below(0x800);
    if (kind < 96) /* across the end, front and back */
        return HOST_MORE + 0x2000 - host_rng_below(n + 1);
    if (kind < 97)
        return HOST_MORE - host_rng_below(n + 1);
    if (kind < 98 || t->mode32)
        return UINT64_C(0x30000000) + host_rng_below(0x1000);
    if (kind < 99)
        return UINT64_C(0x0000800000000000) - host_rng_below(n + 2);
    return UINT64_C(0x1234567800000000) + host_rng_below(64);
}

static uint32_t case_operand_bytes(const HostInsn *i, const ZydisDecodedOperand *op)
{
    uint32_t n = op->size / 8;
    if (i->z.meta.category == ZYDIS_CATEGORY_XSAVE || i->z.meta.category == ZYDIS_CATEGORY_XSAVEOPT)
        return HOST_XSAVE;
    return n ? n : 1;
}

static void case_set_disp(HostCase *t, HostInsn *i, uint64_t value)
{
    uint32_t n = i->z.raw.disp.size / 8;
    (void)t;
    memcpy(i->bytes + i->z.raw.disp.offset, &value, n);
}

/* Vector indexes near zero, so that the base decides; some go astray. */
static void case_vsib(HostCase *t, const HostInsn *i, const ZydisDecodedOperand *op)
{
    uint32_t reg = (uint32_t)ZydisRegisterGetId(op->mem.index), k;
    bool wide = i->z.opcode & 1;
    uint8_t image[32] = {0};
    for (k = 0; k < 32; k += wide ? 8 : 4) {
        int64_t v = (int64_t)host_rng_below(128) - 64;
        if (host_chance(2))
            v = 0x4000;
        memcpy(image + k, &v, wide ? 8 : 4);
    }
    memcpy(t->in.xsave + HOST_XSAVE_XMM + 16 * (reg & 15), image, 16);
    memcpy(t->in.xsave + HOST_XSAVE_YMM + 16 * (reg & 15), image + 16, 16);
}

static uint64_t case_mask(const HostInsn *i)
{
    return i->z.address_width == 64 ? ~0ull : i->z.address_width == 32 ? 0xffffffffu : 0xffffu;
}

/* Sets the register or the displacement that an address hangs on. fixed: registers that an
 * earlier operand needs. */
static void case_steer(HostCase *t, HostInsn *i, const ZydisDecodedOperand *op, uint32_t *fixed)
{
    const ZydisDecodedOperandMem *m = &op->mem;
    bool stack = m->base == ZYDIS_REGISTER_RSP || m->base == ZYDIS_REGISTER_ESP;
    uint64_t to = case_target(t, i, case_operand_bytes(i, op), stack), mask = case_mask(i), *reg;
    int base = case_gpr(m->base), index = case_gpr(m->index);
    int seg = m->segment == ZYDIS_REGISTER_FS ? 0 : m->segment == ZYDIS_REGISTER_GS ? 1 : -1;
    bool vsib = m->type == ZYDIS_MEMOP_TYPE_VSIB;
    uint64_t rest;
    if (vsib)
        case_vsib(t, i, op);
    if (seg >= 0 && !t->mode32)
        to -= t->in.base[seg];
    if (host_chance(HOST_WILD) && !t->sequence && !case_wants_selector(i))
        return;
    if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP) {
        case_set_disp(t, i, to - t->rip - i->at - i->len);
        return;
    }
    if (base < 0 && (index < 0 || vsib)) {
        case_set_disp(t, i, to);
        return;
    }
    rest = m->disp.has_displacement ? (uint64_t)m->disp.value : 0;
    if (base >= 0 && (*fixed >> base & 1))
        return;
    if (base >= 0 && base == index && !vsib) { /* (1 + scale) * register */
        t->in.gpr[base] = ((to - rest) & mask) / (1u + m->scale);
    } else if (base >= 0) {
        if (index >= 0 && !vsib) {
            uint64_t v = t->in.gpr[index];
            if (m->base == ZYDIS_REGISTER_RBX && i->z.mnemonic == ZYDIS_MNEMONIC_XLAT)
                v &= 0xff;
            rest += v * (m->scale ? m->scale : 1u);
        }
        reg = &t->in.gpr[base];
        *reg = (to - rest) & mask;
    } else {
        t->in.gpr[index] = ((to - rest) & mask) / m->scale;
    }
    if (t->mode32 && base >= 0)
        t->in.gpr[base] &= 0xffffffffu;
    *fixed |= base >= 0 ? 1u << base : 0;
}

/* BT and its kin with a bit offset in a register: near the operand. */
static void case_bit_offset(HostCase *t, const HostInsn *i)
{
    bool bt = i->z.mnemonic == ZYDIS_MNEMONIC_BT || i->z.mnemonic == ZYDIS_MNEMONIC_BTS ||
              i->z.mnemonic == ZYDIS_MNEMONIC_BTR || i->z.mnemonic == ZYDIS_MNEMONIC_BTC;
    int reg =
        bt && i->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER ? case_gpr(i->op[1].reg.value) : -1;
    if (reg >= 0 && i->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
        t->in.gpr[reg] =
            (uint64_t)((int64_t)host_rng_below(4096) - 2048) & (t->mode32 ? 0xffffffffu : ~0ull);
}

/* Relative branches: to an INT3 of the code region, or to no memory. */
static void case_branch(HostCase *t, HostInsn *i)
{
    uint32_t k;
    for (k = 0; k < 2; k++) {
        uint32_t n = i->z.raw.imm[k].size / 8;
        int32_t to = (int32_t)host_rng_below(100) + 16;
        if (!n || !i->z.raw.imm[k].is_relative)
            continue;
        if (host_chance(50))
            to = -to - 16;
        if (n == 4 && host_chance(10))
            to = 0x7000000;
        memcpy(i->bytes + i->z.raw.imm[k].offset, &to, n);
    }
    (void)t;
}

/* Near branches to a register or memory, RET: the target is data. Not the instruction itself. */
static uint64_t case_code_target(const HostCase *t)
{
    uint64_t to = HOST_CODE + host_rng_below(0x180);
    if (!host_chance(90))
        return HOST_WILD ? case_integer() : ~0ull - host_rng_below(16);
    return to - t->rip < HOST_INSN_BYTES ? to + HOST_INSN_BYTES : to;
}

static uint8_t *case_memory(uint64_t lin, uint32_t n, bool guest)
{
    uint32_t k;
    for (k = 0; k < HOST_REGIONS; k++) {
        HostRegion *r = &host_regions[k];
        if (r->native && !r->exec && lin >= r->lin && lin - r->lin <= r->bytes - n)
            return (guest ? r->guest : r->native) + (lin - r->lin);
    }
    return NULL;
}

/* Writes on both sides. */
static void case_poke(uint64_t lin, const void *bytes, uint32_t n)
{
    uint8_t *native = case_memory(lin, n, false), *guest = case_memory(lin, n, true);
    if (!native)
        return;
    memcpy(native, bytes, n);
    memcpy(guest, bytes, n);
}

uint64_t host_case_address(const HostCase *t, const HostInsn *i, const ZydisDecodedOperand *op)
{
    const ZydisDecodedOperandMem *m = &op->mem;
    int base = case_gpr(m->base), index = case_gpr(m->index);
    uint64_t a = m->disp.has_displacement ? (uint64_t)m->disp.value : 0;
    int seg = m->segment == ZYDIS_REGISTER_FS ? 0 : m->segment == ZYDIS_REGISTER_GS ? 1 : -1;
    a += base >= 0 ? t->in.gpr[base] : 0;
    if (m->type != ZYDIS_MEMOP_TYPE_VSIB)
        a += index >= 0 ? t->in.gpr[index] * (m->scale ? m->scale : 1u) : 0;
    if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP)
        a += t->rip + i->at + i->len;
    a &= case_mask(i);
    return seg >= 0 ? a + t->in.base[seg] : a;
}

/* Fresh bytes where an operand is. */
static void case_fill(const HostCase *t, const HostInsn *i, const ZydisDecodedOperand *op)
{
    uint64_t at = host_case_address(t, i, op), value;
    uint32_t n = case_operand_bytes(i, op), k;
    uint8_t bytes[HOST_XSAVE];
    if (n > HOST_XSAVE)
        n = HOST_XSAVE;
    if (n < 16)
        n = 16;
    if (i->z.meta.category == ZYDIS_CATEGORY_XSAVE || n >= 512) {
        HostState s;
        uint64_t bv[8] = {7};
        case_fpu(s.xsave);
        memcpy(s.xsave + HOST_XSAVE_BV, bv, sizeof(bv));
        if (host_chance(20))
            s.xsave[HOST_XSAVE_BV] = (uint8_t)(host_rng() & 7);
        if (host_chance(5))
            s.xsave[HOST_XSAVE_BV + host_rng_below(64)] ^= (uint8_t)(1u << host_rng_below(8));
        if (host_chance(5))
            s.xsave[HOST_XSAVE_MX + 2] = 1; /* a reserved bit */
        case_poke(at, s.xsave, n);
        return;
    }
    for (k = 0; k + 16 <= n; k += 16)
        case_vector(bytes + k);
    if (op->element_type == ZYDIS_ELEMENT_TYPE_FLOAT80)
        case_extended(bytes);
    if (i->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
        value = case_code_target(t);
        memcpy(bytes, &value, 8);
        case_poke(at, bytes, case_operand_bytes(i, op)); /* also right in front of no memory */
        return;
    }
    if ((i->z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B || i->z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B ||
         i->z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG) &&
        host_chance(50)) {
        uint32_t half = i->z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B ? 4 : 8;
        memcpy(bytes, &t->in.gpr[VIV_REG_RAX], 8);
        memcpy(bytes + half, &t->in.gpr[VIV_REG_RDX], 8);
    }
    case_poke(at, bytes, n & ~15u);
}

/* Counts that end soon; a segment selector; masks of XSAVE. */
static void case_registers(HostCase *t, const HostInsn *i)
{
    uint64_t *gpr = t->in.gpr;
    if (i->z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
        gpr[VIV_REG_RCX] = host_rng_below(host_chance(20) ? 3000 : 40);
    if (i->z.mnemonic == ZYDIS_MNEMONIC_ENTER)
        gpr[VIV_REG_RBP] = HOST_STACK + 0x800 + host_rng_below(64) * 8;
    if (i->z.mnemonic == ZYDIS_MNEMONIC_SHLD || i->z.mnemonic == ZYDIS_MNEMONIC_SHRD)
        gpr[VIV_REG_RCX] = (gpr[VIV_REG_RCX] & ~UINT64_C(31)) | host_rng_below(17); /* see table */
    if (i->z.meta.category == ZYDIS_CATEGORY_XSAVE ||
        i->z.meta.category == ZYDIS_CATEGORY_XSAVEOPT) {
        gpr[VIV_REG_RAX] &= 7; /* the host's XCR0 has more */
        gpr[VIV_REG_RDX] = 0;
    }
    if (i->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE &&
        i->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && case_gpr(i->op[0].reg.value) >= 0)
        gpr[case_gpr(i->op[0].reg.value)] = case_code_target(t) & (t->mode32 ? 0xffffffffu : ~0ull);
    if (t->mode32)
        gpr[VIV_REG_RAX] &= 0xffffffffu, gpr[VIV_REG_RCX] &= 0xffffffffu;
}

/* Selectors that both descriptor tables agree on. */
static uint16_t case_any_selector(void)
{
    static const uint16_t sels[] = {0, 0, 0x2b, 0x2b, 0x33, 0x23, 0x10, 0x18, 0x2a, 0x1b};
    return sels[host_rng_below(10)];
}

/* The selector behind the offset of a far pointer: in the instruction, in memory, on the stack
 * (with the flags, RSP and SS that IRET wants). */
static void case_far(HostCase *t, HostInsn *i)
{
    uint32_t n = i->z.operand_width / 8, k;
    uint64_t at = t->in.gpr[VIV_REG_RSP], words[5];
    if (i->z.mnemonic == ZYDIS_MNEMONIC_RET && i->z.raw.imm[0].size)
        i->bytes[i->len - 1] = 0; /* CPUs look at the far end of the stack at different times */
    if (i->op[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
        uint16_t sel = case_any_selector();
        memcpy(i->bytes + i->len - 2, &sel, 2);
        case_decode(i, t->mode32);
        return;
    }
    words[0] = case_code_target(t);
    words[1] = host_chance(50) ? t->in.sel[VIV_SEG_CS] : case_any_selector();
    words[2] = host_rng() & (HOST_ARITH | HOST_TF | HOST_DF | HOST_AC);
    words[3] = HOST_STACK + 0x1000;
    words[4] = host_chance(80) ? HOST_DS : case_any_selector();
    for (k = 0; k < i->z.operand_count; k++)
        if (i->op[k].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            i->op[k].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
            at = host_case_address(t, i, &i->op[k]);
    for (k = 0; n && k < 5; k++)
        case_poke(at + k * n, &words[k], n);
}

static void case_selector(HostCase *t, const HostInsn *i)
{
    uint16_t sel = case_any_selector();
    uint32_t k;
    if (!case_wants_selector(i))
        return;
    for (k = 0; k < i->z.operand_count; k++)
        if (i->op[k].type == ZYDIS_OPERAND_TYPE_MEMORY)
            case_poke(host_case_address(t, i, &i->op[k]), &sel, 2);
        else if (i->op[k].type == ZYDIS_OPERAND_TYPE_REGISTER && k > 0 &&
                 case_gpr(i->op[k].reg.value) >= 0)
            t->in.gpr[case_gpr(i->op[k].reg.value)] =
                (t->in.gpr[case_gpr(i->op[k].reg.value)] & (t->mode32 ? 0xffff0000u : ~0xffffull)) |
                sel;
    if (i->z.operand_count_visible == 1 && i->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        case_gpr(i->op[0].reg.value) >= 0)
        t->in.gpr[case_gpr(i->op[0].reg.value)] = sel;
}

static void case_operands(HostCase *t, HostInsn *i)
{
    uint32_t k, fixed = 0;
    i->at = t->len;
    if (!i->valid)
        return;
    if (i->z.mnemonic == ZYDIS_MNEMONIC_ENTER && host_chance(90)) {
        i->bytes[i->len - 2] = 0;
        i->bytes[i->len - 1] &= 0xe3;
    }
    case_registers(t, i);
    case_bit_offset(t, i);
    case_branch(t, i);
    for (k = 0; k < i->z.operand_count; k++)
        if (i->op[k].type == ZYDIS_OPERAND_TYPE_MEMORY)
            case_steer(t, i, &i->op[k], &fixed);
    case_decode(i, t->mode32);
    for (k = 0; i->valid && k < i->z.operand_count; k++)
        if (i->op[k].type == ZYDIS_OPERAND_TYPE_MEMORY)
            case_fill(t, i, &i->op[k]);
    if (i->valid)
        case_selector(t, i);
    if (i->valid && host_is_far(i, true))
        case_far(t, i);
}

static void case_append(HostCase *t, HostInsn *i)
{
    memcpy(t->bytes + t->len, i->bytes, i->len);
    t->len += i->len;
    t->count++;
}

bool host_case_one(HostCase *t, const HostForm *form)
{
    HostInsn *i = &t->insn[0];
    const char *reason;
    t->mode32 = form->mode32;
    t->sequence = false;
    t->count = t->len = 0;
    t->undefined = 0;
    t->rip = HOST_CODE + 0x200 + host_rng_below(64);
    case_encode(i, form, false);
    /* Across pages, at times into no memory. How much of what it refuses a CPU wants to see before
     * it does is its own affair. */
    if (host_chance(2) && host_use(i, t->mode32, &reason) == HOST_USE_COMPARE && i->valid &&
        i->z.mnemonic != ZYDIS_MNEMONIC_UD0 && i->z.mnemonic != ZYDIS_MNEMONIC_UD1)
        t->rip = HOST_CODE + (host_chance(50) ? 0x1000 : 0x2000) - 1 - host_rng_below(15);
    case_state(t);
    case_operands(t, i);
    case_append(t, i);
    return true;
}

/* -- foreign encodings ------------------------------------------------------------------------- */
bool host_case_foreign(HostCase *t)
{
    static const HostForm form = {.modrm = true};
    HostInsn *i = &t->insn[0];
    uint32_t kind = host_rng_below(3), k;
    memset(t, 0, offsetof(HostCase, in));
    t->mode32 = host_chance(30);
    t->rip = HOST_CODE + 0x200;
    for (k = 0; k < 15; k++)
        i->bytes[k] = (uint8_t)host_rng();
    i->bytes[0] = kind == 0 ? 0x62 : kind == 1 ? 0x8f : 0x0f;
    if (kind == 2) {
        i->bytes[1] = 0x0f;
    } else {
        i->bytes[1] = (uint8_t)((i->bytes[1] & 0xf0) |
                                (kind == 1 ? 8 + host_rng_below(3) : 1 + host_rng_below(6)));
        i->bytes[2] |= kind == 0 ? 4 : 0;
        if (t->mode32)
            i->bytes[1] |= 0xc0; /* not BOUND */
    }
    i->form = &form;
    case_decode(i, t->mode32);
    if (!i->valid || i->z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
        i->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
        return false;
    case_state(t);
    case_append(t, i);
    return true;
}

/* -- sequences --------------------------------------------------------------------------------- */
static bool case_sequence_fits(const HostCase *t, const HostInsn *i)
{
    const char *reason;
    uint32_t k;
    if (!i->valid || host_use(i, t->mode32, &reason) != HOST_USE_COMPARE)
        return false;
    if (i->z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
        (i->z.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED))
        return false;
    if (i->z.meta.category == ZYDIS_CATEGORY_XSAVE || host_is_far(i, true) ||
        i->z.meta.isa_set == ZYDIS_ISA_SET_FXSAVE || i->z.meta.isa_set == ZYDIS_ISA_SET_FXSAVE64 ||
        i->z.mnemonic == ZYDIS_MNEMONIC_LDMXCSR || i->z.mnemonic == ZYDIS_MNEMONIC_VLDMXCSR ||
        ((i->z.mnemonic == ZYDIS_MNEMONIC_SHLD || i->z.mnemonic == ZYDIS_MNEMONIC_SHRD) &&
         i->op[0].size == 16) ||
        host_uncovered_reason(i->z.mnemonic, t->mode32) || case_wants_selector(i))
        return false;
    if (i->z.cpu_flags && (i->z.cpu_flags->tested & t->undefined))
        return false;
    if (t->undefined && i->z.cpu_flags && i->z.meta.category == ZYDIS_CATEGORY_PUSH)
        return false; /* PUSHF */
    for (k = 0; k < i->z.operand_count; k++) {
        const ZydisDecodedOperand *op = &i->op[k];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
            (op->mem.base != ZYDIS_REGISTER_NONE || op->mem.index != ZYDIS_REGISTER_NONE) &&
            op->mem.base != ZYDIS_REGISTER_RSP && op->mem.base != ZYDIS_REGISTER_ESP && op->actions)
            return false;
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            op->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
            case_gpr(op->reg.value) == VIV_REG_RSP)
            return false;
    }
    return true;
}

bool host_case_sequence(HostCase *t, const HostForms *forms, bool mode32)
{
    uint32_t want = 2 + host_rng_below(HOST_INSN_MAX - 1), tries;
    t->mode32 = mode32;
    t->sequence = true;
    t->count = t->len = 0;
    t->undefined = t->undefined_before = 0;
    t->rip = HOST_CODE + 0x200;
    case_state(t);
    if (host_chance(90))
        case_all_masked(t->in.xsave);
    for (tries = 0; tries < 200 && t->count < want; tries++) {
        const HostForm *f = &forms->form[host_rng_below(forms->count)];
        HostInsn *i = &t->insn[t->count];
        uint32_t undefined;
        if (f->mode32 != mode32 || !f->mnemonic)
            continue;
        case_encode(i, f, true);
        if (!case_sequence_fits(t, i))
            continue;
        case_operands(t, i);
        undefined = host_undefined_flags(i, NULL);
        if (i->z.cpu_flags && !host_is_shift(i->z.mnemonic)) /* those may have a count of 0 */
            t->undefined &=
                ~(i->z.cpu_flags->modified | i->z.cpu_flags->set_0 | i->z.cpu_flags->set_1) |
                undefined;
        t->undefined |= undefined;
        t->undefined_before |= undefined;
        case_append(t, i);
    }
    return t->count > 0;
}
