/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: vector-class instructions that plain C serves better than a stub: masked stores to
 * [rDI], gathers (their elements fault one by one), LDMXCSR, STMXCSR, VZEROALL, VZEROUPPER,
 * MOVNTI, fences and prefetches.
 *
 * Prefetches do nothing and MOVNTI is an ordinary store. */
#include "x86_host_internal.h"

/* -- MXCSR ------------------------------------------------------------------------------------- */

static int x86_host_ldmxcsr(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint32_t value;

    (void)op;
    memcpy(&value, mem, sizeof(value));
    if (value & ~X86_HOST_MXCSR_VALID)
        return X86_HOST_GP;
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, value);
    return X86_HOST_OK;
}

static int x86_host_stmxcsr(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op;
    memcpy(mem, cpu->xsave + X86_HOST_XS_MXCSR, 4);
    return X86_HOST_OK;
}

/* -- moves and fences -------------------------------------------------------------------------- */

static int x86_host_movnti(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    memcpy(mem, &cpu->gpr[op->priv_reg], op->mem_bytes == 8 ? 8 : 4);
    return X86_HOST_OK;
}

static int x86_host_nop(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)cpu, (void)mem;
    return X86_HOST_OK;
}

static int x86_host_lfence(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)cpu, (void)mem;
    __asm__ volatile("lfence" ::: "memory");
    return X86_HOST_OK;
}

static int x86_host_sfence(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)cpu, (void)mem;
    __asm__ volatile("sfence" ::: "memory");
    return X86_HOST_OK;
}

static int x86_host_mfence(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)op, (void)cpu, (void)mem;
    __asm__ volatile("mfence" ::: "memory");
    return X86_HOST_OK;
}

/* Outside 64-bit mode registers 8-15 keep their values. */
static int x86_host_vzeroupper(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    (void)mem;
    memset(cpu->xsave + X86_HOST_XS_YMMH, 0, op->priv_wide ? 256 : 128);
    return X86_HOST_OK;
}

static int x86_host_vzeroall(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    memset(cpu->xsave + X86_HOST_XS_XMM, 0, op->priv_wide ? 256 : 128);
    return x86_host_vzeroupper(op, cpu, mem);
}

/* -- masks ------------------------------------------------------------------------------------- */

static uint8_t *x86_host_xmm(viv_cpu_t *cpu, unsigned id)
{
    return cpu->xsave + X86_HOST_XS_XMM + 16u * id;
}

/* Byte i of vector register id, which continues in another place from 16 on. */
static uint8_t x86_host_vector_byte(const viv_cpu_t *cpu, unsigned id, unsigned i)
{
    return i < 16 ? cpu->xsave[X86_HOST_XS_XMM + 16u * id + i]
                  : cpu->xsave[X86_HOST_XS_YMMH + 16u * id + i - 16u];
}

static void x86_host_vector_put(viv_cpu_t *cpu, unsigned id, unsigned i, const void *bytes,
                                unsigned len)
{
    if (i < 16)
        memcpy(cpu->xsave + X86_HOST_XS_XMM + 16u * id + i, bytes, len);
    else
        memcpy(cpu->xsave + X86_HOST_XS_YMMH + 16u * id + i - 16u, bytes, len);
}

static const uint8_t *x86_host_di_mask(const X86HostOp *op, const viv_cpu_t *cpu)
{
    return op->mem_bytes == 8 ? cpu->xsave + X86_HOST_XS_ST + 16u * op->priv_rm
                              : cpu->xsave + X86_HOST_XS_XMM + 16u * op->priv_rm;
}

static uint32_t x86_host_mem_mask_di(const X86HostOp *op, const viv_cpu_t *cpu)
{
    const uint8_t *mask = x86_host_di_mask(op, cpu);
    unsigned turn = 0;
    uint32_t bits = 0;

    /* Before the first MMX instruction after x87 code, MM(n) is not yet slot n of the image. */
    if (op->mem_bytes == 8) {
        turn = x86_host_get16(cpu, X86_HOST_XS_FSW) >> X86_HOST_FSW_TOP_SHIFT & 7u;
        mask = cpu->xsave + X86_HOST_XS_ST + 16u * ((op->priv_rm - turn) & 7u);
    }
    for (unsigned i = 0; i < op->mem_bytes; i++)
        bits |= (uint32_t)(mask[i] >> 7) << i;
    return bits;
}

uint32_t x86_host_mem_mask(const X86HostOp *op, const viv_cpu_t *cpu)
{
    unsigned element = op->priv_imm;
    uint32_t bits = 0;

    if (op->mem_kind == X86_HOST_MEM_MASK_DI)
        return x86_host_mem_mask_di(op, cpu);
    if (op->mem_kind != X86_HOST_MEM_MASKED)
        return op->mem_bytes >= 32 ? UINT32_MAX : (UINT32_C(1) << op->mem_bytes) - 1u;
    for (unsigned i = 0; i < op->mem_bytes; i += element) {
        if (x86_host_vector_byte(cpu, op->priv_vvvv, i + element - 1u) & 0x80u)
            bits |= ((UINT32_C(1) << element) - 1u) << i;
    }
    return bits;
}

static int x86_host_maskmov(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint8_t *out = mem;
    const uint8_t *data = x86_host_xmm(cpu, op->priv_reg);

    if (op->mem_bytes == 8) {
        int rc = x86_host_mmx_enter(cpu);
        if (rc)
            return rc;
        data = cpu->xsave + X86_HOST_XS_ST + 16u * op->priv_reg;
    }
    const uint8_t *mask = x86_host_di_mask(op, cpu);
    for (unsigned i = 0; i < op->mem_bytes; i++) {
        if (mask[i] & 0x80u)
            out[i] = data[i];
    }
    return X86_HOST_OK;
}

/* -- gathers ----------------------------------------------------------------------------------- */
/* priv_kind: elements; priv_imm: bytes of an index; mem_bytes: of an element; priv_rm: index
 * register. */

unsigned x86_host_gather_count(const X86HostOp *op)
{
    return op->priv_kind;
}

bool x86_host_gather_index(const X86HostOp *op, viv_cpu_t *cpu, unsigned i, int64_t *ret_index)
{
    static const uint8_t zero[8];
    uint8_t raw[8];

    if (i >= op->priv_kind)
        return false;
    if (!(x86_host_vector_byte(cpu, op->priv_vvvv, (i + 1u) * op->mem_bytes - 1u) & 0x80u)) {
        x86_host_vector_put(cpu, op->priv_vvvv, i * op->mem_bytes, zero, op->mem_bytes);
        return false;
    }
    for (unsigned k = 0; k < op->priv_imm; k++)
        raw[k] = x86_host_vector_byte(cpu, op->priv_rm, i * op->priv_imm + k);
    if (op->priv_imm == 4) {
        int32_t index;
        memcpy(&index, raw, sizeof(index));
        *ret_index = index;
    } else {
        memcpy(ret_index, raw, sizeof(*ret_index));
    }
    return true;
}

void x86_host_gather_commit(const X86HostOp *op, viv_cpu_t *cpu, unsigned i, const void *element)
{
    static const uint8_t zero[8];

    if (i >= op->priv_kind)
        return;
    x86_host_vector_put(cpu, op->priv_reg, i * op->mem_bytes, element, op->mem_bytes);
    x86_host_vector_put(cpu, op->priv_vvvv, i * op->mem_bytes, zero, op->mem_bytes);
}

static int x86_host_gather_finish(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    static const uint8_t zero[4];

    (void)mem;
    for (unsigned i = (unsigned)op->priv_kind * op->mem_bytes; i < 32; i += 4)
        x86_host_vector_put(cpu, op->priv_reg, i, zero, 4);
    for (unsigned i = 0; i < 32; i += 4)
        x86_host_vector_put(cpu, op->priv_vvvv, i, zero, 4);
    return X86_HOST_OK;
}

static void x86_host_gather_prepare(X86HostBuild *build)
{
    X86HostOp *op = &build->op;
    const ZydisDecodedInstruction *insn = build->insn;

    for (unsigned i = 0; i < insn->operand_count; i++) {
        if (build->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            build->rm.id = (uint8_t)ZydisRegisterGetId(build->operands[i].mem.index);
    }
    unsigned vector = insn->raw.vex.L ? 32 : 16;
    unsigned element = insn->raw.vex.W ? 8 : 4;
    unsigned index = insn->opcode & 1u ? 8 : 4;
    op->mem_kind = X86_HOST_MEM_GATHER;
    op->mem_access = X86_HOST_MEM_READ;
    op->mem_bytes = (uint16_t)element;
    op->mem_align = 1;
    op->priv_kind = (uint8_t)(vector / (element > index ? element : index));
    op->priv_imm = (uint8_t)index;
    op->priv_rm = build->rm.id;
    bool distinct = build->reg.id != build->vvvv.id && build->reg.id != build->rm.id &&
                    build->vvvv.id != build->rm.id;
    op->exec = distinct ? x86_host_gather_finish : NULL; /* NULL: #UD */
}

/* -- selection --------------------------------------------------------------------------------- */

static void x86_host_special_free(X86HostBuild *build, X86HostExec exec)
{
    build->op.exec = exec;
    build->op.cls = X86_HOST_CLASS_FREE;
}

static void x86_host_special_prefetch(X86HostBuild *build)
{
    x86_host_special_free(build, x86_host_nop);
    build->op.mem_kind = X86_HOST_MEM_NONE;
    build->op.mem_access = 0;
    build->op.mem_bytes = 0;
}

static void x86_host_special_mask_di(X86HostBuild *build, unsigned bytes)
{
    build->op.exec = x86_host_maskmov;
    build->op.mem_kind = X86_HOST_MEM_MASK_DI;
    build->op.mem_access = X86_HOST_MEM_WRITE;
    build->op.mem_bytes = (uint16_t)bytes;
    build->op.mem_align = 1;
}

/* Masked moves run as stubs; only the width of their elements is wanted here. */
static void x86_host_special_masked(X86HostBuild *build)
{
    ZydisMnemonic mnemonic = build->insn->mnemonic;
    build->op.priv_imm =
        mnemonic == ZYDIS_MNEMONIC_VMASKMOVPD || mnemonic == ZYDIS_MNEMONIC_VPMASKMOVQ ? 8 : 4;
}

bool x86_host_simd_special(X86HostBuild *build)
{
    X86HostOp *op = &build->op;

    if (op->mem_kind == X86_HOST_MEM_MASKED)
        x86_host_special_masked(build);
    switch (build->insn->mnemonic) {
    case ZYDIS_MNEMONIC_EMMS:
        op->exec = x86_host_emms;
        op->cls = X86_HOST_CLASS_MMX;
        break;
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR: op->exec = x86_host_ldmxcsr; break;
    case ZYDIS_MNEMONIC_STMXCSR:
    case ZYDIS_MNEMONIC_VSTMXCSR: op->exec = x86_host_stmxcsr; break;
    case ZYDIS_MNEMONIC_MOVNTI: x86_host_special_free(build, x86_host_movnti); break;
    case ZYDIS_MNEMONIC_LFENCE: x86_host_special_free(build, x86_host_lfence); break;
    case ZYDIS_MNEMONIC_SFENCE: x86_host_special_free(build, x86_host_sfence); break;
    case ZYDIS_MNEMONIC_MFENCE: x86_host_special_free(build, x86_host_mfence); break;
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2: x86_host_special_prefetch(build); break;
    case ZYDIS_MNEMONIC_MASKMOVQ: x86_host_special_mask_di(build, 8); break;
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU: x86_host_special_mask_di(build, 16); break;
    case ZYDIS_MNEMONIC_VZEROUPPER:
    case ZYDIS_MNEMONIC_VZEROALL:
        op->exec = build->insn->mnemonic == ZYDIS_MNEMONIC_VZEROALL ? x86_host_vzeroall
                                                                    : x86_host_vzeroupper;
        op->priv_wide = build->insn->machine_mode == ZYDIS_MACHINE_MODE_LONG_64;
        break;
    case ZYDIS_MNEMONIC_VPGATHERDD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
    case ZYDIS_MNEMONIC_VPGATHERQD:
    case ZYDIS_MNEMONIC_VPGATHERQQ:
    case ZYDIS_MNEMONIC_VGATHERDPS:
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VGATHERQPD: x86_host_gather_prepare(build); return true;
    default: break;
    }
    return op->exec != NULL;
}
