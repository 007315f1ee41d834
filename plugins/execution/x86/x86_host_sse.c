/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the compiler for vector instructions (MMX, SSE ... AVX2, AES, SHA, FMA ...), first
 * half: what an instruction's operands and properties are, and its bytes once more with fixed
 * registers. Second half: x86_host_stub.c.
 *
 * Re-encoding works on the fields that Zydis has parsed, so every instruction with a plain
 * legacy or VEX encoding works without being known here by name. The operands keep their
 * encoding fields; in these stand host registers: ModRM.reg 1, ModRM.rm 2, VEX.vvvv 3, is4 4
 * (general registers: eax), implicit XMM0 0; memory is [rdx], or [rdi] where rdx is taken.
 *
 * Follows: SDM vol. 2, chapter 2. */
#include "x86_host_internal.h"

/* -- operands ---------------------------------------------------------------------------------- */

void x86_host_mem_operand(X86HostBuild *build, const ZydisDecodedOperand *operand)
{
    X86HostOp *op = &build->op;

    op->mem_kind = X86_HOST_MEM_PLAIN;
    op->mem_bytes = (uint16_t)(operand->size / 8u);
    if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
        op->mem_access |= X86_HOST_MEM_READ;
    if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
        op->mem_access |= X86_HOST_MEM_WRITE;
}

static uint8_t x86_host_role_kind(ZydisRegister reg)
{
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_XMM: return X86_HOST_ROLE_XMM;
    case ZYDIS_REGCLASS_YMM: return X86_HOST_ROLE_YMM;
    case ZYDIS_REGCLASS_MMX: return X86_HOST_ROLE_MMX;
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64: return X86_HOST_ROLE_GPR;
    default: return X86_HOST_ROLE_NONE;
    }
}

/* Takes one register operand; false: a kind of register that no instruction of ours has. */
static bool x86_host_role(X86HostBuild *build, const ZydisDecodedOperand *operand)
{
    X86HostRole *role;

    switch (operand->encoding) {
    case ZYDIS_OPERAND_ENCODING_MODRM_REG: role = &build->reg; break;
    case ZYDIS_OPERAND_ENCODING_MODRM_RM: role = &build->rm; break;
    case ZYDIS_OPERAND_ENCODING_NDSNDD: role = &build->vvvv; break;
    case ZYDIS_OPERAND_ENCODING_IS4: role = &build->is4; break;
    default: /* implicit: XMM0, or general registers that x86_host_simd_implicit() knows */
        if (operand->reg.value == ZYDIS_REGISTER_XMM0)
            build->implicit_xmm0 = true;
        return true;
    }
    role->kind = x86_host_role_kind(operand->reg.value);
    if (role->kind == X86_HOST_ROLE_NONE)
        return false;
    role->id = (uint8_t)ZydisRegisterGetId(operand->reg.value);
    role->write = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    /* Most legacy instructions keep some part of their destination; a load too many harms
     * nobody. */
    role->read = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0 ||
                 (!build->vex && role->kind != X86_HOST_ROLE_GPR);
    return role->id < 16u;
}

static bool x86_host_roles(X86HostBuild *build)
{
    for (unsigned i = 0; i < build->insn->operand_count; i++) {
        const ZydisDecodedOperand *operand = &build->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            if (!x86_host_role(build, operand))
                return false;
        } else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            x86_host_mem_operand(build, operand);
            if (operand->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
                build->rm.kind = X86_HOST_ROLE_MEM;
        }
    }
    return true;
}

bool x86_host_has_kind(const X86HostBuild *build, uint8_t kind)
{
    return build->reg.kind == kind || build->rm.kind == kind || build->vvvv.kind == kind ||
           build->is4.kind == kind;
}

/* -- properties of the instruction ------------------------------------------------------------- */

static bool x86_host_is_fp(const X86HostBuild *build)
{
    switch (build->insn->mnemonic) {
    case ZYDIS_MNEMONIC_CVTPI2PS:
    case ZYDIS_MNEMONIC_CVTPS2PI:
    case ZYDIS_MNEMONIC_CVTTPS2PI:
    case ZYDIS_MNEMONIC_CVTPD2PI:
    case ZYDIS_MNEMONIC_CVTTPD2PI: return true;
    default: break;
    }
    switch (build->insn->meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE3:
    case ZYDIS_EXCEPTION_CLASS_AVX2:
    case ZYDIS_EXCEPTION_CLASS_AVX3:
    case ZYDIS_EXCEPTION_CLASS_AVX11: return true;
    default: return false;
    }
}

/* SDM vol. 2, 2.4: exception types 1, 2 and 4 want legacy 16-byte operands aligned, with
 * exceptions. */
static uint8_t x86_host_align(const X86HostBuild *build)
{
    uint16_t bytes = build->op.mem_bytes;

    switch (build->insn->mnemonic) {
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM: return 1;
    case ZYDIS_MNEMONIC_CVTPD2PI:
    case ZYDIS_MNEMONIC_CVTTPD2PI: return 16;
    default: break;
    }
    switch (build->insn->meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_SSE1:
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE4: return bytes == 16 && !build->vex ? 16 : 1;
    case ZYDIS_EXCEPTION_CLASS_AVX1: return bytes == 32 ? 32 : bytes == 16 ? 16 : 1;
    default: return 1;
    }
}

static uint8_t x86_host_simd_class(const X86HostBuild *build)
{
    if (build->vex)
        return X86_HOST_CLASS_AVX;
    if (!x86_host_has_kind(build, X86_HOST_ROLE_MMX))
        return X86_HOST_CLASS_SSE;
    return x86_host_has_kind(build, X86_HOST_ROLE_XMM) || build->is_fp ? X86_HOST_CLASS_SSEMMX
                                                                       : X86_HOST_CLASS_MMX;
}

bool x86_host_is_explicit_length(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_PCMPESTRI || mnemonic == ZYDIS_MNEMONIC_PCMPESTRM ||
           mnemonic == ZYDIS_MNEMONIC_VPCMPESTRI || mnemonic == ZYDIS_MNEMONIC_VPCMPESTRM;
}

/* Implicit general and vector registers, and the masked forms of memory. */
static void x86_host_simd_implicit(X86HostBuild *build)
{
    X86HostOp *op = &build->op;

    if (x86_host_is_explicit_length(build->insn->mnemonic))
        op->gpr_reads |= 1u << VIV_REG_RAX | 1u << VIV_REG_RDX;
    switch (build->insn->mnemonic) {
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_VPCMPESTRI:
    case ZYDIS_MNEMONIC_VPCMPISTRI:
        op->gpr_writes |= 1u << VIV_REG_RCX;
        build->implicit_xmm0 = false;
        break;
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRM:
    case ZYDIS_MNEMONIC_VPCMPESTRM:
    case ZYDIS_MNEMONIC_VPCMPISTRM: build->implicit_xmm0 = true; break;
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ: op->mem_kind = X86_HOST_MEM_MASKED; break;
    default: break;
    }
}

static void x86_host_simd_describe(X86HostBuild *build)
{
    X86HostOp *op = &build->op;
    const X86HostRole *roles[] = {&build->reg, &build->rm, &build->vvvv};

    for (unsigned i = 0; i < 3; i++) {
        if (roles[i]->kind != X86_HOST_ROLE_GPR)
            continue;
        if (roles[i]->read)
            op->gpr_reads |= (uint16_t)(1u << roles[i]->id);
        if (roles[i]->write)
            op->gpr_writes |= (uint16_t)(1u << roles[i]->id);
    }
    if (build->insn->cpu_flags) {
        const ZydisAccessedFlags *f = build->insn->cpu_flags;
        op->writes_flags =
            X86_HOST_RFLAGS_ARITH & (f->modified | f->set_0 | f->set_1 | f->undefined);
    }
    build->is_fp = x86_host_is_fp(build);
    op->cls = x86_host_simd_class(build);
    op->mem_align = op->mem_kind == X86_HOST_MEM_NONE ? 1 : x86_host_align(build);
    op->priv_reg = build->reg.id;
    op->priv_rm = build->rm.id;
    op->priv_vvvv = build->vvvv.id;
    op->priv_wide = x86_host_has_kind(build, X86_HOST_ROLE_YMM);
    if (build->is_fp && x86_host_has_kind(build, X86_HOST_ROLE_MMX))
        op->priv_kind = X86_HOST_KIND_MMX_FP;
    else if (build->is_fp)
        x86_host_inexact_describe(build);
}

/* -- re-encoding ------------------------------------------------------------------------------- */

typedef struct X86HostFields {
    uint8_t map; /* 1: 0F, 2: 0F38, 3: 0F3A */
    uint8_t pp;  /* 0 none, 1 66, 2 F3, 3 F2 */
    uint8_t opcode;
    uint8_t wide;   /* REX.W or VEX.W */
    uint8_t length; /* VEX.L */
} X86HostFields;

/* Opcodes whose W selects the width of a general register or of its memory stand-in, and is ignored
 * outside 64-bit mode. pp as a mask. */
static bool x86_host_w_is_gpr(const X86HostFields *f)
{
    if (f->map == 1)
        return ((f->opcode == 0x6e || f->opcode == 0x7e) && f->pp < 2) ||
               ((f->opcode == 0x2a || f->opcode == 0x2c || f->opcode == 0x2d) && f->pp >= 2);
    return f->map == 3 && (f->opcode == 0x16 || f->opcode == 0x22 || /* PEXTRD, PINSRD */
                           f->opcode == 0x60 || f->opcode == 0x61);  /* PCMPESTRM, PCMPESTRI */
}

/* Non-temporal moves become their ordinary twins: the hint means nothing to a bounce buffer, and
 * weak ordering towards the host's other threads is worth nothing to anybody. */
static void x86_host_drop_hint(X86HostFields *f)
{
    if (f->map == 1 && f->opcode == 0x2b) /* MOVNTPS, MOVNTPD; SSE4a's MOVNTSS, MOVNTSD */
        f->opcode = f->pp >= 2 ? 0x11 : 0x29;
    else if (f->map == 1 && f->opcode == 0xe7 && f->pp < 2) /* MOVNTQ, MOVNTDQ */
        f->opcode = 0x7f;
    else if (f->map == 2 && f->opcode == 0x2a && f->pp == 1) { /* MOVNTDQA */
        f->map = 1;
        f->opcode = 0x6f;
    }
}

unsigned x86_host_pp(const X86HostBuild *build)
{
    const ZydisDecodedInstruction *insn = build->insn;

    if (build->vex)
        return insn->raw.vex.pp;
    for (unsigned i = 0; i < insn->raw.prefix_count; i++) {
        if (insn->raw.prefixes[i].type != ZYDIS_PREFIX_TYPE_MANDATORY)
            continue;
        switch (insn->raw.prefixes[i].value) {
        case 0x66: return 1;
        case 0xf3: return 2;
        case 0xf2: return 3;
        default: break;
        }
    }
    return 0;
}

static bool x86_host_fields(const X86HostBuild *build, X86HostFields *f)
{
    const ZydisDecodedInstruction *insn = build->insn;

    switch (insn->opcode_map) {
    case ZYDIS_OPCODE_MAP_0F: f->map = 1; break;
    case ZYDIS_OPCODE_MAP_0F38: f->map = 2; break;
    case ZYDIS_OPCODE_MAP_0F3A: f->map = 3; break;
    default: return false;
    }
    f->opcode = insn->opcode;
    f->pp = (uint8_t)x86_host_pp(build);
    f->wide = build->vex ? insn->raw.vex.W : insn->raw.rex.W;
    f->length = build->vex ? insn->raw.vex.L : 0;
    if (insn->machine_mode != ZYDIS_MACHINE_MODE_LONG_64 && (!build->vex || x86_host_w_is_gpr(f)))
        f->wide = 0;
    x86_host_drop_hint(f);
    return true;
}

static void x86_host_put(X86HostBuild *build, unsigned byte)
{
    if (build->insn_len < sizeof(build->insn_code))
        build->insn_code[build->insn_len++] = (uint8_t)byte;
}

static void x86_host_put_head(X86HostBuild *build, const X86HostFields *f)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};

    if (build->vex) {
        unsigned vvvv = build->vvvv.kind ? X86_HOST_HOST_VVVV : 0;
        x86_host_put(build, 0xc4);
        x86_host_put(build, 0xe0u | f->map);
        x86_host_put(build, (unsigned)f->wide << 7 | (~vvvv & 0xfu) << 3 |
                                (unsigned)f->length << 2 | f->pp);
    } else {
        if (f->pp)
            x86_host_put(build, prefixes[f->pp]);
        if (f->wide)
            x86_host_put(build, 0x48);
        x86_host_put(build, 0x0f);
        if (f->map > 1)
            x86_host_put(build, f->map == 2 ? 0x38 : 0x3a);
    }
    x86_host_put(build, f->opcode);
}

static void x86_host_put_modrm(X86HostBuild *build)
{
    unsigned reg = build->insn->raw.modrm.reg & 7u; /* an opcode extension, unless: */
    unsigned rm = X86_HOST_HOST_RM;
    unsigned mod = 3;

    if (build->reg.kind)
        reg = build->reg.kind == X86_HOST_ROLE_GPR ? 0 : X86_HOST_HOST_REG;
    if (build->rm.kind == X86_HOST_ROLE_MEM) {
        mod = 0;
        rm = x86_host_is_explicit_length(build->insn->mnemonic) ? 7 : 2; /* [rdi], [rdx] */
    } else if (build->rm.kind == X86_HOST_ROLE_GPR) {
        rm = 0;
    }
    x86_host_put(build, mod << 6 | reg << 3 | rm);
}

static bool x86_host_encode(X86HostBuild *build)
{
    const ZydisDecodedInstruction *insn = build->insn;
    X86HostFields f = {0};

    if (!x86_host_fields(build, &f))
        return false;
    x86_host_put_head(build, &f);
    x86_host_put_modrm(build);
    for (unsigned i = 0; i < 2; i++) {
        if (insn->raw.imm[i].size == 0)
            continue;
        unsigned imm = build->bytes[insn->raw.imm[i].offset];
        if (build->is4.kind)
            imm = (imm & 0xfu) | X86_HOST_HOST_IS4 << 4;
        x86_host_put(build, imm);
    }
    if (build->is4.kind && insn->raw.imm[0].size == 0) /* the last byte is the register alone */
        x86_host_put(build, X86_HOST_HOST_IS4 << 4);
    return build->insn_len < sizeof(build->insn_code);
}

static void x86_host_simd_key(X86HostBuild *build)
{
    X86HostKey *key = &build->key;

    memcpy(key->code, build->insn_code, build->insn_len);
    key->regs[0] = build->reg.id;
    key->regs[1] =
        build->op.mem_kind == X86_HOST_MEM_PLAIN || build->op.mem_kind == X86_HOST_MEM_MASKED
            ? 0xff
            : build->rm.id; /* of a gather: the index register */
    key->regs[2] = build->vvvv.id;
    key->regs[3] = build->is4.id;
    /* Twins made equal by x86_host_drop_hint() may still differ in alignment and feature. */
    key->kind = (uint8_t)(0x40u | (build->op.mem_align > 1));
    key->reserved0[0] = build->op.feature;
    key->reserved0[1] = (uint8_t)build->op.mem_bytes;
    key->reserved0[2] = build->insn->machine_mode == ZYDIS_MACHINE_MODE_LONG_64;
}

bool x86_host_simd_prepare(X86HostBuild *build)
{
    build->vex = build->insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
    if (build->insn->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && !build->vex)
        return false;
    if (build->vex && !x86_host_has(X86_HOST_FEATURE_AVX))
        return false;
    if (!x86_host_roles(build))
        return false;
    x86_host_simd_implicit(build);
    x86_host_simd_describe(build);
    if (!x86_host_encode(build))
        return false;
    if (!x86_host_simd_special(build))
        build->emit = x86_host_simd_emit;
    x86_host_simd_key(build);
    return build->op.exec || build->emit;
}
