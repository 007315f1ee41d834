/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: descriptors, segment register loads, and the stacks and code segments of far transfers.
 * Follows: Intel SDM vol. 3, chapters 3 and 5. The CPL is kept where VMX keeps it: in the DPL of
 * SS. */
#include "x86_old.h"
#include "x86_seg.h"

void x86_desc_parse(uint32_t lo, uint32_t hi, X86Desc *d)
{
    d->lo = lo;
    d->hi = hi;
    d->base = (lo >> 16) | (hi & 0xff) << 16 | (hi & 0xff000000u);
    d->limit = (lo & 0xffff) | (hi & 0xf0000);
    if (hi & 0x800000)
        d->limit = d->limit << 12 | 0xfff;
    d->attr = (hi >> 8) & 0xf0ff;
}

bool x86_desc_read(X86Cpu *c, uint32_t sel, X86Desc *ret_desc)
{
    const viv_cpu_t *s = c->s;
    uint64_t base, v = 0;
    uint32_t limit, off = sel & 0xfff8;
    if (sel & 4) {
        if (s->ldtr.attr & VIV_ATTR_UNUSABLE || !(s->ldtr.attr & VIV_ATTR_P))
            return false;
        base = s->ldtr.base;
        limit = s->ldtr.limit;
    } else {
        base = s->gdtr.base;
        limit = s->gdtr.limit;
    }
    if (off + 7 > limit)
        return false;
    ret_desc->lin = base + off;
    if (!x86_long(c))
        ret_desc->lin &= 0xffffffffu;
    x86_lin_read(c, ret_desc->lin, &v, 8, X86_SET_SUP);
    if (x86_old(c))
        v = x86_old_descriptor(v);
    x86_desc_parse((uint32_t)v, (uint32_t)(v >> 32), ret_desc);
    return true;
}

/* The second half of a system descriptor in long mode. */
void x86_desc_upper(X86Cpu *c, X86Desc *d, uint32_t sel, uint32_t vector)
{
    uint64_t v = 0;
    uint32_t limit = sel & 4 ? c->s->ldtr.limit : c->s->gdtr.limit;
    if ((sel & 0xfff8) + 15 > limit)
        x86_raise(c, vector, sel & 0xfffc);
    x86_lin_read(c, d->lin + 8, &v, 8, X86_SET_SUP);
    if (v >> 32 & 0x1f00)
        x86_raise(c, vector, sel & 0xfffc);
    d->base |= v << 32;
}

void x86_desc_set_accessed(X86Cpu *c, X86Desc *d)
{
    uint8_t b;
    if (d->attr & 1)
        return;
    d->attr |= 1;
    d->hi |= 0x100;
    b = (uint8_t)(d->hi >> 8);
    x86_lin_write(c, d->lin + 5, &b, 1, X86_SET_SUP);
}

/* -- segment registers ------------------------------------------------------------------------- */
void x86_seg_commit(X86Cpu *c, uint32_t seg, uint32_t sel, const X86Desc *d)
{
    viv_segreg_t *s = &c->s->seg[seg];
    s->sel = (uint16_t)sel;
    s->base = d->base;
    s->limit = d->limit;
    s->attr = d->attr;
    if (seg == VIV_SEG_SS || seg == VIV_SEG_CS)
        x86_mode_update(c);
    else
        x86_segs_update(c);
}

void x86_seg_null(X86Cpu *c, uint32_t seg, uint32_t sel)
{
    viv_segreg_t *s = &c->s->seg[seg];
    s->sel = (uint16_t)sel;
    s->attr = VIV_ATTR_UNUSABLE;
    if (seg == VIV_SEG_SS)
        s->attr |= c->cpl << VIV_ATTR_DPL_SHIFT | VIV_ATTR_DB;
    if (x86_long(c)) {
        s->base = 0;
        s->limit = 0;
    }
    x86_segs_update(c);
}

/* In real mode only the base changes ("unreal" limits stay); V86 segments are always the same 64
 * KiB. */
void x86_seg_load_real(X86Cpu *c, uint32_t seg, uint32_t sel)
{
    viv_segreg_t *s = &c->s->seg[seg];
    s->sel = (uint16_t)sel;
    s->base = (uint64_t)sel << 4;
    if (x86_v86(c)) {
        s->limit = 0xffff;
        s->attr = 0xf3;
    } else if (s->attr & VIV_ATTR_UNUSABLE) {
        s->limit = 0xffff;
        s->attr = 0x93;
    }
    if (seg == VIV_SEG_SS || seg == VIV_SEG_CS)
        x86_mode_update(c);
    else
        x86_segs_update(c);
}

void x86_ss_check(X86Cpu *c, uint32_t sel, uint32_t cpl, X86Desc *ret_desc, uint32_t vector)
{
    uint32_t err = sel & 0xfffc;
    if (!err)
        x86_raise(c, vector, 0);
    if (!x86_desc_read(c, sel, ret_desc))
        x86_raise(c, vector, err);
    if ((sel & 3) != cpl || X86_DESC_DPL(ret_desc) != cpl || (ret_desc->attr & 0x1a) != 0x12)
        x86_raise(c, vector, err);
    if (!(ret_desc->attr & VIV_ATTR_P))
        x86_raise(c, X86_SS, err);
}

void x86_seg_load(X86Cpu *c, uint32_t seg, uint32_t sel)
{
    X86Desc d;
    uint32_t err = sel & 0xfffc, rpl = sel & 3, dpl;
    if (x86_real_or_v86(c)) {
        x86_seg_load_real(c, seg, sel);
        return;
    }
    if (!err) {
        if (seg == VIV_SEG_SS && (!x86_code64(c) || c->cpl == 3 || rpl != c->cpl))
            x86_raise(c, X86_GP, 0);
        x86_seg_null(c, seg, sel);
        return;
    }
    if (seg == VIV_SEG_SS) {
        x86_ss_check(c, sel, c->cpl, &d, X86_GP);
    } else {
        if (!x86_desc_read(c, sel, &d))
            x86_raise(c, X86_GP, err);
        dpl = X86_DESC_DPL(&d);
        if (!(d.attr & VIV_ATTR_S) || (d.attr & 0xa) == 0x8)
            x86_raise(c, X86_GP, err);
        if ((d.attr & 0xc) != 0xc && (rpl > dpl || c->cpl > dpl))
            x86_raise(c, X86_GP, err);
        if (!(d.attr & VIV_ATTR_P))
            x86_raise(c, X86_NP, err);
    }
    x86_desc_set_accessed(c, &d);
    x86_seg_commit(c, seg, sel, &d);
}

/* -- code segments ----------------------------------------------------------------------------- */
bool x86_desc_is64(const X86Cpu *c, const X86Desc *cs)
{
    return x86_long(c) && (cs->attr & VIV_ATTR_L);
}

void x86_cs_check(X86Cpu *c, uint32_t sel, uint32_t kind, X86Desc *ret_desc)
{
    uint32_t err = sel & 0xfffc, rpl = sel & 3, dpl;
    bool conforming, ok;
    if (!err)
        x86_raise(c, X86_GP, 0);
    if (!x86_desc_read(c, sel, ret_desc))
        x86_raise(c, X86_GP, err);
    if ((ret_desc->attr & 0x18) != 0x18)
        x86_raise(c, X86_GP, err);
    dpl = X86_DESC_DPL(ret_desc);
    conforming = (ret_desc->attr & 4) != 0;
    if (kind == X86_CS_JUMP)
        ok = conforming ? dpl <= c->cpl : rpl <= c->cpl && dpl == c->cpl;
    else if (kind == X86_CS_GATE)
        ok = dpl <= c->cpl;
    else if (kind == X86_CS_GATE_JUMP)
        ok = conforming ? dpl <= c->cpl : dpl == c->cpl;
    else
        ok = rpl >= c->cpl && (conforming ? dpl <= rpl : dpl == rpl);
    if (!ok)
        x86_raise(c, X86_GP, err);
    if (x86_desc_is64(c, ret_desc)
            ? (ret_desc->attr & VIV_ATTR_DB) && kind != X86_CS_IRET
            : (kind == X86_CS_GATE || kind == X86_CS_GATE_JUMP) && x86_long(c))
        x86_raise(c, X86_GP, err);
    if (!(ret_desc->attr & VIV_ATTR_P))
        x86_raise(c, X86_NP, err);
}

void x86_pc_check(X86Cpu *c, const X86Desc *cs, uint64_t pc)
{
    if (x86_desc_is64(c, cs) ? !x86_canonical(c, pc) : pc > cs->limit)
        x86_raise(c, X86_GP, 0);
}

/* The stack has been committed before, so that its DPL is the new CPL. */
void x86_cs_commit(X86Cpu *c, uint32_t sel, X86Desc *d, uint32_t cpl)
{
    x86_desc_set_accessed(c, d);
    x86_seg_commit(c, VIV_SEG_CS, (sel & 0xfffc) | cpl, d);
}

/* -- stacks ------------------------------------------------------------------------------------ */
void x86_stack_current(X86Cpu *c, X86Stack *st)
{
    const viv_segreg_t *ss = &c->s->seg[VIV_SEG_SS];
    st->mask = c->spmask;
    st->sp = c->r[X86_RSP] & st->mask;
    st->base = c->segbase[VIV_SEG_SS];
    st->limit = ss->limit;
    st->attr = ss->attr;
    st->set = c->set;
    st->error = 0;
    st->flat = x86_code64(c);
}

void x86_stack_new(X86Cpu *c, X86Stack *st, const X86Desc *ss, uint64_t sp, uint32_t sel,
                   uint32_t dpl)
{
    st->mask = ss->attr & VIV_ATTR_DB ? 0xffffffffu : 0xffffu;
    st->sp = sp & st->mask;
    st->base = ss->base;
    st->limit = ss->limit;
    st->attr = ss->attr;
    st->set = x86_set_of(c, dpl);
    st->error = sel & 0xfffc;
    st->flat = false;
}

void x86_stack_new64(X86Cpu *c, X86Stack *st, uint64_t sp, uint32_t dpl)
{
    st->mask = ~0ull;
    st->sp = sp;
    st->base = 0;
    st->limit = 0;
    st->attr = 0;
    st->set = x86_set_of(c, dpl);
    st->error = 0;
    st->flat = true;
}

/* The user's own stack is accessed as by PUSH and POP, with alignment checks. */
static uint64_t x86_stack_aligned(X86Cpu *c, const X86Stack *st, uint64_t lin, uint32_t n)
{
    if (c->ac_check && st->set == X86_SET_USER && (lin & (n - 1)))
        x86_raise(c, X86_AC, 0);
    return lin;
}

static uint64_t x86_stack_lin(X86Cpu *c, const X86Stack *st, uint64_t sp, uint32_t n)
{
    uint64_t last = sp + n - 1;
    bool ok;
    if (st->flat) {
        if (!x86_canonical(c, sp) || !x86_canonical(c, last))
            x86_raise(c, X86_SS, st->error);
        return x86_stack_aligned(c, st, sp, n);
    }
    if (st->attr & VIV_ATTR_UNUSABLE)
        ok = false;
    else if ((st->attr & 0x1c) == 0x14)
        ok = sp > st->limit && last <= st->mask;
    else
        ok = last <= st->limit;
    if (!ok)
        x86_raise(c, X86_SS, st->error);
    return x86_stack_aligned(c, st, (st->base + sp) & (uint32_t)c->linmask, n);
}

void x86_stack_room(X86Cpu *c, const X86Stack *st, uint32_t count, uint32_t n)
{
    uint64_t sp = st->sp;
    if (st->flat) { /* what lies between has no end */
        x86_stack_lin(c, st, sp - n, n);
        x86_stack_lin(c, st, sp - count * n, n);
        return;
    }
    while (count-- > 0) {
        sp = (sp - n) & st->mask;
        x86_stack_lin(c, st, sp, n);
    }
}

void x86_stack_push(X86Cpu *c, X86Stack *st, uint64_t v, uint32_t n)
{
    uint64_t sp = (st->sp - n) & st->mask;
    if (x86_old_wraps(c, sp, n))
        x86_old_store(c, st->base, sp, v, n);
    else
        x86_lin_write(c, x86_stack_lin(c, st, sp, n), &v, n, st->set);
    st->sp = sp;
}

uint64_t x86_stack_peek(X86Cpu *c, const X86Stack *st, uint32_t off, uint32_t n)
{
    uint64_t v = 0, sp = (st->sp + off) & st->mask;
    if (x86_old_wraps(c, sp, n))
        return x86_old_load(c, st->base, sp, n);
    x86_lin_read(c, x86_stack_lin(c, st, sp, n), &v, n, st->set);
    return v;
}

uint64_t x86_stack_pop(X86Cpu *c, X86Stack *st, uint32_t n)
{
    uint64_t v = x86_stack_peek(c, st, 0, n);
    st->sp = (st->sp + n) & st->mask;
    return v;
}

void x86_stack_commit(X86Cpu *c, const X86Stack *st)
{
    uint64_t v = (c->r[X86_RSP] & ~st->mask) | (st->sp & st->mask);
    c->r[X86_RSP] = st->mask == 0xffffffffu ? (uint32_t)v : v;
}
