/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the MSRs that belong to the CPU proper. The rest is asked of the host. Bad values raise
 * #GP(0). */
#include "x86_flags.h"

typedef struct X86MsrPlain { /* 64 bits that are only stored */
    uint32_t msr;
    uint32_t offset; /* in viv_cpu_t */
    bool canonical;
} X86MsrPlain;

#define PLAIN(number, member, canon)                                                               \
    {                                                                                              \
        (number), (uint32_t)offsetof(viv_cpu_t, member), (canon)                                   \
    }
static const X86MsrPlain x86_msr_plain[] = {
    PLAIN(0x174, sysenter_cs, false),
    PLAIN(0x175, sysenter_esp, true),
    PLAIN(0x176, sysenter_eip, true),
    PLAIN(0x1a0, misc_enable, false),
    PLAIN(0x2ff, mtrr_def_type, false),
    PLAIN(0x250, mtrr_fix[0], false),
    PLAIN(0x258, mtrr_fix[1], false),
    PLAIN(0x259, mtrr_fix[2], false),
    PLAIN(0x268, mtrr_fix[3], false),
    PLAIN(0x269, mtrr_fix[4], false),
    PLAIN(0x26a, mtrr_fix[5], false),
    PLAIN(0x26b, mtrr_fix[6], false),
    PLAIN(0x26c, mtrr_fix[7], false),
    PLAIN(0x26d, mtrr_fix[8], false),
    PLAIN(0x26e, mtrr_fix[9], false),
    PLAIN(0x26f, mtrr_fix[10], false),
    PLAIN(0xc0000081u, star, false),
    PLAIN(0xc0000082u, lstar, true),
    PLAIN(0xc0000083u, cstar, true),
    PLAIN(0xc0000084u, sfmask, false),
    PLAIN(0xc0000100u, seg[VIV_SEG_FS].base, true),
    PLAIN(0xc0000101u, seg[VIV_SEG_GS].base, true),
    PLAIN(0xc0000102u, kernel_gs_base, true),
    PLAIN(0xc0000103u, tsc_aux, false),
};

static uint64_t *x86_msr_slot(X86Cpu *c, uint32_t msr, bool *ret_canonical)
{
    unsigned k;
    *ret_canonical = false;
    if (msr >= 0x200 && msr < 0x200 + 2 * VIV_MTRR_VAR_COUNT) {
        uint32_t n = (msr - 0x200) / 2;
        return msr & 1 ? &c->s->mtrr_var_mask[n] : &c->s->mtrr_var_base[n];
    }
    for (k = 0; k < sizeof(x86_msr_plain) / sizeof(x86_msr_plain[0]); k++)
        if (x86_msr_plain[k].msr == msr) {
            *ret_canonical = x86_msr_plain[k].canonical;
            return (uint64_t *)(void *)((uint8_t *)c->s + x86_msr_plain[k].offset);
        }
    return NULL;
}

static bool x86_has_mtrr(const X86Cpu *c)
{
    return (c->feat.l1_edx & (1u << 12)) != 0;
}

uint64_t x86_msr_read(X86Cpu *c, uint32_t msr)
{
    uint64_t v = 0;
    bool canonical;
    viv_status_t st;
    const uint64_t *slot = x86_msr_slot(c, msr, &canonical);
    if (slot)
        return *slot;
    switch (msr) {
    case 0x10:
        x86_sync(c);
        v = c->h->tsc_read(c->v);
        x86_host_call_done(c);
        return v;
    case 0xfe:
        if (x86_has_mtrr(c))
            return 0x500 | VIV_MTRR_VAR_COUNT;
        break;
    case 0x277: return c->s->pat;
    case 0xc0000080u: return c->s->efer;
    case 0x48:
        if (c->feat.l7_edx & (1u << 26))
            return c->s->spec_ctrl;
        break;
    default: break;
    }
    x86_sync(c);
    st = c->h->msr_read(c->v, msr, &v);
    x86_host_call_done(c);
    if (st != VIV_OK)
        x86_raise(c, X86_GP, 0);
    return v;
}

static void x86_efer_write(X86Cpu *c, uint64_t v)
{
    uint64_t allowed = X86_EFER_LMA | X86_EFER_LME, old = c->s->efer;
    if (c->feat.e1_edx & (1u << 11))
        allowed |= X86_EFER_SCE;
    if (c->feat.e1_edx & (1u << 20))
        allowed |= X86_EFER_NXE;
    if (c->feat.e1_edx & (1u << 25))
        allowed |= X86_EFER_FFXSR;
    if (!(c->feat.e1_edx & (1u << 29)))
        allowed &= ~(uint64_t)(X86_EFER_LME | X86_EFER_LMA);
    if ((v & ~allowed) || (((v ^ old) & X86_EFER_LME) && (c->s->cr0 & X86_CR0_PG)))
        x86_raise(c, X86_GP, 0);
    c->s->efer = (v & ~(uint64_t)X86_EFER_LMA) | (old & X86_EFER_LMA);
    if ((v ^ old) & X86_EFER_NXE)
        x86_tlb_flush(c);
}

static void x86_pat_write(X86Cpu *c, uint64_t v)
{
    uint32_t k;
    for (k = 0; k < 8; k++) {
        uint32_t type = (uint32_t)(v >> (k * 8)) & 0xff;
        if (type > 7 || type == 2 || type == 3)
            x86_raise(c, X86_GP, 0);
    }
    c->s->pat = v;
}

void x86_msr_write(X86Cpu *c, uint32_t msr, uint64_t v)
{
    bool canonical;
    viv_status_t st;
    uint64_t *slot = x86_msr_slot(c, msr, &canonical);
    if (slot) {
        if (canonical && !x86_canonical_reg(c, v))
            x86_raise(c, X86_GP, 0);
        if (msr == 0xc0000084u || msr == 0xc0000103u)
            v &= 0xffffffffu;
        *slot = v;
        if (msr == 0xc0000100u || msr == 0xc0000101u)
            x86_segs_update(c);
        return;
    }
    switch (msr) {
    case 0x10:
        x86_sync(c);
        c->h->tsc_write(c->v, v);
        x86_host_call_done(c);
        return;
    case 0xfe: x86_raise(c, X86_GP, 0);
    case 0x277: x86_pat_write(c, v); return;
    case 0xc0000080u: x86_efer_write(c, v); return;
    case 0x48:
        if (c->feat.l7_edx & (1u << 26)) {
            if (v & ~7ull)
                x86_raise(c, X86_GP, 0);
            c->s->spec_ctrl = v;
            return;
        }
        break;
    default: break;
    }
    x86_sync(c);
    st = c->h->msr_write(c->v, msr, v);
    x86_host_call_done(c);
    if (st != VIV_OK)
        x86_raise(c, X86_GP, 0);
}
