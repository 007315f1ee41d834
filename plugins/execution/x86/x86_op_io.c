/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: IN OUT, the I/O permission map, I/O breakpoints. */
#include "x86_exec.h"

/* Raises #GP(0) if CPL > IOPL (or in V86) and the map of the 32-bit TSS does not allow the port. */
void x86_io_check(X86Cpu *c, uint32_t port, uint32_t width)
{
    const viv_segreg_t *tr = &c->s->tr;
    uint32_t iopl = (uint32_t)(c->s->rflags & X86_FL_IOPL) >> 12, map = 0, bits = 0, at;
    if (!(c->s->cr0 & X86_CR0_PE) || (!x86_v86(c) && c->cpl <= iopl))
        return;
    if ((tr->attr & VIV_ATTR_UNUSABLE) || !(tr->attr & VIV_ATTR_P) || !(tr->attr & 8) ||
        tr->limit < 103)
        x86_raise(c, X86_GP, 0);
    x86_lin_read(c, tr->base + 102, &map, 2, X86_SET_SUP);
    at = map + port / 8;
    if (at + 1 > tr->limit)
        x86_raise(c, X86_GP, 0);
    x86_lin_read(c, tr->base + at, &bits, 2, X86_SET_SUP);
    if ((bits >> (port & 7)) & ((1u << width) - 1))
        x86_raise(c, X86_GP, 0);
}

/* With CR4.DE, breakpoints of type 2 watch ports; they are traps. */
void x86_io_bp_check(X86Cpu *c, uint32_t port, uint32_t width)
{
    uint64_t dr7 = c->s->dr[7];
    uint32_t k, hit = 0;
    bool armed = false;
    if (!c->dr_data || !(c->s->cr4 & X86_CR4_DE))
        return;
    for (k = 0; k < 4; k++) {
        uint32_t ctl = (uint32_t)(dr7 >> (16 + k * 4)) & 15, len = (ctl >> 2) + 1;
        uint64_t at;
        if ((ctl & 3) != 2)
            continue;
        len = len == 3 ? 8 : len;
        at = c->s->dr[k] & ~(uint64_t)(len - 1);
        if (port < at + len && at < port + width) {
            hit |= 1u << k;
            armed |= (dr7 >> (k * 2)) & 3;
        }
    }
    if (armed) {
        c->s->pending_db |= hit;
        x86_ff_update(c);
        x86_break_after(c);
    }
}

int x86_op_in(X86Cpu *c, const X86Insn *i)
{
    uint32_t port = i->op & 8 ? (uint16_t)c->r[X86_RDX] : (uint32_t)i->imm, v;
    c->cur = i;
    x86_io_check(c, port, i->osz);
    x86_sync(c);
    v = c->h->pio_read(c->v, (uint16_t)port, i->osz);
    x86_host_call_done(c);
    x86_reg_set(c, X86_RAX, v, i->osz);
    x86_io_bp_check(c, port, i->osz);
    X86_NEXT(c, i);
}

int x86_op_out(X86Cpu *c, const X86Insn *i)
{
    uint32_t port = i->op & 8 ? (uint16_t)c->r[X86_RDX] : (uint32_t)i->imm;
    uint32_t v = (uint32_t)x86_reg_get(c, X86_RAX, i->osz);
    c->cur = i;
    x86_io_check(c, port, i->osz);
    x86_sync(c);
    c->h->pio_write(c->v, (uint16_t)port, v, i->osz);
    x86_host_call_done(c);
    x86_io_bp_check(c, port, i->osz);
    X86_NEXT(c, i);
}
