/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: far JMP, CALL, RET and IRET: direct, through call gates, task gates and TSSs; back to outer
 * levels, to V86 and between 64-bit and compatibility mode. Follows: Intel SDM vol. 2 (those
 * instructions), vol. 3, 5.8 and 20.2. */
#include "x86_seg.h"

static uint64_t x86_osz_mask(uint32_t osz)
{
    return osz == 8 ? ~0ull : osz == 4 ? 0xffffffffu : 0xffffu;
}

/* -- JMP and CALL ------------------------------------------------------------------------------ */
static void x86_call_push(X86Cpu *c, X86Stack *st, uint32_t n)
{
    x86_stack_push(c, st, c->s->seg[VIV_SEG_CS].sel, n);
    x86_stack_push(c, st, x86_next_pc(c), n);
}

static void x86_far_real(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz, bool call)
{
    X86Stack st;
    x86_stack_current(c, &st);
    if (call)
        x86_stack_room(c, &st, 2, osz);
    if (off > c->s->seg[VIV_SEG_CS].limit)
        x86_raise(c, X86_GP, 0);
    if (call) {
        x86_call_push(c, &st, osz);
        x86_stack_commit(c, &st);
    }
    x86_seg_load_real(c, VIV_SEG_CS, sel);
    x86_branch_done(c, off);
}

/* A transfer between equal levels; the frame of a call lies on st. */
static void x86_far_same(X86Cpu *c, uint32_t sel, uint64_t off, X86Desc *cs, X86Stack *st,
                         uint32_t n, bool call)
{
    if (call)
        x86_stack_room(c, st, 2, n);
    x86_pc_check(c, cs, off);
    if (call)
        x86_call_push(c, st, n);
    x86_desc_set_accessed(c, cs);
    if (call)
        x86_stack_commit(c, st);
    x86_cs_commit(c, sel, cs, c->cpl);
    x86_branch_done(c, off);
}

/* The frame lies on the current stack, also when the target's mode differs. */
static void x86_far_direct(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz, bool call)
{
    X86Desc cs;
    X86Stack st;
    x86_cs_check(c, sel, X86_CS_JUMP, &cs);
    if (!x86_desc_is64(c, &cs))
        off = (uint32_t)off; /* of m16:64, to compatibility mode */
    x86_stack_current(c, &st);
    x86_far_same(c, sel, off, &cs, &st, osz, call);
}

static void x86_gate_inner(X86Cpu *c, const X86Desc *gate, uint32_t sel, uint64_t off, X86Desc *cs)
{
    uint32_t dpl = X86_DESC_DPL(cs), n = gate->attr & 8 ? 4 : 2, count = gate->hi & 31, ss_sel, k;
    uint64_t esp;
    uint32_t params[31];
    X86Desc ss;
    X86Stack st, old;
    x86_tss_stack(c, dpl, &ss_sel, &esp);
    x86_ss_check(c, ss_sel, dpl, &ss, X86_TS);
    x86_stack_new(c, &st, &ss, esp, ss_sel, dpl);
    x86_stack_room(c, &st, count + 4, n);
    x86_pc_check(c, cs, off);
    x86_stack_current(c, &old);
    for (k = 0; k < count; k++)
        params[k] = (uint32_t)x86_stack_peek(c, &old, k * n, n);
    x86_stack_push(c, &st, c->s->seg[VIV_SEG_SS].sel, n);
    x86_stack_push(c, &st, c->r[X86_RSP], n);
    for (k = count; k-- > 0;)
        x86_stack_push(c, &st, params[k], n);
    x86_call_push(c, &st, n);
    x86_desc_set_accessed(c, &ss);
    x86_desc_set_accessed(c, cs);
    x86_seg_commit(c, VIV_SEG_SS, ss_sel, &ss);
    x86_cs_commit(c, sel, cs, dpl);
    x86_stack_commit(c, &st);
    x86_branch_done(c, off);
}

static void x86_gate64_inner(X86Cpu *c, uint32_t sel, uint64_t off, X86Desc *cs)
{
    uint32_t dpl = X86_DESC_DPL(cs);
    viv_segreg_t *ss = &c->s->seg[VIV_SEG_SS];
    X86Stack st;
    x86_stack_new64(c, &st, x86_tss_ist(c, 4 + dpl * 8), dpl);
    x86_stack_room(c, &st, 4, 8);
    x86_pc_check(c, cs, off);
    x86_stack_push(c, &st, ss->sel, 8);
    x86_stack_push(c, &st, c->r[X86_RSP], 8);
    x86_call_push(c, &st, 8);
    x86_desc_set_accessed(c, cs);
    ss->sel = (uint16_t)dpl;
    ss->base = 0;
    ss->attr = VIV_ATTR_UNUSABLE | dpl << VIV_ATTR_DPL_SHIFT;
    x86_cs_commit(c, sel, cs, dpl);
    x86_stack_commit(c, &st);
    x86_branch_done(c, off);
}

static void x86_far_call_gate(X86Cpu *c, X86Desc *gate, uint32_t gate_sel, bool call)
{
    uint32_t sel = gate->lo >> 16, n = gate->attr & 8 ? 4 : 2;
    uint64_t off = (gate->lo & 0xffff) | (gate->hi & 0xffff0000u);
    bool lm = x86_long(c);
    X86Desc cs;
    X86Stack st;
    if (lm) {
        x86_desc_upper(c, gate, gate_sel, X86_GP);
        off |= gate->base & 0xffffffff00000000ull;
        n = 8;
    } else if (n == 2) {
        off &= 0xffff;
    }
    x86_cs_check(c, sel, call ? X86_CS_GATE : X86_CS_GATE_JUMP, &cs);
    if (!(cs.attr & 4) && X86_DESC_DPL(&cs) < c->cpl) {
        if (lm)
            x86_gate64_inner(c, sel, off, &cs);
        else
            x86_gate_inner(c, gate, sel, off, &cs);
        return;
    }
    if (lm)
        x86_stack_new64(c, &st, c->r[X86_RSP], c->cpl);
    else
        x86_stack_current(c, &st);
    x86_far_same(c, sel, off, &cs, &st, n, call);
}

static void x86_far_task(X86Cpu *c, uint32_t sel, X86Desc *d, bool gate, bool call)
{
    X86Desc tss = *d;
    if (gate) {
        sel = d->lo >> 16;
        if ((sel & 4) || !x86_desc_read(c, sel, &tss) || (tss.attr & 0x17) != 0x01)
            x86_raise(c, X86_GP, sel & 0xfffc);
        if (!(tss.attr & VIV_ATTR_P))
            x86_raise(c, X86_NP, sel & 0xfffc);
    }
    x86_task_switch(c, sel, &tss, call ? X86_TASK_CALL : X86_TASK_JMP, x86_flags_get(c), false, 0);
}

static void x86_far_transfer(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz, bool call)
{
    uint32_t err = sel & 0xfffc, type;
    X86Desc d;
    if (x86_real_or_v86(c)) {
        x86_far_real(c, sel, off, osz, call);
        return;
    }
    if (!err)
        x86_raise(c, X86_GP, 0);
    if (!x86_desc_read(c, sel, &d))
        x86_raise(c, X86_GP, err);
    if (d.attr & VIV_ATTR_S) {
        x86_far_direct(c, sel, off, osz, call);
        return;
    }
    type = d.attr & 15;
    if (X86_DESC_DPL(&d) < c->cpl || X86_DESC_DPL(&d) < (sel & 3))
        x86_raise(c, X86_GP, err);
    if (x86_long(c) ? type != 12 : type != 1 && type != 9 && type != 4 && type != 5 && type != 12)
        x86_raise(c, X86_GP, err);
    if ((sel & 4) && (type & 7) == 1) /* a TSS in the LDT */
        x86_raise(c, X86_GP, err);
    if (!(d.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, err);
    if (type == 4 || type == 12)
        x86_far_call_gate(c, &d, sel, call);
    else
        x86_far_task(c, sel, &d, type == 5, call);
}

void x86_far_jump(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz)
{
    x86_far_transfer(c, sel, off, osz, false);
}

void x86_far_call(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz)
{
    x86_far_transfer(c, sel, off, osz, true);
}

/* -- returns ----------------------------------------------------------------------------------- */

/* Data segments that the outer level may not use become null; the selector of one that is null
 * already loses its RPL. */
static void x86_outer_segs(X86Cpu *c)
{
    static const uint8_t segs[4] = {VIV_SEG_ES, VIV_SEG_DS, VIV_SEG_FS, VIV_SEG_GS};
    unsigned k;
    for (k = 0; k < 4; k++) {
        viv_segreg_t *s = &c->s->seg[segs[k]];
        if (s->attr & VIV_ATTR_UNUSABLE)
            s->sel = 0;
        else if ((s->attr & 0x1c) != 0x1c && ((s->attr >> 5) & 3) < c->cpl)
            x86_seg_null(c, segs[k], 0);
    }
}

/* The stack of an outer level, or (64-bit) of the same: a null SS is allowed to 64-bit code below
 * level 3. */
static bool x86_ret_ss(X86Cpu *c, uint32_t ss_sel, uint32_t rpl, const X86Desc *cs, X86Desc *ret_ss)
{
    if (!(ss_sel & 0xfffc) && x86_desc_is64(c, cs) && rpl != 3) {
        if ((ss_sel & 3) != rpl)
            x86_raise(c, X86_GP, 0);
        return false;
    }
    x86_ss_check(c, ss_sel, rpl, ret_ss, X86_GP);
    return true;
}

static void x86_ret_commit(X86Cpu *c, uint32_t cs_sel, X86Desc *cs, uint32_t ss_sel, X86Desc *ss,
                           bool ss_ok, uint64_t sp)
{
    uint32_t rpl = cs_sel & 3;
    bool outer = rpl > c->cpl;
    if (ss_ok)
        x86_desc_set_accessed(c, ss);
    x86_desc_set_accessed(c, cs);
    if (ss_ok) {
        x86_seg_commit(c, VIV_SEG_SS, ss_sel, ss);
    } else {
        viv_segreg_t *s = &c->s->seg[VIV_SEG_SS];
        s->sel = (uint16_t)ss_sel;
        s->base = 0;
        s->attr = VIV_ATTR_UNUSABLE | rpl << VIV_ATTR_DPL_SHIFT;
    }
    x86_cs_commit(c, cs_sel, cs, rpl);
    if (c->spmask == 0xffff)
        c->r[X86_RSP] = (c->r[X86_RSP] & ~0xffffull) | (sp & 0xffff);
    else
        c->r[X86_RSP] = sp & c->spmask;
    if (outer)
        x86_outer_segs(c);
}

void x86_far_ret(X86Cpu *c, uint32_t osz, uint32_t pop_bytes)
{
    X86Stack st;
    X86Desc cs, ss;
    uint64_t pc, sp;
    uint32_t cs_sel, ss_sel, rpl;
    bool ss_ok;
    x86_stack_current(c, &st);
    pc = x86_stack_pop(c, &st, osz) & x86_osz_mask(osz);
    cs_sel = (uint32_t)x86_stack_pop(c, &st, osz) & 0xffff;
    if (x86_real_or_v86(c)) {
        if (pc > c->s->seg[VIV_SEG_CS].limit)
            x86_raise(c, X86_GP, 0);
        st.sp = (st.sp + pop_bytes) & st.mask;
        x86_stack_commit(c, &st);
        x86_seg_load_real(c, VIV_SEG_CS, cs_sel);
        x86_branch_done(c, pc);
        return;
    }
    x86_cs_check(c, cs_sel, X86_CS_RET, &cs);
    rpl = cs_sel & 3;
    st.sp = (st.sp + pop_bytes) & st.mask;
    if (rpl == c->cpl) {
        x86_pc_check(c, &cs, pc);
        x86_desc_set_accessed(c, &cs);
        x86_stack_commit(c, &st);
        x86_cs_commit(c, cs_sel, &cs, c->cpl);
        x86_branch_done(c, pc);
        return;
    }
    sp = x86_stack_pop(c, &st, osz);
    ss_sel = (uint32_t)x86_stack_pop(c, &st, osz) & 0xffff;
    ss_ok = x86_ret_ss(c, ss_sel, rpl, &cs, &ss);
    x86_pc_check(c, &cs, pc);
    x86_ret_commit(c, cs_sel, &cs, ss_sel, &ss, ss_ok, sp + pop_bytes);
    x86_branch_done(c, pc);
}

/* -- IRET -------------------------------------------------------------------------------------- */
#define IRET_FLAGS                                                                                 \
    (X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT | X86_FL_RF | X86_FL_AC | X86_FL_ID)

static uint64_t x86_iret_mask(const X86Cpu *c, uint32_t osz)
{
    uint64_t mask = IRET_FLAGS;
    uint32_t iopl = (uint32_t)(c->s->rflags & X86_FL_IOPL) >> 12;
    if (c->cpl == 0)
        mask |= X86_FL_IOPL | X86_FL_VIF | X86_FL_VIP;
    if (c->cpl <= iopl)
        mask |= X86_FL_IF;
    return osz == 2 ? mask & 0xffff : mask;
}

static void x86_iret_done(X86Cpu *c, uint64_t fl, uint64_t mask, uint64_t pc)
{
    x86_set_rflags(c, fl, mask);
    x86_branch_done(c, pc);
}

/* NMIs come through again although the IRET may fault. */
static void x86_iret_nmi(X86Cpu *c)
{
    if (X86_LIKELY(!c->s->nmi_blocked))
        return;
    c->s->nmi_blocked = 0;
    x86_ff_update(c);
}

static void x86_iret_real(X86Cpu *c, uint32_t osz)
{
    X86Stack st;
    uint64_t pc, fl, mask = IRET_FLAGS | X86_FL_IF;
    uint32_t sel;
    bool v86 = x86_v86(c), vme = false;
    if (v86 && (c->s->rflags & X86_FL_IOPL) != X86_FL_IOPL) {
        if (!(c->s->cr4 & X86_CR4_VME) || osz != 2)
            x86_raise(c, X86_GP, 0);
        vme = true;
    }
    x86_iret_nmi(c);
    x86_stack_current(c, &st);
    pc = x86_stack_pop(c, &st, osz);
    sel = (uint32_t)x86_stack_pop(c, &st, osz) & 0xffff;
    fl = x86_stack_pop(c, &st, osz);
    if (pc > c->s->seg[VIV_SEG_CS].limit)
        x86_raise(c, X86_GP, 0);
    if (!v86)
        mask |= X86_FL_IOPL;
    if (osz == 2)
        mask &= 0xffff;
    if (vme) {
        if ((fl & X86_FL_TF) || ((fl & X86_FL_IF) && (c->s->rflags & X86_FL_VIP)))
            x86_raise(c, X86_GP, 0);
        mask = (mask & ~(uint64_t)X86_FL_IF) | X86_FL_VIF;
        fl = (fl & ~(uint64_t)X86_FL_VIF) | (fl & X86_FL_IF ? X86_FL_VIF : 0);
    }
    x86_stack_commit(c, &st);
    x86_seg_load_real(c, VIV_SEG_CS, sel);
    x86_iret_done(c, fl, mask, pc);
}

static void x86_iret_v86(X86Cpu *c, X86Stack *st, uint64_t pc, uint32_t cs_sel, uint64_t fl)
{
    uint64_t esp = x86_stack_pop(c, st, 4);
    uint32_t ss_sel = (uint32_t)x86_stack_pop(c, st, 4), sel[4], k;
    static const uint8_t order[4] = {VIV_SEG_ES, VIV_SEG_DS, VIV_SEG_FS, VIV_SEG_GS};
    for (k = 0; k < 4; k++)
        sel[k] = (uint32_t)x86_stack_pop(c, st, 4) & 0xffff;
    if (pc > 0xffff)
        x86_raise(c, X86_GP, 0);
    x86_set_rflags(c, fl,
                   IRET_FLAGS | X86_FL_IF | X86_FL_IOPL | X86_FL_VM | X86_FL_VIF | X86_FL_VIP);
    x86_seg_load_real(c, VIV_SEG_CS, cs_sel);
    x86_seg_load_real(c, VIV_SEG_SS, ss_sel & 0xffff);
    for (k = 0; k < 4; k++)
        x86_seg_load_real(c, order[k], sel[k]);
    c->r[X86_RSP] = (uint32_t)esp;
    x86_branch_done(c, pc);
}

static void x86_iret_task(X86Cpu *c)
{
    uint32_t sel = 0;
    X86Desc tss;
    x86_lin_read(c, c->s->tr.base, &sel, 2, X86_SET_SUP);
    if ((sel & 4) || !(sel & 0xfffc) || !x86_desc_read(c, sel, &tss) || (tss.attr & 0x17) != 0x03)
        x86_raise(c, X86_TS, sel & 0xfffc);
    if (!(tss.attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, sel & 0xfffc);
    x86_task_switch(c, sel, &tss, X86_TASK_IRET, x86_flags_get(c), false, 0);
}

void x86_iret(X86Cpu *c, uint32_t osz)
{
    X86Stack st;
    X86Desc cs, ss;
    uint64_t pc, fl, sp, mask;
    uint32_t cs_sel, ss_sel, rpl;
    bool ss_ok;
    if (x86_real_or_v86(c)) {
        x86_iret_real(c, osz);
        return;
    }
    x86_iret_nmi(c);
    if (c->s->rflags & X86_FL_NT) {
        if (x86_long(c))
            x86_raise(c, X86_GP, 0);
        x86_iret_task(c);
        return;
    }
    x86_stack_current(c, &st);
    pc = x86_stack_pop(c, &st, osz) & x86_osz_mask(osz);
    cs_sel = (uint32_t)x86_stack_pop(c, &st, osz) & 0xffff;
    fl = x86_stack_pop(c, &st, osz);
    mask = x86_iret_mask(c, osz);
    if (!x86_long(c) && osz == 4 && (fl & X86_FL_VM) && c->cpl == 0) {
        x86_iret_v86(c, &st, pc, cs_sel, fl);
        return;
    }
    x86_cs_check(c, cs_sel, X86_CS_IRET, &cs);
    rpl = cs_sel & 3;
    if (rpl == c->cpl && !x86_code64(c)) {
        x86_pc_check(c, &cs, pc);
        x86_desc_set_accessed(c, &cs);
        x86_stack_commit(c, &st);
        x86_cs_commit(c, cs_sel, &cs, c->cpl);
        x86_iret_done(c, fl, mask, pc);
        return;
    }
    sp = x86_stack_pop(c, &st, osz);
    ss_sel = (uint32_t)x86_stack_pop(c, &st, osz) & 0xffff;
    ss_ok = x86_ret_ss(c, ss_sel, rpl, &cs, &ss);
    x86_pc_check(c, &cs, pc);
    x86_ret_commit(c, cs_sel, &cs, ss_sel, &ss, ss_ok, sp);
    x86_iret_done(c, fl, mask, pc);
}
