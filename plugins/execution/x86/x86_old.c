/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: slow paths of the 8086 and the 80286: FLAGS bits 12-15, operands that wrap, what a fault
 * leaves behind. */
#include "x86_old.h"

/* 8086: bits 12-15 do not exist and read as ones. 80286: they are zero in real mode, and IOPL and
 * NT in protected mode. */
uint64_t x86_old_flags(const X86Cpu *c, uint64_t flags)
{
    if (x86_is_8086(c))
        return (flags & 0xfff) | 0xf002;
    return flags & (c->s->cr0 & X86_CR0_PE ? 0x7fff : 0xfff);
}

X86Block *x86_old_beyond(X86Cpu *c)
{
    uint32_t mode = c->mode | X86_MODE_SINGLE;
    X86Block *b;
    if (!x86_is_8086(c))
        x86_raise(c, X86_GP, 0);
    c->r[X86_PC] &= 0xffff;
    b = x86_block_find(c, mode);
    return c->r[X86_PC] + b->bytes - 1 > c->code_last ? x86_block_wrapped(c, mode) : b;
}

uint64_t x86_old_descriptor(uint64_t v)
{
    v &= 0xffffffffffffull;
    if (!(v >> 44 & 1) && (v >> 43 & 1))
        v &= ~(7ull << 40); /* type 8 is none */
    return v;
}

/* -- operands that wrap (8086) ----------------------------------------------------------------- */
static uint64_t x86_old_lin(const X86Cpu *c, uint64_t base, uint64_t ea)
{
    return (base + (ea & 0xffff)) & c->linmask;
}

uint64_t x86_old_load(X86Cpu *c, uint64_t base, uint64_t ea, uint32_t n)
{
    uint64_t v = 0;
    uint32_t k;
    for (k = 0; k < n; k++) {
        uint8_t b;
        x86_lin_read(c, x86_old_lin(c, base, ea + k), &b, 1, c->set);
        v |= (uint64_t)b << (k * 8);
    }
    return v;
}

void x86_old_store(X86Cpu *c, uint64_t base, uint64_t ea, uint64_t v, uint32_t n)
{
    uint32_t k;
    for (k = 0; k < n; k++) {
        uint8_t b = (uint8_t)(v >> (k * 8));
        x86_lin_write(c, x86_old_lin(c, base, ea + k), &b, 1, c->set);
    }
}

/* -- faults ------------------------------------------------------------------------------------ */

/* Does the segment refuse the access? */
static bool x86_old_denied(const X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    const viv_segreg_t *s = &c->s->seg[seg];
    uint64_t last = ea + n - 1;
    bool down = (s->attr & 0x1c) == 0x14;
    if (down)
        return ea <= s->limit || last > 0xffff || !(s->attr & VIV_ATTR_P) ||
               (write && !(s->attr & 2));
    return (int64_t)last > (write ? c->seg_w[seg] : c->seg_r[seg]);
}

static void x86_old_advance(X86Cpu *c, uint32_t reg, int64_t by)
{
    X86_W16(c, reg, c->r[reg] + (uint64_t)by);
}

/* The 80286 counts and steps before it accesses memory, and does not take it back when the access
 * faults: the index of the operand at fault has moved, and CX is short by the elements under way,
 * one for a load and two for a store. CMPS loads ES:DI first. For INS, OUTS and the counts of CMPS
 * and SCAS no vector shows it; they follow the others of their kind. */
static void x86_old_string_fault(X86Cpu *c, const X86Insn *i)
{
    uint32_t n = i->osz, count;
    int64_t by = c->s->rflags & X86_FL_DF ? -(int64_t)n : (int64_t)n;
    bool load = i->fn == x86_op_movs || i->fn == x86_op_lods || i->fn == x86_op_outs ||
                i->fn == x86_op_cmps;
    bool store = i->fn == x86_op_movs || i->fn == x86_op_stos || i->fn == x86_op_ins;
    bool other = i->fn == x86_op_cmps || i->fn == x86_op_scas;
    bool si = load && x86_old_denied(c, i->seg, c->r[X86_RSI] & 0xffff, n, false);
    bool di = (store || other) && x86_old_denied(c, VIV_SEG_ES, c->r[X86_RDI] & 0xffff, n, store);
    if (!si && !di)
        return;
    count = store && !si ? 2 : 1;
    if (load && !(other && di))
        x86_old_advance(c, X86_RSI, by);
    if ((store && !si) || other)
        x86_old_advance(c, X86_RDI, by);
    if (i->flags & (X86_IF_REP | X86_IF_REPNE))
        x86_old_advance(c, X86_RCX, -(int64_t)count);
}

/* The 80286 in real mode knows no #SS. The division error of the 8086 is reported behind the
 * instruction. */
void x86_old_fault(X86Cpu *c, X86Exception *e)
{
    if (c->cur && x86_is_286(c) && (e->vector == X86_GP || e->vector == X86_SS))
        x86_old_string_fault(c, c->cur);
    if (x86_is_286(c) && e->vector == X86_SS && !(c->s->cr0 & X86_CR0_PE))
        e->vector = X86_GP;
    if (c->cur && x86_is_8086(c) && e->vector == X86_DE)
        x86_leave_after(c, c->cur);
}
