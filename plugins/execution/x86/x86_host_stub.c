/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the stubs of vector instructions.
 *
 * A stub has exec's signature: rdi = op, rsi = viv_cpu_t, rdx = host address of the memory
 * operand. It
 *   - for instructions that MXCSR governs: leaves for C code unless all exceptions are masked;
 *   - for MMX: leaves for C code unless TOP is 0 and no x87 exception is pending;
 *   - loads the guest's MXCSR, if it matters, and collects it afterwards;
 *   - loads the register operands from the XSAVE image into the fixed host registers;
 *   - runs the instruction as x86_host_sse.c has re-encoded it;
 *   - stores the results; VEX.128 results clear the upper half, legacy SSE leaves it alone.
 * It uses rax, rcx, rdx, rdi, xmm0-4, xmm7, and no memory below rsp.
 *
 * Follows: MXCSR: SDM vol. 1, 10.2.3 and 11.5; MMX: 9.5. */
#include "x86_host_internal.h"

#define X86_HOST_OFF(member)    offsetof(viv_cpu_t, member)
#define X86_HOST_OFF_GPR(n)     (offsetof(viv_cpu_t, gpr) + 8u * (n))
#define X86_HOST_OFF_XS(offset) (offsetof(viv_cpu_t, xsave) + (offset))
#define X86_HOST_OFF_XMM(n)     X86_HOST_OFF_XS(X86_HOST_XS_XMM + 16u * (n))
#define X86_HOST_OFF_YMMH(n)    X86_HOST_OFF_XS(X86_HOST_XS_YMMH + 16u * (n))
#define X86_HOST_OFF_MM(n)      X86_HOST_OFF_XS(X86_HOST_XS_ST + 16u * (n))

/* -- code -------------------------------------------------------------------------------------- */

static void x86_host_load_ymm(X86HostCode *code, unsigned host, unsigned id)
{
    x86_host_emit_cpu(code, 0x10f8c5, 3, host, X86_HOST_OFF_XMM(id)); /* vmovups xmm, [] */
    uint32_t third = (~host & 0xfu) << 3 | 5u;                        /* W0 vvvv=host L1 66 */
    x86_host_emit_cpu(code, 0x1800e3c4u | third << 16, 4, host, X86_HOST_OFF_YMMH(id));
    x86_host_emit_u8(code, 1); /* vinsertf128 ymm, ymm, [], 1 */
}

static void x86_host_load(const X86HostBuild *build, X86HostCode *code, const X86HostRole *role,
                          unsigned host)
{
    if (!role->read)
        return;
    switch (role->kind) {
    case X86_HOST_ROLE_XMM:
        if (build->vex)
            x86_host_emit_cpu(code, 0x10f8c5, 3, host, X86_HOST_OFF_XMM(role->id));
        else
            x86_host_emit_cpu(code, 0x100f, 2, host, X86_HOST_OFF_XMM(role->id));
        break;
    case X86_HOST_ROLE_YMM: x86_host_load_ymm(code, host, role->id); break;
    case X86_HOST_ROLE_MMX:
        x86_host_emit_cpu(code, 0x6f0f, 2, host, X86_HOST_OFF_MM(role->id));
        break;
    case X86_HOST_ROLE_GPR:
        x86_host_emit_cpu(code, 0x8b48, 2, 0, X86_HOST_OFF_GPR(role->id));
        break;
    default: break;
    }
}

/* VEX.128 results: the upper half of the register becomes zero. */
static void x86_host_clear_upper(X86HostCode *code, unsigned id)
{
    x86_host_emit(code, "\xc5\xc0\x57\xff", 4); /* vxorps xmm7, xmm7, xmm7 */
    x86_host_emit_cpu(code, 0x11f8c5, 3, X86_HOST_HOST_ZERO, X86_HOST_OFF_YMMH(id));
}

static void x86_host_store(const X86HostBuild *build, X86HostCode *code, const X86HostRole *role,
                           unsigned host)
{
    if (!role->write)
        return;
    switch (role->kind) {
    case X86_HOST_ROLE_XMM:
        if (!build->vex) {
            x86_host_emit_cpu(code, 0x110f, 2, host, X86_HOST_OFF_XMM(role->id));
            break;
        }
        x86_host_emit_cpu(code, 0x11f8c5, 3, host, X86_HOST_OFF_XMM(role->id));
        x86_host_clear_upper(code, role->id);
        break;
    case X86_HOST_ROLE_YMM:
        x86_host_emit_cpu(code, 0x11f8c5, 3, host, X86_HOST_OFF_XMM(role->id));
        x86_host_emit_cpu(code, 0x197de3c4, 4, host, X86_HOST_OFF_YMMH(role->id));
        x86_host_emit_u8(code, 1); /* vextractf128 [], ymm, 1 */
        break;
    case X86_HOST_ROLE_MMX:
        x86_host_emit_cpu(code, 0x7f0f, 2, host, X86_HOST_OFF_MM(role->id));
        x86_host_emit_cpu(code, 0xc766, 2, 0, X86_HOST_OFF_MM(role->id) + 8u);
        x86_host_emit_u16(code, 0xffff); /* the exponent reads as all ones */
        break;
    case X86_HOST_ROLE_GPR:
        x86_host_emit_cpu(code, 0x8948, 2, 0, X86_HOST_OFF_GPR(role->id));
        break;
    default: break;
    }
}

/* OF SF ZF AF PF CF from the host's flags into viv_cpu_t.rflags. */
static void x86_host_emit_flags(X86HostCode *code)
{
    x86_host_emit(code, "\x9f\x0f\x90\xc0", 4);     /* lahf; seto al */
    x86_host_emit(code, "\x0f\xb6\xcc\x81\xe1", 5); /* movzx ecx, ah; and ecx, imm32 */
    x86_host_emit_u32(code, 0xd5);
    x86_host_emit(code, "\x0f\xb6\xc0\xc1\xe0\x0b\x09\xc8",
                  8); /* movzx eax,al; shl 11; or eax,ecx */
    x86_host_emit_cpu(code, 0x8148, 2, 4, X86_HOST_OFF(rflags)); /* and qword [], imm32 */
    x86_host_emit_u32(code, ~X86_HOST_RFLAGS_ARITH);
    x86_host_emit_cpu(code, 0x0948, 2, 0, X86_HOST_OFF(rflags)); /* or [], rax */
}

static void x86_host_emit_body(X86HostBuild *build, X86HostCode *code)
{
    static const X86HostRole xmm0_in = {X86_HOST_ROLE_XMM, 0, true, false};
    static const X86HostRole xmm0_out = {X86_HOST_ROLE_XMM, 0, false, true};
    ZydisMnemonic mnemonic = build->insn->mnemonic;
    bool xmm0_written =
        mnemonic == ZYDIS_MNEMONIC_PCMPESTRM || mnemonic == ZYDIS_MNEMONIC_PCMPISTRM ||
        mnemonic == ZYDIS_MNEMONIC_VPCMPESTRM || mnemonic == ZYDIS_MNEMONIC_VPCMPISTRM;

    x86_host_load(build, code, &build->reg, X86_HOST_HOST_REG);
    x86_host_load(build, code, &build->rm, X86_HOST_HOST_RM);
    x86_host_load(build, code, &build->vvvv, X86_HOST_HOST_VVVV);
    x86_host_load(build, code, &build->is4, X86_HOST_HOST_IS4);
    if (build->implicit_xmm0)
        x86_host_load(build, code, &xmm0_in, 0);
    if (x86_host_is_explicit_length(mnemonic)) {
        x86_host_emit(code, "\x48\x89\xd7", 3); /* mov rdi, rdx */
        x86_host_emit_cpu(code, 0x8b48, 2, 0, X86_HOST_OFF_GPR(VIV_REG_RAX));
        x86_host_emit_cpu(code, 0x8b48, 2, 2, X86_HOST_OFF_GPR(VIV_REG_RDX));
    }
    x86_host_emit(code, build->insn_code, build->insn_len);
    if (build->op.gpr_writes & 1u << VIV_REG_RCX && build->reg.kind != X86_HOST_ROLE_GPR &&
        build->rm.kind != X86_HOST_ROLE_GPR) {
        x86_host_emit(code, "\x89\xc9", 2); /* mov ecx, ecx: zero-extends; the index of PCMPxSTRI */
        x86_host_emit_cpu(code, 0x8948, 2, 1, X86_HOST_OFF_GPR(VIV_REG_RCX));
    }
    x86_host_store(build, code, &build->reg, X86_HOST_HOST_REG);
    x86_host_store(build, code, &build->rm, X86_HOST_HOST_RM);
    x86_host_store(build, code, &build->vvvv, X86_HOST_HOST_VVVV);
    if (xmm0_written)
        x86_host_store(build, code, &xmm0_out, 0);
    if (build->op.priv_wide)
        x86_host_emit(code, "\xc5\xf8\x77", 3); /* vzeroupper */
    if (build->op.writes_flags)
        x86_host_emit_flags(code);
}

/* Unless TOP is 0 and FSW.ES is clear: jump. Returns what to bind. */
static unsigned x86_host_emit_mmx_guard(X86HostCode *code)
{
    x86_host_emit_cpu(code, 0xb70f, 2, 0, X86_HOST_OFF_XS(X86_HOST_XS_FSW)); /* movzx eax, [] */
    x86_host_emit_u8(code, 0xa9);                                            /* test eax, imm32 */
    x86_host_emit_u32(code, X86_HOST_FSW_TOP | X86_HOST_FSW_ES);
    return x86_host_emit_jnz(code);
}

/* Unless all exceptions are masked: jump. */
static unsigned x86_host_emit_mxcsr_guard(X86HostCode *code)
{
    x86_host_emit_cpu(code, 0x8b, 1, 0, X86_HOST_OFF_XS(X86_HOST_XS_MXCSR)); /* mov eax, [] */
    x86_host_emit(code, "\xf7\xd0\xa9", 3); /* not eax; test imm32 */
    x86_host_emit_u32(code, X86_HOST_MXCSR_MASKS);
    return x86_host_emit_jnz(code);
}

void x86_host_simd_emit(X86HostBuild *build, X86HostCode *code)
{
    bool mmx = x86_host_has_kind(build, X86_HOST_ROLE_MMX);
    unsigned mmx_jump = 0;
    unsigned fp_jump = 0;
    unsigned constant = 0;

    /* In this order: a conversion to MMX that raises #XM must not have changed TOP and tags. */
    if (build->is_fp)
        fp_jump = x86_host_emit_mxcsr_guard(code);
    if (mmx)
        mmx_jump = x86_host_emit_mmx_guard(code);
    if (build->is_fp)
        x86_host_emit_cpu(code, 0xae0f, 2, 2, X86_HOST_OFF_XS(X86_HOST_XS_MXCSR)); /* ldmxcsr */
    x86_host_emit_body(build, code);
    if (mmx) {
        x86_host_emit_cpu(code, 0xc6, 1, 0, X86_HOST_OFF_XS(X86_HOST_XS_FTW));
        x86_host_emit_u8(code, 0xff);       /* mov byte [], ffh: all registers in use */
        x86_host_emit(code, "\x0f\x77", 2); /* emms */
    }
    if (build->is_fp) {
        x86_host_emit_cpu(code, 0xae0f, 2, 3, X86_HOST_OFF_XS(X86_HOST_XS_MXCSR)); /* stmxcsr */
        x86_host_emit(code, "\x0f\xae\x15", 3); /* ldmxcsr [rip + rel32] */
        x86_host_emit_u32(code, 0);
        constant = code->len;
    }
    x86_host_emit(code, "\x31\xc0\xc3", 3); /* xor eax, eax; ret */
    if (build->is_fp) {
        x86_host_emit_bind(code, constant);
        x86_host_emit_u32(code, X86_HOST_MXCSR_DEFAULT);
        x86_host_emit_bind(code, fp_jump);
        x86_host_emit_tail(code, x86_host_mxcsr_slow);
    }
    if (mmx) {
        x86_host_emit_bind(code, mmx_jump);
        x86_host_emit_tail(code, x86_host_mmx_slow);
    }
}
