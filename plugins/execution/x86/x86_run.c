/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the run loop: events at instruction boundaries, blocks, single steps.
 *
 * Blocks go from one to the next by themselves (x86_exec.h) and come back here when the successor
 * is not known, when a force flag is up, when c->slow says that something needs a look at each
 * boundary, or by longjmp with an exception. */
#include "x86_old.h"

/* -- leaving a block --------------------------------------------------------------------------- */
int x86_leave_at(X86Cpu *c, const X86Insn *i)
{
    c->r[X86_PC] = (c->r[X86_PC] + i->off) & c->linmask;
    c->icnt -= c->blk->n - i->idx;
    c->cur = NULL;
    return 0;
}

int x86_leave_after(X86Cpu *c, const X86Insn *i)
{
    c->r[X86_PC] = (c->r[X86_PC] + i->end) & c->linmask;
    c->icnt -= c->blk->n - i->idx - 1u;
    c->cur = NULL;
    return 0;
}

void x86_break_restore(X86Cpu *c)
{
    if (c->brk_blk) {
        c->brk_blk->insn[c->brk_idx].fn = c->brk_fn;
        c->brk_blk = NULL;
    }
}

static int x86_op_break(X86Cpu *c, const X86Insn *i)
{
    x86_break_restore(c);
    return x86_leave_at(c, i);
}

/* The instruction behind the current one is replaced for a moment. A block that ends with the
 * current instruction comes back, or not, by the checks of its successor. */
void x86_break_after(X86Cpu *c)
{
    uint32_t at;
    if (!c->cur)
        return;
    at = c->cur->idx + 1u;
    if (c->brk_blk == c->blk && c->brk_idx == at)
        return;
    x86_break_restore(c);
    c->brk_blk = c->blk;
    c->brk_idx = at;
    c->brk_fn = c->blk->insn[at].fn;
    c->blk->insn[at].fn = x86_op_break;
}

int x86_op_dead(X86Cpu *c, const X86Insn *i)
{
    return x86_leave_at(c, i);
}

/* Behind the last instruction of a block that is not a branch. */
int x86_op_sentinel(X86Cpu *c, const X86Insn *i)
{
    c->r[X86_PC] += i->off;
    if (i->op)
        return x86_chain(c, 0, false);
    return x86_jump(c);
}

/* -- events ------------------------------------------------------------------------------------ */
static void x86_code_bp(X86Cpu *c)
{
    uint64_t lin = (c->r[X86_PC] + c->segbase[VIV_SEG_CS]) & c->linmask, dr7 = c->s->dr[7];
    uint32_t k, hit = 0;
    if ((c->s->rflags & X86_FL_RF) || (c->s->shadow & VIV_SHADOW_MOV_SS))
        return;
    for (k = 0; k < 4; k++)
        if (((dr7 >> (k * 2)) & 3) && !((dr7 >> (16 + k * 4)) & 3) && c->s->dr[k] == lin)
            hit |= 1u << k;
    if (hit) {
        c->s->dr[6] = (c->s->dr[6] & ~15ull) | hit;
        x86_raise(c, X86_DB, 0);
    }
}

static void x86_take_nmi(X86Cpu *c)
{
    __atomic_fetch_and(c->ff, ~VIV_FF_NMI, __ATOMIC_SEQ_CST);
    c->s->activity = VIV_ACT_RUNNING;
    c->s->nmi_blocked = !x86_is_8086(c);
    ++*c->stats.interrupts;
    c->delivering = 0x100 + X86_NMI;
    x86_interrupt(c, X86_NMI, X86_INT_EXT, false, 0);
    c->delivering = -1;
}

static void x86_take_irq(X86Cpu *c)
{
    uint8_t vector = 0;
    viv_status_t st;
    x86_sync(c);
    st = c->h->irq_take(c->v, &vector);
    x86_host_call_done(c);
    if (st != VIV_OK)
        return;
    c->s->activity = VIV_ACT_RUNNING;
    ++*c->stats.interrupts;
    c->delivering = 0x100 + vector;
    x86_interrupt(c, vector, X86_INT_EXT, false, 0);
    c->delivering = -1;
}

/* Looks at everything that can hold up the next instruction. True: leave run(). */
static bool x86_events(X86Cpu *c)
{
    viv_cpu_t *s = c->s;
    if (atomic_load(&c->requests) || (*c->ff & X86_FF_REQUEST))
        x86_requests_do(c);
    c->slow &= ~X86_SLOW_REQ;
    if (*c->ff & VIV_FF_EXIT) {
        c->exit_reason = VIV_EXIT_REQUEST;
        return true;
    }
    if (s->activity == VIV_ACT_SHUTDOWN) {
        c->exit_reason = VIV_EXIT_TRIPLE_FAULT;
        return true;
    }
    if (s->activity == VIV_ACT_WAIT_SIPI) {
        c->exit_reason = VIV_EXIT_HALT;
        return true;
    }
    if (s->pending_db && !(s->shadow & VIV_SHADOW_MOV_SS)) {
        s->dr[6] |= s->pending_db;
        s->pending_db = 0;
        s->activity = VIV_ACT_RUNNING;
        s->shadow = 0;
        x86_raise(c, X86_DB, 0);
    }
    if (!s->shadow) {
        if ((*c->ff & VIV_FF_NMI) && !s->nmi_blocked)
            x86_take_nmi(c);
        else if ((*c->ff & VIV_FF_INTR) && (s->rflags & X86_FL_IF))
            x86_take_irq(c);
    }
    x86_ff_update(c);
    if (s->activity == VIV_ACT_HALTED) {
        c->exit_reason = VIV_EXIT_HALT;
        return true;
    }
    if (c->slow & X86_SLOW_BP)
        x86_code_bp(c);
    if (c->slow & X86_SLOW_VIP)
        x86_raise(c, X86_GP, 0);
    return false;
}

/* -- blocks ------------------------------------------------------------------------------------ */

/* One instruction, with everything that is defined by instruction boundaries. Whether a single-step
 * trap follows is decided by TF in front of it, but for those that set c->tf themselves. */
static void x86_step(X86Cpu *c)
{
    viv_cpu_t *s = c->s;
    X86Block *b = NULL;
    c->r[X86_PC] &= c->linmask; /* EIP has gone over the top */
    if (c->r[X86_PC] <= c->code_last)
        b = x86_block_find(c, c->mode | X86_MODE_SINGLE);
    if (!b || c->r[X86_PC] + b->bytes - 1 > c->code_last)
        b = x86_old_beyond(c);
    c->tf = (s->rflags & X86_FL_TF) != 0;
    c->db_held = s->pending_db;
    s->shadow = 0;
    s->rflags &= ~(uint64_t)X86_FL_RF;
    c->icnt += b->n;
    c->blk = b;
    c->link = 0;
    b->insn[0].fn(c, b->insn);
    c->link = 0;
    c->db_held = 0;
    if (c->tf && !(s->shadow & VIV_SHADOW_MOV_SS))
        s->pending_db |= 0x4000;
    x86_ff_update(c);
}

static void x86_block_run(X86Cpu *c)
{
    X86Block *from = c->blk, *b;
    uint32_t link = from && from->page ? c->link : 0;
    uint64_t kills = c->kills;
    c->link = 0;
    c->cur = NULL;
    b = x86_block_find(c, c->mode);
    if (link && c->kills == kills && from->page == b->page && b->cross_gpa == ~0ull)
        from->next[link - 1] = b;
    if (c->r[X86_PC] + b->bytes - 1 > c->code_last || c->icnt + b->n > c->istop) {
        x86_step(c);
        return;
    }
    c->icnt += b->n;
    c->blk = b;
    b->insn[0].fn(c, b->insn);
}

uint32_t x86_run(X86Cpu *c)
{
    x86_load(c);
    c->exit_reason = 0;
    c->in_run = true;
    atomic_store(&c->in_guest, 1);
    if (atomic_load(&c->requests))
        c->slow |= X86_SLOW_REQ;
    (void)setjmp(c->jb);
    for (;;) {
        x86_break_restore(c);
        if (X86_UNLIKELY(c->exc_pending)) {
            x86_exc_deliver(c);
            if (c->exit_reason)
                break;
            continue;
        }
        if (X86_UNLIKELY(c->dead_bytes > X86_DEAD_MAX))
            x86_code_free_dead(c);
        if (X86_UNLIKELY(c->exit_reason != 0))
            break;
        if (X86_UNLIKELY(c->icnt >= c->istop)) {
            c->exit_reason = VIV_EXIT_BUDGET;
            break;
        }
        if (X86_UNLIKELY((*c->ff & c->ff_mask) | c->slow)) {
            c->cur = NULL;
            c->link = 0;
            if (x86_events(c))
                break;
            if (c->slow & X86_SLOW_STEP) {
                x86_step(c);
                continue;
            }
        }
        x86_block_run(c);
    }
    c->cur = NULL;
    if (c->s->pending_db && c->s->activity == VIV_ACT_HALTED)
        c->s->activity = VIV_ACT_RUNNING; /* nobody else looks for what ends the halt */
    x86_sync(c);
    if (x86_is_8086(c))
        c->s->rip &= 0xffff;
    c->in_run = false;
    return c->exit_reason;
}
