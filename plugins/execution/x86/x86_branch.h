/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: where relative branches go. */
#ifndef X86_BRANCH_H
#define X86_BRANCH_H

#include "x86_exec.h"

/* x86_op_branch.c: those that leave the page, and all outside 64-bit mode. */
int x86_rel_far(X86Cpu *c, const X86Insn *i);
int x86_fall_far(X86Cpu *c, const X86Insn *i);

/* Goes to a relative target. r[X86_PC] still points to the block. Inlined, so that each handler
 * has a jump of its own to where it goes: that predicts better. */
static inline __attribute__((always_inline)) int x86_rel(X86Cpu *c, const X86Insn *i)
{
    if (X86_UNLIKELY(!(i->flags & X86_IF_SAME64)))
        return x86_rel_far(c, i);
    c->r[X86_PC] += (uint64_t)i->disp;
    return x86_chain(c, 1, true);
}

static inline __attribute__((always_inline)) int x86_fall(X86Cpu *c, const X86Insn *i)
{
    if (X86_UNLIKELY(!(i->flags & X86_IF_FALL64)))
        return x86_fall_far(c, i);
    c->r[X86_PC] += i->end;
    return x86_chain(c, 0, true);
}

#endif
