/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the x87 instructions that compute, SDM vol. 1 chapter 8.
 *
 * Two ways to run one. The native way loads the guest's whole x87 state into the host's unit
 * with FXRSTOR, executes the very instruction there and takes the state back with FXSAVE: stack
 * faults, unmasked exceptions, undocumented encodings, everything is what the hardware does. An
 * exception that the instruction leaves pending is met only by FXSAVE and FNINIT, which do not
 * wait. The fast way (x86_host_x87_fast.c) touches one or two registers and is taken where
 * nothing special can happen; it falls back on this one.
 *
 * Not modelled: FIP and FDP are kept by x86_host_note_pointers() after each instruction, as
 * processors did before the "only on exceptions" variants. */
#include "x86_host_internal.h"

void x86_host_x87_summarise(viv_cpu_t *cpu)
{
    unsigned fcw = x86_host_get16(cpu, X86_HOST_XS_FCW);
    unsigned fsw = x86_host_get16(cpu, X86_HOST_XS_FSW) & ~(X86_HOST_FSW_ES | X86_HOST_FSW_B);

    if (fsw & ~fcw & X86_HOST_FSW_FLAGS)
        fsw |= X86_HOST_FSW_ES | X86_HOST_FSW_B;
    x86_host_put16(cpu, X86_HOST_XS_FSW, fsw);
}

/* FLDENV, FRSTOR */
static bool x86_host_loads_fsw(const X86HostOp *op)
{
    return op->cls == X86_HOST_CLASS_X87 && !op->fpu_pointers && op->mem_bytes > 2;
}

int x86_host_exec_ignne(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    unsigned fsw = x86_host_get16(cpu, X86_HOST_XS_FSW);
    unsigned pending = fsw & ~x86_host_get16(cpu, X86_HOST_XS_FCW) & X86_HOST_FSW_FLAGS;

    x86_host_put16(cpu, X86_HOST_XS_FSW, fsw & ~pending);
    x86_host_x87_summarise(cpu);
    int rc = op->exec(op, cpu, mem);
    if (rc > 0 || !x86_host_loads_fsw(op))
        x86_host_put16(cpu, X86_HOST_XS_FSW, x86_host_get16(cpu, X86_HOST_XS_FSW) | pending);
    x86_host_x87_summarise(cpu);
    return rc;
}

/* -- the native way ---------------------------------------------------------------------------- */

#define X86_HOST_X87_STORES                                                                        \
    1u                       /* priv_kind: writes memory by way of conversion, so may suppress it */
#define X86_HOST_X87_COMI 2u /* priv_kind: sets RFLAGS */
#define X86_HOST_X87_CMOV 3u /* priv_kind: reads RFLAGS */

typedef struct X86HostImage {
    uint8_t bytes[512];
} __attribute__((aligned(64))) X86HostImage;

static void x86_host_native_fill(X86HostImage *image, const viv_cpu_t *cpu)
{
    uint32_t mxcsr = X86_HOST_MXCSR_DEFAULT;

    memset(image->bytes, 0, X86_HOST_XS_ST);
    memcpy(image->bytes, cpu->xsave, X86_HOST_XS_FOP);
    memcpy(image->bytes + X86_HOST_XS_MXCSR, &mxcsr, sizeof(mxcsr));
    memcpy(image->bytes + X86_HOST_XS_ST, cpu->xsave + X86_HOST_XS_ST, 128);
    memset(image->bytes + X86_HOST_XS_XMM, 0, sizeof(image->bytes) - X86_HOST_XS_XMM);
}

static void x86_host_native_take(const X86HostImage *image, viv_cpu_t *cpu)
{
    memcpy(cpu->xsave + X86_HOST_XS_FSW, image->bytes + X86_HOST_XS_FSW, 2);
    cpu->xsave[X86_HOST_XS_FTW] = image->bytes[X86_HOST_XS_FTW];
    memcpy(cpu->xsave + X86_HOST_XS_ST, image->bytes + X86_HOST_XS_ST, 128);
}

int x86_host_x87_native(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    X86HostImage image;
    uint8_t bounce[16] = {0};
    bool stores = op->priv_kind == X86_HOST_X87_STORES;

    /* Not FSW.ES alone: with an image that contradicts itself the trap would be the host's. */
    unsigned pending = x86_host_get16(cpu, X86_HOST_XS_FSW) & X86_HOST_FSW_FLAGS;
    if (pending & ~(unsigned)x86_host_get16(cpu, X86_HOST_XS_FCW))
        return X86_HOST_MF;
    x86_host_native_fill(&image, cpu);
    uint64_t flags = cpu->rflags & X86_HOST_RFLAGS_ARITH;
    flags = op->priv_stub(&image, stores ? bounce : mem, flags);
    x86_host_native_take(&image, cpu);
    if (op->priv_kind == X86_HOST_X87_COMI)
        cpu->rflags =
            (cpu->rflags & ~(uint64_t)X86_HOST_RFLAGS_ARITH) | (flags & X86_HOST_RFLAGS_ARITH);
    if (!stores)
        return X86_HOST_OK;
    /* ES was clear, so an unmasked flag that is set now is this instruction's. All but PE forbid
     * the store. */
    unsigned fsw = x86_host_get16(cpu, X86_HOST_XS_FSW);
    unsigned fcw = x86_host_get16(cpu, X86_HOST_XS_FCW);
    if (fsw & ~fcw & (X86_HOST_FSW_FLAGS & ~X86_HOST_FSW_PE))
        return X86_HOST_NO_STORE;
    memcpy(mem, bounce, op->mem_bytes);
    return X86_HOST_OK;
}

/* rdi = image, rsi = memory operand, rdx = flags; returns flags. */
static void x86_host_x87_emit(X86HostBuild *build, X86HostCode *code)
{
    x86_host_emit(code, "\x48\x0f\xae\x0f", 4); /* fxrstor64 [rdi] */
    if (build->op.priv_kind == X86_HOST_X87_CMOV)
        x86_host_emit(code, "\x52\x9d", 2); /* push rdx; popfq */
    x86_host_emit(code, build->insn_code, build->insn_len);
    x86_host_emit(code, "\x9c\x58", 2);         /* pushfq; pop rax */
    x86_host_emit(code, "\x48\x0f\xae\x07", 4); /* fxsave64 [rdi] */
    x86_host_emit(code, "\xdb\xe3\xc3", 3);     /* fninit; ret */
}

/* -- description ------------------------------------------------------------------------------- */

/* Memory operands by opcode - D8h and ModRM.reg: bytes, with the top bit for stores. */
#define X86_HOST_ST(bytes) (0x80u | (bytes))
static const uint8_t x86_host_x87_mem[8][8] = {
    {4, 4, 4, 4, 4, 4, 4, 4},
    {4, 0, X86_HOST_ST(4), X86_HOST_ST(4), 0, 0, 0, 0},
    {4, 4, 4, 4, 4, 4, 4, 4},
    {4, X86_HOST_ST(4), X86_HOST_ST(4), X86_HOST_ST(4), 0, 10, 0, X86_HOST_ST(10)},
    {8, 8, 8, 8, 8, 8, 8, 8},
    {8, X86_HOST_ST(8), X86_HOST_ST(8), X86_HOST_ST(8), 0, 0, 0, 0},
    {2, 2, 2, 2, 2, 2, 2, 2},
    {2, X86_HOST_ST(2), X86_HOST_ST(2), X86_HOST_ST(2), 10, 8, X86_HOST_ST(10), X86_HOST_ST(8)},
};

static bool x86_host_x87_describe_mem(X86HostBuild *build, unsigned opcode, unsigned reg)
{
    X86HostOp *op = &build->op;
    uint8_t m = x86_host_x87_mem[opcode & 7u][reg];

    if (!m)
        return false;
    op->mem_kind = X86_HOST_MEM_PLAIN;
    op->mem_bytes = m & 0x7fu;
    op->mem_access = m & 0x80u ? X86_HOST_MEM_WRITE : X86_HOST_MEM_READ;
    if (m & 0x80u)
        op->priv_kind = X86_HOST_X87_STORES;
    return true;
}

static void x86_host_x87_describe_reg(X86HostBuild *build)
{
    X86HostOp *op = &build->op;

    if (build->insn->meta.isa_set == ZYDIS_ISA_SET_PPRO) {
        op->priv_kind = X86_HOST_X87_COMI;
        op->writes_flags = X86_HOST_RFLAGS_ARITH;
    } else if (build->insn->meta.isa_set == ZYDIS_ISA_SET_FCMOV) {
        op->priv_kind = X86_HOST_X87_CMOV;
        op->reads_flags = 0x45; /* CF PF ZF */
    }
}

static int x86_host_fwait(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)mem;
    return x86_host_get16(cpu, X86_HOST_XS_FSW) & X86_HOST_FSW_ES ? X86_HOST_MF : X86_HOST_OK;
}

static void x86_host_x87_key(X86HostBuild *build)
{
    memcpy(build->key.code, build->insn_code, build->insn_len);
    if (build->op.fpu_pointers)
        build->key.code[2] = (uint8_t)build->op.fop; /* the ModRM byte as it was: it shows in FOP */
    build->key.kind = 0x80;
    build->key.regs[0] =
        (uint8_t)build->op.mem_bytes; /* tells environments of 16 and 32 bits apart */
    build->key.regs[1] = build->op.priv_wide;
    build->key.regs[2] = build->op.priv_imm;
}

bool x86_host_x87_prepare(X86HostBuild *build)
{
    const ZydisDecodedInstruction *insn = build->insn;
    X86HostOp *op = &build->op;
    unsigned modrm = insn->raw.modrm.mod << 6 | insn->raw.modrm.reg << 3 | insn->raw.modrm.rm;

    op->cls = X86_HOST_CLASS_X87;
    if (insn->opcode == 0x9b) {
        op->cls = X86_HOST_CLASS_FWAIT;
        op->exec = x86_host_fwait;
        build->insn_code[0] = 0x9b;
        build->insn_len = 1;
        x86_host_x87_key(build);
        return true;
    }
    if (insn->raw.modrm.mod != 3)
        modrm = (insn->raw.modrm.reg & 7u) << 3 | 6u; /* [rsi] */
    build->insn_code[0] = insn->opcode;
    build->insn_code[1] = (uint8_t)modrm;
    build->insn_len = 2;
    op->fop = (uint16_t)((insn->opcode & 7u) << 8 | (build->bytes[insn->raw.modrm.offset] & 0xffu));
    op->priv_rm = (uint8_t)(modrm & 7u);
    if (x86_host_x87_control_prepare(build)) {
        /* done in C, without a stub */
    } else {
        if (insn->raw.modrm.mod == 3)
            x86_host_x87_describe_reg(build);
        else if (!x86_host_x87_describe_mem(build, insn->opcode, insn->raw.modrm.reg & 7u))
            return false;
        op->fpu_pointers = 1;
        op->exec = x86_host_x87_fast(insn->opcode, modrm);
        if (!op->exec)
            op->exec = x86_host_x87_native;
        build->emit = x86_host_x87_emit;
    }
    x86_host_x87_key(build);
    return true;
}
