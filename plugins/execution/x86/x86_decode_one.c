/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the one-byte opcode map. */
#include "x86_decode.h"

/* op r/m, reg: dir 0; op reg, r/m: dir 1 */
static void x86_dec_alu(X86Dec *d, uint32_t op, uint32_t w, bool dir)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, w);
    i->reg = x86_dec_r(d, d->reg, w);
    if (!d->mem) {
        if (dir) {
            uint8_t t = i->rm;
            i->rm = i->reg;
            i->reg = t;
        }
        i->fn = x86_alu[op][w][X86_FORM_RR];
    } else if (dir) {
        i->fn = x86_alu[op][w][X86_FORM_RM];
    } else {
        i->fn = x86_alu[op][w][d->lock ? X86_FORM_LMR : X86_FORM_MR];
    }
}

static void x86_dec_alu_imm(X86Dec *d, uint32_t op, uint32_t w)
{
    x86_dec_rm(d, w);
    d->i->imm = x86_dec_simm(d, 0);
    d->i->fn = x86_alu[op][w][!d->mem ? X86_FORM_RI : d->lock ? X86_FORM_LMI : X86_FORM_MI];
}

static void x86_dec_alu_acc(X86Dec *d, uint32_t op, uint32_t w)
{
    d->i->rm = X86_RAX; /* byte offset 0 for AL too */
    d->i->imm = x86_dec_simm(d, 0);
    d->i->fn = x86_alu[op][w][X86_FORM_RI];
}

static void x86_dec_mov(X86Dec *d, uint32_t w, bool dir)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, w);
    i->reg = x86_dec_r(d, d->reg, w);
    if (!d->mem) {
        if (dir) {
            uint8_t t = i->rm;
            i->rm = i->reg;
            i->reg = t;
        }
        i->fn = x86_mov[w][X86_FORM_RR];
    } else {
        i->fn = x86_mov[w][dir ? X86_FORM_RM : X86_FORM_MR];
    }
}

static void x86_dec_moffs(X86Dec *d, uint32_t w, bool store)
{
    X86Insn *i = d->i;
    i->flags |= X86_IF_MEM;
    i->base = i->index = X86_ZERO;
    i->disp = d->z.raw.disp.size ? d->z.raw.disp.value : (int64_t)d->z.raw.imm[0].value.u;
    i->seg = d->seg != X86_SEG_NONE ? d->seg : VIV_SEG_DS;
    i->reg = X86_RAX;
    i->fn = x86_mov[w][store ? X86_FORM_MR : X86_FORM_RM];
}

static void x86_dec_shift(X86Dec *d, uint32_t w, int count_from)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, w);
    i->op = d->reg & 7;
    if (count_from < 0) {
        i->fn = x86_shift_c[i->op][w][d->mem];
        return;
    }
    i->imm = count_from == 0 ? 1 : x86_dec_uimm(d, 0);
    i->imm &= w == 3 ? 63 : 31;
    i->fn = x86_shift_i[i->op][w][d->mem];
}

/* Near branches are 64 bits wide in 64-bit mode, whatever the prefixes say; but 66 makes them 16 bits
 * wide on AMD's processors (APM vol. 1, 3.7.9, table 3-9). */
void x86_dec_near(X86Dec *d)
{
    if (d->code == X86_MODE_64)
        d->osz = d->osz == 2 && !d->c->feat.intel ? 2 : 8;
    d->i->osz = (uint8_t)d->osz;
    d->i->amask = d->osz == 8 ? ~0ull : d->osz == 4 ? 0xffffffffu : 0xffffu;
    x86_dec_end(d);
}

void x86_dec_rel(X86Dec *d, X86Handler fn)
{
    x86_dec_near(d);
    d->i->disp = (int64_t)x86_dec_simm(d, 0) + d->i->end;
    d->i->flags |= X86_IF_REL;
    d->i->fn = fn;
}

/* LOOP and JCXZ need the address-size mask as well: in imm. F2 and F3 choose the condition of LOOPcc
 * on AMD's processors: no manual has it, the processors do. */
static void x86_dec_loop(X86Dec *d)
{
    d->i->imm = d->i->amask;
    if (d->opc < 0xe2 && (d->rep || d->repne) && !d->c->feat.intel)
        d->i->op = d->rep ? 0xe1 : 0xe0;
    x86_dec_rel(d, d->opc == 0xe3 ? x86_op_jcxz : x86_op_loop);
}

/* The stack's default operand size in 64-bit mode is 64 bits, or 16 with 66. */
static uint32_t x86_dec_stack_size(X86Dec *d)
{
    if (d->code == X86_MODE_64)
        d->osz = d->p66 && !(d->i->flags & X86_IF_REXW) ? 2 : 8;
    d->i->osz = (uint8_t)d->osz;
    return d->osz;
}

static void x86_dec_push_pop(X86Dec *d, bool pop)
{
    uint32_t reg = (d->opc & 7u) | (d->rexed && d->z.raw.rex.B ? 8u : 0);
    uint32_t n = x86_dec_stack_size(d);
    d->i->reg = (uint8_t)reg;
    if (pop)
        d->i->fn = n == 8 ? x86_op_pop_r64 : x86_op_pop_r;
    else
        d->i->fn = n == 8 ? x86_op_push_r64 : x86_op_push_r;
}

static void x86_dec_simple(X86Dec *d, X86Handler fn)
{
    d->i->fn = fn;
}

static void x86_dec_simple_end(X86Dec *d, X86Handler fn)
{
    d->i->fn = fn;
    x86_dec_end(d);
}

static void x86_dec_string(X86Dec *d, X86Handler fn)
{
    X86Insn *i = d->i;
    i->osz =
        (uint8_t)(d->opc & 1 ? (d->opc == 0x6d || d->opc == 0x6f) && d->osz == 8 ? 4 : d->osz : 1);
    i->seg = d->seg != X86_SEG_NONE ? d->seg : VIV_SEG_DS;
    i->fn = fn;
}

static bool x86_dec_grp3(X86Dec *d, uint32_t w)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, w);
    i->osz = (uint8_t)(1u << w);
    switch (d->reg & 7) {
    case 0:
    case 1:
        i->imm = x86_dec_simm(d, 0);
        i->fn = x86_alu[8][w][d->mem ? X86_FORM_MI : X86_FORM_RI];
        break;
    case 2: i->fn = x86_notneg[0][w][d->mem ? d->lock ? 2 : 1 : 0]; break;
    case 3: i->fn = x86_notneg[1][w][d->mem ? d->lock ? 2 : 1 : 0]; break;
    case 4: i->fn = x86_op_mul; break;
    case 5: i->fn = x86_op_imul1; break;
    case 6: i->fn = d->mem || w < 2 ? x86_op_div : w == 2 ? x86_op_div_32r : x86_op_div_64r; break;
    default:
        i->fn = d->mem || w < 2 ? x86_op_idiv : w == 2 ? x86_op_idiv_32r : x86_op_idiv_64r;
        break;
    }
    return true;
}

static bool x86_dec_grp5(X86Dec *d)
{
    X86Insn *i = d->i;
    uint64_t amask = i->amask;
    switch (d->reg & 7) {
    case 0:
    case 1:
        x86_dec_rm(d, d->w);
        i->fn = x86_incdec[d->reg & 1][d->w][d->mem ? d->lock ? 2 : 1 : 0];
        break;
    case 2:
    case 4:
        x86_dec_near(d);
        x86_dec_rm(d, 3);
        i->amask = amask;
        i->fn = (d->reg & 7) == 2 ? x86_op_call_ind : x86_op_jmp_ind;
        break;
    case 3:
    case 5:
        if (!d->mem)
            return false;
        x86_dec_rm(d, 3);
        x86_dec_end(d);
        i->fn = (d->reg & 7) == 3 ? x86_op_call_far_m : x86_op_jmp_far_m;
        break;
    case 6:
        x86_dec_stack_size(d);
        x86_dec_rm(d, 3);
        i->fn = x86_op_push_m;
        break;
    default: return false;
    }
    return true;
}

static void x86_dec_xchg(X86Dec *d, uint32_t w)
{
    d->i->osz = (uint8_t)(1u << w);
    x86_dec_rm(d, w);
    d->i->reg = x86_dec_r(d, d->reg, w);
    d->i->fn = d->mem ? x86_op_xchg_rm : x86_op_xchg_rr;
}

static void x86_dec_mov_imm(X86Dec *d)
{
    uint32_t reg = (d->opc & 7u) | (d->rexed && d->z.raw.rex.B ? 8u : 0);
    uint32_t w = d->opc & 8 ? d->w : 0;
    d->i->rm = x86_dec_r(d, reg, w);
    d->i->imm = x86_dec_uimm(d, 0);
    d->i->fn = x86_mov[w][X86_FORM_RI];
}

static void x86_dec_far(X86Dec *d, X86Handler fn)
{
    d->i->imm = x86_dec_uimm(d, 0);
    d->i->disp = (int64_t)x86_dec_uimm(d, 1);
    x86_dec_simple_end(d, fn);
}

/* 40-4F and 90-97 */
static void x86_dec_short(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t reg = (d->opc & 7u) | (d->rexed && d->z.raw.rex.B ? 8u : 0);
    if (d->opc < 0x50) {
        i->rm = (uint8_t)reg;
        i->fn = x86_incdec[(d->opc >> 3) & 1][d->w][0];
    } else if (reg == 0) {
        i->fn = d->rep ? x86_op_pause : x86_op_nop;
    } else {
        i->reg = X86_RAX;
        i->rm = (uint8_t)reg;
        i->fn = x86_op_xchg_rr;
    }
}

static bool x86_dec_low(X86Dec *d)
{
    uint32_t op = (d->opc >> 3) & 7u;
    switch (d->opc & 7) {
    case 0:
    case 1: x86_dec_alu(d, op, d->opc & 1 ? d->w : 0, false); return true;
    case 2:
    case 3: x86_dec_alu(d, op, d->opc & 1 ? d->w : 0, true); return true;
    case 4:
    case 5: x86_dec_alu_acc(d, op, d->opc & 1 ? d->w : 0); return true;
    default: break;
    }
    switch (d->opc) {
    case 0x06:
    case 0x0e:
    case 0x16:
    case 0x1e:
        x86_dec_stack_size(d);
        d->i->reg = d->opc >> 3;
        d->i->fn = x86_op_push_seg;
        return true;
    case 0x07:
    case 0x17:
    case 0x1f:
        x86_dec_stack_size(d);
        d->i->reg = d->opc >> 3;
        x86_dec_simple_end(d, x86_op_pop_seg);
        return true;
    case 0x27: x86_dec_simple(d, x86_op_daa); return true;
    case 0x2f: x86_dec_simple(d, x86_op_das); return true;
    case 0x37: x86_dec_simple(d, x86_op_aaa); return true;
    case 0x3f: x86_dec_simple(d, x86_op_aas); return true;
    default: return false;
    }
}

/* With 66 AMD's processors read 32 bits all the same. */
static void x86_dec_movsxd(X86Dec *d)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, 2);
    if (d->w == 3) {
        i->fn = x86_movsx[2][3][d->mem];
    } else if (!d->mem) {
        i->reg = d->rm;
        i->rm = d->reg;
        i->fn = x86_mov[d->w][X86_FORM_RR];
    } else {
        i->fn = d->w == 1 && !d->c->feat.intel ? x86_op_movsxd16 : x86_mov[d->w][X86_FORM_RM];
    }
}

static bool x86_dec_6x(X86Dec *d)
{
    X86Insn *i = d->i;
    switch (d->opc) {
    case 0x60: x86_dec_simple(d, x86_op_pusha); return true;
    case 0x61: x86_dec_simple(d, x86_op_popa); return true;
    case 0x62:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        x86_dec_simple(d, x86_op_bound);
        return d->mem;
    case 0x63:
        i->reg = d->reg;
        if (d->code == X86_MODE_64) {
            x86_dec_movsxd(d);
        } else {
            i->osz = 2;
            x86_dec_rm(d, 1);
            i->fn = x86_op_arpl;
        }
        return true;
    case 0x68:
    case 0x6a:
        x86_dec_stack_size(d);
        i->imm = x86_dec_simm(d, 0);
        i->fn = x86_op_push_i;
        return true;
    case 0x69:
    case 0x6b:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->imm = x86_dec_simm(d, 0);
        i->fn = x86_op_imul3;
        return true;
    case 0x6c:
    case 0x6d: x86_dec_string(d, x86_op_ins); return true;
    default: x86_dec_string(d, x86_op_outs); return true;
    }
}

static bool x86_dec_8x(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t w = d->opc & 1 ? d->w : 0;
    switch (d->opc) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83: x86_dec_alu_imm(d, d->reg & 7u, w); return true;
    case 0x84:
    case 0x85: x86_dec_alu(d, 8, w, false); return true;
    case 0x86:
    case 0x87: x86_dec_xchg(d, w); return true;
    case 0x88:
    case 0x89: x86_dec_mov(d, w, false); return true;
    case 0x8a:
    case 0x8b: x86_dec_mov(d, w, true); return true;
    case 0x8c:
        if ((d->reg & 7) > 5)
            return false;
        x86_dec_rm(d, 3);
        i->reg = d->reg & 7;
        i->fn = x86_op_mov_from_seg;
        return true;
    case 0x8d:
        if (!d->mem)
            return false;
        x86_dec_rm(d, 3);
        i->reg = d->reg;
        i->fn = x86_lea[d->w];
        return true;
    case 0x8e:
        if ((d->reg & 7) > 5 || (d->reg & 7) == VIV_SEG_CS)
            return false;
        x86_dec_rm(d, 3);
        i->reg = d->reg & 7;
        x86_dec_simple_end(d, x86_op_mov_to_seg);
        return true;
    default:
        if (d->reg & 7)
            return false;
        x86_dec_stack_size(d);
        x86_dec_rm(d, 3);
        i->fn = x86_op_pop_m;
        return true;
    }
}

static bool x86_dec_9x(X86Dec *d)
{
    switch (d->opc) {
    case 0x98: x86_dec_simple(d, x86_op_cbw); return true;
    case 0x99: x86_dec_simple(d, x86_op_cwd); return true;
    case 0x9a: x86_dec_far(d, x86_op_call_far); return true;
    case 0x9b: return x86_dec_host(d);
    case 0x9c:
        x86_dec_stack_size(d);
        x86_dec_simple(d, x86_op_pushf);
        return true;
    case 0x9d:
        x86_dec_stack_size(d);
        x86_dec_simple_end(d, x86_op_popf);
        return true;
    case 0x9e:
    case 0x9f:
        if (d->code == X86_MODE_64 && !x86_isa_has(d->c, X86_ISA_LAHF64))
            return false;
        x86_dec_simple(d, d->opc == 0x9e ? x86_op_sahf : x86_op_lahf);
        return true;
    default: x86_dec_short(d); return true;
    }
}

static bool x86_dec_ax(X86Dec *d)
{
    static const X86Handler strings[] = {x86_op_movs, x86_op_cmps, NULL,
                                         x86_op_stos, x86_op_lods, x86_op_scas};
    uint32_t w = d->opc & 1 ? d->w : 0;
    if (d->opc < 0xa4)
        x86_dec_moffs(d, w, d->opc >= 0xa2);
    else if (d->opc == 0xa8 || d->opc == 0xa9)
        x86_dec_alu_acc(d, 8, w);
    else
        x86_dec_string(d, strings[(d->opc - 0xa4) >> 1]);
    return true;
}

static bool x86_dec_cx(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t w = d->opc & 1 ? d->w : 0;
    switch (d->opc) {
    case 0xc0:
    case 0xc1: x86_dec_shift(d, w, 1); return true;
    case 0xc2:
    case 0xc3:
        x86_dec_near(d);
        i->imm = x86_dec_uimm(d, 0);
        i->fn = d->osz == 8 && d->opc == 0xc3 ? x86_op_ret64 : x86_op_ret;
        return true;
    case 0xc4:
    case 0xc5:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->op = d->opc == 0xc4 ? VIV_SEG_ES : VIV_SEG_DS;
        x86_dec_simple_end(d, x86_op_lxs);
        return d->mem;
    case 0xc6:
    case 0xc7:
        if (d->reg & 7)
            return false;
        x86_dec_rm(d, w);
        i->imm = x86_dec_simm(d, 0);
        i->fn = x86_mov[w][d->mem ? X86_FORM_MI : X86_FORM_RI];
        return true;
    case 0xc8:
        x86_dec_stack_size(d);
        i->imm = x86_dec_uimm(d, 0);
        i->op = (uint16_t)x86_dec_uimm(d, 1);
        i->fn = x86_op_enter;
        return true;
    case 0xc9:
        x86_dec_stack_size(d);
        i->fn = x86_op_leave;
        return true;
    case 0xca:
    case 0xcb:
        i->imm = x86_dec_uimm(d, 0);
        x86_dec_simple_end(d, x86_op_retf);
        return true;
    case 0xcc: x86_dec_simple_end(d, x86_op_int3); return true;
    case 0xcd:
        i->imm = x86_dec_uimm(d, 0);
        x86_dec_simple_end(d, x86_op_int);
        return true;
    case 0xce: x86_dec_simple_end(d, x86_op_into); return true;
    default: x86_dec_simple_end(d, x86_op_iret); return true;
    }
}

static bool x86_dec_dx(X86Dec *d)
{
    uint32_t w = d->opc & 1 ? d->w : 0;
    switch (d->opc) {
    case 0xd0:
    case 0xd1: x86_dec_shift(d, w, 0); return true;
    case 0xd2:
    case 0xd3: x86_dec_shift(d, w, -1); return true;
    case 0xd4:
    case 0xd5:
        d->i->imm = x86_dec_uimm(d, 0);
        x86_dec_simple(d, d->opc == 0xd4 ? x86_op_aam : x86_op_aad);
        return true;
    case 0xd6: x86_dec_simple(d, x86_op_salc); return true;
    case 0xd7:
        d->i->seg = d->seg != X86_SEG_NONE ? d->seg : VIV_SEG_DS;
        x86_dec_simple(d, x86_op_xlat);
        return true;
    default: return x86_dec_host(d);
    }
}

static bool x86_dec_ex(X86Dec *d)
{
    X86Insn *i = d->i;
    switch (d->opc) {
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3: x86_dec_loop(d); return true;
    case 0xe8:
        x86_dec_rel(d, x86_op_call_rel);
        if (d->osz == 8)
            i->fn = x86_op_call_rel64;
        return true;
    case 0xe9:
    case 0xeb: x86_dec_rel(d, x86_op_jmp_rel); return true;
    case 0xea: x86_dec_far(d, x86_op_jmp_far); return true;
    default:
        i->osz = (uint8_t)(d->opc & 1 ? d->osz == 8 ? 4 : d->osz : 1);
        i->imm = x86_dec_uimm(d, 0);
        i->op = d->opc;
        i->fn = d->opc & 2 ? x86_op_out : x86_op_in;
        return true;
    }
}

static bool x86_dec_fx(X86Dec *d)
{
    switch (d->opc) {
    case 0xf1: x86_dec_simple_end(d, x86_op_icebp); return true;
    case 0xf4: x86_dec_simple_end(d, x86_op_hlt); return true;
    case 0xf5: x86_dec_simple(d, x86_op_cmc); return true;
    case 0xf6:
    case 0xf7: return x86_dec_grp3(d, d->opc & 1 ? d->w : 0);
    case 0xf8: x86_dec_simple(d, x86_op_clc); return true;
    case 0xf9: x86_dec_simple(d, x86_op_stc); return true;
    case 0xfa: x86_dec_simple(d, x86_op_cli); return true;
    case 0xfb: x86_dec_simple_end(d, x86_op_sti); return true;
    case 0xfc: x86_dec_simple(d, x86_op_cld); return true;
    case 0xfd: x86_dec_simple(d, x86_op_std); return true;
    case 0xfe:
        if ((d->reg & 7) > 1)
            return false;
        x86_dec_rm(d, 0);
        d->i->fn = x86_incdec[d->reg & 1][0][d->mem ? d->lock ? 2 : 1 : 0];
        return true;
    case 0xff: return x86_dec_grp5(d);
    default: return false;
    }
}

bool x86_dec_one(X86Dec *d)
{
    switch (d->opc >> 4) {
    case 0:
    case 1:
    case 2:
    case 3: return x86_dec_low(d);
    case 4: x86_dec_short(d); return true;
    case 5: x86_dec_push_pop(d, d->opc & 8); return true;
    case 6: return x86_dec_6x(d);
    case 7: x86_dec_rel(d, x86_jcc[d->opc & 15]); return true;
    case 8: return x86_dec_8x(d);
    case 9: return x86_dec_9x(d);
    case 10: return x86_dec_ax(d);
    case 11: x86_dec_mov_imm(d); return true;
    case 12: return x86_dec_cx(d);
    case 13: return x86_dec_dx(d);
    case 14: return x86_dec_ex(d);
    default: return x86_dec_fx(d);
    }
}
