/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: control and debug registers, descriptor-table registers, TLB and cache control. */
#include "x86_seg.h"

static int x86_sys_done(X86Cpu *c)
{
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}

static void x86_cpl0(X86Cpu *c)
{
    if (c->cpl != 0)
        x86_raise(c, X86_GP, 0);
}

/* -- control registers ------------------------------------------------------------------------- */

/* SDM vol. 3, 9.8.5: what IA-32e mode asks of who enters it. AMD's processors do not look at the
 * task register (APM vol. 2, 14.6.2). */
static bool x86_long_ready(const X86Cpu *c)
{
    const viv_cpu_t *s = c->s;
    bool tss16 = c->feat.intel && (s->tr.attr & 0x1d) == 0x01;
    return (s->cr4 & X86_CR4_PAE) && !(s->seg[VIV_SEG_CS].attr & VIV_ATTR_L) && !tss16;
}

void x86_cr0_write(X86Cpu *c, uint64_t v)
{
    viv_cpu_t *s = c->s;
    uint64_t old = s->cr0, changed;
    if ((v >> 32) || ((v & X86_CR0_PG) && !(v & X86_CR0_PE)) ||
        ((v & X86_CR0_NW) && !(v & X86_CR0_CD) && c->feat.family >= 4))
        x86_raise(c, X86_GP, 0);
    v &= c->feat.cr0_mask;
    if (c->feat.family >= 4) /* before, ET says what the coprocessor is, and can be written */
        v |= X86_CR0_ET;
    changed = v ^ old;
    if ((changed & X86_CR0_PG) && !(v & X86_CR0_PG) && (x86_code64(c) || (s->cr4 & X86_CR4_PCIDE)))
        x86_raise(c, X86_GP, 0);
    if ((v & X86_CR0_PG) && (s->efer & X86_EFER_LME)) {
        if ((changed & X86_CR0_PG) && !x86_long_ready(c))
            x86_raise(c, X86_GP, 0);
    } else if ((v & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE)) {
        if ((changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) && !x86_pdptes_load(c, s->cr3))
            x86_raise(c, X86_GP, 0);
    }
    if ((v & X86_CR0_PG) && (s->efer & X86_EFER_LME))
        s->efer |= X86_EFER_LMA;
    else
        s->efer &= ~(uint64_t)X86_EFER_LMA;
    if ((changed & X86_CR0_PE) && (v & X86_CR0_PE))
        s->seg[VIV_SEG_SS].attr &= ~VIV_ATTR_DPL; /* CPL 0 */
    s->cr0 = v;
    if (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP))
        x86_tlb_flush(c);
    x86_mode_update(c);
    if (changed & X86_CR0_NE)
        x86_host_ferr(c);
}

/* With PCIDs, bit 63 asks to keep what is cached of the PCID. */
void x86_cr3_write(X86Cpu *c, uint64_t v)
{
    viv_cpu_t *s = c->s;
    bool keep = false;
    if (x86_long(c)) {
        if (s->cr4 & X86_CR4_PCIDE) {
            keep = v >> 63;
            v &= ~(1ull << 63);
        }
        if (v & ~(c->feat.phys_mask | 0xfff))
            x86_raise(c, X86_GP, 0);
    } else {
        v &= 0xffffffffu;
        if ((s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) && !x86_pdptes_load(c, v))
            x86_raise(c, X86_GP, 0);
    }
    s->cr3 = v;
    if (!keep)
        x86_tlb_flush_pcid(c, x86_pcid(c));
    x86_tlb_select(c);
}

/* SDM vol. 3, 2.5: bits with conditions beyond being there. */
static bool x86_cr4_allowed(const X86Cpu *c, uint64_t v, uint64_t changed)
{
    const viv_cpu_t *s = c->s;
    if (v & ~c->feat.cr4_mask)
        return false;
    if (x86_long(c) && (!(v & X86_CR4_PAE) || (changed & X86_CR4_LA57)))
        return false;
    return !(changed & v & X86_CR4_PCIDE) || (x86_long(c) && !(s->cr3 & 0xfff));
}

void x86_cr4_write(X86Cpu *c, uint64_t v)
{
    viv_cpu_t *s = c->s;
    uint64_t changed = v ^ s->cr4;
    if (!x86_cr4_allowed(c, v, changed))
        x86_raise(c, X86_GP, 0);
    if ((changed & (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)) && (v & X86_CR4_PAE) &&
        (s->cr0 & X86_CR0_PG) && !x86_long(c) && !x86_pdptes_load(c, s->cr3))
        x86_raise(c, X86_GP, 0);
    s->cr4 = v;
    if (changed & (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP | X86_CR4_SMAP |
                   X86_CR4_LA57 | X86_CR4_PKE))
        x86_tlb_flush(c);
    if (changed & ~v & X86_CR4_PCIDE)
        x86_tlb_flush(c);
    x86_mode_update(c);
}

static uint32_t x86_cr_width(const X86Cpu *c)
{
    return x86_code64(c) ? 8 : 4;
}

int x86_op_mov_from_cr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    x86_cpl0(c);
    switch (i->reg) {
    case 0: v = c->s->cr0; break;
    case 2: v = c->s->cr2; break;
    case 3: v = c->s->cr3; break;
    case 4: v = c->s->cr4; break;
    case 8:
        x86_sync(c);
        v = c->h->cr8_read(c->v);
        x86_host_call_done(c);
        break;
    default: return x86_fault(c, i, X86_UD, 0);
    }
    x86_reg_set(c, i->rm, v, x86_cr_width(c));
    X86_NEXT(c, i);
}

int x86_op_mov_to_cr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = x86_reg_get(c, i->rm, x86_cr_width(c));
    c->cur = i;
    x86_cpl0(c);
    switch (i->reg) {
    case 0: x86_cr0_write(c, v); break;
    case 2: c->s->cr2 = v; break;
    case 3: x86_cr3_write(c, v); break;
    case 4: x86_cr4_write(c, v); break;
    case 8:
        if (v & ~15ull)
            x86_raise(c, X86_GP, 0);
        x86_sync(c);
        c->h->cr8_write(c->v, v);
        x86_host_call_done(c);
        break;
    default: return x86_fault(c, i, X86_UD, 0);
    }
    return x86_sys_done(c);
}

int x86_op_clts(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_cpl0(c);
    c->s->cr0 &= ~(uint64_t)X86_CR0_TS;
    x86_host_gate_update(c);
    return x86_sys_done(c);
}

/* PE can be set, not cleared. */
int x86_op_lmsw(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    x86_cpl0(c);
    v = x86_rm_get(c, i, 2);
    v = (c->s->cr0 & ~14ull) | (v & 15);
    x86_cr0_write(c, v);
    return x86_sys_done(c);
}

static void x86_umip(X86Cpu *c)
{
    if ((c->s->cr4 & X86_CR4_UMIP) && c->cpl > 0)
        x86_raise(c, X86_GP, 0);
}

int x86_op_smsw(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_umip(c);
    x86_rm_set(c, i, c->s->cr0, i->flags & X86_IF_MEM ? 2 : i->osz);
    X86_NEXT(c, i);
}

/* -- debug registers --------------------------------------------------------------------------- */
static uint32_t x86_dr_number(X86Cpu *c, uint32_t n)
{
    if (n == 4 || n == 5) {
        if (c->s->cr4 & X86_CR4_DE)
            x86_raise(c, X86_UD, 0);
        n += 2;
    }
    if (n > 7)
        x86_raise(c, X86_UD, 0);
    x86_cpl0(c);
    if (c->s->dr[7] & 0x2000) {
        c->s->dr[6] |= 0x2000;
        c->s->rflags |= X86_FL_RF; /* a fault: SDM vol. 3, 17.3.1.1 */
        x86_raise(c, X86_DB, 0);
    }
    return n;
}

int x86_op_mov_from_dr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    uint32_t n;
    c->cur = i;
    n = x86_dr_number(c, i->reg);
    v = c->s->dr[n];
    if (n == 6)
        v = (v & 0x1e00f) | 0xffff0ff0u;
    else if (n == 7)
        v |= 0x400;
    x86_reg_set(c, i->rm, v, x86_cr_width(c));
    X86_NEXT(c, i);
}

void x86_dr_set(X86Cpu *c, uint32_t n, uint64_t v)
{
    uint32_t k;
    if (n == 6)
        v = (v & 0x1e00f) | 0xffff0ff0u;
    else if (n == 7)
        v = (v & 0xffff23ffu) | 0x400;
    c->s->dr[n] = v;
    if (n == 7 || c->dr_data) {
        c->dr_data = false;
        for (k = 0; k < 4; k++)
            if (((c->s->dr[7] >> (k * 2)) & 3) && ((c->s->dr[7] >> (16 + k * 4)) & 3))
                c->dr_data = true;
        x86_tlb_flush(c);
    }
    x86_ff_update(c);
}

int x86_op_mov_to_dr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = x86_reg_get(c, i->rm, x86_cr_width(c));
    uint32_t n;
    c->cur = i;
    n = x86_dr_number(c, i->reg);
    if (n >= 6 && (v >> 32))
        x86_raise(c, X86_GP, 0);
    x86_dr_set(c, n, v);
    return x86_sys_done(c);
}

/* -- descriptor tables ------------------------------------------------------------------------- */
static __attribute__((noinline)) void x86_sgdt(X86Cpu *c, const X86Insn *i)
{
    const viv_tablereg_t *t = i->op == 0 ? &c->s->gdtr : &c->s->idtr;
    uint8_t buf[10];
    __builtin_memcpy(buf, &t->limit, 2);
    __builtin_memcpy(buf + 2, &t->base, 8);
    x86_align_check(c, i->seg, x86_ea(c, i), 2); /* 16 bits and, in 32-bit terms, a pointer */
    x86_align_check(c, i->seg, x86_ea(c, i) + 2, 4);
    x86_st_bytes(c, i->seg, x86_ea(c, i), buf, x86_code64(c) ? 10 : 6);
}

int x86_op_sgdt(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_umip(c);
    x86_sgdt(c, i);
    X86_NEXT(c, i);
}

int x86_op_lgdt(X86Cpu *c, const X86Insn *i)
{
    viv_tablereg_t *t = i->op == 2 ? &c->s->gdtr : &c->s->idtr;
    uint8_t buf[10] = {0};
    uint64_t base = 0;
    c->cur = i;
    x86_cpl0(c);
    x86_ld_bytes(c, i->seg, x86_ea(c, i), buf, x86_code64(c) ? 10 : 6);
    __builtin_memcpy(&base, buf + 2, 8);
    if (!x86_code64(c))
        base &= i->osz == 2 ? 0xffffff : 0xffffffffu;
    else if (!x86_canonical_reg(c, base))
        x86_raise(c, X86_GP, 0);
    __builtin_memcpy(&t->limit, buf, 2);
    t->base = base;
    return x86_sys_done(c);
}

static void x86_protected_only(X86Cpu *c)
{
    if (x86_real_or_v86(c))
        x86_raise(c, X86_UD, 0);
}

int x86_op_sldt(X86Cpu *c, const X86Insn *i)
{
    uint16_t sel = i->op == 0 ? c->s->ldtr.sel : c->s->tr.sel;
    c->cur = i;
    x86_protected_only(c);
    x86_umip(c);
    x86_rm_set(c, i, sel, i->flags & X86_IF_MEM ? 2 : i->osz);
    X86_NEXT(c, i);
}

/* The upper half of a descriptor, and what its base is now. */
static void x86_table_upper(X86Cpu *c, X86Desc *d, uint32_t sel)
{
    x86_desc_upper(c, d, sel, X86_GP);
    if (!x86_canonical_reg(c, d->base))
        x86_raise(c, X86_GP, sel & 0xfffc);
}

int x86_op_lldt(X86Cpu *c, const X86Insn *i)
{
    viv_segreg_t *l = &c->s->ldtr;
    uint32_t sel;
    X86Desc d;
    c->cur = i;
    x86_protected_only(c);
    x86_cpl0(c);
    sel = (uint32_t)x86_rm_get(c, i, 2);
    if (!(sel & 0xfffc)) {
        l->sel = (uint16_t)sel;
        l->attr = VIV_ATTR_UNUSABLE;
        return x86_sys_done(c);
    }
    if ((sel & 4) || !x86_desc_read(c, sel, &d) || (d.attr & 0x1f) != 2)
        x86_raise(c, X86_GP, sel & 0xfffc);
    if (!(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, sel & 0xfffc);
    if (x86_long(c))
        x86_table_upper(c, &d, sel);
    l->sel = (uint16_t)sel;
    l->base = d.base;
    l->limit = d.limit;
    l->attr = d.attr;
    return x86_sys_done(c);
}

int x86_op_ltr(X86Cpu *c, const X86Insn *i)
{
    viv_segreg_t *t = &c->s->tr;
    uint32_t sel, type;
    uint8_t b;
    X86Desc d;
    c->cur = i;
    x86_protected_only(c);
    x86_cpl0(c);
    sel = (uint32_t)x86_rm_get(c, i, 2);
    if (!(sel & 0xfffc))
        x86_raise(c, X86_GP, 0);
    if ((sel & 4) || !x86_desc_read(c, sel, &d))
        x86_raise(c, X86_GP, sel & 0xfffc);
    type = d.attr & 0x1f;
    if (x86_long(c) ? type != 9 : type != 1 && type != 9)
        x86_raise(c, X86_GP, sel & 0xfffc);
    if (!(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, sel & 0xfffc);
    if (x86_long(c))
        x86_table_upper(c, &d, sel);
    b = (uint8_t)(d.attr | 2);
    x86_lin_write(c, d.lin + 5, &b, 1, X86_SET_SUP);
    t->sel = (uint16_t)sel;
    t->base = d.base;
    t->limit = d.limit;
    t->attr = d.attr | 2;
    return x86_sys_done(c);
}

/* -- TLB and caches ---------------------------------------------------------------------------- */
int x86_op_invlpg(X86Cpu *c, const X86Insn *i)
{
    uint64_t lin;
    c->cur = i;
    x86_cpl0(c);
    lin = (x86_ea(c, i) + c->segbase[i->seg]) & c->linmask;
    if (!x86_code64(c) || x86_canonical_reg(c, lin))
        x86_tlb_invlpg(c, lin);
    return x86_sys_done(c);
}

#define INVPCID_ADDRESS   0u
#define INVPCID_CONTEXT   1u
#define INVPCID_ALL       2u
#define INVPCID_ALL_BUT_G 3u

static __attribute__((noinline)) void x86_invpcid(X86Cpu *c, const X86Insn *i)
{
    uint64_t type = x86_reg_get(c, i->reg, x86_cr_width(c)), desc[2];
    uint32_t pcid;
    x86_ld_bytes(c, i->seg, x86_ea(c, i), desc, sizeof(desc));
    if (type > INVPCID_ALL_BUT_G || (desc[0] >> 12))
        x86_raise(c, X86_GP, 0);
    pcid = (uint32_t)desc[0];
    if (type <= INVPCID_CONTEXT && pcid && !(c->s->cr4 & X86_CR4_PCIDE))
        x86_raise(c, X86_GP, 0);
    switch (type) {
    case INVPCID_ADDRESS:
        if (!x86_canonical_reg(c, desc[1]))
            x86_raise(c, X86_GP, 0);
        x86_tlb_invlpg_pcid(c, desc[1], pcid);
        break;
    case INVPCID_CONTEXT: x86_tlb_flush_pcid(c, pcid); break;
    case INVPCID_ALL: x86_tlb_flush(c); break;
    default: x86_tlb_flush_pcids(c); break;
    }
}

int x86_op_invpcid(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (x86_v86(c))
        x86_raise(c, X86_GP, 0);
    x86_cpl0(c);
    x86_invpcid(c, i);
    return x86_sys_done(c);
}

/* Guest caches are not modelled. */
int x86_op_wbinvd(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_cpl0(c);
    X86_NEXT(c, i);
}

int x86_op_clflush(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_probe(c, i->seg, x86_ea(c, i), 1, false);
    X86_NEXT(c, i);
}
