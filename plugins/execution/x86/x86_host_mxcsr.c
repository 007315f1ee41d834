/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: vector floating point with unmasked exceptions.
 *
 * The host runs the instruction with everything masked and clean flags; from the flags follows
 * what the guest gets (SDM vol. 1, 11.5.2 and 11.5.3): an unmasked exception before the
 * computation (IE, DE, ZE) stops it and leaves only flags of that group; one after the
 * computation (OE, UE, PE) leaves all flags; in both cases no result is delivered. Unmasked
 * underflow needs no loss of precision, unlike masked: a second run with flush-to-zero, which
 * reports exactly "tiny", finds it.
 *
 * Not modelled: PE beside an unmasked OE or UE says "the masked result is inexact", where
 * hardware judges the result with unbounded exponent. DPPS and DPPD with an unmasked exception
 * in the multiplications also report what the additions would have raised. */
#include "x86_host_internal.h"

#define X86_HOST_MX_PRE        0x07u /* IE DE ZE */
#define X86_HOST_MX_UE         0x10u
#define X86_HOST_MX_FTZ        0x8000u
#define X86_HOST_MX_MASK_SHIFT 7u

/* What an instruction of this kind may change. */
typedef struct X86HostUndo {
    uint64_t gpr[16];
    uint64_t rflags;
    uint8_t fpu[X86_HOST_XS_MXCSR]; /* tags and TOP: the conversions to MMX */
    uint8_t regs[X86_HOST_XS_FCS - X86_HOST_XS_ST];
    uint8_t upper[256];
    uint8_t mem[32] __attribute__((aligned(32)));
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

/* Runs op with everything masked and the given control bits; returns the flags it raised. The
 * callers have seen to it that no x87 exception is pending, so exec() cannot fail. */
static uint32_t x86_host_mxcsr_try(const X86HostOp *op, viv_cpu_t *cpu, X86HostUndo *undo,
                                   const void *mem, uint32_t control)
{
    size_t bytes = op->mem_bytes < sizeof(undo->mem) ? op->mem_bytes : sizeof(undo->mem);
    if (mem)
        memcpy(undo->mem, mem, bytes);
    x86_host_put32(cpu, X86_HOST_XS_MXCSR,
                   (control | X86_HOST_MXCSR_MASKS) & ~X86_HOST_MXCSR_FLAGS);
    op->exec(op, cpu, undo->mem);
    return x86_host_get32(cpu, X86_HOST_XS_MXCSR) & X86_HOST_MXCSR_FLAGS;
}

/* Of an op that MXCSR governs, when the guest has unmasked exceptions. */
int x86_host_mxcsr_slow(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostUndo undo;
    uint32_t mxcsr = x86_host_get32(cpu, X86_HOST_XS_MXCSR);
    uint32_t unmasked = ~(mxcsr >> X86_HOST_MX_MASK_SHIFT) & X86_HOST_MXCSR_FLAGS;
    uint32_t control = mxcsr;

    if (op->priv_kind == X86_HOST_KIND_MMX_FP &&
        (x86_host_get16(cpu, X86_HOST_XS_FSW) & X86_HOST_FSW_ES))
        return X86_HOST_MF;
    if (unmasked & X86_HOST_MX_UE)
        control &= ~X86_HOST_MX_FTZ; /* flush-to-zero acts on masked underflow only */
    x86_host_undo_save(&undo, cpu);
    uint32_t raised = x86_host_mxcsr_try(op, cpu, &undo, mem, control);
    if ((unmasked & X86_HOST_MX_UE) && !(raised & X86_HOST_MX_PRE & unmasked)) {
        x86_host_undo_restore(&undo, cpu);
        raised |=
            x86_host_mxcsr_try(op, cpu, &undo, mem, control | X86_HOST_MX_FTZ) & X86_HOST_MX_UE;
        x86_host_undo_restore(&undo, cpu);
        x86_host_mxcsr_try(op, cpu, &undo, mem, control);
    }
    if (raised & X86_HOST_MX_PRE & unmasked)
        raised &= X86_HOST_MX_PRE;
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr | raised);
    if (!(raised & unmasked)) {
        if (mem && (op->mem_access & X86_HOST_MEM_WRITE) && op->mem_bytes <= sizeof(undo.mem))
            memcpy(mem, undo.mem, op->mem_bytes);
        return X86_HOST_OK;
    }
    x86_host_undo_restore(&undo, cpu);
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr | raised);
    return X86_HOST_XM;
}
