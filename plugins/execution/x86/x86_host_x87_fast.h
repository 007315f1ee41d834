/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host, private: what the fast forms of x87 instructions have in common.
 *
 * A fast form is taken only while all exceptions are masked, so that an exception has no effect
 * but its flag and the default result, which is what the host delivers with its own mask.
 * Invariants:
 * 1. The host's x87 unit is empty and its control word is 37Fh between instructions.
 * 2. The host's sticky flags are whatever came before. When a computation leaves a flag there that
 *    the guest does not have yet, it is done again with clean flags (X86_HOST_RUN): then what is
 *    there is its own. In the long run there is no such flag, and FNCLEX is slow.
 * 3. With all exceptions masked FSW.ES is clear (x86_host_x87_summarise), so masks are all there
 *    is to check.
 * 4. Bytes 10-15 of each register slot are zero. */
#ifndef X86_HOST_X87_FAST_H
#define X86_HOST_X87_FAST_H

#include <emmintrin.h>

#include "x86_host_internal.h"

#define X86_HOST_INLINE static inline __attribute__((always_inline))

typedef struct X86HostFast {
    unsigned fcw;
    unsigned fsw;
    unsigned top;
    unsigned tags;
} X86HostFast;

typedef uint8_t X86HostF80[10];

X86_HOST_INLINE X86HostFast x86_host_fast_begin(const viv_cpu_t *cpu)
{
    X86HostFast f;
    f.fcw = x86_host_get16(cpu, X86_HOST_XS_FCW);
    f.fsw = x86_host_get16(cpu, X86_HOST_XS_FSW);
    f.top = f.fsw >> X86_HOST_FSW_TOP_SHIFT & 7u;
    f.tags = cpu->xsave[X86_HOST_XS_FTW];
    return f;
}

X86_HOST_INLINE bool x86_host_fast_masked(const X86HostFast *f)
{
    return (f->fcw & X86_HOST_FSW_FLAGS) == X86_HOST_FSW_FLAGS;
}

X86_HOST_INLINE bool x86_host_fast_used(const X86HostFast *f, unsigned i)
{
    return (f->tags >> ((f->top + i) & 7u) & 1u) != 0;
}

X86_HOST_INLINE uint8_t *x86_host_fast_st(viv_cpu_t *cpu, unsigned i)
{
    return cpu->xsave + X86_HOST_XS_ST + 16u * i;
}

X86_HOST_INLINE X86HostF80 *x86_host_fast_f80(viv_cpu_t *cpu, unsigned i)
{
    return (X86HostF80 *)x86_host_fast_st(cpu, i);
}

X86_HOST_INLINE __m128i x86_host_fast_get(const viv_cpu_t *cpu, unsigned i)
{
    return _mm_load_si128((const __m128i *)(const void *)(cpu->xsave + X86_HOST_XS_ST + 16u * i));
}

X86_HOST_INLINE void x86_host_fast_put(viv_cpu_t *cpu, unsigned i, __m128i v)
{
    _mm_store_si128((__m128i *)(void *)x86_host_fast_st(cpu, i), v);
}

/* Assembly for invariant 2. compute leaves the status to FNSTSW; drop takes off the host's stack
 * what it has left there; finish stores it. Operands: [host] in ax, and [fresh], the flags that
 * the guest does not have. */
#define X86_HOST_RUN(compute, drop, finish)                                                        \
    compute "\n\tfnstsw %%ax\n\ttestb %b[fresh], %%al\n\tjz 1f\n\t" drop "\n\tfnclex\n\t" compute  \
            "\n\tfnstsw %%ax\n1:\n\t" finish
#define X86_HOST_FRESH(f) (~(f).fsw & X86_HOST_FSW_FLAGS)

/* The guest's control word, before a computation. */
X86_HOST_INLINE void x86_host_fast_enter(const X86HostFast *f)
{
    uint16_t fcw = (uint16_t)f->fcw;
    if (__builtin_expect(fcw != X86_HOST_FCW_DEFAULT, 0))
        __asm__ volatile("fldcw %0" ::"m"(fcw));
}

X86_HOST_INLINE void x86_host_fast_leave(const X86HostFast *f)
{
    static const uint16_t fcw = X86_HOST_FCW_DEFAULT;
    if (__builtin_expect(f->fcw != X86_HOST_FCW_DEFAULT, 0))
        __asm__ volatile("fldcw %0" ::"m"(fcw));
}

/* Takes flags and, of the condition code, the bits in cc from the host's status. */
X86_HOST_INLINE void x86_host_fast_status(X86HostFast *f, unsigned host, unsigned cc)
{
    f->fsw = (f->fsw & ~cc) | (host & (cc | X86_HOST_FSW_FLAGS));
}

X86_HOST_INLINE void x86_host_fast_end(const X86HostFast *f, viv_cpu_t *cpu)
{
    x86_host_put16(cpu, X86_HOST_XS_FSW, f->fsw);
}

/* Makes room for a new ST(0), which the caller writes afterwards. */
X86_HOST_INLINE void x86_host_fast_push(X86HostFast *f, viv_cpu_t *cpu)
{
    __m128i s[7];

    for (unsigned i = 0; i < 7; i++)
        s[i] = x86_host_fast_get(cpu, i);
    for (unsigned i = 0; i < 7; i++)
        x86_host_fast_put(cpu, i + 1, s[i]);
    f->top = (f->top - 1u) & 7u;
    f->fsw = (f->fsw & ~X86_HOST_FSW_TOP) | f->top << X86_HOST_FSW_TOP_SHIFT;
    cpu->xsave[X86_HOST_XS_FTW] = (uint8_t)(f->tags | 1u << f->top);
}

X86_HOST_INLINE void x86_host_fast_pop(X86HostFast *f, viv_cpu_t *cpu)
{
    __m128i s[8];

    for (unsigned i = 0; i < 8; i++)
        s[i] = x86_host_fast_get(cpu, i);
    for (unsigned i = 0; i < 8; i++)
        x86_host_fast_put(cpu, i, s[(i + 1u) & 7u]);
    f->tags &= ~(1u << f->top);
    cpu->xsave[X86_HOST_XS_FTW] = (uint8_t)f->tags;
    f->top = (f->top + 1u) & 7u;
    f->fsw = (f->fsw & ~X86_HOST_FSW_TOP) | f->top << X86_HOST_FSW_TOP_SHIFT;
}

/* The forms of x86_host_x87_move.c. */
int x86_host_fast_fld_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fld_m80(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fstp_m80(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fst_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fstp_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fxch(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fcmov(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_ffree(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fchs(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fabs(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fld1(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fldz(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fdecstp(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fincstp(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_fast_fxam(const X86HostOp *op, viv_cpu_t *cpu, void *mem);

#endif
