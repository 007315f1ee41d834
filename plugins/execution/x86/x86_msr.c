/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the MSRs that belong to the CPU proper, each with the feature that brings it. The rest is
 * asked of the host. Bad values raise #GP(0). Follows: SDM vol. 4. */
#include "x86_flags.h"
#include "x86_isa.h"

/* What may be written. */
typedef enum X86MsrKind {
    X86_MSR_ANY,
    X86_MSR_LOW,       /* the lower half; AMD drops the upper, Intel takes it amiss */
    X86_MSR_CANONICAL, /* a linear address, where linear addresses have 64 bits */
    X86_MSR_MISC,
    X86_MSR_PAT,
    X86_MSR_EFER,
    X86_MSR_MTRR_TYPE,
    X86_MSR_MTRR_FIX,
} X86MsrKind;

typedef struct X86Msr {
    uint32_t msr;
    uint16_t offset; /* in viv_cpu_t */
    uint8_t need;    /* X86Isa */
    uint8_t kind;
} X86Msr;

#define MSR(number, member, isa, kind)                                                             \
    {                                                                                              \
        (number), (uint16_t)offsetof(viv_cpu_t, member), X86_ISA_##isa, X86_MSR_##kind             \
    }
static const X86Msr x86_msrs[] = {
    MSR(0x174, sysenter_cs, SEP, ANY),
    MSR(0x175, sysenter_esp, SEP, CANONICAL),
    MSR(0x176, sysenter_eip, SEP, CANONICAL),
    MSR(0x1a0, misc_enable, MISC_ENABLE, MISC),
    MSR(0x250, mtrr_fix[0], MTRR, MTRR_FIX),
    MSR(0x258, mtrr_fix[1], MTRR, MTRR_FIX),
    MSR(0x259, mtrr_fix[2], MTRR, MTRR_FIX),
    MSR(0x268, mtrr_fix[3], MTRR, MTRR_FIX),
    MSR(0x269, mtrr_fix[4], MTRR, MTRR_FIX),
    MSR(0x26a, mtrr_fix[5], MTRR, MTRR_FIX),
    MSR(0x26b, mtrr_fix[6], MTRR, MTRR_FIX),
    MSR(0x26c, mtrr_fix[7], MTRR, MTRR_FIX),
    MSR(0x26d, mtrr_fix[8], MTRR, MTRR_FIX),
    MSR(0x26e, mtrr_fix[9], MTRR, MTRR_FIX),
    MSR(0x26f, mtrr_fix[10], MTRR, MTRR_FIX),
    MSR(0x277, pat, PAT, PAT),
    MSR(0x2ff, mtrr_def_type, MTRR, MTRR_TYPE),
    MSR(0xc0000080u, efer, EFER, EFER),
    MSR(0xc0000081u, star, SYSCALL, ANY),
    MSR(0xc0000082u, lstar, LM, CANONICAL),
    MSR(0xc0000083u, cstar, LM, CANONICAL),
    MSR(0xc0000084u, sfmask, LM, LOW),
    MSR(0xc0000100u, seg[VIV_SEG_FS].base, LM, CANONICAL),
    MSR(0xc0000101u, seg[VIV_SEG_GS].base, LM, CANONICAL),
    MSR(0xc0000102u, kernel_gs_base, LM, CANONICAL),
    MSR(0xc0000103u, tsc_aux, TSC_AUX, LOW),
};

static uint64_t *x86_msr_slot(X86Cpu *c, uint32_t msr, uint32_t *ret_kind)
{
    unsigned k;
    for (k = 0; k < sizeof(x86_msrs) / sizeof(x86_msrs[0]); k++)
        if (x86_msrs[k].msr == msr && x86_isa_has(c, (X86Isa)x86_msrs[k].need)) {
            *ret_kind = x86_msrs[k].kind;
            return (uint64_t *)(void *)((uint8_t *)c->s + x86_msrs[k].offset);
        }
    return NULL;
}

/* -- memory types ------------------------------------------------------------------------------ */

static bool x86_mtrr_type_ok(uint64_t type)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

/* Eight types in a register; PAT has UC- (7) too. */
static bool x86_types_ok(uint64_t v, bool pat)
{
    uint32_t k;
    for (k = 0; k < 8; k++, v >>= 8)
        if (!x86_mtrr_type_ok(v & 0xff) && !(pat && (v & 0xff) == 7))
            return false;
    return true;
}

static uint64_t *x86_mtrr_var(X86Cpu *c, uint32_t msr)
{
    uint32_t n = (msr - 0x200) / 2;
    if (msr < 0x200 || n >= VIV_MTRR_VAR_COUNT || !x86_isa_has(c, X86_ISA_MTRR))
        return NULL;
    return msr & 1 ? &c->s->mtrr_var_mask[n] : &c->s->mtrr_var_base[n];
}

/* SDM vol. 3, 12.11.2.3: the mask has V in bit 11, the base a type in bits 0-7. */
static bool x86_mtrr_var_ok(const X86Cpu *c, uint32_t msr, uint64_t v)
{
    if (v & ~(c->feat.phys_mask | 0xfff))
        return false;
    return msr & 1 ? !(v & 0x7ff) : !(v & 0xf00) && x86_mtrr_type_ok(v & 0xff);
}

/* IA32_MISC_ENABLE: fast strings, thermal control, SpeedStep, CPUID limit, xTPR and NX switches are
 * kept; that performance monitoring is off, BTS and PEBS are missing and MONITOR is as CPUID says
 * cannot be changed. */
#define X86_MISC_KEPT    0x400c10009ull
#define X86_MISC_FIXED   0x1800ull
#define X86_MISC_MONITOR 0x40000ull
#define X86_MISC_KNOWN   (X86_MISC_KEPT | X86_MISC_FIXED | X86_MISC_MONITOR | 0x80ull)

static uint64_t x86_misc_read(const X86Cpu *c, uint64_t v)
{
    return v | X86_MISC_FIXED | (x86_isa_has(c, X86_ISA_MONITOR) ? X86_MISC_MONITOR : 0);
}

/* -- reading ----------------------------------------------------------------------------------- */

/* MSRs whose value is not a word of viv_cpu_t. */
static bool x86_msr_read_odd(X86Cpu *c, uint32_t msr, uint64_t *ret_value)
{
    switch (msr) {
    case 0x10:
        if (!x86_isa_has(c, X86_ISA_TSC))
            return false;
        x86_sync(c);
        *ret_value = c->h->tsc_read(c->v);
        x86_host_call_done(c);
        return true;
    case 0x48: *ret_value = c->s->spec_ctrl; return (c->feat.l7_edx & (1u << 26)) != 0;
    case 0xfe: *ret_value = 0x500 | VIV_MTRR_VAR_COUNT; return x86_isa_has(c, X86_ISA_MTRR);
    case 0xda0: *ret_value = 0; return x86_isa_has(c, X86_ISA_XSAVES); /* IA32_XSS */
    default: return false;
    }
}

uint64_t x86_msr_read(X86Cpu *c, uint32_t msr)
{
    uint64_t v = 0, *slot;
    uint32_t kind;
    viv_status_t st;
    if ((slot = x86_msr_slot(c, msr, &kind)) != NULL)
        return kind == X86_MSR_MISC ? x86_misc_read(c, *slot) : *slot;
    if ((slot = x86_mtrr_var(c, msr)) != NULL)
        return *slot;
    if (x86_msr_read_odd(c, msr, &v))
        return v;
    x86_sync(c);
    st = c->h->msr_read(c->v, msr, &v);
    x86_host_call_done(c);
    if (st != VIV_OK)
        x86_raise(c, X86_GP, 0);
    return v;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* On AMD's processors bits 7:1 are zero whatever is written, and LMA has to be written as it is (APM
 * vol. 2, 3.1.7); Intel's refuse those bits, and pass LMA over. */
#define X86_EFER_RAZ 0xfeull

static void x86_efer_write(X86Cpu *c, uint64_t v)
{
    uint64_t old = c->s->efer;
    if (!c->feat.intel) {
        v &= ~X86_EFER_RAZ;
        if ((v ^ old) & X86_EFER_LMA)
            x86_raise(c, X86_GP, 0);
    }
    if ((v & ~c->feat.efer_mask) || (((v ^ old) & X86_EFER_LME) && (c->s->cr0 & X86_CR0_PG)))
        x86_raise(c, X86_GP, 0);
    c->s->efer = (v & ~(uint64_t)X86_EFER_LMA) | (old & X86_EFER_LMA);
    if ((v ^ old) & X86_EFER_NXE)
        x86_tlb_flush(c);
}

static bool x86_msr_value_ok(const X86Cpu *c, uint32_t kind, uint64_t v)
{
    switch (kind) {
    case X86_MSR_LOW: return !c->feat.intel || !(v >> 32);
    case X86_MSR_CANONICAL: return !x86_isa_has(c, X86_ISA_LM) || x86_canonical_reg(c, v);
    case X86_MSR_MISC: return !(v & ~X86_MISC_KNOWN);
    case X86_MSR_PAT: return x86_types_ok(v, true);
    case X86_MSR_MTRR_TYPE: return !(v & ~0xcffull) && x86_mtrr_type_ok(v & 0xff);
    case X86_MSR_MTRR_FIX: return x86_types_ok(v, false);
    default: return true;
    }
}

static void x86_msr_store(X86Cpu *c, uint32_t msr, uint32_t kind, uint64_t *slot, uint64_t v)
{
    if (!x86_msr_value_ok(c, kind, v))
        x86_raise(c, X86_GP, 0);
    if (kind == X86_MSR_EFER) {
        x86_efer_write(c, v);
        return;
    }
    if (kind == X86_MSR_LOW || (kind == X86_MSR_CANONICAL && !x86_isa_has(c, X86_ISA_LM)))
        v &= 0xffffffffu;
    if (kind == X86_MSR_MISC)
        v &= X86_MISC_KEPT;
    *slot = v;
    if (msr == 0xc0000100u || msr == 0xc0000101u)
        x86_segs_update(c);
}

/* Those of x86_msr_read_odd(). */
static bool x86_msr_write_odd(X86Cpu *c, uint32_t msr, uint64_t v)
{
    switch (msr) {
    case 0x10:
        if (!x86_isa_has(c, X86_ISA_TSC))
            return false;
        x86_sync(c);
        c->h->tsc_write(c->v, v);
        x86_host_call_done(c);
        return true;
    case 0x48:
        if (!(c->feat.l7_edx & (1u << 26)))
            return false;
        if (v & ~7ull)
            x86_raise(c, X86_GP, 0);
        c->s->spec_ctrl = v;
        return true;
    case 0xfe:
        if (x86_isa_has(c, X86_ISA_MTRR))
            x86_raise(c, X86_GP, 0);
        return false;
    case 0xda0:
        if (!x86_isa_has(c, X86_ISA_XSAVES))
            return false;
        if (v) /* no supervisor states */
            x86_raise(c, X86_GP, 0);
        return true;
    default: return false;
    }
}

void x86_msr_write(X86Cpu *c, uint32_t msr, uint64_t v)
{
    uint64_t *slot;
    uint32_t kind;
    viv_status_t st;
    if ((slot = x86_msr_slot(c, msr, &kind)) != NULL) {
        x86_msr_store(c, msr, kind, slot, v);
        return;
    }
    if ((slot = x86_mtrr_var(c, msr)) != NULL) {
        if (!x86_mtrr_var_ok(c, msr, v))
            x86_raise(c, X86_GP, 0);
        *slot = v;
        return;
    }
    if (x86_msr_write_odd(c, msr, v))
        return;
    x86_sync(c);
    st = c->h->msr_write(c->v, msr, v);
    x86_host_call_done(c);
    if (st != VIV_OK)
        x86_raise(c, X86_GP, 0);
}
