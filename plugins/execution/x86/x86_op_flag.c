/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: single-flag instructions. CLI does not end a block: it only narrows what can interrupt. */
#include "x86_exec.h"

int x86_op_clc(X86Cpu *c, const X86Insn *i)
{
    x86_set_cf(c, false);
    X86_NEXT(c, i);
}

int x86_op_stc(X86Cpu *c, const X86Insn *i)
{
    x86_set_cf(c, true);
    X86_NEXT(c, i);
}

int x86_op_cmc(X86Cpu *c, const X86Insn *i)
{
    x86_set_cf(c, !x86_cf(c));
    X86_NEXT(c, i);
}

int x86_op_cld(X86Cpu *c, const X86Insn *i)
{
    c->s->rflags &= ~(uint64_t)X86_FL_DF;
    X86_NEXT(c, i);
}

int x86_op_std(X86Cpu *c, const X86Insn *i)
{
    c->s->rflags |= X86_FL_DF;
    X86_NEXT(c, i);
}

/* The flag that CLI and STI change: IF, VIF (VME, PVI), or none (#GP). */
static uint64_t x86_if_bit(X86Cpu *c)
{
    uint64_t fl = c->s->rflags;
    uint32_t iopl = (uint32_t)(fl & X86_FL_IOPL) >> 12;
    if (!(c->s->cr0 & X86_CR0_PE))
        return X86_FL_IF;
    if (fl & X86_FL_VM)
        return iopl == 3 ? X86_FL_IF : (c->s->cr4 & X86_CR4_VME) != 0 ? X86_FL_VIF : 0;
    if (c->cpl <= iopl)
        return X86_FL_IF;
    return c->cpl == 3 && (c->s->cr4 & X86_CR4_PVI) ? X86_FL_VIF : 0;
}

int x86_op_cli(X86Cpu *c, const X86Insn *i)
{
    uint64_t bit = x86_if_bit(c);
    if (!bit)
        return x86_fault(c, i, X86_GP, 0);
    c->s->rflags &= ~bit;
    c->ff_mask &= ~(bit == X86_FL_IF ? VIV_FF_INTR : 0u);
    X86_NEXT(c, i);
}

int x86_op_sti(X86Cpu *c, const X86Insn *i)
{
    uint64_t bit = x86_if_bit(c);
    c->cur = i;
    if (!bit || (bit == X86_FL_VIF && (c->s->rflags & X86_FL_VIP)))
        x86_raise(c, X86_GP, 0);
    if (bit == X86_FL_IF && !(c->s->rflags & X86_FL_IF))
        c->s->shadow |= VIV_SHADOW_STI;
    c->s->rflags |= bit;
    x86_ff_update(c);
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}

int x86_op_clac(X86Cpu *c, const X86Insn *i)
{
    if (c->cpl)
        return x86_fault(c, i, X86_UD, 0);
    c->s->rflags &= ~(uint64_t)X86_FL_AC;
    x86_set_update(c);
    X86_NEXT(c, i);
}

int x86_op_stac(X86Cpu *c, const X86Insn *i)
{
    if (c->cpl)
        return x86_fault(c, i, X86_UD, 0);
    c->s->rflags |= X86_FL_AC;
    x86_set_update(c);
    X86_NEXT(c, i);
}
