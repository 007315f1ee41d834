/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: instructions of the FPU and vector units: the checks before them, their memory operand, and
 * the exceptions behind them. The execution itself is x86_host's. */
#include <string.h>

#include "x86_exec.h"
#include "x86_host.h"

/* #UD, #NM by class; see the table in x86_host.h. */
static void x86_host_check(X86Cpu *c, const X86HostOp *op)
{
    uint64_t cr0 = c->s->cr0, cr4 = c->s->cr4;
    bool ud = false, nm = (cr0 & X86_CR0_TS) != 0;
    switch (op->cls) {
    case X86_HOST_CLASS_X87:
    case X86_HOST_CLASS_FXSAVE: nm = (cr0 & (X86_CR0_TS | X86_CR0_EM)) != 0; break;
    case X86_HOST_CLASS_FWAIT:
        nm = (cr0 & (X86_CR0_TS | X86_CR0_MP)) == (X86_CR0_TS | X86_CR0_MP);
        break;
    case X86_HOST_CLASS_MMX: ud = (cr0 & X86_CR0_EM) != 0; break;
    case X86_HOST_CLASS_SSE: ud = (cr0 & X86_CR0_EM) || !(cr4 & X86_CR4_OSFXSR); break;
    case X86_HOST_CLASS_AVX:
        ud = !(cr4 & X86_CR4_OSXSAVE) || (c->s->xcr0 & 6) != 6 || x86_real_or_v86(c);
        break;
    case X86_HOST_CLASS_XSAVE:
    case X86_HOST_CLASS_XSAVES: ud = !(cr4 & X86_CR4_OSXSAVE); break;
    default: nm = false; break;
    }
    if (ud)
        x86_raise(c, X86_UD, 0);
    if (nm)
        x86_raise(c, X86_NM, 0);
    if (op->cls == X86_HOST_CLASS_XSAVES && c->cpl > 0)
        x86_raise(c, X86_GP, 0);
}

/* FERR# follows the exception summary while CR0.NE is clear. */
static void x86_host_ferr(X86Cpu *c)
{
    bool level = !(c->s->cr0 & X86_CR0_NE) && (c->s->xsave[2] & 0x80);
    if (level == c->ferr)
        return;
    c->ferr = level;
    x86_sync(c);
    c->h->ferr_set(c->v, level);
    x86_host_call_done(c);
}

static int x86_host_call(X86Cpu *c, const X86HostOp *op, void *mem)
{
    if (op->reads_flags | op->writes_flags)
        c->s->rflags = x86_flags_get(c);
    if (op->gpr_reads | op->gpr_writes)
        memcpy(c->s->gpr, c->r, sizeof(c->s->gpr));
    return op->exec(op, c->s, mem);
}

/* IGNNE#: the instruction goes on as if the pending exceptions were not there. */
static int x86_host_ignne(X86Cpu *c, const X86HostOp *op, void *mem)
{
    uint16_t fsw, pending;
    int rc;
    memcpy(&fsw, c->s->xsave + 2, 2);
    pending = fsw & 0x80bf;
    fsw &= (uint16_t)~0x80bf;
    memcpy(c->s->xsave + 2, &fsw, 2);
    rc = x86_host_call(c, op, mem);
    memcpy(&fsw, c->s->xsave + 2, 2);
    fsw |= pending;
    memcpy(c->s->xsave + 2, &fsw, 2);
    return rc;
}

#define X86_HOST_FREEZE                                                                            \
    0x100 /* wait in front of the instruction for the interrupt that FERR# makes */

static int x86_host_exec(X86Cpu *c, const X86HostOp *op, void *mem)
{
    int rc = x86_host_call(c, op, mem);
    if (rc == X86_HOST_MF && !(c->s->cr0 & X86_CR0_NE)) {
        x86_host_ferr(c);
        if (!c->h->ignne_get(c->v))
            return X86_HOST_FREEZE;
        rc = x86_host_ignne(c, op, mem);
    }
    if (rc <= 0) {
        if (op->writes_flags)
            x86_flags_set_arith(c, c->s->rflags);
        if (op->gpr_writes)
            memcpy(c->r, c->s->gpr, sizeof(c->s->gpr));
        if (op->cls <= X86_HOST_CLASS_FXSAVE)
            x86_host_ferr(c);
        return rc;
    }
    if (rc == X86_HOST_XM && !(c->s->cr4 & X86_CR4_OSXMMEXCPT))
        rc = X86_HOST_UD;
    x86_raise(c, (uint32_t)rc, 0);
}

static void x86_host_align(X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea)
{
    if (op->mem_align > 1 && ((ea + c->segbase[i->seg]) & (op->mem_align - 1u)))
        x86_raise(c, X86_GP, 0);
}

/* n bytes at ea: in place, or through the bounce buffer. */
static int x86_host_plain(X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea, uint32_t n)
{
    bool write = (op->mem_access & X86_HOST_MEM_WRITE) != 0;
    bool read = (op->mem_access & X86_HOST_MEM_READ) != 0;
    uint8_t *p;
    int rc;
    x86_host_align(c, i, op, ea);
    p = x86_direct(c, i->seg, ea, n, write);
    if (X86_LIKELY(p != NULL))
        return x86_host_exec(c, op, p);
    if (n > sizeof(c->bounce))
        x86_raise(c, X86_GP, 0);
    if (write)
        x86_probe(c, i->seg, ea, n, true);
    if (read)
        x86_ld_bytes(c, i->seg, ea, c->bounce, n);
    rc = x86_host_exec(c, op, c->bounce);
    if (write && rc == X86_HOST_OK)
        x86_st_bytes(c, i->seg, ea, c->bounce, n);
    return rc;
}

/* Only the bytes that the mask names are touched, element by element. */
static int x86_host_masked(X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea)
{
    uint32_t mask, k, n = op->mem_bytes;
    bool write = (op->mem_access & X86_HOST_MEM_WRITE) != 0;
    int rc;
    memcpy(c->s->gpr, c->r, sizeof(c->s->gpr));
    mask = x86_host_mem_mask(op, c->s);
    for (k = 0; k < n; k++)
        if (mask >> k & 1)
            x86_probe(c, i->seg, (ea + k) & i->amask, 1, write);
    if (!write)
        for (k = 0; k < n; k++)
            if (mask >> k & 1)
                c->bounce[k] = x86_ld8(c, i->seg, (ea + k) & i->amask);
    rc = x86_host_exec(c, op, c->bounce);
    if (write && rc == X86_HOST_OK)
        for (k = 0; k < n; k++)
            if (mask >> k & 1)
                x86_st8(c, i->seg, (ea + k) & i->amask, c->bounce[k]);
    return rc;
}

static int x86_host_gather(X86Cpu *c, const X86Insn *i, const X86HostOp *op)
{
    uint32_t count = x86_host_gather_count(op), k;
    uint64_t base = c->r[i->base] + (uint64_t)i->disp;
    int64_t index;
    for (k = 0; k < count; k++)
        if (x86_host_gather_index(op, c->s, k, &index)) {
            uint64_t ea = (base + ((uint64_t)index << i->scale)) & i->amask, v;
            v = x86_ldn(c, i->seg, ea, op->mem_bytes);
            x86_host_gather_commit(op, c->s, k, &v);
        }
    return x86_host_exec(c, op, NULL);
}

/* True: the instruction has to be begun again later. */
static __attribute__((noinline)) bool x86_host_do(X86Cpu *c, const X86Insn *i)
{
    const X86HostOp *op = i->host;
    uint64_t ea = 0;
    int rc;
    x86_host_check(c, op);
    if (op->mem_kind != X86_HOST_MEM_NONE)
        ea = x86_ea(c, i);
    switch (op->mem_kind) {
    case X86_HOST_MEM_NONE: rc = x86_host_exec(c, op, NULL); break;
    case X86_HOST_MEM_PLAIN: rc = x86_host_plain(c, i, op, ea, op->mem_bytes); break;
    case X86_HOST_MEM_XSAVE:
        memcpy(c->s->gpr, c->r, sizeof(c->s->gpr));
        rc = x86_host_plain(c, i, op, ea, x86_host_xsave_bytes(op, c->s));
        x86_pkru_update(c); /* XRSTOR may have changed it */
        break;
    case X86_HOST_MEM_GATHER: rc = x86_host_gather(c, i, op); break;
    default: rc = x86_host_masked(c, i, op, ea); break;
    }
    if (op->fpu_pointers && rc <= 0)
        x86_host_note_pointers(op, c->s, x86_cur_pc(c), c->s->seg[VIV_SEG_CS].sel, ea,
                               c->s->seg[i->seg < 6 ? i->seg : VIV_SEG_DS].sel);
    return rc == X86_HOST_FREEZE;
}

int x86_op_host(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (X86_UNLIKELY(x86_host_do(c, i)))
        return x86_leave_at(c, i);
    X86_NEXT(c, i);
}
