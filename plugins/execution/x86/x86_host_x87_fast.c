/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: fast forms of x87 arithmetic, loads, stores and comparisons. x86_host_x87_fast.h
 * says when one is taken. */
#include "x86_host_x87_fast.h"

/* Of arithmetic only C1 is defined, and processors leave the others alone. */
#define X86_HOST_CC_ARITH X86_HOST_FSW_C1

/* -- arithmetic with two registers ------------------------------------------------------------- */

/* out = a OP b, where bytes encode OP with ST(0) = a, ST(1) = b; returns the host's status. */
#define X86_HOST_CALC(name, bytes)                                                                 \
    X86_HOST_INLINE unsigned x86_host_calc_##name(X86HostF80 *out, X86HostF80 *a, X86HostF80 *b,   \
                                                  unsigned fresh)                                  \
    {                                                                                              \
        uint16_t host;                                                                             \
        __asm__ volatile(X86_HOST_RUN("fldt %[b]\n\tfldt %[a]\n\t.byte " bytes,                    \
                                      "fstp %%st(0)\n\tfstp %%st(0)",                              \
                                      "fstpt %[out]\n\tfstp %%st(0)")                              \
                         : [host] "=&a"(host), [out] "=m"(*out)                                    \
                         : [a] "m"(*a), [b] "m"(*b), [fresh] "d"(fresh)                            \
                         : "cc");                                                                  \
        return host;                                                                               \
    }
X86_HOST_CALC(add, "0xd8, 0xc1")
X86_HOST_CALC(mul, "0xd8, 0xc9")
X86_HOST_CALC(sub, "0xd8, 0xe1")
X86_HOST_CALC(subr, "0xd8, 0xe9")
X86_HOST_CALC(div, "0xd8, 0xf1")
X86_HOST_CALC(divr, "0xd8, 0xf9")
X86_HOST_CALC(fscale, "0xd9, 0xfd")

typedef unsigned (*X86HostCalc)(X86HostF80 *out, X86HostF80 *a, X86HostF80 *b, unsigned fresh);

/* ST(to) = calc(ST(0), ST(i)) */
X86_HOST_INLINE int x86_host_fast_binary(const X86HostOp *op, viv_cpu_t *cpu, void *mem,
                                         X86HostCalc calc, unsigned to, bool pop, unsigned cc)
{
    X86HostFast f = x86_host_fast_begin(cpu);
    unsigned i = op->priv_rm;

    if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0) || !x86_host_fast_used(&f, i))
        return x86_host_x87_native(op, cpu, mem);
    x86_host_fast_enter(&f);
    unsigned host = calc(x86_host_fast_f80(cpu, to), x86_host_fast_f80(cpu, 0),
                         x86_host_fast_f80(cpu, i), X86_HOST_FRESH(f));
    x86_host_fast_leave(&f);
    x86_host_fast_status(&f, host, cc);
    if (pop)
        x86_host_fast_pop(&f, cpu);
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

/* D8: to ST(0); DC: to ST(i); DE: to ST(i), then pop. */
#define X86_HOST_BINARY(name)                                                                      \
    static int x86_host_fast_d8_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)             \
    {                                                                                              \
        return x86_host_fast_binary(op, cpu, mem, x86_host_calc_##name, 0, false,                  \
                                    X86_HOST_CC_ARITH);                                            \
    }                                                                                              \
    static int x86_host_fast_dc_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)             \
    {                                                                                              \
        return x86_host_fast_binary(op, cpu, mem, x86_host_calc_##name, op->priv_rm, false,        \
                                    X86_HOST_CC_ARITH);                                            \
    }                                                                                              \
    static int x86_host_fast_de_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)             \
    {                                                                                              \
        return x86_host_fast_binary(op, cpu, mem, x86_host_calc_##name, op->priv_rm, true,         \
                                    X86_HOST_CC_ARITH);                                            \
    }
X86_HOST_BINARY(add)
X86_HOST_BINARY(mul)
X86_HOST_BINARY(sub)
X86_HOST_BINARY(subr)
X86_HOST_BINARY(div)
X86_HOST_BINARY(divr)

/* FSCALE works between ST(0) and ST(1); its ModRM.rm is opcode. */
static int x86_host_fast_fscale(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostFast f = x86_host_fast_begin(cpu);

    if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0) || !x86_host_fast_used(&f, 1))
        return x86_host_x87_native(op, cpu, mem);
    x86_host_fast_enter(&f);
    unsigned host = x86_host_calc_fscale(x86_host_fast_f80(cpu, 0), x86_host_fast_f80(cpu, 0),
                                         x86_host_fast_f80(cpu, 1), X86_HOST_FRESH(f));
    x86_host_fast_leave(&f);
    x86_host_fast_status(&f, host, X86_HOST_CC_ARITH);
    x86_host_fast_end(&f, cpu);
    return X86_HOST_OK;
}

/* -- arithmetic with memory -------------------------------------------------------------------- */

/* 24 functions with one body: the operand's type is in the instruction. */
#define X86_HOST_MEMORY(name, text)                                                                \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0))                               \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %1\n\t" text, "fstp %%st(0)", "fstpt %1")              \
                         : [host] "=&a"(host), "+m"(*x86_host_fast_f80(cpu, 0))                    \
                         : "r"(mem), [fresh] "d"(X86_HOST_FRESH(f))                                \
                         : "cc", "memory");                                                        \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, X86_HOST_CC_ARITH);                                         \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
#define X86_HOST_MEMORY_ALL(name, att)                                                             \
    X86_HOST_MEMORY(m32_##name, "f" att "s (%2)")                                                  \
    X86_HOST_MEMORY(m64_##name, "f" att "l (%2)")                                                  \
    X86_HOST_MEMORY(i32_##name, "fi" att "l (%2)")                                                 \
    X86_HOST_MEMORY(i16_##name, "fi" att "s (%2)")
X86_HOST_MEMORY_ALL(add, "add")
X86_HOST_MEMORY_ALL(mul, "mul")
X86_HOST_MEMORY_ALL(sub, "sub")
X86_HOST_MEMORY_ALL(subr, "subr")
X86_HOST_MEMORY_ALL(div, "div")
X86_HOST_MEMORY_ALL(divr, "divr")

/* -- one operand ------------------------------------------------------------------------------- */

#define X86_HOST_UNARY(name, cc)                                                                   \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0))                               \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %1\n\t" #name, "fstp %%st(0)", "fstpt %1")             \
                         : [host] "=&a"(host), "+m"(*x86_host_fast_f80(cpu, 0))                    \
                         : [fresh] "d"(X86_HOST_FRESH(f))                                          \
                         : "cc");                                                                  \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, cc);                                                        \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_UNARY(fsqrt, X86_HOST_CC_ARITH)
X86_HOST_UNARY(frndint, X86_HOST_CC_ARITH)
X86_HOST_UNARY(f2xm1, X86_HOST_CC_ARITH)
X86_HOST_UNARY(fsin, X86_HOST_FSW_C1 | X86_HOST_FSW_C2)
X86_HOST_UNARY(fcos, X86_HOST_FSW_C1 | X86_HOST_FSW_C2)
X86_HOST_UNARY(ftst, X86_HOST_FSW_CC)

/* -- loads ------------------------------------------------------------------------------------- */

#define X86_HOST_LOAD(name, text)                                                                  \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || x86_host_fast_used(&f, 7))                                \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        x86_host_fast_push(&f, cpu);                                                               \
        __asm__ volatile(X86_HOST_RUN(text " (%2)", "fstp %%st(0)", "fstpt %1")                    \
                         : [host] "=&a"(host), "=m"(*x86_host_fast_f80(cpu, 0))                    \
                         : "r"(mem), [fresh] "d"(X86_HOST_FRESH(f))                                \
                         : "cc", "memory");                                                        \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, X86_HOST_CC_ARITH);                                         \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_LOAD(fld_m32, "flds")
X86_HOST_LOAD(fld_m64, "fldl")

/* Integers convert without exceptions. */
#define X86_HOST_LOAD_INT(name, text)                                                              \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        if (!x86_host_fast_masked(&f) || x86_host_fast_used(&f, 7))                                \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_push(&f, cpu);                                                               \
        __asm__ volatile(text " (%1)\n\tfstpt %0"                                                  \
                         : "=m"(*x86_host_fast_f80(cpu, 0))                                        \
                         : "r"(mem)                                                                \
                         : "memory");                                                              \
        f.fsw &= ~X86_HOST_FSW_C1;                                                                 \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_LOAD_INT(fild_m16, "filds")
X86_HOST_LOAD_INT(fild_m32, "fildl")
X86_HOST_LOAD_INT(fild_m64, "fildq")

/* -- stores ------------------------------------------------------------------------------------ */

/* text pops the host's stack. */
#define X86_HOST_STORE(name, text, pop)                                                            \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0))                               \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %1\n\t" text " (%2)", "", "")                          \
                         : [host] "=&a"(host)                                                      \
                         : "m"(*x86_host_fast_f80(cpu, 0)),                                        \
                           "r"(mem), [fresh] "d"(X86_HOST_FRESH(f))                                \
                         : "cc", "memory");                                                        \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, X86_HOST_CC_ARITH);                                         \
        if (pop)                                                                                   \
            x86_host_fast_pop(&f, cpu);                                                            \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_STORE(fst_m32, "fstps", false)
X86_HOST_STORE(fstp_m32, "fstps", true)
X86_HOST_STORE(fst_m64, "fstpl", false)
X86_HOST_STORE(fstp_m64, "fstpl", true)
X86_HOST_STORE(fist_m16, "fistps", false)
X86_HOST_STORE(fistp_m16, "fistps", true)
X86_HOST_STORE(fist_m32, "fistpl", false)
X86_HOST_STORE(fistp_m32, "fistpl", true)
X86_HOST_STORE(fistp_m64, "fistpq", true)

/* -- comparisons ------------------------------------------------------------------------------- */

#define X86_HOST_COMPARE_MEM(name, text, pop)                                                      \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0))                               \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %1\n\t" text " (%2)", "", "")                          \
                         : [host] "=&a"(host)                                                      \
                         : "m"(*x86_host_fast_f80(cpu, 0)),                                        \
                           "r"(mem), [fresh] "d"(X86_HOST_FRESH(f))                                \
                         : "cc", "memory");                                                        \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, X86_HOST_FSW_CC);                                           \
        if (pop)                                                                                   \
            x86_host_fast_pop(&f, cpu);                                                            \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_COMPARE_MEM(fcom_m32, "fcomps", false)
X86_HOST_COMPARE_MEM(fcomp_m32, "fcomps", true)
X86_HOST_COMPARE_MEM(fcom_m64, "fcompl", false)
X86_HOST_COMPARE_MEM(fcomp_m64, "fcompl", true)
X86_HOST_COMPARE_MEM(ficom_m16, "ficomps", false)
X86_HOST_COMPARE_MEM(ficomp_m16, "ficomps", true)
X86_HOST_COMPARE_MEM(ficom_m32, "ficompl", false)
X86_HOST_COMPARE_MEM(ficomp_m32, "ficompl", true)

/* text compares host ST(0) with ST(1) and pops both. */
#define X86_HOST_COMPARE_REG(name, text, pops)                                                     \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        unsigned i = op->priv_rm;                                                                  \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0) || !x86_host_fast_used(&f, i)) \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %2\n\tfldt %1\n\t" text, "", "")                       \
                         : [host] "=&a"(host)                                                      \
                         : "m"(*x86_host_fast_f80(cpu, 0)),                                        \
                           "m"(*x86_host_fast_f80(cpu, i)), [fresh] "d"(X86_HOST_FRESH(f))         \
                         : "cc");                                                                  \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, X86_HOST_FSW_CC);                                           \
        for (unsigned k = (pops); k > 0; k--)                                                      \
            x86_host_fast_pop(&f, cpu);                                                            \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_COMPARE_REG(fcom, "fcompp", 0u)
X86_HOST_COMPARE_REG(fcomp, "fcompp", 1u)
X86_HOST_COMPARE_REG(fcompp, "fcompp", 2u)
X86_HOST_COMPARE_REG(fucom, "fucompp", 0u)
X86_HOST_COMPARE_REG(fucomp, "fucompp", 1u)
X86_HOST_COMPARE_REG(fucompp, "fucompp", 2u)

/* FCOMI, FUCOMI: to RFLAGS; OF, SF and AF become 0; the condition code stays. */
#define X86_HOST_COMPARE_FLAGS(name, text, pop)                                                    \
    static int x86_host_fast_##name(const X86HostOp *op, viv_cpu_t *cpu, void *mem)                \
    {                                                                                              \
        X86HostFast f = x86_host_fast_begin(cpu);                                                  \
        unsigned i = op->priv_rm;                                                                  \
        uint64_t flags;                                                                            \
        uint16_t host;                                                                             \
        if (!x86_host_fast_masked(&f) || !x86_host_fast_used(&f, 0) || !x86_host_fast_used(&f, i)) \
            return x86_host_x87_native(op, cpu, mem);                                              \
        x86_host_fast_enter(&f);                                                                   \
        __asm__ volatile(X86_HOST_RUN("fldt %[b]\n\tfldt %[a]\n\t" text                            \
                                      " %%st(1), %%st\n\tlahf\n\t"                                 \
                                      "movzbl %%ah, %k[flags]\n\tfstp %%st(0)",                    \
                                      "", "")                                                      \
                         : [host] "=&a"(host), [flags] "=&c"(flags)                                \
                         : [a] "m"(*x86_host_fast_f80(cpu, 0)),                                    \
                           [b] "m"(*x86_host_fast_f80(cpu, i)), [fresh] "d"(X86_HOST_FRESH(f))     \
                         : "cc");                                                                  \
        x86_host_fast_leave(&f);                                                                   \
        x86_host_fast_status(&f, host, 0);                                                         \
        cpu->rflags = (cpu->rflags & ~(uint64_t)X86_HOST_RFLAGS_ARITH) | (flags & 0x45u);          \
        if (pop)                                                                                   \
            x86_host_fast_pop(&f, cpu);                                                            \
        x86_host_fast_end(&f, cpu);                                                                \
        return X86_HOST_OK;                                                                        \
    }
X86_HOST_COMPARE_FLAGS(fcomi, "fcomip", false)
X86_HOST_COMPARE_FLAGS(fcomip, "fcomip", true)
X86_HOST_COMPARE_FLAGS(fucomi, "fucomip", false)
X86_HOST_COMPARE_FLAGS(fucomip, "fucomip", true)

/* -- selection --------------------------------------------------------------------------------- */

#define X86_HOST_ROW(form, com, comp)                                                              \
    {                                                                                              \
        x86_host_fast_##form##_add, x86_host_fast_##form##_mul, com, comp,                         \
            x86_host_fast_##form##_sub, x86_host_fast_##form##_subr, x86_host_fast_##form##_div,   \
            x86_host_fast_##form##_divr                                                            \
    }

/* By opcode - D8h and ModRM.reg. */
static const X86HostExec x86_host_fast_memory[8][8] = {
    X86_HOST_ROW(m32, x86_host_fast_fcom_m32, x86_host_fast_fcomp_m32),
    {x86_host_fast_fld_m32, NULL, x86_host_fast_fst_m32, x86_host_fast_fstp_m32},
    X86_HOST_ROW(i32, x86_host_fast_ficom_m32, x86_host_fast_ficomp_m32),
    {x86_host_fast_fild_m32, NULL, x86_host_fast_fist_m32, x86_host_fast_fistp_m32, NULL,
     x86_host_fast_fld_m80, NULL, x86_host_fast_fstp_m80},
    X86_HOST_ROW(m64, x86_host_fast_fcom_m64, x86_host_fast_fcomp_m64),
    {x86_host_fast_fld_m64, NULL, x86_host_fast_fst_m64, x86_host_fast_fstp_m64},
    X86_HOST_ROW(i16, x86_host_fast_ficom_m16, x86_host_fast_ficomp_m16),
    {x86_host_fast_fild_m16, NULL, x86_host_fast_fist_m16, x86_host_fast_fistp_m16, NULL,
     x86_host_fast_fild_m64, NULL, x86_host_fast_fistp_m64},
};

/* By opcode - D8h and ModRM.reg, the operand being ST(rm). */
static const X86HostExec x86_host_fast_register[8][8] = {
    X86_HOST_ROW(d8, x86_host_fast_fcom, x86_host_fast_fcomp),
    {x86_host_fast_fld_st, x86_host_fast_fxch},
    {x86_host_fast_fcmov, x86_host_fast_fcmov, x86_host_fast_fcmov, x86_host_fast_fcmov},
    {x86_host_fast_fcmov, x86_host_fast_fcmov, x86_host_fast_fcmov, x86_host_fast_fcmov, NULL,
     x86_host_fast_fucomi, x86_host_fast_fcomi},
    X86_HOST_ROW(dc, x86_host_fast_fcom, x86_host_fast_fcomp),
    {x86_host_fast_ffree, x86_host_fast_fxch, x86_host_fast_fst_st, x86_host_fast_fstp_st,
     x86_host_fast_fucom, x86_host_fast_fucomp},
    X86_HOST_ROW(de, x86_host_fast_fcomp, NULL),
    {NULL, x86_host_fast_fxch, x86_host_fast_fstp_st, x86_host_fast_fstp_st, NULL,
     x86_host_fast_fucomip, x86_host_fast_fcomip},
};

/* Opcode D9, ModRM E0h to FFh. FPREM, FPREM1 are not here: their condition code is partly left
 * alone when they fail, which the native way gets right by itself. */
static const X86HostExec x86_host_fast_d9[32] = {
    [0x00] = x86_host_fast_fchs,  [0x01] = x86_host_fast_fabs,    [0x04] = x86_host_fast_ftst,
    [0x05] = x86_host_fast_fxam,  [0x08] = x86_host_fast_fld1,    [0x0e] = x86_host_fast_fldz,
    [0x10] = x86_host_fast_f2xm1, [0x16] = x86_host_fast_fdecstp, [0x17] = x86_host_fast_fincstp,
    [0x1a] = x86_host_fast_fsqrt, [0x1c] = x86_host_fast_frndint, [0x1d] = x86_host_fast_fscale,
    [0x1e] = x86_host_fast_fsin,  [0x1f] = x86_host_fast_fcos,
};

X86HostExec x86_host_x87_fast(unsigned opcode, unsigned modrm)
{
    unsigned row = opcode & 7u;

    if (modrm < 0xc0)
        return x86_host_fast_memory[row][modrm >> 3 & 7u];
    if (opcode == 0xd9 && modrm >= 0xe0)
        return x86_host_fast_d9[modrm & 31u];
    if (opcode == 0xda && modrm == 0xe9)
        return x86_host_fast_fucompp;
    if (opcode == 0xde && modrm == 0xd9)
        return x86_host_fast_fcompp;
    return x86_host_fast_register[row][modrm >> 3 & 7u];
}
