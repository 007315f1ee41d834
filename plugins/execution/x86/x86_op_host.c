/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: instructions of the FPU and vector units: the checks before them, their memory operand, and
 * the exceptions behind them. The execution itself is x86_host's. */
#include <string.h>

#include "x86_exec.h"
#include "x86_host.h"

/* -- the checks before an instruction ---------------------------------------------------------- */
#define X86_HOST_NO_UD 1u
#define X86_HOST_NO_NM 2u

/* What forbids a class of instructions; see the table in x86_host.h. */
static uint32_t x86_host_forbids(const X86Cpu *c, uint32_t cls)
{
    uint64_t cr0 = c->s->cr0, cr4 = c->s->cr4;
    bool ud = false, nm = (cr0 & X86_CR0_TS) != 0;
    switch (cls) {
    case X86_HOST_CLASS_X87:
    case X86_HOST_CLASS_NOWAIT:
    case X86_HOST_CLASS_FXSAVE: nm = (cr0 & (X86_CR0_TS | X86_CR0_EM)) != 0; break;
    case X86_HOST_CLASS_FWAIT:
        nm = (cr0 & (X86_CR0_TS | X86_CR0_MP)) == (X86_CR0_TS | X86_CR0_MP);
        break;
    case X86_HOST_CLASS_MMX: ud = (cr0 & X86_CR0_EM) != 0; break;
    case X86_HOST_CLASS_SSE:
    case X86_HOST_CLASS_SSEMMX: ud = (cr0 & X86_CR0_EM) || !(cr4 & X86_CR4_OSFXSR); break;
    case X86_HOST_CLASS_AVX:
        ud = !(cr4 & X86_CR4_OSXSAVE) || (c->s->xcr0 & 6) != 6 || x86_real_or_v86(c);
        break;
    case X86_HOST_CLASS_XSAVE:
    case X86_HOST_CLASS_XSAVES: ud = !(cr4 & X86_CR4_OSXSAVE); break;
    default: nm = false; break;
    }
    return (ud ? X86_HOST_NO_UD : 0) | (nm ? X86_HOST_NO_NM : 0);
}

static bool x86_host_es(const X86Cpu *c)
{
    return (c->s->xsave[2] & 0x80) != 0;
}

/* Notes which classes something may forbid, so that an instruction has one bit to look at;
 * x86_host_check() looks closer. */
void x86_host_gate_update(X86Cpu *c)
{
    const viv_cpu_t *s = c->s;
    uint32_t gate = x86_host_es(c) ? X86_HOST_WAITING : 0;
    if (s->cr0 & (X86_CR0_TS | X86_CR0_EM))
        gate |= ~(1u << X86_HOST_CLASS_FREE);
    if (!(s->cr4 & X86_CR4_OSFXSR))
        gate |= 1u << X86_HOST_CLASS_SSE | 1u << X86_HOST_CLASS_SSEMMX;
    if (!(s->cr4 & X86_CR4_OSXSAVE))
        gate |= 1u << X86_HOST_CLASS_XSAVE | 1u << X86_HOST_CLASS_XSAVES | 1u << X86_HOST_CLASS_AVX;
    if ((s->xcr0 & 6) != 6 || x86_real_or_v86(c))
        gate |= 1u << X86_HOST_CLASS_AVX;
    if (c->cpl > 0)
        gate |= 1u << X86_HOST_CLASS_XSAVES;
    c->host_gate = gate;
    c->x87_es = x86_host_es(c);
}

/* FERR# follows the exception summary while CR0.NE is clear. */
void x86_host_ferr(X86Cpu *c)
{
    bool level = !(c->s->cr0 & X86_CR0_NE) && x86_host_es(c);
    if (level == c->ferr)
        return;
    c->ferr = level;
    x86_sync(c);
    c->h->ferr_set(c->v, level);
    x86_host_call_done(c);
}

/* Behind the gate: raises what forbids op. True: nothing does, but it has to wait for the interrupt
 * that FERR# causes. */
static X86_COLD bool x86_host_check(X86Cpu *c, const X86HostOp *op)
{
    uint32_t why = x86_host_forbids(c, op->cls);
    if (why & X86_HOST_NO_UD)
        x86_raise(c, X86_UD, 0);
    if (why & X86_HOST_NO_NM)
        x86_raise(c, X86_NM, 0);
    if (op->cls == X86_HOST_CLASS_XSAVES && c->cpl > 0)
        x86_raise(c, X86_GP, 0);
    if (!x86_host_es(c) || !(X86_HOST_WAITING >> op->cls & 1u))
        return false;
    if (c->s->cr0 & X86_CR0_NE)
        x86_raise(c, X86_MF, 0);
    return !c->h->ignne_get(c->v);
}

/* -- execution --------------------------------------------------------------------------------- */

/* What of the working state exec() reads, or may leave as it is. Vector instructions write all of
 * the arithmetic flags or none; FCOMI writes none if it raises an exception. */
static void x86_host_give(X86Cpu *c, const X86HostOp *op)
{
    uint32_t left;
    if (op->reads_flags || (op->writes_flags && op->cls == X86_HOST_CLASS_X87))
        c->s->rflags = x86_flags_get(c);
    for (left = op->gpr_reads | op->gpr_writes; left; left &= left - 1)
        c->s->gpr[__builtin_ctz(left)] = c->r[__builtin_ctz(left)];
}

static void x86_host_take(X86Cpu *c, const X86HostOp *op)
{
    uint32_t left;
    if (op->writes_flags)
        x86_flags_set_arith(c, c->s->rflags);
    for (left = op->gpr_writes; left; left &= left - 1)
        c->r[__builtin_ctz(left)] = c->s->gpr[__builtin_ctz(left)];
}

static _Noreturn X86_COLD void x86_host_raise(X86Cpu *c, int rc)
{
    if (rc == X86_HOST_XM && !(c->s->cr4 & X86_CR4_OSXMMEXCPT))
        rc = X86_HOST_UD;
    x86_raise(c, (uint32_t)rc, 0);
}

/* Behind exec(). */
static int x86_host_finish(X86Cpu *c, const X86HostOp *op, void *mem, int rc)
{
    if (rc == X86_HOST_MF) /* not stopped by the check: CR0.NE is clear and IGNNE# asserted */
        rc = x86_host_exec_ignne(op, c->s, mem);
    if (X86_HOST_CHANGES_ES >> op->cls & 1u && X86_UNLIKELY(x86_host_es(c) != c->x87_es)) {
        x86_host_gate_update(c);
        x86_host_ferr(c);
    }
    if (X86_UNLIKELY(rc > 0))
        x86_host_raise(c, rc);
    x86_host_take(c, op);
    return rc;
}

static int x86_host_exec(X86Cpu *c, const X86HostOp *op, void *mem)
{
    x86_host_give(c, op);
    return x86_host_finish(c, op, mem, op->exec(op, c->s, mem));
}

static bool x86_host_misaligned(const X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea)
{
    return op->mem_align > 1 && ((ea + c->segbase[i->seg]) & (op->mem_align - 1u));
}

/* SHA instructions want aligned operands (SDM vol. 2); AMD's processors take any, which the host's
 * CPU need not do. */
static void x86_host_align_fault(X86Cpu *c, const X86HostOp *op)
{
    if (c->feat.intel || op->feature != X86_HOST_FEATURE_SHA)
        x86_raise(c, X86_GP, 0);
}

/* #AC: on the slow paths only, x86_direct() gives nothing while alignment is checked. */
static void x86_host_check_ac(X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea)
{
    if (c->ac_check && ((ea + c->segbase[i->seg]) & (op->mem_ac - 1u)))
        x86_raise(c, X86_AC, 0);
}

/* n bytes at ea: in place, or through the bounce buffer. */
static int x86_host_plain(X86Cpu *c, const X86Insn *i, const X86HostOp *op, uint64_t ea, uint32_t n)
{
    bool write = (op->mem_access & X86_HOST_MEM_WRITE) != 0;
    bool read = (op->mem_access & X86_HOST_MEM_READ) != 0;
    int rc;
    if (X86_UNLIKELY(x86_host_misaligned(c, i, op, ea))) {
        x86_host_align_fault(c, op);
        (void)x86_direct(c, i->seg, ea, n, write); /* what it checks comes before #AC */
    } else {
        uint8_t *p = x86_plain(c, i->seg, ea, n, write);
        if (X86_UNLIKELY(p == NULL))
            p = x86_direct(c, i->seg, ea, n, write);
        if (X86_LIKELY(p != NULL))
            return x86_host_exec(c, op, p);
    }
    x86_host_check_ac(c, i, op, ea);
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
    x86_host_check_ac(c, i, op, ea);
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

/* Gathers are never checked for alignment (SDM vol. 2, VPGATHERDD). */
static uint64_t x86_host_element(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    uint64_t v = 0;
    if (X86_LIKELY(!c->ac_check))
        return x86_ldn(c, seg, ea, n);
    x86_ld_bytes(c, seg, ea, &v, n);
    return v;
}

static int x86_host_gather(X86Cpu *c, const X86Insn *i, const X86HostOp *op)
{
    uint32_t count = x86_host_gather_count(op), k;
    uint64_t base = c->r[i->base] + (uint64_t)i->disp;
    int64_t index;
    for (k = 0; k < count; k++)
        if (x86_host_gather_index(op, c->s, k, &index)) {
            uint64_t ea = (base + ((uint64_t)index << i->scale)) & i->amask, v;
            v = x86_host_element(c, i->seg, ea, op->mem_bytes);
            x86_host_gather_commit(op, c->s, k, &v);
        }
    return x86_host_exec(c, op, NULL);
}

/* True: the processor waits in front of the instruction (SDM vol. 1, 8.7.2). */
static __attribute__((noinline)) bool x86_host_do(X86Cpu *c, const X86Insn *i)
{
    const X86HostOp *op = i->host;
    uint64_t ea = 0;
    int rc;
    if (X86_UNLIKELY(c->host_gate >> op->cls & 1u) && x86_host_check(c, op))
        return true;
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
    return false;
}

/* An interrupt ends it, and returns to this instruction. By a jump: a single step is not over. */
static _Noreturn X86_COLD void x86_host_wait(X86Cpu *c, const X86Insn *i)
{
    c->s->activity = VIV_ACT_HALTED;
    x86_ff_update(c);
    (void)x86_leave_at(c, i);
    longjmp(c->jb, 1);
}

int x86_op_host(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (X86_UNLIKELY(x86_host_do(c, i)))
        x86_host_wait(c, i);
    X86_NEXT(c, i);
}

/* -- the plain ones ---------------------------------------------------------------------------- */

/* Instructions with little to do for the caller: memory operands are in one page of plain memory,
 * and aligned as they have to be. Everything else is x86_op_host()'s. */
static X86_COLD int x86_host_failed(X86Cpu *c, const X86Insn *i, int rc)
{
    c->cur = i;
    x86_host_raise(c, rc);
}

/* Vector registers alone. */
static int x86_op_host_vec(X86Cpu *c, const X86Insn *i)
{
    const X86HostOp *op = i->host;
    int rc;
    if (X86_UNLIKELY(c->host_gate >> op->cls & 1u))
        return x86_op_host(c, i);
    rc = op->exec(op, c->s, NULL);
    if (X86_UNLIKELY(rc != X86_HOST_OK))
        return x86_host_failed(c, i, rc);
    X86_NEXT(c, i);
}

/* The same with general registers or flags. */
static int x86_op_host_reg(X86Cpu *c, const X86Insn *i)
{
    const X86HostOp *op = i->host;
    int rc;
    if (X86_UNLIKELY(c->host_gate >> op->cls & 1u))
        return x86_op_host(c, i);
    x86_host_give(c, op);
    rc = op->exec(op, c->s, NULL);
    if (X86_UNLIKELY(rc != X86_HOST_OK))
        return x86_host_failed(c, i, rc);
    x86_host_take(c, op);
    X86_NEXT(c, i);
}

static inline void x86_host_note_reg(X86Cpu *c, const X86Insn *i, const X86HostOp *op)
{
    if (op->fpu_pointers)
        x86_host_note_pointers(op, c->s, (c->r[X86_PC] + i->off) & c->linmask,
                               c->s->seg[VIV_SEG_CS].sel, 0, 0);
}

/* An exception was raised, or one that was pending is gone. */
static X86_COLD int x86_host_x87_odd(X86Cpu *c, const X86Insn *i, int rc)
{
    const X86HostOp *op = i->host;
    c->cur = i;
    (void)x86_host_finish(c, op, NULL, rc);
    x86_host_note_reg(c, i, op);
    X86_NEXT(c, i);
}

/* x87 registers alone. */
static int x86_op_host_x87(X86Cpu *c, const X86Insn *i)
{
    const X86HostOp *op = i->host;
    int rc;
    if (X86_UNLIKELY(c->host_gate >> op->cls & 1u))
        return x86_op_host(c, i);
    rc = op->exec(op, c->s, NULL);
    if (X86_UNLIKELY(rc > 0 || x86_host_es(c) != c->x87_es))
        return x86_host_x87_odd(c, i, rc);
    x86_host_note_reg(c, i, op);
    X86_NEXT(c, i);
}

/* Vector registers and memory. */
#define HOST_MEM_AT(name, ea_, lin_, top, tag)                                                     \
    static int name(X86Cpu *c, const X86Insn *i)                                                   \
    {                                                                                              \
        const X86HostOp *op = i->host;                                                             \
        uint64_t ea = ea_, lin = lin_;                                                             \
        const X86TlbEnt *e = x86_tlb_slot(c, lin);                                                 \
        int rc;                                                                                    \
        if (X86_UNLIKELY(c->host_gate >> op->cls & 1u) ||                                          \
            X86_UNLIKELY(lin & (op->mem_align - 1u)) ||                                            \
            X86_UNLIKELY((int64_t)(ea + (op->mem_bytes - 1u)) > (top)) ||                          \
            X86_UNLIKELY(((lin + (op->mem_bytes - 1u)) & X86_PAGE_MASK) != e->tag))                \
            return x86_op_host(c, i);                                                              \
        rc = op->exec(op, c->s, (void *)(uintptr_t)(lin + e->add));                                \
        if (X86_UNLIKELY(rc != X86_HOST_OK))                                                       \
            return x86_host_failed(c, i, rc);                                                      \
        X86_NEXT(c, i);                                                                            \
    }
#define HOST_MEM(name, segs, tag)                                                                  \
    HOST_MEM_AT(name, x86_ea(c, i), (ea + c->segbase[i->seg]) & c->linmask, c->segs[i->seg], tag)  \
    HOST_MEM_AT(name##_flat, x86_ea_flat(c, i), ea, INT64_MAX, tag)                                \
    HOST_MEM_AT(name##_base, x86_ea_base(c, i), ea, INT64_MAX, tag)
HOST_MEM(x86_op_host_load, seg_r, rd)
HOST_MEM(x86_op_host_store, seg_w, wr)

const X86Handler x86_host_mem[][3] = {
    {x86_op_host_load, x86_op_host_load_flat, x86_op_host_load_base},
    {x86_op_host_store, x86_op_host_store_flat, x86_op_host_store_base},
    {NULL},
};

X86Handler x86_host_handler(const X86HostOp *op)
{
    bool vector = op->cls == X86_HOST_CLASS_SSE || op->cls == X86_HOST_CLASS_AVX;
    bool alone = !(op->gpr_reads | op->gpr_writes | op->reads_flags | op->writes_flags);
    if (op->mem_kind == X86_HOST_MEM_NONE) {
        if (vector)
            return alone ? x86_op_host_vec : x86_op_host_reg;
        return alone && op->cls == X86_HOST_CLASS_X87 ? x86_op_host_x87 : x86_op_host;
    }
    if (!vector || !alone || op->mem_kind != X86_HOST_MEM_PLAIN)
        return x86_op_host;
    return op->mem_access & X86_HOST_MEM_WRITE ? x86_op_host_store : x86_op_host_load;
}
