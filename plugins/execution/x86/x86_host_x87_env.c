/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: x87 control instructions: FNINIT, FNCLEX, FLDCW, FNSTCW, FNSTSW, and the environment
 * in its four formats (SDM vol. 1, 8.1.10 and figures 8-9 to 8-12): FNSTENV, FLDENV, FNSAVE,
 * FRSTOR.
 *
 * Whether the real-mode or the protected-mode format applies is taken from CR0.PE and RFLAGS.VM
 * at the time of execution. In the real-mode formats the 20-bit (32-bit) pointers are linear
 * addresses. */
#include "x86_host_internal.h"

#define X86_HOST_FCW_BITS  0x1f3fu /* bit 6 reads as one, bits 7 and 13-15 as zero */
#define X86_HOST_FCW_ONE   0x0040u
#define X86_HOST_CR0_PE    0x1u
#define X86_HOST_RFLAGS_VM 0x20000u

void x86_host_pointers_put(viv_cpu_t *cpu, uint64_t fip, unsigned fcs, uint64_t fdp, unsigned fds)
{
    memcpy(cpu->xsave + X86_HOST_XS_FIP, &fip, sizeof(fip));
    memcpy(cpu->xsave + X86_HOST_XS_FDP, &fdp, sizeof(fdp));
    x86_host_put16(cpu, X86_HOST_XS_FCS, fcs);
    x86_host_put16(cpu, X86_HOST_XS_FDS, fds);
}

void x86_host_x87_load_control(viv_cpu_t *cpu, unsigned fcw)
{
    x86_host_put16(cpu, X86_HOST_XS_FCW, (fcw & X86_HOST_FCW_BITS) | X86_HOST_FCW_ONE);
}

/* The registers keep their contents, at their physical places. */
void x86_host_x87_init(viv_cpu_t *cpu)
{
    x86_host_set_top(cpu, 0);
    x86_host_put16(cpu, X86_HOST_XS_FCW, X86_HOST_FCW_DEFAULT);
    x86_host_put16(cpu, X86_HOST_XS_FSW, 0);
    cpu->xsave[X86_HOST_XS_FTW] = 0;
    x86_host_put16(cpu, X86_HOST_XS_FOP, 0);
    x86_host_pointers_put(cpu, 0, 0, 0, 0);
}

static bool x86_host_pending(const viv_cpu_t *cpu)
{
    return (x86_host_get16(cpu, X86_HOST_XS_FSW) & X86_HOST_FSW_ES) != 0;
}

/* -- tags -------------------------------------------------------------------------------------- */

#define X86_HOST_TAG_VALID   0u
#define X86_HOST_TAG_ZERO    1u
#define X86_HOST_TAG_SPECIAL 2u
#define X86_HOST_TAG_EMPTY   3u

static unsigned x86_host_tag_of(const uint8_t *st)
{
    uint64_t mantissa;
    uint16_t exponent;

    memcpy(&mantissa, st, sizeof(mantissa));
    memcpy(&exponent, st + 8, sizeof(exponent));
    exponent &= 0x7fffu;
    if (exponent == 0 && mantissa == 0)
        return X86_HOST_TAG_ZERO;
    if (exponent == 0x7fff || !(mantissa >> 63))
        return X86_HOST_TAG_SPECIAL;
    return exponent == 0 ? X86_HOST_TAG_SPECIAL : X86_HOST_TAG_VALID;
}

static unsigned x86_host_full_tags(const viv_cpu_t *cpu)
{
    unsigned top = x86_host_get16(cpu, X86_HOST_XS_FSW) >> X86_HOST_FSW_TOP_SHIFT & 7u;
    unsigned tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = X86_HOST_TAG_EMPTY;
        if (cpu->xsave[X86_HOST_XS_FTW] >> i & 1u)
            tag = x86_host_tag_of(cpu->xsave + X86_HOST_XS_ST + 16u * ((i - top) & 7u));
        tags |= tag << 2 * i;
    }
    return tags;
}

static uint8_t x86_host_abridged_tags(unsigned tags)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < 8; i++)
        bits |= ((tags >> 2 * i & 3u) != X86_HOST_TAG_EMPTY) << i;
    return (uint8_t)bits;
}

/* -- environment ------------------------------------------------------------------------------- */

typedef struct X86HostEnv {
    unsigned fcw, fsw, tags, fop, fcs, fds;
    uint32_t fip, fdp; /* linear in the real-mode formats */
} X86HostEnv;

static bool x86_host_env_real(const viv_cpu_t *cpu)
{
    return !(cpu->cr0 & X86_HOST_CR0_PE) || (cpu->rflags & X86_HOST_RFLAGS_VM);
}

static uint16_t x86_host_word(const uint8_t *bytes, unsigned offset)
{
    uint16_t v;
    memcpy(&v, bytes + offset, sizeof(v));
    return v;
}

static uint32_t x86_host_dword(const uint8_t *bytes, unsigned offset)
{
    uint32_t v;
    memcpy(&v, bytes + offset, sizeof(v));
    return v;
}

static X86HostEnv x86_host_env_of(const viv_cpu_t *cpu)
{
    X86HostEnv env = {
        .fcw = x86_host_get16(cpu, X86_HOST_XS_FCW),
        .fsw = x86_host_get16(cpu, X86_HOST_XS_FSW),
        .tags = x86_host_full_tags(cpu),
        .fop = x86_host_get16(cpu, X86_HOST_XS_FOP) & 0x7ffu,
        .fcs = x86_host_get16(cpu, X86_HOST_XS_FCS),
        .fds = x86_host_get16(cpu, X86_HOST_XS_FDS),
        .fip = x86_host_get32(cpu, X86_HOST_XS_FIP),
        .fdp = x86_host_get32(cpu, X86_HOST_XS_FDP),
    };
    if (x86_host_env_real(cpu)) {
        env.fip += env.fcs << 4;
        env.fdp += env.fds << 4;
    }
    return env;
}

static void x86_host_env_put16(const X86HostEnv *env, bool real, uint8_t *out)
{
    uint16_t w[7] = {
        (uint16_t)env->fcw, (uint16_t)env->fsw, (uint16_t)env->tags, (uint16_t)env->fip,
        (uint16_t)env->fcs, (uint16_t)env->fdp, (uint16_t)env->fds,
    };
    if (real) {
        w[4] = (uint16_t)((env->fip >> 4 & 0xf000u) | env->fop);
        w[6] = (uint16_t)(env->fdp >> 4 & 0xf000u);
    }
    memcpy(out, w, sizeof(w));
}

/* Reserved halves read as ones, as on every processor since the 387. */
static void x86_host_env_put32(const X86HostEnv *env, bool real, uint8_t *out)
{
    uint32_t d[7] = {
        0xffff0000u | env->fcw,    0xffff0000u | env->fsw,
        0xffff0000u | env->tags,   env->fip,
        env->fop << 16 | env->fcs, env->fdp,
        0xffff0000u | env->fds,
    };
    if (real) {
        d[3] = 0xffff0000u | env->fip;
        d[4] = (env->fip >> 4 & 0x0ffff000u) | env->fop;
        d[5] = 0xffff0000u | env->fdp;
        d[6] = env->fdp >> 4 & 0x0ffff000u;
    }
    memcpy(out, d, sizeof(d));
}

static unsigned x86_host_env_store(const X86HostOp *op, const viv_cpu_t *cpu, uint8_t *out)
{
    X86HostEnv env = x86_host_env_of(cpu);
    bool real = x86_host_env_real(cpu);

    if (!op->priv_wide) {
        x86_host_env_put16(&env, real, out);
        return 14;
    }
    x86_host_env_put32(&env, real, out);
    return 28;
}

static X86HostEnv x86_host_env_get16(const uint8_t *in, bool real)
{
    X86HostEnv env = {
        .fcw = x86_host_word(in, 0),
        .fsw = x86_host_word(in, 2),
        .tags = x86_host_word(in, 4),
        .fip = x86_host_word(in, 6),
        .fdp = x86_host_word(in, 10),
    };
    unsigned w4 = x86_host_word(in, 8);
    unsigned w6 = x86_host_word(in, 12);
    if (real) {
        env.fop = w4 & 0x7ffu;
        env.fip |= (w4 & 0xf000u) << 4;
        env.fdp |= (w6 & 0xf000u) << 4;
    } else {
        env.fcs = w4;
        env.fds = w6;
    }
    return env;
}

static X86HostEnv x86_host_env_get32(const uint8_t *in, bool real)
{
    X86HostEnv env = {
        .fcw = x86_host_word(in, 0),
        .fsw = x86_host_word(in, 4),
        .tags = x86_host_word(in, 8),
        .fip = x86_host_dword(in, 12),
        .fdp = x86_host_dword(in, 20),
    };
    uint32_t d4 = x86_host_dword(in, 16);
    if (real) {
        env.fop = d4 & 0x7ffu;
        env.fip = (env.fip & 0xffffu) | (d4 & 0x0ffff000u) << 4;
        env.fdp = (env.fdp & 0xffffu) | (x86_host_dword(in, 24) & 0x0ffff000u) << 4;
    } else {
        env.fcs = d4 & 0xffffu;
        env.fop = d4 >> 16 & 0x7ffu;
        env.fds = x86_host_word(in, 24);
    }
    return env;
}

static unsigned x86_host_env_load(const X86HostOp *op, viv_cpu_t *cpu, const uint8_t *in)
{
    bool real = x86_host_env_real(cpu);
    X86HostEnv env = op->priv_wide ? x86_host_env_get32(in, real) : x86_host_env_get16(in, real);

    x86_host_set_top(cpu, env.fsw >> X86_HOST_FSW_TOP_SHIFT & 7u);
    x86_host_x87_load_control(cpu, env.fcw);
    x86_host_put16(cpu, X86_HOST_XS_FSW, env.fsw);
    cpu->xsave[X86_HOST_XS_FTW] = x86_host_abridged_tags(env.tags);
    x86_host_put16(cpu, X86_HOST_XS_FOP, env.fop);
    x86_host_pointers_put(cpu, env.fip, env.fcs, env.fdp, env.fds);
    x86_host_x87_summarise(cpu);
    return op->priv_wide ? 28 : 14;
}

static int x86_host_fnstenv(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    x86_host_env_store(op, cpu, mem);
    x86_host_put16(cpu, X86_HOST_XS_FCW, x86_host_get16(cpu, X86_HOST_XS_FCW) | X86_HOST_FSW_FLAGS);
    x86_host_x87_summarise(cpu);
    return X86_HOST_OK;
}

static int x86_host_fldenv(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    if (x86_host_pending(cpu))
        return X86_HOST_MF;
    x86_host_env_load(op, cpu, mem);
    return X86_HOST_OK;
}

static int x86_host_fnsave(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint8_t *out = mem;

    out += x86_host_env_store(op, cpu, out);
    for (unsigned i = 0; i < 8; i++)
        memcpy(out + 10u * i, cpu->xsave + X86_HOST_XS_ST + 16u * i, 10);
    x86_host_x87_init(cpu);
    return X86_HOST_OK;
}

static int x86_host_frstor(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    const uint8_t *in = mem;

    if (x86_host_pending(cpu))
        return X86_HOST_MF;
    in += x86_host_env_load(op, cpu, in);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *st = cpu->xsave + X86_HOST_XS_ST + 16u * i;
        memcpy(st, in + 10u * i, 10);
        memset(st + 10, 0, 6);
    }
    return X86_HOST_OK;
}

/* -- control and status words ------------------------------------------------------------------ */

static int x86_host_fldcw(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op;
    if (x86_host_pending(cpu))
        return X86_HOST_MF;
    x86_host_x87_load_control(cpu, x86_host_word(mem, 0));
    x86_host_x87_summarise(cpu);
    return X86_HOST_OK;
}

static int x86_host_fnstcw(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op;
    memcpy(mem, cpu->xsave + X86_HOST_XS_FCW, 2);
    return X86_HOST_OK;
}

static int x86_host_fnstsw(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op;
    memcpy(mem, cpu->xsave + X86_HOST_XS_FSW, 2);
    return X86_HOST_OK;
}

static int x86_host_fnstsw_ax(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    cpu->gpr[VIV_REG_RAX] =
        (cpu->gpr[VIV_REG_RAX] & ~UINT64_C(0xffff)) | x86_host_get16(cpu, X86_HOST_XS_FSW);
    return X86_HOST_OK;
}

static int x86_host_fnclex(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    x86_host_put16(cpu, X86_HOST_XS_FSW, x86_host_get16(cpu, X86_HOST_XS_FSW) & 0x7f00u);
    return X86_HOST_OK;
}

static int x86_host_fninit(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    x86_host_x87_init(cpu);
    return X86_HOST_OK;
}

/* FNENI, FNDISI, FNSETPM: the 8087's and 287's own, idle since. */
static int x86_host_fnop_idle(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)cpu, (void)mem;
    return X86_HOST_OK;
}

/* -- selection --------------------------------------------------------------------------------- */

typedef struct X86HostControl {
    uint8_t opcode;
    uint8_t modrm; /* register forms in full, memory forms as reg << 3 */
    uint8_t access;
    bool waits;
    uint8_t bytes[2]; /* with 16 and with 32-bit operand size */
    X86HostExec exec;
} X86HostControl;

static const X86HostControl x86_host_controls[] = {
    {0xd9, 4 << 3, X86_HOST_MEM_READ, true, {14, 28}, x86_host_fldenv},
    {0xd9, 5 << 3, X86_HOST_MEM_READ, true, {2, 2}, x86_host_fldcw},
    {0xd9, 6 << 3, X86_HOST_MEM_WRITE, false, {14, 28}, x86_host_fnstenv},
    {0xd9, 7 << 3, X86_HOST_MEM_WRITE, false, {2, 2}, x86_host_fnstcw},
    {0xdb, 0xe0, 0, false, {0, 0}, x86_host_fnop_idle},
    {0xdb, 0xe1, 0, false, {0, 0}, x86_host_fnop_idle},
    {0xdb, 0xe2, 0, false, {0, 0}, x86_host_fnclex},
    {0xdb, 0xe3, 0, false, {0, 0}, x86_host_fninit},
    {0xdb, 0xe4, 0, false, {0, 0}, x86_host_fnop_idle},
    {0xdd, 4 << 3, X86_HOST_MEM_READ, true, {94, 108}, x86_host_frstor},
    {0xdd, 6 << 3, X86_HOST_MEM_WRITE, false, {94, 108}, x86_host_fnsave},
    {0xdd, 7 << 3, X86_HOST_MEM_WRITE, false, {2, 2}, x86_host_fnstsw},
    {0xdf, 0xe0, 0, false, {0, 0}, x86_host_fnstsw_ax},
};

bool x86_host_x87_control_prepare(X86HostBuild *build)
{
    X86HostOp *op = &build->op;
    bool wide = build->insn->operand_width != 16;
    bool memory = build->insn->raw.modrm.mod != 3;
    unsigned modrm = memory ? build->insn_code[1] & 0x38u : build->insn_code[1];

    for (unsigned i = 0; i < sizeof(x86_host_controls) / sizeof(x86_host_controls[0]); i++) {
        const X86HostControl *c = &x86_host_controls[i];
        if (c->opcode != build->insn->opcode || c->modrm != modrm || memory != (c->access != 0))
            continue;
        op->exec = c->exec;
        if (!c->waits)
            op->cls = X86_HOST_CLASS_NOWAIT;
        op->priv_wide = wide;
        op->mem_access = c->access;
        op->mem_bytes = c->bytes[wide];
        op->mem_kind = memory ? X86_HOST_MEM_PLAIN : X86_HOST_MEM_NONE;
        if (c->exec == x86_host_fnstsw_ax)
            op->gpr_reads = op->gpr_writes = 1u << VIV_REG_RAX;
        return true;
    }
    return false;
}
