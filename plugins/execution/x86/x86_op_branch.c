/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: near branches. A target beyond the CS limit, or not canonical, faults on the branch itself.
 */
#include "x86_branch.h"

/* A target that may be wrapped, beyond the limit or not canonical. */
int x86_rel_far(X86Cpu *c, const X86Insn *i)
{
    uint64_t to = c->r[X86_PC] + (uint64_t)i->disp;
    if (X86_LIKELY(i->amask == ~0ull)) { /* 64-bit mode */
        if (X86_UNLIKELY(!x86_canonical(c, to)))
            return x86_fault(c, i, X86_GP, 0);
        c->r[X86_PC] = to;
        return x86_jump_flat(c);
    }
    if (X86_UNLIKELY(to & ~i->amask)) {
        to &= i->amask; /* wrapped: not where the link leads */
        if (to > c->code_last)
            return x86_fault(c, i, X86_GP, 0);
        c->r[X86_PC] = to;
        return 0;
    }
    if (X86_UNLIKELY(to > c->code_last))
        return x86_fault(c, i, X86_GP, 0);
    if (X86_LIKELY(i->flags & X86_IF_SAME)) {
        c->r[X86_PC] = to;
        return x86_chain(c, 1, false);
    }
    if (X86_UNLIKELY(!x86_canonical(c, to)))
        return x86_fault(c, i, X86_GP, 0);
    c->r[X86_PC] = to;
    return x86_jump(c);
}

int x86_fall_far(X86Cpu *c, const X86Insn *i)
{
    c->r[X86_PC] += i->end;
    if (X86_LIKELY(i->flags & X86_IF_FALL))
        return x86_chain(c, 0, false);
    return x86_jump(c);
}

/* An absolute target, as wide as the operand. */
static inline int x86_abs(X86Cpu *c, const X86Insn *i, uint64_t to)
{
    if (X86_UNLIKELY(to > c->code_last) || !x86_canonical(c, to))
        return x86_fault(c, i, X86_GP, 0);
    c->r[X86_PC] = to;
    return x86_jump(c);
}

#define JCC(cc)                                                                                    \
    static int x86_op_jcc##cc(X86Cpu *c, const X86Insn *i)                                         \
    {                                                                                              \
        if (x86_cond(c, cc))                                                                       \
            return x86_rel(c, i);                                                                  \
        return x86_fall(c, i);                                                                     \
    }
JCC(0)
JCC(1)
JCC(2)
JCC(3)
JCC(4)
JCC(5)
JCC(6)
JCC(7)
JCC(8)
JCC(9)
JCC(10)
JCC(11)
JCC(12)
JCC(13)
JCC(14)
JCC(15)

const X86Handler x86_jcc[16] = {
    x86_op_jcc0,  x86_op_jcc1,  x86_op_jcc2,  x86_op_jcc3,  x86_op_jcc4,  x86_op_jcc5,
    x86_op_jcc6,  x86_op_jcc7,  x86_op_jcc8,  x86_op_jcc9,  x86_op_jcc10, x86_op_jcc11,
    x86_op_jcc12, x86_op_jcc13, x86_op_jcc14, x86_op_jcc15,
};

int x86_op_jmp_rel(X86Cpu *c, const X86Insn *i)
{
    return x86_rel(c, i);
}

/* LOOPNE, LOOPE, LOOP: E0, E1, E2 */
int x86_op_loop(X86Cpu *c, const X86Insn *i)
{
    uint64_t n = (c->r[X86_RCX] - 1) & i->imm;
    bool take = n != 0;
    if (i->op != 0xe2)
        take = take && x86_zf(c) == (i->op == 0xe1);
    if (take) {
        uint64_t to = (c->r[X86_PC] + (uint64_t)i->disp) & i->amask;
        if (X86_UNLIKELY(to > c->code_last || !x86_canonical(c, to)))
            return x86_fault(c, i, X86_GP, 0);
    }
    c->r[X86_RCX] = i->imm == 0xffff ? (c->r[X86_RCX] & ~0xffffull) | n : n;
    return take ? x86_rel(c, i) : x86_fall(c, i);
}

int x86_op_jcxz(X86Cpu *c, const X86Insn *i)
{
    return c->r[X86_RCX] & i->imm ? x86_fall(c, i) : x86_rel(c, i);
}

/* A target that is no address: AMD's processors have looked at the stack by then. */
static _Noreturn X86_COLD void x86_call_hole(X86Cpu *c)
{
    if (!c->feat.intel)
        x86_rmw_probe(c, VIV_SEG_SS, c->r[X86_RSP] - 8, 8);
    x86_raise(c, X86_GP, 0);
}

/* 64-bit mode, where the stack is flat (x86_mem.h). What is no plain memory, and targets that are not
 * canonical, go the slow way. */
static X86_COLD int x86_call_rel64_slow(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (!x86_canonical(c, c->r[X86_PC] + (uint64_t)i->disp))
        x86_call_hole(c);
    x86_push(c, c->r[X86_PC] + i->end, 8);
    return x86_rel(c, i);
}

int x86_op_call_rel64(X86Cpu *c, const X86Insn *i)
{
    uint64_t sp = c->r[X86_RSP] - 8;
    X86U64 *p;
    if (X86_UNLIKELY(!x86_rw_flat64(c, sp, &p)) ||
        (!(i->flags & X86_IF_SAME) &&
         X86_UNLIKELY(!x86_canonical(c, c->r[X86_PC] + (uint64_t)i->disp))))
        return x86_call_rel64_slow(c, i);
    *p = c->r[X86_PC] + i->end;
    c->r[X86_RSP] = sp;
    return x86_rel(c, i);
}

int x86_op_call_rel(X86Cpu *c, const X86Insn *i)
{
    uint64_t to = (c->r[X86_PC] + (uint64_t)i->disp) & i->amask;
    c->cur = i;
    if (X86_UNLIKELY(to > c->code_last))
        x86_raise(c, X86_GP, 0);
    x86_push(c, x86_next_pc(c), i->osz);
    return x86_rel(c, i);
}

static X86_COLD int x86_ret64_slow(X86Cpu *c, const X86Insn *i)
{
    uint64_t to;
    c->cur = i;
    to = x86_peek(c, 0, 8);
    if (!x86_canonical(c, to))
        x86_raise(c, X86_GP, 0);
    c->r[X86_RSP] += 8;
    c->r[X86_PC] = to;
    return x86_jump(c);
}

int x86_op_ret64(X86Cpu *c, const X86Insn *i)
{
    uint64_t to;
    X86U64 *p;
    if (X86_UNLIKELY(!x86_rd_flat64(c, c->r[X86_RSP], &p)))
        return x86_ret64_slow(c, i);
    to = *p;
    if (X86_UNLIKELY(!x86_canonical(c, to)))
        return x86_ret64_slow(c, i);
    c->r[X86_RSP] += 8;
    c->r[X86_PC] = to;
    return x86_jump_flat(c);
}

int x86_op_ret(X86Cpu *c, const X86Insn *i)
{
    uint64_t to;
    c->cur = i;
    to = x86_peek(c, 0, i->osz);
    if (X86_UNLIKELY(to > c->code_last) || (i->osz == 8 && !x86_canonical(c, to)))
        x86_raise(c, X86_GP, 0);
    x86_rsp_set(c, c->r[X86_RSP] + i->osz + i->imm);
    c->r[X86_PC] = to;
    return x86_jump(c);
}

int x86_op_jmp_ind(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    return x86_abs(c, i, x86_rm_get(c, i, i->osz));
}

int x86_op_call_ind(X86Cpu *c, const X86Insn *i)
{
    uint64_t to;
    c->cur = i;
    to = x86_rm_get(c, i, i->osz);
    if (X86_UNLIKELY(to > c->code_last))
        x86_raise(c, X86_GP, 0);
    if (X86_UNLIKELY(i->osz == 8 && !x86_canonical(c, to)))
        x86_call_hole(c);
    x86_push(c, x86_next_pc(c), i->osz);
    return x86_abs(c, i, to);
}
