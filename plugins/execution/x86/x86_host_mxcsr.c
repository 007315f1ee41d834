/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: vector floating point with unmasked exceptions.
 *
 * The host runs the instruction with everything masked and clean flags; from the flags follows
 * what the guest gets (SDM vol. 1, 11.5.2 and 11.5.3): an unmasked exception before the
 * computation (IE, DE, ZE) stops it and leaves only flags of that group; one after the
 * computation (OE, UE, PE) leaves all flags; in both cases no result is delivered. Unmasked
 * underflow needs no loss of precision, unlike masked: a second run with flush-to-zero, which
 * reports exactly "tiny", finds it (VCVTPS2PH knows no flush-to-zero: x86_host_half_tiny()). What PE says beside an unmasked OE or UE is computed in
 * x86_host_inexact.c.
 *
 * DPPS and DPPD multiply and add in turn, and an unmasked exception ends them at its step
 * (x86_host_dot.c). */
#include "x86_host_internal.h"

#define X86_HOST_MX_PRE        0x07u /* IE DE ZE */
#define X86_HOST_MX_UE         0x10u
#define X86_HOST_MX_RANGE      0x18u /* OE UE */
#define X86_HOST_MX_PE         0x20u
#define X86_HOST_MX_FTZ        0x8000u
#define X86_HOST_MX_MASK_SHIFT 7u

static uint32_t x86_host_unmasked(uint32_t mxcsr)
{
    return ~(mxcsr >> X86_HOST_MX_MASK_SHIFT) & X86_HOST_MXCSR_FLAGS;
}

static uint32_t x86_host_tiny(const X86HostTrial *trial, uint32_t control)
{
    uint32_t raised;

    if (trial->tiny)
        return trial->tiny(trial, control) ? X86_HOST_MX_UE : 0;
    raised = trial->run(trial, control | X86_HOST_MX_FTZ) & X86_HOST_MX_UE;
    trial->run(trial, control);
    return raised;
}

uint32_t x86_host_mxcsr_judge(const X86HostTrial *trial, uint32_t mxcsr, bool *ret_fault)
{
    uint32_t unmasked = x86_host_unmasked(mxcsr);
    uint32_t control = (mxcsr | X86_HOST_MXCSR_MASKS) & ~X86_HOST_MXCSR_FLAGS;

    if (unmasked & X86_HOST_MX_UE)
        control &= ~X86_HOST_MX_FTZ; /* flush-to-zero acts on masked underflow only */
    uint32_t raised = trial->run(trial, control);
    if ((unmasked & X86_HOST_MX_UE) && !(raised & X86_HOST_MX_PRE & unmasked))
        raised |= x86_host_tiny(trial, control);
    *ret_fault = (raised & unmasked) != 0;
    if (raised & X86_HOST_MX_PRE & unmasked)
        return raised & X86_HOST_MX_PRE;
    if (!(raised & X86_HOST_MX_RANGE & unmasked))
        return raised;
    /* Elements that over- or underflow with the exception masked are inexact by definition. */
    if ((raised & X86_HOST_MX_RANGE & ~unmasked) || trial->inexact(trial, mxcsr))
        return raised | X86_HOST_MX_PE;
    return raised & ~X86_HOST_MX_PE;
}

/* -- whole instructions ------------------------------------------------------------------------ */

/* What an instruction of this kind may change. */
typedef struct X86HostUndo {
    uint64_t gpr[16];
    uint64_t rflags;
    uint8_t fpu[X86_HOST_XS_MXCSR]; /* tags and TOP: the conversions to MMX */
    uint8_t regs[X86_HOST_XS_FCS - X86_HOST_XS_ST];
    uint8_t upper[256];
} X86HostUndo;

static void x86_host_undo_save(X86HostUndo *undo, const viv_cpu_t *cpu)
{
    memcpy(undo->gpr, cpu->gpr, sizeof(undo->gpr));
    undo->rflags = cpu->rflags;
    memcpy(undo->fpu, cpu->xsave, sizeof(undo->fpu));
    memcpy(undo->regs, cpu->xsave + X86_HOST_XS_ST, sizeof(undo->regs));
    memcpy(undo->upper, cpu->xsave + X86_HOST_XS_YMMH, sizeof(undo->upper));
}

static void x86_host_undo_restore(const X86HostUndo *undo, viv_cpu_t *cpu)
{
    memcpy(cpu->gpr, undo->gpr, sizeof(undo->gpr));
    cpu->rflags = undo->rflags;
    memcpy(cpu->xsave, undo->fpu, sizeof(undo->fpu));
    memcpy(cpu->xsave + X86_HOST_XS_ST, undo->regs, sizeof(undo->regs));
    memcpy(cpu->xsave + X86_HOST_XS_YMMH, undo->upper, sizeof(undo->upper));
}

typedef struct X86HostWhole {
    X86HostTrial trial; /* first */
    const X86HostOp *op;
    viv_cpu_t *cpu;
    const void *mem; /* the operand, or NULL */
    X86HostUndo undo;
    uint8_t copy[32] __attribute__((aligned(32))); /* of mem, which the runs may write to */
} X86HostWhole;

/* The callers have seen to it that no x87 exception is pending, so exec() cannot fail. */
static uint32_t x86_host_whole_run(const X86HostTrial *trial, uint32_t control)
{
    X86HostWhole *w = (X86HostWhole *)(uintptr_t)trial;
    size_t bytes = w->op->mem_bytes < sizeof(w->copy) ? w->op->mem_bytes : sizeof(w->copy);

    x86_host_undo_restore(&w->undo, w->cpu);
    if (w->mem)
        memcpy(w->copy, w->mem, bytes);
    x86_host_put32(w->cpu, X86_HOST_XS_MXCSR, control);
    w->op->exec(w->op, w->cpu, w->copy);
    return x86_host_get32(w->cpu, X86_HOST_XS_MXCSR) & X86_HOST_MXCSR_FLAGS;
}

static bool x86_host_whole_inexact(const X86HostTrial *trial, uint32_t mxcsr)
{
    X86HostWhole *w = (X86HostWhole *)(uintptr_t)trial;

    x86_host_undo_restore(&w->undo, w->cpu);
    return x86_host_inexact(w->op, w->cpu, w->mem, mxcsr);
}

static bool x86_host_whole_tiny(const X86HostTrial *trial, uint32_t control)
{
    X86HostWhole *w = (X86HostWhole *)(uintptr_t)trial;

    x86_host_undo_restore(&w->undo, w->cpu);
    bool tiny = x86_host_half_tiny(w->op, w->cpu, control);
    trial->run(trial, control);
    return tiny;
}

static int x86_host_mxcsr_whole(const X86HostOp *op, viv_cpu_t *cpu, void *mem, uint32_t mxcsr)
{
    X86HostWhole w = {
        .trial = {.run = x86_host_whole_run, .inexact = x86_host_whole_inexact},
        .op = op,
        .cpu = cpu,
        .mem = mem,
    };
    bool fault;

    if (op->priv_kind == X86_HOST_KIND_HALF)
        w.trial.tiny = x86_host_whole_tiny;
    x86_host_undo_save(&w.undo, cpu);
    mxcsr |= x86_host_mxcsr_judge(&w.trial, mxcsr, &fault);
    if (fault)
        x86_host_undo_restore(&w.undo, cpu);
    else if (mem && (op->mem_access & X86_HOST_MEM_WRITE) && op->mem_bytes <= sizeof(w.copy))
        memcpy(mem, w.copy, op->mem_bytes);
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr);
    return fault ? X86_HOST_XM : X86_HOST_OK;
}

/* Nothing unmasked in any step: the instruction runs with everything masked. */
static int x86_host_mxcsr_dot(const X86HostOp *op, viv_cpu_t *cpu, void *mem, uint32_t mxcsr)
{
    bool fault;
    uint32_t raised = x86_host_dot_raised(op, cpu, mem, mxcsr, &fault);

    if (!fault) {
        uint32_t control = mxcsr | X86_HOST_MXCSR_MASKS;
        if (x86_host_unmasked(mxcsr) & X86_HOST_MX_UE)
            control &= ~X86_HOST_MX_FTZ;
        x86_host_put32(cpu, X86_HOST_XS_MXCSR, control);
        op->exec(op, cpu, mem);
    }
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr | raised);
    return fault ? X86_HOST_XM : X86_HOST_OK;
}

/* Of an op that MXCSR governs, when the guest has unmasked exceptions. */
int x86_host_mxcsr_slow(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint32_t mxcsr = x86_host_get32(cpu, X86_HOST_XS_MXCSR);

    if (op->priv_kind == X86_HOST_KIND_MMX_FP &&
        (x86_host_get16(cpu, X86_HOST_XS_FSW) & X86_HOST_FSW_ES))
        return X86_HOST_MF;
    if (op->priv_kind == X86_HOST_KIND_DOT)
        return x86_host_mxcsr_dot(op, cpu, mem, mxcsr);
    return x86_host_mxcsr_whole(op, cpu, mem, mxcsr);
}
