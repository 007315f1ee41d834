/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: segment registers, far transfers, software interrupts, selector checks (ARPL LAR LSL VERR
 * VERW), BOUND, and the instructions that are none (#UD, #GP). */
#include "x86_seg.h"

/* Behind an instruction that ended its block without a branch. */
static int x86_done(X86Cpu *c)
{
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}

int x86_op_mov_to_seg(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_seg_load(c, i->reg, (uint32_t)x86_rm_get(c, i, 2));
    if (i->reg == VIV_SEG_SS) {
        c->s->shadow |= VIV_SHADOW_MOV_SS;
        x86_ff_update(c);
    }
    return x86_done(c);
}

/* To memory always 16 bits; to a register zero-extended to the operand size. */
int x86_op_mov_from_seg(X86Cpu *c, const X86Insn *i)
{
    uint16_t sel = c->s->seg[i->reg].sel;
    c->cur = i;
    x86_rm_set(c, i, sel, i->flags & X86_IF_MEM ? 2 : i->osz);
    X86_NEXT(c, i);
}

/* Far pointers in memory have no 64-bit offset on AMD: REX.W is ignored (APM vol. 3, "LxS", "JMP
 * (Far)"). */
static uint32_t x86_far_osz(const X86Cpu *c, const X86Insn *i)
{
    return i->osz == 8 && !c->feat.intel ? 4 : i->osz;
}

int x86_op_lxs(X86Cpu *c, const X86Insn *i)
{
    uint32_t osz = x86_far_osz(c, i), sel;
    uint64_t ea = x86_ea(c, i), off;
    c->cur = i;
    off = x86_ldn(c, i->seg, ea, osz);
    sel = x86_ld16(c, i->seg, (ea + osz) & i->amask);
    x86_seg_load(c, i->op, sel);
    x86_reg_set(c, i->reg, off, osz);
    return x86_done(c);
}

int x86_op_jmp_far(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_far_jump(c, (uint32_t)i->disp & 0xffff, i->imm, i->osz);
    X86_END;
}

int x86_op_call_far(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_far_call(c, (uint32_t)i->disp & 0xffff, i->imm, i->osz);
    X86_END;
}

int x86_op_jmp_far_m(X86Cpu *c, const X86Insn *i)
{
    uint32_t osz = x86_far_osz(c, i), sel;
    uint64_t ea = x86_ea(c, i), off;
    c->cur = i;
    off = x86_ldn(c, i->seg, ea, osz);
    sel = x86_ld16(c, i->seg, (ea + osz) & i->amask);
    x86_far_jump(c, sel, off, osz);
    X86_END;
}

int x86_op_call_far_m(X86Cpu *c, const X86Insn *i)
{
    uint32_t osz = x86_far_osz(c, i), sel;
    uint64_t ea = x86_ea(c, i), off;
    c->cur = i;
    off = x86_ldn(c, i->seg, ea, osz);
    sel = x86_ld16(c, i->seg, (ea + osz) & i->amask);
    x86_far_call(c, sel, off, osz);
    X86_END;
}

int x86_op_retf(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_far_ret(c, i->osz, (uint32_t)i->imm);
    X86_END;
}

int x86_op_iret(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    c->s->nmi_blocked = 0; /* even if it faults: SDM vol. 3, 6.7.1 */
    x86_ff_update(c);
    x86_iret(c, i->osz);
    X86_END;
}

/* -- software interrupts ----------------------------------------------------------------------- */
static int x86_soft(X86Cpu *c, const X86Insn *i, uint32_t vector, uint32_t kind)
{
    c->cur = i;
    c->delivering = (int32_t)(0x100 + vector);
    c->soft_int = kind != X86_INT_ICEBP;
    x86_interrupt(c, vector, kind, false, 0);
    c->tf = false; /* SDM vol. 3, 17.3.1.4: it clears TF, and no trap follows */
    c->delivering = -1;
    c->soft_int = false;
    X86_END;
}

int x86_op_int(X86Cpu *c, const X86Insn *i)
{
    return x86_soft(c, i, (uint32_t)i->imm & 0xff, X86_INT_SOFT);
}

int x86_op_int3(X86Cpu *c, const X86Insn *i)
{
    return x86_soft(c, i, X86_BP, X86_INT_SOFT3);
}

int x86_op_into(X86Cpu *c, const X86Insn *i)
{
    if (x86_of(c))
        return x86_soft(c, i, X86_OF, X86_INT_SOFT3);
    c->cur = i;
    return x86_done(c);
}

int x86_op_icebp(X86Cpu *c, const X86Insn *i)
{
    return x86_soft(c, i, X86_DB, X86_INT_ICEBP);
}

int x86_op_ud(X86Cpu *c, const X86Insn *i)
{
    return x86_fault(c, i, X86_UD, 0);
}

int x86_op_gp(X86Cpu *c, const X86Insn *i)
{
    return x86_fault(c, i, X86_GP, 0);
}

int x86_op_bound(X86Cpu *c, const X86Insn *i)
{
    uint64_t ea = x86_ea(c, i);
    int64_t lo, hi, v;
    unsigned up = 64u - i->osz * 8u;
    c->cur = i;
    lo = (int64_t)(x86_ldn(c, i->seg, ea, i->osz) << up) >> up;
    hi = (int64_t)(x86_ldn(c, i->seg, (ea + i->osz) & i->amask, i->osz) << up) >> up;
    v = (int64_t)(c->r[i->reg] << up) >> up;
    if (v < lo || v > hi)
        x86_raise(c, X86_BR, 0);
    X86_NEXT(c, i);
}

/* -- selector checks --------------------------------------------------------------------------- */
int x86_op_arpl(X86Cpu *c, const X86Insn *i)
{
    uint64_t dst, src = c->r[i->reg] & 0xffff;
    c->cur = i;
    if (x86_real_or_v86(c))
        x86_raise(c, X86_UD, 0);
    if (i->flags & X86_IF_MEM) /* stored to only if it changes, but its segment must be writable */
        x86_seg_check(c, i->seg, x86_ea(c, i), 2, true);
    dst = x86_rm_get(c, i, 2);
    if ((dst & 3) < (src & 3)) {
        x86_rm_set(c, i, (dst & ~3ull) | (src & 3), 2);
        x86_set_zf(c, true);
    } else {
        x86_set_zf(c, false);
    }
    X86_NEXT(c, i);
}

/* The descriptor, if the current privilege may look at it; types: mask of system types that are
 * fine. */
static bool x86_look(X86Cpu *c, uint32_t sel, uint32_t types, X86Desc *d)
{
    uint32_t dpl;
    if (!(sel & 0xfffc) || !x86_desc_read(c, sel, d))
        return false;
    dpl = X86_DESC_DPL(d);
    if (!(d->attr & VIV_ATTR_S) && !(types >> (d->attr & 15) & 1))
        return false;
    if ((d->attr & 0x1c) == 0x1c)
        return true;
    return c->cpl <= dpl && (sel & 3) <= dpl;
}

static __attribute__((noinline)) void x86_lar_lsl(X86Cpu *c, const X86Insn *i, bool lar)
{
    X86Desc d;
    uint32_t sel, types;
    if (x86_real_or_v86(c))
        x86_raise(c, X86_UD, 0);
    if (lar)
        types = x86_long(c) ? 0x1a04 : 0x1a3e;
    else
        types = x86_long(c) ? 0x0a04 : 0x0a0e;
    sel = (uint32_t)x86_rm_get(c, i, 2);
    if (!x86_look(c, sel, types, &d)) {
        x86_set_zf(c, false);
        return;
    }
    x86_reg_set(c, i->reg, lar ? d.hi & 0xffff00u : d.limit, i->osz);
    x86_set_zf(c, true);
}

int x86_op_lar(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_lar_lsl(c, i, true);
    X86_NEXT(c, i);
}

int x86_op_lsl(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_lar_lsl(c, i, false);
    X86_NEXT(c, i);
}

static __attribute__((noinline)) void x86_verr(X86Cpu *c, const X86Insn *i)
{
    X86Desc d;
    bool ok;
    if (x86_real_or_v86(c))
        x86_raise(c, X86_UD, 0);
    ok = x86_look(c, (uint32_t)x86_rm_get(c, i, 2), 0, &d);
    if (ok)
        ok = i->op == 4 ? (d.attr & 0xa) != 8 : (d.attr & 0xa) == 2;
    x86_set_zf(c, ok);
}

int x86_op_verr(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_verr(c, i);
    X86_NEXT(c, i);
}
