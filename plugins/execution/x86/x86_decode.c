/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: from bytes to X86Insn. Zydis finds the instruction's parts and refuses what is none (with
 * LOCK where it may not stand, register forms that do not exist); the tables here choose the
 * handler, x86_isa.c knows what the guest's CPU model has. Nothing here is visible to the guest but #UD, and #GP for an instruction of more than
 * 15 bytes. Follows: Intel SDM vol. 2, appendix A. */
#include <stdlib.h>
#include <string.h>

#include "x86_decode.h"
#include "x86_host.h"
#include "x86_old.h"

bool x86_decode_init(X86Cpu *c)
{
    static const struct {
        ZydisMachineMode mode;
        ZydisStackWidth width;
    } modes[3] = {
        {ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16},
        {ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
        {ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
    };
    unsigned k;
    for (k = 0; k < 3; k++) {
        c->decoder[k] = malloc(sizeof(ZydisDecoder));
        if (!c->decoder[k] ||
            !ZYAN_SUCCESS(ZydisDecoderInit(c->decoder[k], modes[k].mode, modes[k].width)))
            return false;
        /* what no model has, and is a NOP without */
        ZydisDecoderEnableMode(c->decoder[k], ZYDIS_DECODER_MODE_MPX, false);
        ZydisDecoderEnableMode(c->decoder[k], ZYDIS_DECODER_MODE_CET, false);
        ZydisDecoderEnableMode(c->decoder[k], ZYDIS_DECODER_MODE_CLDEMOTE, false);
    }
    return true;
}

void x86_decode_vendor(X86Cpu *c)
{
    ZydisDecoderEnableMode(c->decoder[X86_MODE_64], ZYDIS_DECODER_MODE_AMD_BRANCHES,
                           !c->feat.intel);
}

void x86_decode_finish(X86Cpu *c)
{
    unsigned k;
    for (k = 0; k < 3; k++)
        free(c->decoder[k]);
}

static void x86_dec_prefixes(X86Dec *d)
{
    unsigned k;
    d->seg = X86_SEG_NONE;
    for (k = 0; k < d->z.raw.prefix_count; k++) {
        uint8_t b = d->z.raw.prefixes[k].value;
        switch (b) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            if (d->code != X86_MODE_64)
                d->seg = (b >> 3) & 3;
            break;
        case 0x64:
        case 0x65: d->seg = (uint8_t)(b - 0x64 + VIV_SEG_FS); break;
        case 0x66: d->p66 = true; break;
        case 0xf0: d->lock = true; break;
        case 0xf2:
            d->repne = true;
            d->rep = false;
            break;
        case 0xf3:
            d->rep = true;
            d->repne = false;
            break;
        default: break;
        }
    }
    d->rexed = (d->z.attributes & ZYDIS_ATTRIB_HAS_REX) != 0;
}

static void x86_dec_mem16(X86Dec *d)
{
    static const uint8_t bases[8] = {X86_RBX, X86_RBX, X86_RBP, X86_RBP,
                                     X86_RSI, X86_RDI, X86_RBP, X86_RBX};
    static const uint8_t indexes[8] = {X86_RSI,  X86_RDI,  X86_RSI,  X86_RDI,
                                       X86_ZERO, X86_ZERO, X86_ZERO, X86_ZERO};
    uint8_t rm = d->z.raw.modrm.rm;
    d->i->base = bases[rm];
    d->i->index = indexes[rm];
    if (rm == 6 && d->z.raw.modrm.mod == 0)
        d->i->base = X86_ZERO;
    d->i->seg = d->i->base == X86_RBP ? VIV_SEG_SS : VIV_SEG_DS;
}

static void x86_dec_mem32(X86Dec *d)
{
    X86Insn *i = d->i;
    uint8_t mod = d->z.raw.modrm.mod, rm = d->z.raw.modrm.rm;
    uint8_t rex_b = (uint8_t)(d->rm & 8u);
    i->seg = VIV_SEG_DS;
    if (rm == 4) {
        bool vex = d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
        uint8_t x = vex ? !!d->ctx.vector_unified.X : d->z.raw.rex.X;
        uint8_t index = (uint8_t)(d->z.raw.sib.index | (d->code == X86_MODE_64 && x ? 8 : 0));
        i->scale = d->z.raw.sib.scale;
        i->index = index == 4 ? X86_ZERO : index;
        if (d->z.raw.sib.base == 5 && mod == 0)
            i->base = X86_ZERO;
        else
            i->base = d->z.raw.sib.base | rex_b;
    } else if (rm == 5 && mod == 0) {
        if (d->code == X86_MODE_64) {
            i->base = X86_PC;
            i->disp += i->end;
        } else {
            i->base = X86_ZERO;
        }
    } else {
        i->base = rm | rex_b;
    }
    if (i->base == X86_RSP || i->base == X86_RBP)
        i->seg = VIV_SEG_SS;
}

void x86_dec_rm(X86Dec *d, uint32_t w)
{
    X86Insn *i = d->i;
    if (!d->mem) {
        i->rm = x86_dec_r(d, d->rm, w);
        return;
    }
    i->flags |= X86_IF_MEM;
    i->index = X86_ZERO;
    i->disp = d->z.raw.disp.value;
    if (d->z.address_width == 16)
        x86_dec_mem16(d);
    else
        x86_dec_mem32(d);
    if (d->seg != X86_SEG_NONE)
        i->seg = d->seg;
}

/* x87 instructions where there is no FPU: the bus takes them and nobody answers. */
static bool x86_dec_no_fpu(X86Dec *d)
{
    bool wait = d->opc == 0x9b;
    if (x86_isa_has(d->c, X86_ISA_FPU) || d->z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
        d->z.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || (!wait && (d->opc & 0xf8) != 0xd8))
        return false;
    d->i->fn = wait ? x86_op_no_fpu_wait : x86_op_no_fpu;
    return true;
}

/* Instructions of the FPU and vector units. */
bool x86_dec_host(X86Dec *d)
{
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    const X86HostOp *op;
    if (x86_dec_no_fpu(d))
        return true;
    if (d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && !x86_isa_has(d->c, X86_ISA_AVX))
        return false;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeOperands(d->decoder, &d->ctx, &d->z, ops, d->z.operand_count)))
        return false;
    op = x86_host_compile(d->c->host_cache, &d->z, ops, d->bytes);
    if (!op || !(d->c->feat.units >> op->feature & 1))
        return false;
    d->i->host = op;
    if (op->mem_kind == X86_HOST_MEM_MASK_DI) {
        d->i->flags |= X86_IF_MEM;
        d->i->base = X86_RDI;
        d->i->index = X86_ZERO;
        d->i->seg = d->seg != X86_SEG_NONE ? d->seg : VIV_SEG_DS;
    } else if (op->mem_kind == X86_HOST_MEM_GATHER) {
        x86_dec_rm(d, 3);
        d->i->index = X86_ZERO; /* a vector register */
    } else if (op->mem_kind != X86_HOST_MEM_NONE) {
        x86_dec_rm(d, 3);
    }
    d->i->fn = d->z.meta.category == ZYDIS_CATEGORY_PREFETCH && op->cls == X86_HOST_CLASS_FREE
                   ? x86_op_nop
                   : x86_host_handler(op);
    return true;
}

/* What is no instruction is as long as the bytes that show it. */
static uint32_t x86_dec_bad(const X86Dec *d, X86Handler fn, uint32_t avail)
{
    ZydisDecodedInstruction z;
    uint32_t n;
    avail = avail < 15 ? avail : 15;
    for (n = 1; n < avail; n++)
        if (ZydisDecoderDecodeInstruction(d->decoder, NULL, d->bytes, n, &z) !=
            ZYDIS_STATUS_NO_MORE_DATA)
            break;
    d->i->fn = fn;
    d->i->flags = X86_IF_END;
    d->i->end = (uint16_t)(d->i->off + n);
    return n;
}

/* Chooses the handler; false: no instruction. */
static bool x86_dec_map(X86Dec *d)
{
    if (d->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
        return x86_dec_vex(d);
    if (d->z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return false;
    switch (d->z.opcode_map) {
    case ZYDIS_OPCODE_MAP_DEFAULT: return x86_dec_one(d);
    case ZYDIS_OPCODE_MAP_0F: return x86_dec_0f(d);
    case ZYDIS_OPCODE_MAP_0F38: return x86_dec_0f38(d);
    default: return x86_dec_host(d);
    }
}

uint32_t x86_decode(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail, uint32_t off,
                    X86Insn *i)
{
    X86Dec d;
    ZyanStatus st;
    if (x86_old(c))
        return x86_decode_old(c, mode, bytes, avail, off, i);
    memset(i, 0, sizeof(*i));
    i->off = (uint16_t)off;
    i->base = i->index = X86_ZERO;
    i->seg = VIV_SEG_DS;
    d.c = c;
    d.i = i;
    d.bytes = bytes;
    d.code = mode & X86_MODE_CODE;
    d.decoder = c->decoder[d.code];
    d.off = off;
    d.p66 = d.rep = d.repne = d.lock = false;
    st = ZydisDecoderDecodeInstruction(d.decoder, &d.ctx, bytes, avail < 15 ? avail : 15, &d.z);
    if (!ZYAN_SUCCESS(st)) {
        uint32_t len;
        if (st == ZYDIS_STATUS_NO_MORE_DATA && avail < 15)
            return 0;
        len = x86_isa_special(c, mode, bytes, avail, off, i);
        if (len != X86_ISA_UNKNOWN)
            return len;
        return x86_dec_bad(
            &d,
            st == ZYDIS_STATUS_INSTRUCTION_TOO_LONG || st == ZYDIS_STATUS_NO_MORE_DATA ? x86_op_gp
                                                                                       : x86_op_ud,
            avail);
    }
    i->end = (uint16_t)(off + d.z.length);
    x86_dec_prefixes(&d);
    d.opc = d.z.opcode;
    d.mem = (d.z.attributes & ZYDIS_ATTRIB_HAS_MODRM) && d.z.raw.modrm.mod != 3;
    d.reg = d.z.raw.modrm.reg;
    d.rm = d.z.raw.modrm.rm;
    if (d.code == X86_MODE_64) {
        if (d.z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
            d.reg |= d.ctx.vector_unified.R ? 8 : 0;
            d.rm |= d.ctx.vector_unified.B ? 8 : 0;
        } else if (d.rexed) {
            d.reg |= d.z.raw.rex.R ? 8 : 0;
            d.rm |= d.z.raw.rex.B ? 8 : 0;
        }
    }
    if (d.rexed && d.z.raw.rex.W && d.z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
        d.osz = 8;
        i->flags |= X86_IF_REXW;
    } else {
        d.osz = (d.code == X86_MODE_16) == d.p66 ? 4 : 2;
    }
    d.w = d.osz == 8 ? 3 : d.osz == 4 ? 2 : 1;
    i->osz = (uint8_t)d.osz;
    i->op = d.opc;
    i->amask = d.z.address_width == 64 ? ~0ull : d.z.address_width == 32 ? 0xffffffffu : 0xffffu;
    i->flags |= (uint16_t)((d.rep ? X86_IF_REP : 0) | (d.repne ? X86_IF_REPNE : 0) |
                           (d.lock ? X86_IF_LOCK : 0) | (d.rexed ? X86_IF_REX : 0) |
                           (d.p66 ? X86_IF_66 : 0));
    if (!x86_isa_allows(&d) || !x86_dec_map(&d)) {
        i->fn = x86_op_ud;
        i->flags |= X86_IF_END;
    }
    return d.z.length;
}
