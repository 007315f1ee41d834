/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the decoder of the 8086 and the 80286. Both have one address size and one operand size, and
 * their own answer to most opcodes that the later maps have filled; so the parts of an instruction
 * are found here, and the tables of the one-byte map choose the handler of what has stayed.
 *
 * 80286: no instruction of more than 10 bytes (#GP); LOCK may stand anywhere, but needs CPL <=
 * IOPL. 8086: every byte is an instruction. Follows: 80286 Programmer's Reference Manual, appendix
 * B; for the 8086 beside the manual: its decoder looks at 7 bits of some opcodes, so that 60-6F
 * are Jcc, C0 C1 C8 C9 returns. Where a register stands for a far pointer (LES, LDS, CALL, JMP),
 * the chip takes a stale address; here it is 0. */
#include <string.h>

#include "x86_decode.h"
#include "x86_old.h"

#define OLD_286_MAX 10u

/* What stands behind an opcode. */
enum {
    O_, /* nothing */
    OM, /* ModRM */
    OB, /* a byte, a word */
    OW,
    OMB, /* ModRM and those */
    OMW,
    OGB, /* ModRM and those if it says TEST (group 3) */
    OGW,
    OA, /* the offset of an operand */
    OE, /* ENTER: a word, a byte */
    OF, /* a far pointer */
};

static const uint8_t old_form[256] = {
    /* 00 */ OM,  OM,  OM,  OM,  OB, OW, O_,  O_,  OM, OM,  OM, OM,  OB, OW, O_, O_,
    /* 10 */ OM,  OM,  OM,  OM,  OB, OW, O_,  O_,  OM, OM,  OM, OM,  OB, OW, O_, O_,
    /* 20 */ OM,  OM,  OM,  OM,  OB, OW, O_,  O_,  OM, OM,  OM, OM,  OB, OW, O_, O_,
    /* 30 */ OM,  OM,  OM,  OM,  OB, OW, O_,  O_,  OM, OM,  OM, OM,  OB, OW, O_, O_,
    /* 40 */ O_,  O_,  O_,  O_,  O_, O_, O_,  O_,  O_, O_,  O_, O_,  O_, O_, O_, O_,
    /* 50 */ O_,  O_,  O_,  O_,  O_, O_, O_,  O_,  O_, O_,  O_, O_,  O_, O_, O_, O_,
    /* 60 */ O_,  O_,  OM,  OM,  O_, O_, O_,  O_,  OW, OMW, OB, OMB, O_, O_, O_, O_,
    /* 70 */ OB,  OB,  OB,  OB,  OB, OB, OB,  OB,  OB, OB,  OB, OB,  OB, OB, OB, OB,
    /* 80 */ OMB, OMW, OMB, OMB, OM, OM, OM,  OM,  OM, OM,  OM, OM,  OM, OM, OM, OM,
    /* 90 */ O_,  O_,  O_,  O_,  O_, O_, O_,  O_,  O_, O_,  OF, O_,  O_, O_, O_, O_,
    /* a0 */ OA,  OA,  OA,  OA,  O_, O_, O_,  O_,  OB, OW,  O_, O_,  O_, O_, O_, O_,
    /* b0 */ OB,  OB,  OB,  OB,  OB, OB, OB,  OB,  OW, OW,  OW, OW,  OW, OW, OW, OW,
    /* c0 */ OMB, OMB, OW,  O_,  OM, OM, OMB, OMW, OE, O_,  OW, O_,  O_, OB, O_, O_,
    /* d0 */ OM,  OM,  OM,  OM,  OB, OB, O_,  O_,  OM, OM,  OM, OM,  OM, OM, OM, OM,
    /* e0 */ OB,  OB,  OB,  OB,  OB, OB, OB,  OB,  OW, OW,  OF, OB,  O_, O_, O_, O_,
    /* f0 */ O_,  O_,  O_,  O_,  O_, O_, OGB, OGW, O_, O_,  O_, O_,  O_, O_, OM, OM,
};

/* -- reading ----------------------------------------------------------------------------------- */
typedef struct OldBytes {
    const uint8_t *p;
    uint32_t at, avail;
    bool short_of; /* more are needed than there are */
} OldBytes;

static uint32_t old_byte(OldBytes *b)
{
    if (b->at >= b->avail) {
        b->short_of = true;
        return 0;
    }
    return b->p[b->at++];
}

static uint32_t old_word(OldBytes *b)
{
    uint32_t lo = old_byte(b);
    return lo | old_byte(b) << 8;
}

static void old_imm(X86Dec *d, unsigned k, uint32_t v, uint8_t bits)
{
    d->z.raw.imm[k].value.u = v;
    d->z.raw.imm[k].size = bits;
}

static void old_modrm(X86Dec *d, OldBytes *b)
{
    uint32_t v = old_byte(b);
    d->z.raw.modrm.mod = (uint8_t)(v >> 6);
    d->z.raw.modrm.reg = d->reg = (uint8_t)(v >> 3 & 7);
    d->z.raw.modrm.rm = d->rm = (uint8_t)(v & 7);
    d->mem = v < 0xc0;
    if (v >> 6 == 1)
        d->z.raw.disp.value = (int8_t)old_byte(b);
    else if (v >> 6 == 2 || (v & 0xc7) == 6)
        d->z.raw.disp.value = (int16_t)old_word(b);
}

/* True: b is a prefix, and taken into account. */
static bool old_prefix(X86Dec *d, uint32_t b)
{
    switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e: d->seg = (b >> 3) & 3; return true;
    case 0xf0:
    case 0xf1: d->lock = true; return true;
    case 0xf2:
    case 0xf3:
        d->repne = b == 0xf2;
        d->rep = b == 0xf3;
        return true;
    default: return false;
    }
}

static void old_operands(X86Dec *d, OldBytes *b, uint32_t form)
{
    if (form == OM || (form >= OMB && form <= OGW))
        old_modrm(d, b);
    if ((form == OGB || form == OGW) && d->reg > 1)
        return;
    switch (form) {
    case OB:
    case OMB:
    case OGB: old_imm(d, 0, old_byte(b), 8); break;
    case OW:
    case OMW:
    case OGW: old_imm(d, 0, old_word(b), 16); break;
    case OA:
        d->z.raw.disp.value = (int64_t)old_word(b);
        d->z.raw.disp.size = 16;
        break;
    case OE:
    case OF:
        old_imm(d, 0, old_word(b), 16);
        old_imm(d, 1, form == OF ? old_word(b) : old_byte(b), form == OF ? 16 : 8);
        break;
    default: break;
    }
}

/* -- 80286 ------------------------------------------------------------------------------------- */
static bool old_286_0f(X86Dec *d)
{
    bool table = d->opc == 1 && d->mem && d->reg < 4;
    switch (d->opc) {
    case 0x00:
        if (d->reg > 5)
            return false;
        break;
    case 0x01:
        if (!table && d->reg != 4 && d->reg != 6)
            return false;
        break;
    case 0x02:
    case 0x03:
    case 0x06: break;
    case 0x05:
        d->i->fn = x86_op_286_loadall;
        x86_dec_end(d);
        return true;
    default: return false;
    }
    if (!x86_dec_0f(d))
        return false;
    if (table && d->reg < 2)
        d->i->fn = x86_op_286_sgdt;
    else if (d->opc == 1 && d->reg == 4)
        d->i->fn = x86_op_286_smsw;
    return true;
}

static bool old_286(X86Dec *d)
{
    if (d->opc >= 0x64 && d->opc <= 0x67)
        return false;
    if ((d->opc == 0x8c || d->opc == 0x8e) && d->reg > 3)
        return false;
    return x86_dec_one(d);
}

/* -- 8086 -------------------------------------------------------------------------------------- */
static uint32_t old_8086_alias(uint32_t b)
{
    if (b >= 0x60 && b <= 0x6f)
        return b + 0x10;
    if (b == 0xc0 || b == 0xc1 || b == 0xc8 || b == 0xc9)
        return b + 2;
    return b;
}

/* Where only memory makes sense: offset 0 stands in for a register. */
static void old_8086_memory(X86Dec *d)
{
    if (d->mem)
        return;
    d->mem = true;
    d->z.raw.modrm.mod = 0;
    d->z.raw.modrm.rm = 6;
}

static void old_8086_shift(X86Dec *d)
{
    uint32_t w = d->opc & 1;
    x86_dec_rm(d, w);
    d->i->osz = (uint8_t)(1u << w);
    d->i->op = d->reg;
    d->i->imm = d->opc >= 0xd2;
    d->i->fn = d->reg == 6 ? x86_op_8086_setmo : x86_op_8086_shift_c;
}

/* 8C, 8E: two bits name the segment; 8E may load CS. */
static bool old_8086_seg(X86Dec *d)
{
    d->reg &= 3;
    if (d->opc == 0x8c)
        return x86_dec_one(d);
    x86_dec_rm(d, 3);
    d->i->reg = d->reg;
    d->i->fn = x86_op_8086_mov_to_seg;
    x86_dec_end(d);
    return true;
}

/* FE and FF: 7 pushes as 6 does; FE with 2 to 7 works on words here, where the chip moves half of
 * them. */
static bool old_8086_grp5(X86Dec *d)
{
    if (d->reg > 1)
        d->opc = 0xff;
    if (d->reg == 7)
        d->reg = 6;
    if (d->reg == 3 || d->reg == 5)
        old_8086_memory(d);
    return x86_dec_one(d);
}

static bool old_8086(X86Dec *d)
{
    static const struct {
        uint8_t opc;
        X86Handler fn;
    } own[] = {
        {0x27, x86_op_8086_daa}, {0x2f, x86_op_8086_das},     {0x37, x86_op_8086_aaa},
        {0x3f, x86_op_8086_aas}, {0x54, x86_op_8086_push_sp},
    };
    unsigned k;
    for (k = 0; k < sizeof(own) / sizeof(own[0]); k++)
        if (own[k].opc == d->opc) {
            d->i->fn = own[k].fn;
            return true;
        }
    switch (d->opc) {
    case 0x07:
    case 0x0f: /* POP CS */
    case 0x17:
    case 0x1f:
        d->i->reg = d->opc >> 3;
        d->i->fn = x86_op_8086_pop_seg;
        x86_dec_end(d);
        return true;
    case 0x8c:
    case 0x8e: return old_8086_seg(d);
    case 0x8d:
    case 0xc4:
    case 0xc5: old_8086_memory(d); return x86_dec_one(d);
    case 0x8f:
    case 0xc6:
    case 0xc7: d->reg = 0; return x86_dec_one(d);
    case 0xd0:
    case 0xd1:
        if (d->reg != 6)
            return x86_dec_one(d);
        old_8086_shift(d);
        return true;
    case 0xd2:
    case 0xd3: old_8086_shift(d); return true;
    case 0xfe:
    case 0xff: return old_8086_grp5(d);
    default: break;
    }
    if (!x86_dec_one(d))
        return false;
    if ((d->opc & 0xfe) == 0xf6 && (d->reg == 5 || d->reg == 7))
        d->i->fn = d->reg == 5 ? x86_op_8086_imul : x86_op_8086_idiv;
    return true;
}

/* -- both -------------------------------------------------------------------------------------- */

/* Coprocessor instructions. If there is one, the decoder of later CPUs knows them; the prefixes
 * have been looked at. */
static bool old_esc(X86Dec *d, uint32_t opc_at, uint32_t len)
{
    if (d->c->feat.l1_edx & 1) {
        d->bytes += opc_at;
        d->decoder = d->c->decoder[X86_MODE_16];
        return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(d->decoder, &d->ctx, d->bytes,
                                                          len - opc_at, &d->z)) &&
               x86_dec_host(d);
    }
    if (d->opc == 0x9b) {
        d->i->fn = x86_op_old_wait;
    } else {
        x86_dec_rm(d, 1);
        d->i->fn = x86_op_old_esc;
    }
    return true;
}

static bool old_choose(X86Dec *d, bool map_0f, uint32_t opc_at, uint32_t len)
{
    if (map_0f)
        return old_286_0f(d);
    if (d->opc == 0xf4) {
        d->i->fn = x86_op_old_hlt;
        x86_dec_end(d);
        return true;
    }
    if ((d->opc & 0xf8) == 0xd8 || d->opc == 0x9b)
        return old_esc(d, opc_at, len);
    return x86_is_8086(d->c) ? old_8086(d) : old_286(d);
}

static void old_start(X86Dec *d, X86Cpu *c, X86Insn *i, const uint8_t *bytes, uint32_t off)
{
    memset(d, 0, sizeof(*d));
    memset(i, 0, sizeof(*i));
    d->c = c;
    d->i = i;
    d->bytes = bytes;
    d->code = X86_MODE_16;
    d->off = off;
    d->seg = X86_SEG_NONE;
    d->osz = 2;
    d->w = 1;
    d->z.address_width = 16;
    i->off = (uint16_t)off;
    i->base = i->index = X86_ZERO;
    i->seg = VIV_SEG_DS;
    i->osz = 2;
    i->amask = 0xffff;
}

/* Finds the parts. Returns where the opcode byte is. */
static uint32_t old_parts(X86Dec *d, OldBytes *b, bool *ret_map_0f)
{
    uint32_t opc, at;
    do {
        at = b->at;
        opc = old_byte(b);
    } while (!b->short_of && old_prefix(d, opc));
    *ret_map_0f = opc == 0x0f && x86_is_286(d->c);
    if (*ret_map_0f) {
        opc = old_byte(b);
        old_operands(d, b, opc < 4 ? OM : O_);
    } else {
        if (x86_is_8086(d->c))
            opc = old_8086_alias(opc);
        old_operands(d, b, old_form[opc]);
    }
    d->opc = (uint8_t)opc;
    return at;
}

/* The exception that stands in front of everything else, or NULL. */
static X86Handler old_refuse(const X86Dec *d, uint32_t mode, uint32_t len)
{
    if (x86_is_286(d->c) && (len > OLD_286_MAX || (d->lock && (mode & X86_MODE_LOCK))))
        return x86_op_gp;
    return NULL;
}

uint32_t x86_decode_old(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail,
                        uint32_t off, X86Insn *i)
{
    OldBytes b = {.p = bytes, .avail = avail < 15 ? avail : 15};
    uint32_t opc_at;
    bool map_0f;
    X86Dec d;
    old_start(&d, c, i, bytes, off);
    opc_at = old_parts(&d, &b, &map_0f);
    if (b.short_of && avail < 15)
        return 0;
    if (b.short_of && x86_is_8086(c)) { /* a run of prefixes: the first goes by itself */
        i->end = (uint16_t)(off + 1);
        i->fn = x86_op_nop;
        return 1;
    }
    i->end = (uint16_t)(off + b.at);
    i->op = d.opc;
    i->flags = (uint16_t)((d.rep ? X86_IF_REP : 0) | (d.repne ? X86_IF_REPNE : 0));
    i->fn = old_refuse(&d, mode, b.at);
    d.lock = false; /* there is nobody else on the bus to hold off */
    if (!i->fn && !old_choose(&d, map_0f, opc_at, b.at))
        i->fn = x86_op_ud;
    if (i->fn == x86_op_gp || i->fn == x86_op_ud)
        i->flags |= X86_IF_END;
    return b.at;
}
