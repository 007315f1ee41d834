/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: which instructions the guest's CPU has. Asked when code is decoded; what is decoded is
 * dropped when the features may have changed. */
#ifndef X86_ISA_H
#define X86_ISA_H

#include "x86.h"

/* What an instruction or a system register can need: bits of X86Features.isa. */
typedef enum X86Isa {
    X86_ISA_386_ONLY, /* LOADALL */
    X86_ISA_486,
    X86_ISA_P6,        /* family 6: multi-byte NOP, UD2 as documented */
    X86_ISA_TEST_REGS, /* 386 and 486: MOV to and from TR3-TR7 */
    X86_ISA_FPU,
    X86_ISA_CPUID,
    X86_ISA_CR4,
    X86_ISA_TSC,
    X86_ISA_MSR,
    X86_ISA_CX8,
    X86_ISA_RDPMC,
    X86_ISA_SEP,
    X86_ISA_CMOV,
    X86_ISA_MTRR,
    X86_ISA_PAT,
    X86_ISA_MISC_ENABLE,
    X86_ISA_CLFLUSH,
    X86_ISA_CLFLUSHOPT,
    X86_ISA_CLWB,
    X86_ISA_PREFETCHW,
    X86_ISA_PREFETCHW_REG, /* its register forms are NOPs */
    X86_ISA_MONITOR,
    X86_ISA_SMAP,
    X86_ISA_XSAVE,
    X86_ISA_XSAVES,
    X86_ISA_SYSCALL,
    X86_ISA_EFER,
    X86_ISA_LM,
    X86_ISA_LAHF64,
    X86_ISA_CX16,
    X86_ISA_CR8_LEGACY,
    X86_ISA_RDTSCP,
    X86_ISA_RDPID,
    X86_ISA_TSC_AUX, /* RDTSCP or RDPID */
    X86_ISA_FSGSBASE,
    X86_ISA_RDRAND,
    X86_ISA_RDSEED,
    X86_ISA_POPCNT,
    X86_ISA_LZCNT,
    X86_ISA_BMI1,
    X86_ISA_BMI2,
    X86_ISA_MOVBE,
    X86_ISA_CRC32,
    X86_ISA_ADX,
    X86_ISA_INVPCID,
    X86_ISA_PKU,
    X86_ISA_AVX,
    X86_ISA_NONE, /* no model has it */
    X86_ISA_COUNT
} X86Isa;

_Static_assert(X86_ISA_COUNT <= 64, "bits of X86Features.isa");

static inline bool x86_isa_has(const X86Cpu *c, X86Isa what)
{
    return (c->feat.isa >> what & 1) != 0;
}

/* Fills isa from the rest. */
void x86_isa_load(X86Features *f);

#endif
