/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: hardware task switches, 16- and 32-bit TSSs. Follows: Intel SDM vol. 3, chapter 7. Up to
 * the commit point faults belong to the old task; behind it, to the new one, whose instruction
 * pointer is already in force. */
#include <string.h>

#include "x86_old.h"
#include "x86_seg.h"

typedef struct X86TaskState {
    uint64_t cr3;
    uint32_t eip, eflags, gpr[8], seg[6], ldt;
    bool trap;
} X86TaskState;

static uint32_t x86_tss_get(const uint8_t *tss, uint32_t off, uint32_t n)
{
    uint32_t v = 0;
    memcpy(&v, tss + off, n);
    return v;
}

static void x86_tss_put(uint8_t *tss, uint32_t off, uint32_t v, uint32_t n)
{
    memcpy(tss + off, &v, n);
}

static void x86_task_save(X86Cpu *c, bool wide, uint64_t pc, uint64_t fl)
{
    uint64_t base = c->s->tr.base;
    uint8_t tss[104];
    uint32_t n = wide ? 4 : 2, from = wide ? 32 : 14, to = wide ? 96 : 42, at = from, k;
    x86_lin_read(c, base + from, tss + from, to - from, X86_SET_SUP);
    x86_tss_put(tss, at, (uint32_t)pc, n);
    x86_tss_put(tss, at + n, (uint32_t)fl, n);
    for (k = 0; k < 8; k++)
        x86_tss_put(tss, at + (2 + k) * n, (uint32_t)c->r[k], n);
    for (k = 0; k < (wide ? 6u : 4u); k++)
        x86_tss_put(tss, at + (10 + k) * n, c->s->seg[k].sel, 2);
    x86_lin_write(c, base + from, tss + from, to - from, X86_SET_SUP);
}

static void x86_task_read(X86Cpu *c, const X86Desc *tss, bool wide, X86TaskState *t)
{
    uint8_t b[104];
    uint32_t n = wide ? 4 : 2, at = wide ? 32 : 14, k;
    x86_lin_read(c, tss->base, b, wide ? 104 : 44, X86_SET_SUP);
    memset(t, 0, sizeof(*t));
    t->cr3 = wide ? x86_tss_get(b, 28, 4) : c->s->cr3;
    t->eip = x86_tss_get(b, at, n);
    t->eflags = x86_tss_get(b, at + n, n);
    for (k = 0; k < 8; k++)
        t->gpr[k] = x86_tss_get(b, at + (2 + k) * n, n) | (wide || x86_old(c) ? 0 : 0xffff0000u);
    for (k = 0; k < (wide ? 6u : 4u); k++)
        t->seg[k] = x86_tss_get(b, at + (10 + k) * n, 2);
    t->ldt = x86_tss_get(b, wide ? 96 : 42, 2);
    t->trap = wide && (b[100] & 1);
}

/* Of the access byte of a TSS descriptor: they are in the GDT. */
static uint64_t x86_tss_access(const X86Cpu *c, uint32_t sel)
{
    return (uint32_t)(c->s->gdtr.base + (sel & 0xfff8) + 5);
}

static void x86_tss_busy(X86Cpu *c, uint32_t sel, bool busy)
{
    uint64_t at = x86_tss_access(c, sel);
    uint8_t b = 0;
    x86_lin_read(c, at, &b, 1, X86_SET_SUP);
    b = (uint8_t)(busy ? b | 2 : b & ~2);
    x86_lin_write(c, at, &b, 1, X86_SET_SUP);
}

static void x86_task_ldt(X86Cpu *c, uint32_t sel)
{
    viv_segreg_t *l = &c->s->ldtr;
    X86Desc d;
    l->sel = (uint16_t)sel;
    l->attr = VIV_ATTR_UNUSABLE;
    if (!(sel & 0xfffc))
        return;
    if ((sel & 4) || !x86_desc_read(c, sel, &d) || (d.attr & 0x1f) != 2 || !(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_TS, sel & 0xfffc);
    l->base = d.base;
    l->limit = d.limit;
    l->attr = d.attr;
}

static void x86_task_data(X86Cpu *c, uint32_t seg, uint32_t sel)
{
    X86Desc d;
    uint32_t dpl;
    if (!(sel & 0xfffc))
        return;
    if (!x86_desc_read(c, sel, &d) || !(d.attr & VIV_ATTR_S) || (d.attr & 0xa) == 8)
        x86_raise(c, X86_TS, sel & 0xfffc);
    dpl = X86_DESC_DPL(&d);
    if ((d.attr & 0xc) != 0xc && ((sel & 3) > dpl || c->cpl > dpl))
        x86_raise(c, X86_TS, sel & 0xfffc);
    if (!(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, sel & 0xfffc);
    x86_desc_set_accessed(c, &d);
    x86_seg_commit(c, seg, sel, &d);
}

static void x86_task_segs(X86Cpu *c, const X86TaskState *t)
{
    X86Desc d;
    uint32_t rpl = t->seg[VIV_SEG_CS] & 3, err = t->seg[VIV_SEG_CS] & 0xfffc, dpl;
    if (t->eflags & X86_FL_VM) {
        static const uint8_t all[6] = {VIV_SEG_CS, VIV_SEG_SS, VIV_SEG_DS,
                                       VIV_SEG_ES, VIV_SEG_FS, VIV_SEG_GS};
        unsigned k;
        x86_task_ldt(c, t->ldt);
        for (k = 0; k < 6; k++)
            x86_seg_load_real(c, all[k], t->seg[all[k]]);
        return;
    }
    x86_task_ldt(c, t->ldt);
    if (!err || !x86_desc_read(c, t->seg[VIV_SEG_CS], &d) || (d.attr & 0x18) != 0x18)
        x86_raise(c, X86_TS, err);
    dpl = X86_DESC_DPL(&d);
    if (d.attr & 4 ? dpl > rpl : dpl != rpl)
        x86_raise(c, X86_TS, err);
    if (!(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, err);
    {
        X86Desc ss;
        x86_ss_check(c, t->seg[VIV_SEG_SS], rpl, &ss, X86_TS);
        x86_desc_set_accessed(c, &ss);
        x86_seg_commit(c, VIV_SEG_SS, t->seg[VIV_SEG_SS], &ss);
    }
    x86_desc_set_accessed(c, &d);
    x86_seg_commit(c, VIV_SEG_CS, t->seg[VIV_SEG_CS], &d);
    x86_task_data(c, VIV_SEG_DS, t->seg[VIV_SEG_DS]);
    x86_task_data(c, VIV_SEG_ES, t->seg[VIV_SEG_ES]);
    x86_task_data(c, VIV_SEG_FS, t->seg[VIV_SEG_FS]);
    x86_task_data(c, VIV_SEG_GS, t->seg[VIV_SEG_GS]);
}

/* The registers of the new task; segments hold selectors only until they have been checked. False:
 * CR3 leads to PDPTEs with reserved bits, and those of the old task are still in force. */
static bool x86_task_commit(X86Cpu *c, uint32_t sel, const X86Desc *tss, const X86TaskState *t)
{
    viv_cpu_t *s = c->s;
    bool ok = true;
    uint32_t k;
    s->tr.sel = (uint16_t)sel;
    s->tr.base = tss->base;
    s->tr.limit = tss->limit;
    s->tr.attr = tss->attr | 2;
    s->cr0 |= X86_CR0_TS;
    if ((s->cr0 & X86_CR0_PG) && t->cr3 != s->cr3) {
        s->cr3 = t->cr3;
        if (s->cr4 & X86_CR4_PAE)
            ok = x86_pdptes_load(c, t->cr3);
        x86_tlb_flush_pcid(c, 0);
    }
    for (k = 0; k < 8; k++)
        c->r[k] = t->gpr[k];
    for (k = 0; k < 6; k++) {
        s->seg[k].sel = (uint16_t)t->seg[k];
        s->seg[k].attr = VIV_ATTR_UNUSABLE;
    }
    s->seg[VIV_SEG_SS].attr |= (t->seg[VIV_SEG_CS] & 3) << VIV_ATTR_DPL_SHIFT;
    x86_set_rflags(c, t->eflags, ~2ull & 0x3f7fd7);
    x86_mode_update(c);
    x86_branch_done(c, t->eip);
    return ok;
}

void x86_task_switch(X86Cpu *c, uint32_t sel, X86Desc *tss, uint32_t kind, uint64_t fl,
                     bool has_error, uint32_t error)
{
    bool wide = (tss->attr & 8) != 0, old_wide = (c->s->tr.attr & 8) != 0;
    bool leave = kind == X86_TASK_JMP || kind == X86_TASK_IRET; /* the old task is not busy then */
    uint32_t old_sel = c->s->tr.sel, old_limit = old_wide ? 0x5f : 0x29;
    uint64_t pc;
    bool pdptes;
    X86TaskState t;
    if (tss->limit < (wide ? 0x67u : 0x2bu))
        x86_raise(c, X86_TS, sel & 0xfffc);
    if (c->s->tr.limit < old_limit)
        x86_raise(c, X86_TS, old_sel & 0xfffcu);
    pc = c->cur ? x86_next_pc(c) : x86_cur_pc(c);
    x86_lin_probe(c, c->s->tr.base, old_limit + 1, true, X86_SET_SUP);
    if (!leave)
        x86_lin_probe(c, tss->base, 2, true, X86_SET_SUP);
    else
        x86_lin_probe(c, x86_tss_access(c, old_sel), 1, true, X86_SET_SUP);
    if (kind != X86_TASK_IRET)
        x86_lin_probe(c, x86_tss_access(c, sel), 1, true, X86_SET_SUP);
    x86_task_read(c, tss, wide, &t);
    if (kind == X86_TASK_IRET)
        fl &= ~(uint64_t)X86_FL_NT;
    x86_task_save(c, old_wide, pc, fl);
    if (leave)
        x86_tss_busy(c, old_sel, false);
    if (kind != X86_TASK_IRET)
        x86_tss_busy(c, sel, true);
    if (!leave) {
        x86_lin_write(c, tss->base, &old_sel, 2, X86_SET_SUP);
        t.eflags |= X86_FL_NT;
    }
    pdptes = x86_task_commit(c, sel, tss, &t);
    c->s->dr[7] &= ~0x155ull; /* local breakpoints */
    x86_task_segs(c, &t);
    if (!pdptes)
        x86_raise(c, X86_GP, 0);
    if (has_error) {
        X86Stack st;
        x86_stack_current(c, &st);
        x86_stack_push(c, &st, error, wide ? 4 : 2);
        x86_stack_commit(c, &st);
    }
    if (t.eip > c->s->seg[VIV_SEG_CS].limit)
        x86_raise(c, X86_GP, 0);
    if (t.trap) {
        c->s->pending_db |= 0x8000;
        x86_ff_update(c);
    }
}
