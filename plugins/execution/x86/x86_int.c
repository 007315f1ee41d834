/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: interrupts and exceptions through the IVT and the IDT's gates.
 * Everything that can fault comes before the first change of a register. Follows: Intel SDM vol. 3,
 * 6.10-6.15, 20.3 (V86, VME). */
#include "x86_old.h"
#include "x86_seg.h"

/* Flags image to push: faults show RF so that the retried instruction meets no breakpoint again. */
static uint64_t x86_int_flags(X86Cpu *c, uint32_t vector, uint32_t kind)
{
    uint64_t fl = x86_flags_get(c);
    if (kind == X86_INT_EXC && vector != X86_DB && vector != X86_BP && vector != X86_OF &&
        vector != X86_DF)
        fl |= X86_FL_RF;
    return fl;
}

static uint64_t x86_int_return(X86Cpu *c, uint32_t kind)
{
    return kind == X86_INT_EXC || kind == X86_INT_EXT ? x86_cur_pc(c) : x86_next_pc(c);
}

void x86_branch_done(X86Cpu *c, uint64_t pc)
{
    c->r[X86_PC] = pc;
    c->cur = NULL;
    c->link = 0;
}

/* -- real mode, and V86 with a redirected INT -------------------------------------------------- */
static void x86_int_real(X86Cpu *c, uint32_t vector, uint32_t kind, uint64_t ivt)
{
    uint32_t entry = 0;
    uint64_t fl = x86_int_flags(c, X86_DB, kind);
    X86Stack st;
    x86_lin_read(c, ivt + vector * 4u, &entry, 4, X86_SET_SUP);
    x86_stack_current(c, &st);
    if (x86_v86(c) && (c->s->rflags & X86_FL_IOPL) != X86_FL_IOPL)
        fl = (fl & ~(uint64_t)X86_FL_IF) | X86_FL_IOPL | (fl & X86_FL_VIF ? X86_FL_IF : 0);
    x86_stack_push(c, &st, fl & 0xffff, 2);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_CS].sel, 2);
    x86_stack_push(c, &st, x86_int_return(c, kind) & 0xffff, 2);
    x86_stack_commit(c, &st);
    x86_seg_load_real(c, VIV_SEG_CS, entry >> 16);
    if (x86_v86(c) && (c->s->rflags & X86_FL_IOPL) != X86_FL_IOPL)
        x86_set_rflags(c, 0, X86_FL_VIF | X86_FL_TF | X86_FL_RF | X86_FL_AC);
    else
        x86_set_rflags(c, 0, X86_FL_IF | X86_FL_TF | X86_FL_RF | X86_FL_AC);
    x86_branch_done(c, entry & 0xffff);
}

/* INT n in V86: true if it has been handled, or raises #GP(0). */
static bool x86_int_v86_soft(X86Cpu *c, uint32_t vector)
{
    bool iopl3 = (c->s->rflags & X86_FL_IOPL) == X86_FL_IOPL;
    const viv_segreg_t *tr = &c->s->tr;
    if (c->s->cr4 & X86_CR4_VME) {
        uint32_t map = 0, bits = 0xff, at;
        if (!(tr->attr & 8) || tr->limit < 103)
            x86_raise(c, X86_GP, 0);
        x86_lin_read(c, tr->base + 102, &map, 2, X86_SET_SUP);
        at = map - 32 + vector / 8;
        if (map >= 32 && at <= tr->limit)
            x86_lin_read(c, tr->base + at, &bits, 1, X86_SET_SUP);
        if (!(bits >> (vector & 7) & 1)) {
            x86_int_real(c, vector, X86_INT_SOFT, 0);
            return true;
        }
    }
    if (!iopl3)
        x86_raise(c, X86_GP, 0);
    return false;
}

/* -- gates ------------------------------------------------------------------------------------- */
typedef struct X86Gate {
    uint32_t type; /* 5, 6, 7, 14, 15 */
    uint32_t sel;
    uint64_t off;
    uint32_t ist;
} X86Gate;

static void x86_gate_read(X86Cpu *c, uint32_t vector, uint32_t kind, X86Gate *g)
{
    uint32_t size = x86_long(c) ? 16 : 8, err = vector * 8 + 2, hi, type;
    uint64_t lo = 0, upper = 0, lin = c->s->idtr.base + vector * size;
    bool soft = kind == X86_INT_SOFT || kind == X86_INT_SOFT3;
    if (vector * size + size - 1 > c->s->idtr.limit)
        x86_raise(c, X86_GP, err);
    if (size == 8)
        lin = (uint32_t)lin;
    x86_lin_read(c, lin, &lo, 8, X86_SET_SUP);
    if (x86_old(c))
        lo = x86_old_descriptor(lo);
    if (size == 16)
        x86_lin_read(c, lin + 8, &upper, 8, X86_SET_SUP);
    hi = (uint32_t)(lo >> 32);
    type = (hi >> 8) & 0x1f;
    if (size == 16 ? type != 14 && type != 15
                   : type != 5 && type != 6 && type != 7 && type != 14 && type != 15)
        x86_raise(c, X86_GP, err);
    if (soft && ((hi >> 13) & 3) < c->cpl)
        x86_raise(c, X86_GP, err);
    if (!(hi & 0x8000))
        x86_raise(c, X86_NP, err);
    g->type = type;
    g->sel = (uint32_t)(lo >> 16) & 0xffff;
    g->off = (lo & 0xffff) | (hi & 0xffff0000u) | (size == 16 ? upper << 32 : 0);
    if (type == 6 || type == 7)
        g->off &= 0xffff;
    g->ist = size == 16 ? hi & 7 : 0;
}

static void x86_int_enter(X86Cpu *c, const X86Gate *g, X86Desc *cs, uint32_t cpl)
{
    uint64_t clear = X86_FL_TF | X86_FL_NT | X86_FL_VM | X86_FL_RF;
    if (!(g->type & 1))
        clear |= X86_FL_IF;
    x86_cs_commit(c, g->sel, cs, cpl);
    x86_set_rflags(c, 0, clear);
    x86_branch_done(c, g->off);
}

uint64_t x86_tss_ist(X86Cpu *c, uint32_t off)
{
    uint64_t rsp = 0;
    if (off + 7 > c->s->tr.limit)
        x86_raise(c, X86_TS, c->s->tr.sel & 0xfffcu);
    x86_lin_read(c, c->s->tr.base + off, &rsp, 8, X86_SET_SUP);
    if (!x86_canonical(c, rsp))
        x86_raise(c, X86_SS, 0);
    return rsp;
}

static void x86_int_long(X86Cpu *c, const X86Gate *g, uint32_t vector, uint32_t kind,
                         bool has_error, uint32_t error)
{
    X86Desc cs;
    X86Stack st;
    uint32_t dpl, cpl;
    uint64_t rsp;
    x86_cs_check(c, g->sel, X86_CS_GATE, &cs);
    dpl = X86_DESC_DPL(&cs);
    cpl = cs.attr & 4 ? c->cpl : dpl;
    if (g->ist)
        rsp = x86_tss_ist(c, 28 + g->ist * 8);
    else if (cpl < c->cpl)
        rsp = x86_tss_ist(c, 4 + cpl * 8);
    else
        rsp = c->r[X86_RSP];
    x86_stack_new64(c, &st, rsp & ~15ull, cpl);
    if (cpl == c->cpl)
        st.set = c->set;
    x86_stack_room(c, &st, has_error ? 6 : 5, 8);
    x86_pc_check(c, &cs, g->off);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_SS].sel, 8);
    x86_stack_push(c, &st, c->r[X86_RSP], 8);
    x86_stack_push(c, &st, x86_int_flags(c, vector, kind), 8);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_CS].sel, 8);
    x86_stack_push(c, &st, x86_int_return(c, kind), 8);
    if (has_error)
        x86_stack_push(c, &st, error, 8);
    x86_desc_set_accessed(c, &cs);
    if (cpl < c->cpl) {
        viv_segreg_t *ss = &c->s->seg[VIV_SEG_SS];
        ss->sel = (uint16_t)cpl;
        ss->base = 0;
        ss->attr = VIV_ATTR_UNUSABLE | cpl << VIV_ATTR_DPL_SHIFT;
    }
    x86_int_enter(c, g, &cs, cpl);
    x86_stack_commit(c, &st);
}

void x86_tss_stack(X86Cpu *c, uint32_t dpl, uint32_t *ret_ss, uint64_t *ret_esp)
{
    const viv_segreg_t *tr = &c->s->tr;
    bool wide = (tr->attr & 8) != 0;
    uint32_t off = wide ? 4 + dpl * 8 : 2 + dpl * 4, n = wide ? 4 : 2;
    *ret_ss = 0;
    *ret_esp = 0;
    if (off + n + 1 > tr->limit)
        x86_raise(c, X86_TS, tr->sel & 0xfffcu);
    x86_lin_read(c, tr->base + off, ret_esp, n, X86_SET_SUP);
    x86_lin_read(c, tr->base + off + n, ret_ss, 2, X86_SET_SUP);
}

static void x86_int_inner(X86Cpu *c, const X86Gate *g, X86Desc *cs, uint32_t vector, uint32_t kind,
                          bool has_error, uint32_t error)
{
    uint32_t dpl = X86_DESC_DPL(cs), n = g->type & 8 ? 4 : 2, ss_sel, k;
    uint64_t esp;
    bool v86 = x86_v86(c);
    X86Desc ss;
    X86Stack st;
    if (v86 && dpl != 0)
        x86_raise(c, X86_GP, g->sel & 0xfffc);
    x86_tss_stack(c, dpl, &ss_sel, &esp);
    x86_ss_check(c, ss_sel, dpl, &ss, X86_TS);
    x86_stack_new(c, &st, &ss, esp, ss_sel, dpl);
    x86_stack_room(c, &st, 5u + has_error + (v86 ? 4 : 0), n);
    x86_pc_check(c, cs, g->off);
    if (v86)
        for (k = 0; k < 4; k++) {
            static const uint8_t order[4] = {VIV_SEG_GS, VIV_SEG_FS, VIV_SEG_DS, VIV_SEG_ES};
            x86_stack_push(c, &st, c->s->seg[order[k]].sel, n);
        }
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_SS].sel, n);
    x86_stack_push(c, &st, c->r[X86_RSP], n);
    x86_stack_push(c, &st, x86_int_flags(c, vector, kind), n);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_CS].sel, n);
    x86_stack_push(c, &st, x86_int_return(c, kind), n);
    if (has_error)
        x86_stack_push(c, &st, error, n);
    x86_desc_set_accessed(c, &ss);
    x86_desc_set_accessed(c, cs);
    if (v86) {
        c->s->rflags &= ~(uint64_t)X86_FL_VM;
        x86_seg_null(c, VIV_SEG_GS, 0);
        x86_seg_null(c, VIV_SEG_FS, 0);
        x86_seg_null(c, VIV_SEG_DS, 0);
        x86_seg_null(c, VIV_SEG_ES, 0);
    }
    x86_seg_commit(c, VIV_SEG_SS, ss_sel, &ss);
    x86_int_enter(c, g, cs, dpl);
    x86_stack_commit(c, &st);
}

static void x86_int_same(X86Cpu *c, const X86Gate *g, X86Desc *cs, uint32_t vector, uint32_t kind,
                         bool has_error, uint32_t error)
{
    uint32_t n = g->type & 8 ? 4 : 2;
    X86Stack st;
    if (x86_v86(c))
        x86_raise(c, X86_GP, g->sel & 0xfffc);
    x86_stack_current(c, &st);
    x86_stack_room(c, &st, 3u + has_error, n);
    x86_pc_check(c, cs, g->off);
    x86_stack_push(c, &st, x86_int_flags(c, vector, kind), n);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_CS].sel, n);
    x86_stack_push(c, &st, x86_int_return(c, kind), n);
    if (has_error)
        x86_stack_push(c, &st, error, n);
    x86_desc_set_accessed(c, cs);
    x86_stack_commit(c, &st);
    x86_int_enter(c, g, cs, c->cpl);
}

void x86_interrupt(X86Cpu *c, uint32_t vector, uint32_t kind, bool has_error, uint32_t error)
{
    X86Gate g;
    X86Desc cs;
    if (kind == X86_INT_EXC && vector == X86_DB)
        c->s->dr[7] &= ~(uint64_t)0x2000; /* GD */
    if (!(c->s->cr0 & X86_CR0_PE)) {
        if (vector * 4 + 3 > c->s->idtr.limit)
            x86_raise(c, x86_is_286(c) ? X86_DF : X86_GP, 0);
        x86_int_real(c, vector, kind, c->s->idtr.base);
        return;
    }
    if (x86_v86(c) && kind == X86_INT_SOFT && x86_int_v86_soft(c, vector))
        return;
    x86_gate_read(c, vector, kind, &g);
    if (g.type == 5) {
        X86Desc tss;
        if ((g.sel & 4) || !x86_desc_read(c, g.sel, &tss))
            x86_raise(c, X86_GP, g.sel & 0xfffc);
        if ((tss.attr & 0x17) != 0x01)
            x86_raise(c, X86_GP, g.sel & 0xfffc);
        if (!(tss.attr & VIV_ATTR_P))
            x86_raise(c, X86_NP, g.sel & 0xfffc);
        x86_task_switch(c, g.sel, &tss, X86_TASK_INT, x86_int_flags(c, vector, kind), has_error,
                        error);
        return;
    }
    if (x86_long(c)) {
        x86_int_long(c, &g, vector, kind, has_error, error);
        return;
    }
    x86_cs_check(c, g.sel, X86_CS_GATE, &cs);
    if (!(cs.attr & 4) && X86_DESC_DPL(&cs) < c->cpl)
        x86_int_inner(c, &g, &cs, vector, kind, has_error, error);
    else
        x86_int_same(c, &g, &cs, vector, kind, has_error, error);
}
