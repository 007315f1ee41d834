/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the gate in the decoder: which instruction needs which family or feature, and instructions
 * that Zydis does not know or refuses although some CPU executes them. x87, MMX, SSE and AVX have
 * their own table, x86_host_features. Follows: Intel SDM vol. 2 and vol. 3, 23 (compatibility); AMD
 * APM vol. 3, appendix D. */
#include "x86_isa.h"

#include <string.h>

#include "x86_decode.h"
#include "x86_host.h"

/* -- what there is ----------------------------------------------------------------------------- */

typedef struct X86IsaBit {
    uint8_t isa;
    uint8_t bit;
    uint16_t offset; /* of the CPUID word in X86Features */
} X86IsaBit;

#define BIT(name, word, number)                                                                    \
    {                                                                                              \
        X86_ISA_##name, (number), (uint16_t)offsetof(X86Features, word)                            \
    }
static const X86IsaBit x86_isa_bits[] = {
    BIT(FPU, l1_edx, 0),         BIT(TSC, l1_edx, 4),        BIT(MSR, l1_edx, 5),
    BIT(CX8, l1_edx, 8),         BIT(SEP, l1_edx, 11),       BIT(MTRR, l1_edx, 12),
    BIT(CMOV, l1_edx, 15),       BIT(PAT, l1_edx, 16),       BIT(CLFLUSH, l1_edx, 19),
    BIT(MONITOR, l1_ecx, 3),     BIT(CX16, l1_ecx, 13),      BIT(CRC32, l1_ecx, 20),
    BIT(MOVBE, l1_ecx, 22),      BIT(POPCNT, l1_ecx, 23),    BIT(XSAVE, l1_ecx, 26),
    BIT(AVX, l1_ecx, 28),        BIT(RDRAND, l1_ecx, 30),    BIT(FSGSBASE, l7_ebx, 0),
    BIT(BMI1, l7_ebx, 3),        BIT(BMI2, l7_ebx, 8),       BIT(INVPCID, l7_ebx, 10),
    BIT(RDSEED, l7_ebx, 18),     BIT(ADX, l7_ebx, 19),       BIT(SMAP, l7_ebx, 20),
    BIT(CLFLUSHOPT, l7_ebx, 23), BIT(CLWB, l7_ebx, 24),      BIT(PKU, l7_ecx, 3),
    BIT(RDPID, l7_ecx, 22),      BIT(TSC_AUX, l7_ecx, 22),   BIT(XSAVES, d1_eax, 3),
    BIT(LAHF64, e1_ecx, 0),      BIT(CR8_LEGACY, e1_ecx, 4), BIT(LZCNT, e1_ecx, 5),
    BIT(PREFETCHW, e1_ecx, 8),   BIT(SYSCALL, e1_edx, 11),   BIT(EFER, e1_edx, 11),
    BIT(EFER, e1_edx, 20),       BIT(RDTSCP, e1_edx, 27),    BIT(TSC_AUX, e1_edx, 27),
    BIT(LM, e1_edx, 29),         BIT(EFER, e1_edx, 29),      BIT(PREFETCHW, e1_edx, 29),
};

static void x86_isa_add(X86Features *f, X86Isa what, bool has)
{
    f->isa |= (uint64_t)has << what;
}

/* RDPMC came with the Pentium MMX; IA32_MISC_ENABLE with the Pentium M (family 6, model 0Dh). */
void x86_isa_load(X86Features *f)
{
    uint32_t model = (f->l1_eax >> 4 & 15) | (f->l1_eax >> 12 & 0xf0), k;
    bool mmx = f->l1_edx >> 23 & 1;
    f->isa = 0;
    for (k = 0; k < sizeof(x86_isa_bits) / sizeof(x86_isa_bits[0]); k++) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)f + x86_isa_bits[k].offset, sizeof(word));
        x86_isa_add(f, (X86Isa)x86_isa_bits[k].isa, word >> x86_isa_bits[k].bit & 1);
    }
    x86_isa_add(f, X86_ISA_386_ONLY, f->family == 3);
    x86_isa_add(f, X86_ISA_486, f->family >= 4);
    x86_isa_add(f, X86_ISA_P6, f->family >= 6);
    x86_isa_add(f, X86_ISA_TEST_REGS, f->family == 3 || f->family == 4);
    x86_isa_add(f, X86_ISA_CPUID, f->cpuid);
    x86_isa_add(f, X86_ISA_CR4, f->cr4_mask != 0);
    x86_isa_add(f, X86_ISA_RDPMC, f->family >= 6 || (f->family == 5 && mmx));
    x86_isa_add(f, X86_ISA_MISC_ENABLE,
                f->intel && (f->family > 6 || (f->family == 6 && model >= 0xd)));
    x86_isa_add(f, X86_ISA_PREFETCHW_REG, f->intel && (f->e1_edx >> 29 & 1));
}

/* -- the gate ---------------------------------------------------------------------------------- */

typedef struct X86IsaRule {
    uint8_t first, last; /* opcodes, rising */
    uint8_t regs;        /* mask of ModRM.reg values */
    uint8_t forms;
    uint8_t prefixes;
    uint8_t need; /* X86Isa */
} X86IsaRule;

#define ANY    0xffu
#define M      1u /* ModRM names memory */
#define R      2u /* or a register */
#define MR     (M | R)
#define NP     1u
#define P66    2u
#define PF3    4u
#define PF2    8u
#define P_ALL  15u
#define REG(n) (1u << (n))
#define RULE(first, last, regs, forms, prefixes, name)                                             \
    {                                                                                              \
        (first), (last), (uint8_t)(regs), (forms), (prefixes), X86_ISA_##name                      \
    }

/* Map 0F. A row that fits and whose need is missing makes the instruction #UD; what no row speaks
 * of, a 386 has, or x86_host_features decides. */
static const X86IsaRule x86_isa_0f[] = {
    RULE(0x01, 0x01, REG(7), M, P_ALL, 486), /* INVLPG */
    RULE(0x05, 0x05, ANY, MR, P_ALL, SYSCALL),
    RULE(0x08, 0x09, ANY, MR, P_ALL, 486), /* INVD, WBINVD */
    RULE(0x0d, 0x0d, ANY, M, P_ALL, PREFETCHW),
    RULE(0x0d, 0x0d, ANY, R, P_ALL, PREFETCHW_REG),
    RULE(0x18, 0x1f, ANY, MR, P_ALL, P6), /* hints and NOP, whatever came to mean more later */
    RULE(0x20, 0x20, REG(4), MR, P_ALL, CR4),
    RULE(0x22, 0x22, REG(4), MR, P_ALL, CR4),
    RULE(0x24, 0x24, ANY, MR, P_ALL, TEST_REGS),
    RULE(0x26, 0x26, ANY, MR, P_ALL, TEST_REGS),
    RULE(0x30, 0x30, ANY, MR, P_ALL, MSR),
    RULE(0x31, 0x31, ANY, MR, P_ALL, TSC),
    RULE(0x32, 0x32, ANY, MR, P_ALL, MSR),
    RULE(0x33, 0x33, ANY, MR, P_ALL, RDPMC),
    RULE(0x34, 0x35, ANY, MR, P_ALL, SEP),
    RULE(0x40, 0x4f, ANY, MR, P_ALL, CMOV),
    RULE(0xa2, 0xa2, ANY, MR, P_ALL, CPUID),
    RULE(0xae, 0xae, REG(0) | REG(1) | REG(2) | REG(3), R, PF3, FSGSBASE),
    RULE(0xae, 0xae, REG(6), M, P66, CLWB),
    RULE(0xae, 0xae, REG(7), M, NP, CLFLUSH),
    RULE(0xae, 0xae, REG(7), M, P66, CLFLUSHOPT),
    RULE(0xb0, 0xb1, ANY, MR, P_ALL, 486), /* CMPXCHG */
    RULE(0xb8, 0xb8, ANY, MR, PF3, POPCNT),
    RULE(0xb8, 0xb8, ANY, MR, NP | P66 | PF2, NONE),
    RULE(0xc0, 0xc1, ANY, MR, P_ALL, 486), /* XADD */
    RULE(0xc7, 0xc7, REG(1), M, P_ALL, CX8),
    RULE(0xc7, 0xc7, REG(6), R, NP | P66, RDRAND),
    RULE(0xc7, 0xc7, REG(7), R, NP | P66, RDSEED),
    RULE(0xc7, 0xc7, REG(7), R, PF3, RDPID),
    RULE(0xc7, 0xc7, REG(6), R, PF3 | PF2, NONE),
    RULE(0xc7, 0xc7, REG(7), R, PF2, NONE),
    RULE(0xc8, 0xcf, ANY, MR, P_ALL, 486), /* BSWAP */
};

/* 0F 01 with a register form, by the ModRM byte. */
static const X86IsaRule x86_isa_0f01[] = {
    RULE(0xc8, 0xc9, ANY, R, P_ALL, MONITOR), RULE(0xca, 0xcb, ANY, R, P_ALL, SMAP),
    RULE(0xd0, 0xd1, ANY, R, P_ALL, XSAVE),   RULE(0xee, 0xef, ANY, R, P_ALL, PKU),
    RULE(0xf8, 0xf8, ANY, R, P_ALL, LM),      RULE(0xf9, 0xf9, ANY, R, P_ALL, RDTSCP),
};

static const X86IsaRule x86_isa_0f38[] = {
    RULE(0x82, 0x82, ANY, M, P66, INVPCID),
    RULE(0xf0, 0xf1, ANY, M, NP | P66, MOVBE),
    RULE(0xf0, 0xf1, ANY, MR, PF2, CRC32),
    RULE(0xf6, 0xf6, ANY, MR, P66 | PF3, ADX),
};

static bool x86_isa_rules(const X86Dec *d, const X86IsaRule *rule, uint32_t count, uint32_t opcode)
{
    uint32_t prefix = d->rep ? PF3 : d->repne ? PF2 : d->p66 ? P66 : NP;
    uint32_t form = d->mem ? M : R, reg = 1u << (d->reg & 7);
    for (; count && rule->first <= opcode; count--, rule++)
        if (opcode <= rule->last && (rule->regs & reg) && (rule->forms & form) &&
            (rule->prefixes & prefix) && !x86_isa_has(d->c, (X86Isa)rule->need))
            return false;
    return true;
}

#define RULES(d, table, opcode)                                                                    \
    x86_isa_rules((d), (table), sizeof(table) / sizeof((table)[0]), (opcode))

bool x86_isa_allows(const X86Dec *d)
{
    if (d->z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return true; /* x86_dec_vex() */
    switch (d->z.opcode_map) {
    case ZYDIS_OPCODE_MAP_0F:
        if (!RULES(d, x86_isa_0f, d->opc))
            return false;
        return d->opc != 0x01 || d->mem ||
               RULES(d, x86_isa_0f01, 0xc0u | (uint32_t)(d->reg & 7) << 3 | d->z.raw.modrm.rm);
    case ZYDIS_OPCODE_MAP_0F38: return RULES(d, x86_isa_0f38, d->opc);
    default: return true;
    }
}

/* -- beyond Zydis ------------------------------------------------------------------------------ */

#define X86_INSN_MAX 15u

/* The bytes once more with one of them replaced: by what decodes alike. */
static uint32_t x86_isa_patched(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail,
                                uint32_t off, X86Insn *i, uint32_t at, uint8_t value)
{
    uint8_t copy[X86_INSN_MAX];
    avail = avail < X86_INSN_MAX ? avail : X86_INSN_MAX;
    memcpy(copy, bytes, avail);
    copy[at] = value;
    return x86_decode(c, mode, copy, avail, off, i);
}

/* MOV between a test register and a general one; ModRM.mod counts as 3. The 386 has TR6 and TR7,
 * the 486 also TR3-TR5 (Intel486 programmer's reference, 26, MOV to/from special registers). */
static uint32_t x86_isa_test_reg(X86Cpu *c, const uint8_t *op, uint32_t avail, uint32_t at,
                                 X86Insn *i)
{
    uint32_t reg;
    if (avail < 3)
        return 0;
    reg = op[2] >> 3 & 7;
    if (reg < (c->feat.family == 3 ? 6u : 3u))
        return X86_ISA_UNKNOWN;
    i->reg = (uint8_t)reg;
    i->rm = op[2] & 7;
    i->fn = op[1] == 0x24 ? x86_op_mov_from_tr : x86_op_mov_to_tr;
    i->flags = X86_IF_END;
    i->end = (uint16_t)(i->off + at + 3);
    return at + 3;
}

/* VPERMQ and VPERMPD, 0F3A 00 and 01, without VEX.W: AMD's processors do not look at it. */
static bool x86_isa_narrow_permute(const X86Cpu *c, const uint8_t *op, uint32_t avail)
{
    return !c->feat.intel && avail >= 4 && op[0] == 0xc4 && (op[1] & 0x1f) == 3 &&
           !(op[2] & 0x80) && op[3] < 2;
}

static bool x86_isa_is_prefix(uint32_t mode, uint8_t b)
{
    switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3: return true;
    default: return (mode & X86_MODE_CODE) == X86_MODE_64 && (b & 0xf0) == 0x40;
    }
}

uint32_t x86_isa_special(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail,
                         uint32_t off, X86Insn *i)
{
    uint32_t n = 0, lock = X86_INSN_MAX, len;
    avail = avail < X86_INSN_MAX ? avail : X86_INSN_MAX;
    for (; n < avail && x86_isa_is_prefix(mode, bytes[n]); n++)
        if (bytes[n] == 0xf0)
            lock = n;
    if (avail - n < 2)
        return X86_ISA_UNKNOWN;
    /* Without an FPU nobody looks at what an ESC opcode says. */
    if ((bytes[n] & 0xf8) == 0xd8 && bytes[n] != 0xd8 && !x86_isa_has(c, X86_ISA_FPU))
        return x86_isa_patched(c, mode, bytes, avail, off, i, n, 0xd8);
    if (x86_isa_narrow_permute(c, bytes + n, avail - n))
        return x86_isa_patched(c, mode, bytes, avail, off, i, n + 2, bytes[n + 2] | 0x80);
    if (bytes[n] != 0x0f)
        return X86_ISA_UNKNOWN;
    switch (bytes[n + 1]) {
    case 0x1a:
    case 0x1b: /* MPX to Zydis, with conditions on the operands; NOP to a CPU without MPX */
        return x86_isa_patched(c, mode, bytes, avail, off, i, n + 1, 0x1f);
    case 0x20:
    case 0x22: /* LOCK MOV CR0 is MOV CR8 on some of AMD's (APM vol. 3, MOV CRn) */
        if (lock == X86_INSN_MAX || !x86_isa_has(c, X86_ISA_CR8_LEGACY))
            return X86_ISA_UNKNOWN;
        len = x86_isa_patched(c, mode, bytes, avail, off, i, lock, 0x3e);
        if (i->reg != 0)
            return X86_ISA_UNKNOWN;
        i->reg = 8;
        return len;
    case 0x24:
    case 0x26:
        if (lock != X86_INSN_MAX || !x86_isa_has(c, X86_ISA_TEST_REGS))
            return X86_ISA_UNKNOWN;
        return x86_isa_test_reg(c, bytes + n, avail - n, n, i);
    default: return X86_ISA_UNKNOWN;
    }
}
