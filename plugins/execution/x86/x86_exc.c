/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: raising and sorting exceptions: error codes, EXT, double and triple faults.
 * Delivery through gates is x86_int.c's. Follows: Intel SDM vol. 3, chapter 6. */
#include "x86_old.h"

static bool x86_vector_has_error(uint32_t vector)
{
    return vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;
}

uint64_t x86_cur_pc(const X86Cpu *c)
{
    uint64_t pc = c->r[X86_PC];
    if (c->cur)
        pc += c->cur->off;
    return pc & c->linmask;
}

uint64_t x86_next_pc(const X86Cpu *c)
{
    uint64_t pc = c->r[X86_PC];
    if (c->cur)
        pc += c->cur->end;
    return pc & c->linmask;
}

_Noreturn X86_COLD void x86_raise(X86Cpu *c, uint32_t vector, uint32_t error)
{
    c->exc.vector = vector;
    c->exc.has_error = x86_vector_has_error(vector);
    if (vector >= X86_TS && vector <= X86_GP && c->delivering >= 0 && !c->soft_int)
        error |= 1; /* EXT */
    c->exc.error = error;
    c->exc_pending = true;
    longjmp(c->jb, 1);
}

_Noreturn X86_COLD void x86_raise_pf(X86Cpu *c, uint64_t lin, uint32_t error)
{
    c->s->cr2 = lin;
    x86_raise(c, X86_PF, error);
}

X86_COLD int x86_fault(X86Cpu *c, const X86Insn *i, uint32_t vector, uint32_t error)
{
    c->cur = i;
    x86_raise(c, vector, error);
}

static bool x86_contributory(uint32_t vector)
{
    return vector == X86_DE || (vector >= X86_TS && vector <= X86_GP);
}

/* Delivers c->exc. May end in x86_raise() again. */
void x86_exc_deliver(X86Cpu *c)
{
    X86Exception e = c->exc;
    c->exc_pending = false;
    if (x86_old(c))
        x86_old_fault(c, &e);
    if (c->cur) { /* invariant 1 */
        c->r[X86_PC] = x86_cur_pc(c);
        c->icnt -= c->blk->n - c->cur->idx;
        c->cur = NULL;
        c->s->pending_db = c->db_held;
    }
    c->db_held = 0;
    c->s->shadow = 0;
    c->link = 0;
    c->soft_int = false;
    ++*c->stats.exceptions;
    if (c->delivering >= 0) {
        uint32_t first = (uint32_t)c->delivering;
        if (first == X86_DF) {
            c->delivering = -1;
            c->s->activity = VIV_ACT_SHUTDOWN;
            c->exit_reason = VIV_EXIT_TRIPLE_FAULT;
            x86_ff_update(c);
            return;
        }
        if ((x86_contributory(first) && x86_contributory(e.vector)) ||
            (first == X86_PF && (e.vector == X86_PF || x86_contributory(e.vector))))
            e = (X86Exception){.vector = X86_DF, .has_error = true};
    }
    c->delivering = (int32_t)e.vector;
    x86_interrupt(c, e.vector, X86_INT_EXC, e.has_error, e.error);
    c->delivering = -1;
}
