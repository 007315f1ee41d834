/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the MMX view of the x87 registers (SDM vol. 1, 9.5; vol. 3, 12.2).
 *
 * The image holds ST(0) ... ST(7), MMX names physical registers. So the first MMX instruction after
 * x87 code, which sets TOP to 0, turns the eight slots; from then on MM(n) is slot n. */
#include <emmintrin.h>

#include "x86_host_internal.h"

void x86_host_set_top(viv_cpu_t *cpu, unsigned new_top)
{
    uint8_t *st = cpu->xsave + X86_HOST_XS_ST;
    unsigned fsw = x86_host_get16(cpu, X86_HOST_XS_FSW);
    unsigned turn = (new_top - (fsw >> X86_HOST_FSW_TOP_SHIFT)) & 7u;
    __m128i slots[8];

    for (unsigned i = 0; i < 8; i++)
        slots[i] = _mm_loadu_si128((const __m128i *)(const void *)(st + 16u * i));
    for (unsigned i = 0; i < 8; i++)
        _mm_storeu_si128((__m128i *)(void *)(st + 16u * i), slots[(i + turn) & 7u]);
    x86_host_put16(cpu, X86_HOST_XS_FSW,
                   (fsw & ~X86_HOST_FSW_TOP) | (new_top & 7u) << X86_HOST_FSW_TOP_SHIFT);
}

int x86_host_mmx_enter(viv_cpu_t *cpu)
{
    unsigned fsw = x86_host_get16(cpu, X86_HOST_XS_FSW);

    if (fsw & X86_HOST_FSW_ES)
        return X86_HOST_MF;
    if (fsw & X86_HOST_FSW_TOP)
        x86_host_set_top(cpu, 0);
    cpu->xsave[X86_HOST_XS_FTW] = 0xff;
    return X86_HOST_OK;
}

/* Where a stub goes whose guard did not hold. */
int x86_host_mmx_slow(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    int rc = x86_host_mmx_enter(cpu);
    return rc ? rc : op->exec(op, cpu, mem);
}

int x86_host_emms(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    int rc = x86_host_mmx_enter(cpu);
    if (!rc)
        cpu->xsave[X86_HOST_XS_FTW] = 0;
    return rc;
}
