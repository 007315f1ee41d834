/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE. */
#include "x86_old.h"

/* 64-bit mode: the stack is flat (x86_mem.h). What is no plain memory goes the slow way. */
static X86_COLD int x86_push_r64_slow(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_push(c, c->r[i->reg], 8);
    X86_NEXT(c, i);
}

int x86_op_push_r64(X86Cpu *c, const X86Insn *i)
{
    uint64_t sp = c->r[X86_RSP] - 8;
    X86U64 *p;
    if (X86_UNLIKELY(!x86_rw_flat64(c, sp, &p)))
        return x86_push_r64_slow(c, i);
    *p = c->r[i->reg];
    c->r[X86_RSP] = sp;
    X86_NEXT(c, i);
}

static X86_COLD int x86_pop_r64_slow(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    v = x86_peek(c, 0, 8);
    c->r[X86_RSP] += 8;
    c->r[i->reg] = v;
    X86_NEXT(c, i);
}

int x86_op_pop_r64(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    X86U64 *p;
    if (X86_UNLIKELY(!x86_rd_flat64(c, c->r[X86_RSP], &p)))
        return x86_pop_r64_slow(c, i);
    v = *p;
    c->r[X86_RSP] += 8;
    c->r[i->reg] = v;
    X86_NEXT(c, i);
}

int x86_op_push_r(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_push(c, c->r[i->reg], i->osz);
    X86_NEXT(c, i);
}

int x86_op_push_i(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_push(c, i->imm, i->osz);
    X86_NEXT(c, i);
}

int x86_op_push_m(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_push(c, x86_rm_get(c, i, i->osz), i->osz);
    X86_NEXT(c, i);
}

int x86_op_pop_r(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    v = x86_peek(c, 0, i->osz);
    x86_rsp_set(c, c->r[X86_RSP] + i->osz);
    x86_reg_set(c, i->reg, v, i->osz);
    X86_NEXT(c, i);
}

/* An address made from rSP uses the value after the pop. */
int x86_op_pop_m(X86Cpu *c, const X86Insn *i)
{
    uint64_t v, sp = c->r[X86_RSP], ea;
    c->cur = i;
    v = x86_peek(c, 0, i->osz);
    if (!(i->flags & X86_IF_MEM)) {
        x86_rsp_set(c, sp + i->osz);
        x86_reg_set(c, i->rm, v, i->osz);
    } else {
        x86_rsp_set(c, sp + i->osz);
        ea = x86_ea(c, i);
        c->r[X86_RSP] = sp;
        x86_stn(c, i->seg, ea, v, i->osz);
        x86_rsp_set(c, sp + i->osz);
    }
    X86_NEXT(c, i);
}

int x86_op_pusha(X86Cpu *c, const X86Insn *i)
{
    uint32_t k, n = i->osz;
    uint64_t sp = c->r[X86_RSP];
    c->cur = i;
    /* nothing is written before all can be; a slot in the middle fails where rSP wraps */
    for (k = 0; k < 8; k++)
        x86_probe(c, VIV_SEG_SS, (sp - n * (k + 1)) & c->spmask, n, true);
    for (k = 0; k < 8; k++)
        x86_stn(c, VIV_SEG_SS, (sp - n * (k + 1)) & c->spmask, c->r[k], n);
    x86_rsp_set(c, sp - n * 8u);
    X86_NEXT(c, i);
}

static __attribute__((noinline)) void x86_popa(X86Cpu *c, uint32_t n)
{
    uint64_t v[8];
    uint32_t k;
    for (k = 0; k < 8; k++)
        v[k] = x86_peek(c, (7 - k) * n, n);
    for (k = 0; k < 8; k++)
        if (k != X86_RSP)
            x86_reg_set(c, k, v[k], n);
    x86_rsp_set(c, c->r[X86_RSP] + 8 * n);
}

int x86_op_popa(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_popa(c, i->osz);
    X86_NEXT(c, i);
}

/* -- flags ------------------------------------------------------------------------------------- */
int x86_op_pushf(X86Cpu *c, const X86Insn *i)
{
    uint64_t fl = x86_flags_get(c) & ~(uint64_t)(X86_FL_VM | X86_FL_RF);
    c->cur = i;
    if (x86_v86(c) && (c->s->rflags & X86_FL_IOPL) != X86_FL_IOPL) {
        if (!(c->s->cr4 & X86_CR4_VME) || i->osz != 2)
            x86_raise(c, X86_GP, 0);
        fl = (fl & ~(uint64_t)X86_FL_IF) | X86_FL_IOPL | (fl & X86_FL_VIF ? X86_FL_IF : 0);
    }
    x86_push(c, fl, i->osz);
    X86_NEXT(c, i);
}

/* Changes the bits in mask that the CPU has; everything that hangs on them follows. */
void x86_set_rflags(X86Cpu *c, uint64_t value, uint64_t mask)
{
    uint64_t now = x86_flags_get(c);
    mask &= c->feat.flags_mask;
    now = (now & ~mask) | (value & mask) | 2u;
    if (x86_old(c))
        now = x86_old_flags(c, now);
    x86_flags_set_arith(c, now);
    c->s->rflags = now;
    if (x86_old(c))
        x86_mode_update(c); /* the mode depends on IOPL */
    else
        x86_set_update(c);
    x86_ff_update(c);
}

#define POPF_BASE (X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT | X86_FL_AC | X86_FL_ID)

int x86_op_popf(X86Cpu *c, const X86Insn *i)
{
    uint64_t v, mask = POPF_BASE | X86_FL_RF;
    uint32_t iopl = (uint32_t)(c->s->rflags & X86_FL_IOPL) >> 12;
    c->cur = i;
    v = x86_peek(c, 0, i->osz);
    if (x86_v86(c)) {
        if (iopl == 3) {
            mask |= X86_FL_IF;
        } else {
            if (!(c->s->cr4 & X86_CR4_VME) || i->osz != 2 || (v & X86_FL_TF) ||
                ((v & X86_FL_IF) && (c->s->rflags & X86_FL_VIP)))
                x86_raise(c, X86_GP, 0);
            mask |= X86_FL_VIF;
            v = (v & ~(uint64_t)X86_FL_VIF) | (v & X86_FL_IF ? X86_FL_VIF : 0);
        }
    } else {
        if (c->cpl == 0)
            mask |= X86_FL_IOPL;
        if (c->cpl <= iopl)
            mask |= X86_FL_IF;
    }
    if (i->osz == 2)
        mask &= 0xffff | X86_FL_VIF;
    v &= ~(uint64_t)X86_FL_RF;
    x86_rsp_set(c, c->r[X86_RSP] + i->osz);
    x86_set_rflags(c, v, mask);
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}

/* -- frames ------------------------------------------------------------------------------------ */
int x86_op_enter(X86Cpu *c, const X86Insn *i)
{
    uint32_t level = i->op & 31, n = i->osz, k;
    uint64_t sp = c->r[X86_RSP], bp = c->r[X86_RBP], frame;
    c->cur = i;
    sp = (sp - n) & c->spmask;
    x86_stn(c, VIV_SEG_SS, sp, bp, n);
    frame = sp;
    if (level) {
        for (k = 1; k < level; k++) {
            uint64_t v;
            bp -= n;
            v = x86_ldn(c, VIV_SEG_SS, bp & c->spmask, n);
            sp = (sp - n) & c->spmask;
            x86_stn(c, VIV_SEG_SS, sp, v, n);
        }
        sp = (sp - n) & c->spmask;
        x86_stn(c, VIV_SEG_SS, sp, (c->r[X86_RSP] & ~c->spmask) | frame, n);
    }
    sp = (sp - i->imm) & c->spmask;
    /* the new top must be writable, and aligned if that is checked */
    x86_rmw_probe(c, VIV_SEG_SS, sp, n);
    x86_reg_set(c, X86_RBP, n == 2 ? frame : (c->r[X86_RSP] & ~c->spmask) | frame, n);
    x86_rsp_set(c, sp);
    X86_NEXT(c, i);
}

int x86_op_leave(X86Cpu *c, const X86Insn *i)
{
    uint64_t sp = c->r[X86_RBP] & c->spmask, v;
    c->cur = i;
    v = x86_ldn(c, VIV_SEG_SS, sp, i->osz);
    x86_rsp_set(c, sp + i->osz);
    x86_reg_set(c, X86_RBP, v, i->osz);
    X86_NEXT(c, i);
}

/* -- segment registers ------------------------------------------------------------------------- */

/* A 32-bit push of a selector writes 16 bits only. */
int x86_op_push_seg(X86Cpu *c, const X86Insn *i)
{
    uint64_t sp = (c->r[X86_RSP] - i->osz) & c->spmask;
    uint16_t sel = c->s->seg[i->reg].sel;
    c->cur = i;
    if (i->osz == 4 && c->feat.intel) { /* SDM vol. 2, PUSH: the upper half stays; AMD clears it */
        x86_probe(c, VIV_SEG_SS, sp, 4, true);
        x86_st16(c, VIV_SEG_SS, sp, sel);
    } else {
        x86_stn(c, VIV_SEG_SS, sp, sel, i->osz);
    }
    x86_rsp_set(c, sp);
    X86_NEXT(c, i);
}

int x86_op_pop_seg(X86Cpu *c, const X86Insn *i)
{
    uint64_t sel, mask = c->spmask, sp = c->r[X86_RSP];
    c->cur = i;
    sel = x86_peek(c, 0, i->osz); /* all of the slot: its alignment and its pages count */
    x86_seg_load(c, i->reg, (uint32_t)sel & 0xffff);
    /* by the old stack width: POP SS may change it */
    sp = (sp & ~mask) | ((sp + i->osz) & mask);
    c->r[X86_RSP] = mask == 0xffffffffu ? (uint32_t)sp : sp;
    if (i->reg == VIV_SEG_SS) {
        c->s->shadow |= VIV_SHADOW_MOV_SS;
        x86_ff_update(c);
    }
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}
