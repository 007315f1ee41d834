/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: fast forms of x87 instructions that move and inspect registers without rounding:
 * plain C, whatever the control word, as long as the stack is in order and no exception waits. */
#include "x86_host_x87_fast.h"

static bool x86_host_move_ready(const X86HostFast *f)
{
    return !(f->fsw & X86_HOST_FSW_ES);
}

int x86_host_fast_fld_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, op->priv_rm) ||
        x86_host_fast_used(&f, 7))
        return x86_host_x87_native(op, cpu, mem);
    __m128i v = x86_host_fast_get(cpu, op->priv_rm);
    x86_host_fast_push(&f, cpu);
    x86_host_fast_put(cpu, 0, v);
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

int x86_host_fast_fld_m80(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || x86_host_fast_used(&f, 7))
        return x86_host_x87_native(op, cpu, mem);
    x86_host_fast_push(&f, cpu);
    memcpy(x86_host_fast_st(cpu, 0), mem, 10);
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

int x86_host_fast_fstp_m80(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, 0))
        return x86_host_x87_native(op, cpu, mem);
    memcpy(mem, x86_host_fast_st(cpu, 0), 10);
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_pop(&f, cpu);
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

static int x86_host_move_fst(const X86HostOp *op, viv_cpu_t *cpu, void *mem, bool pop)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, 0))
        return x86_host_x87_native(op, cpu, mem);
    x86_host_fast_put(cpu, op->priv_rm, x86_host_fast_get(cpu, 0));
    f.tags |= 1u << ((f.top + op->priv_rm) & 7u);
    cpu->xsave[X86_HOST_XS_FTW] = (uint8_t)f.tags;
    f.fsw &= ~X86_HOST_FSW_C1;
    if (pop)
        x86_host_fast_pop(&f, cpu);
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

int x86_host_fast_fst_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_fst(op, cpu, mem, false);
}

int x86_host_fast_fstp_st(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_fst(op, cpu, mem, true);
}

int x86_host_fast_fxch(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);
    unsigned i = op->priv_rm;

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, 0) || !x86_host_fast_used(&f, i))
        return x86_host_x87_native(op, cpu, mem);
    __m128i v = x86_host_fast_get(cpu, 0);
    x86_host_fast_put(cpu, 0, x86_host_fast_get(cpu, i));
    x86_host_fast_put(cpu, i, v);
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

/* FCMOVcc: the condition is in the opcode: DA/DB (negated), and ModRM.reg: CF, ZF, CF or ZF, PF.
 * C1 stays. */
int x86_host_fast_fcmov(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    static const uint8_t masks[4] = {0x01, 0x40, 0x41, 0x04};
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, 0) ||
        !x86_host_fast_used(&f, op->priv_rm))
        return x86_host_x87_native(op, cpu, mem);
    bool negated = (op->fop >> 8 & 1u) != 0; /* DBh */
    bool holds = (cpu->rflags & masks[op->fop >> 3 & 3u]) != 0;
    if (holds != negated)
        x86_host_fast_put(cpu, 0, x86_host_fast_get(cpu, op->priv_rm));
    return X86_HOST_OK;
}

int x86_host_fast_ffree(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    (void)mem;
    if (!x86_host_move_ready(&f))
        return X86_HOST_MF;
    cpu->xsave[X86_HOST_XS_FTW] = (uint8_t)(f.tags & ~(1u << ((f.top + op->priv_rm) & 7u)));
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

/* -- sign -------------------------------------------------------------------------------------- */

static int x86_host_move_sign(const X86HostOp *op, viv_cpu_t *cpu, void *mem, unsigned keep,
                              unsigned flip)
{
    X86HostFast f = x86_host_fast_begin(cpu);
    uint8_t *sign = x86_host_fast_st(cpu, 0) + 9;

    if (!x86_host_move_ready(&f) || !x86_host_fast_used(&f, 0))
        return x86_host_x87_native(op, cpu, mem);
    *sign = (uint8_t)((*sign & keep) ^ flip);
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

int x86_host_fast_fchs(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_sign(op, cpu, mem, 0xff, 0x80);
}

int x86_host_fast_fabs(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_sign(op, cpu, mem, 0x7f, 0);
}

/* -- constants --------------------------------------------------------------------------------- */

static int x86_host_move_constant(const X86HostOp *op, viv_cpu_t *cpu, void *mem, uint64_t mantissa,
                                  unsigned exponent)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f) || x86_host_fast_used(&f, 7))
        return x86_host_x87_native(op, cpu, mem);
    x86_host_fast_push(&f, cpu);
    x86_host_fast_put(cpu, 0, _mm_set_epi64x((long long)exponent, (long long)mantissa));
    f.fsw &= ~X86_HOST_FSW_C1;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

int x86_host_fast_fld1(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_constant(op, cpu, mem, UINT64_C(1) << 63, 0x3fff);
}

int x86_host_fast_fldz(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    return x86_host_move_constant(op, cpu, mem, 0, 0);
}

/* -- stack pointer, examination ---------------------------------------------------------------- */

static int x86_host_move_top(viv_cpu_t *cpu, unsigned by)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_move_ready(&f))
        return X86_HOST_MF;
    x86_host_set_top(cpu, (f.top + by) & 7u);
    x86_host_put16(cpu, X86_HOST_XS_FSW, x86_host_get16(cpu, X86_HOST_XS_FSW) & ~X86_HOST_FSW_C1);
    return X86_HOST_OK;
}

int x86_host_fast_fdecstp(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    return x86_host_move_top(cpu, 7);
}

int x86_host_fast_fincstp(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    return x86_host_move_top(cpu, 1);
}

/* SDM vol. 2, FXAM: the class in C3 C2 C0. */
static unsigned x86_host_class_of(const uint8_t *st)
{
    uint64_t mantissa;
    uint16_t exponent;

    memcpy(&mantissa, st, sizeof(mantissa));
    memcpy(&exponent, st + 8, sizeof(exponent));
    exponent &= 0x7fffu;
    if (exponent == 0)
        return mantissa == 0 ? X86_HOST_FSW_C3 : X86_HOST_FSW_C3 | X86_HOST_FSW_C2;
    if (!(mantissa >> 63))
        return 0; /* unsupported */
    if (exponent != 0x7fff)
        return X86_HOST_FSW_C2;
    return mantissa << 1 == 0 ? X86_HOST_FSW_C2 | X86_HOST_FSW_C0 : X86_HOST_FSW_C0;
}

int x86_host_fast_fxam(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);
    const uint8_t *st = x86_host_fast_st(cpu, 0);

    (void)op, (void)mem;
    if (!x86_host_move_ready(&f))
        return X86_HOST_MF;
    unsigned cc =
        x86_host_fast_used(&f, 0) ? x86_host_class_of(st) : X86_HOST_FSW_C3 | X86_HOST_FSW_C0;
    if (st[9] & 0x80u)
        cc |= X86_HOST_FSW_C1;
    f.fsw = (f.fsw & ~X86_HOST_FSW_CC) | cc;
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}
