/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: DPPS and DPPD with unmasked exceptions. They round after each multiplication and each
 * addition (SDM vol. 2, DPPS), and an unmasked exception in one step keeps the next from raising
 * flags. */
#include <emmintrin.h>

#include "x86_host_internal.h"

typedef struct X86HostDot {
    X86HostTrial trial; /* first */
    bool is_double;
    bool multiply;
    unsigned lanes; /* of 16 bytes */
    uint8_t a[32] __attribute__((aligned(16)));
    uint8_t b[32] __attribute__((aligned(16)));
    uint8_t out[32] __attribute__((aligned(16)));
} X86HostDot;

static uint32_t x86_host_dot_run(const X86HostTrial *trial, uint32_t control)
{
    X86HostDot *dot = (X86HostDot *)(uintptr_t)trial;
    uint32_t normal = X86_HOST_MXCSR_DEFAULT;

    __asm__ volatile("ldmxcsr %0" ::"m"(control));
    for (unsigned i = 0; i < 16u * dot->lanes; i += 16) {
        __m128i x = _mm_load_si128((const __m128i *)(const void *)(dot->a + i));
        __m128i y = _mm_load_si128((const __m128i *)(const void *)(dot->b + i));
        if (dot->is_double && dot->multiply)
            __asm__ volatile("mulpd %1, %0" : "+x"(x) : "x"(y));
        else if (dot->is_double)
            __asm__ volatile("addpd %1, %0" : "+x"(x) : "x"(y));
        else if (dot->multiply)
            __asm__ volatile("mulps %1, %0" : "+x"(x) : "x"(y));
        else
            __asm__ volatile("addps %1, %0" : "+x"(x) : "x"(y));
        _mm_store_si128((__m128i *)(void *)(dot->out + i), x);
    }
    __asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(control) : "m"(normal));
    return control & X86_HOST_MXCSR_FLAGS;
}

static bool x86_host_dot_inexact(const X86HostTrial *trial, uint32_t mxcsr)
{
    const X86HostDot *dot = (const X86HostDot *)(const void *)trial;
    unsigned n = 16u * dot->lanes / (dot->is_double ? 8u : 4u);

    return x86_host_inexact_array(dot->a, dot->b, n, dot->is_double, dot->multiply, mxcsr);
}

/* Elements that bits 4-7 of the immediate leave out are zero times zero, which raises nothing. */
static void x86_host_dot_select(X86HostDot *dot, unsigned imm)
{
    unsigned bytes = dot->is_double ? 8 : 4;

    for (unsigned i = 0; i < 16u * dot->lanes; i += bytes) {
        if (imm >> (4 + i % 16u / bytes) & 1u)
            continue;
        memset(dot->a + i, 0, bytes);
        memset(dot->b + i, 0, bytes);
    }
}

/* The next step adds each element at distance step to its neighbour; the others become zero. */
static void x86_host_dot_fold(X86HostDot *dot, unsigned step)
{
    unsigned bytes = dot->is_double ? 8 : 4;

    memset(dot->a, 0, sizeof(dot->a));
    memset(dot->b, 0, sizeof(dot->b));
    for (unsigned i = 0; i < 16u * dot->lanes; i += 2u * step * bytes) {
        memcpy(dot->a + i, dot->out + i, bytes);
        memcpy(dot->b + i, dot->out + i + step * bytes, bytes);
    }
    dot->multiply = false;
}

uint32_t x86_host_dot_raised(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem,
                             uint32_t mxcsr, bool *ret_fault)
{
    X86HostDot dot = {.trial = {.run = x86_host_dot_run, .inexact = x86_host_dot_inexact},
                      .is_double = (op->priv_imm & X86_HOST_OF_DOUBLE) != 0,
                      .multiply = true,
                      .lanes = op->priv_wide ? 2 : 1};
    X86HostOperands o;

    x86_host_operands(op, cpu, mem, &o);
    memcpy(dot.a, op->cls == X86_HOST_CLASS_AVX ? o.vvvv : o.reg, sizeof(dot.a));
    memcpy(dot.b, o.rm, sizeof(dot.b));
    x86_host_dot_select(&dot, op->fop);
    uint32_t raised = x86_host_mxcsr_judge(&dot.trial, mxcsr, ret_fault);
    for (unsigned step = 1; !*ret_fault && step < (dot.is_double ? 2u : 4u); step *= 2) {
        x86_host_dot_fold(&dot, step);
        raised |= x86_host_mxcsr_judge(&dot.trial, mxcsr, ret_fault);
    }
    return raised;
}
