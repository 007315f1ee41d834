/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: instructions that the 8086 and the 80286 do in their own way; see x86_old.h. */
#include <string.h>

#include "x86_old.h"

/* -- both -------------------------------------------------------------------------------------- */

/* IP has 16 bits. */
int x86_op_old_hlt(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->cpl != 0)
        x86_raise(c, X86_GP, 0);
    c->s->activity = VIV_ACT_HALTED;
    x86_ff_update(c);
    c->r[X86_PC] = x86_next_pc(c) & 0xffff;
    c->cur = NULL;
    X86_END;
}

/* Without a coprocessor the CPU makes the address and goes on. */
int x86_op_old_esc(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->s->cr0 & (X86_CR0_EM | X86_CR0_TS))
        x86_raise(c, X86_NM, 0);
    if ((i->flags & X86_IF_MEM) && x86_is_286(c))
        x86_seg_check(c, i->seg, x86_ea(c, i), 2, false);
    X86_NEXT(c, i);
}

int x86_op_old_wait(X86Cpu *c, const X86Insn *i)
{
    if ((c->s->cr0 & (X86_CR0_MP | X86_CR0_TS)) == (X86_CR0_MP | X86_CR0_TS))
        return x86_fault(c, i, X86_NM, 0);
    X86_NEXT(c, i);
}

/* -- 80286 ------------------------------------------------------------------------------------- */
#define OLD_MSW 15u /* PE MP EM TS; the others read as ones */

int x86_op_286_smsw(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_rm_set(c, i, (c->s->cr0 & OLD_MSW) | 0xfff0, 2);
    X86_NEXT(c, i);
}

static __attribute__((noinline)) void x86_286_sgdt(X86Cpu *c, const X86Insn *i)
{
    const viv_tablereg_t *t = i->op == 0 ? &c->s->gdtr : &c->s->idtr;
    uint32_t base = (uint32_t)t->base | 0xff000000u;
    uint8_t buf[6];
    memcpy(buf, &t->limit, 2);
    memcpy(buf + 2, &base, 4);
    x86_st_bytes(c, i->seg, x86_ea(c, i), buf, 6);
}

int x86_op_286_sgdt(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_286_sgdt(c, i);
    X86_NEXT(c, i);
}

/* LOADALL: every register from a table at 800h, segments with their hidden parts, unchecked. PE can
 * be set, not cleared. */
#define LOADALL_AT    0x800u
#define LOADALL_BYTES 0x66u

static uint32_t x86_loadall_u16(const uint8_t *image, uint32_t at)
{
    uint16_t v;
    memcpy(&v, image + at, 2);
    return v;
}

/* base (3 bytes), access rights, limit */
static void x86_loadall_seg(const uint8_t *image, uint32_t sel_at, uint32_t at, viv_segreg_t *s)
{
    s->sel = (uint16_t)x86_loadall_u16(image, sel_at);
    s->base = x86_loadall_u16(image, at) | (uint32_t)image[at + 2] << 16;
    s->attr = image[at + 3];
    s->limit = x86_loadall_u16(image, at + 4);
    if (!(s->attr & VIV_ATTR_P))
        s->attr |= VIV_ATTR_UNUSABLE;
}

static void x86_loadall_table(const uint8_t *image, uint32_t at, viv_tablereg_t *t)
{
    viv_segreg_t s;
    x86_loadall_seg(image, at, at, &s);
    t->base = s.base;
    t->limit = (uint16_t)s.limit;
}

static __attribute__((noinline)) void x86_loadall(X86Cpu *c)
{
    static const struct {
        uint8_t sel, cache, seg;
    } segs[] = {
        {0x24, 0x36, VIV_SEG_ES},
        {0x22, 0x3c, VIV_SEG_CS},
        {0x20, 0x42, VIV_SEG_SS},
        {0x1e, 0x48, VIV_SEG_DS},
    };
    static const uint8_t gprs[8] = {X86_RDI, X86_RSI, X86_RBP, X86_RSP,
                                    X86_RBX, X86_RDX, X86_RCX, X86_RAX};
    uint8_t image[LOADALL_BYTES];
    viv_cpu_t *s = c->s;
    unsigned k;
    x86_phys_read(c, LOADALL_AT, image, sizeof(image));
    s->cr0 = (s->cr0 & ~(uint64_t)(OLD_MSW & ~X86_CR0_PE)) | (x86_loadall_u16(image, 6) & OLD_MSW);
    for (k = 0; k < 4; k++)
        x86_loadall_seg(image, segs[k].sel, segs[k].cache, &s->seg[segs[k].seg]);
    x86_loadall_table(image, 0x4e, &s->gdtr);
    x86_loadall_seg(image, 0x1c, 0x54, &s->ldtr);
    x86_loadall_table(image, 0x5a, &s->idtr);
    x86_loadall_seg(image, 0x16, 0x60, &s->tr);
    for (k = 0; k < 8; k++)
        c->r[gprs[k]] = x86_loadall_u16(image, 0x26 + k * 2);
    x86_mode_update(c);
    x86_set_rflags(c, x86_loadall_u16(image, 0x18), 0xffff);
    x86_branch_done(c, x86_loadall_u16(image, 0x1a));
}

int x86_op_286_loadall(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->cpl != 0)
        x86_raise(c, X86_GP, 0);
    x86_loadall(c);
    X86_END;
}

/* -- 8086 -------------------------------------------------------------------------------------- */

/* The value after the push. */
int x86_op_8086_push_sp(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_push(c, c->r[X86_RSP] - 2, 2);
    X86_NEXT(c, i);
}

/* A load of any segment register holds interrupts off for an instruction, not only of SS. */
static int x86_8086_shadow(X86Cpu *c)
{
    c->s->shadow |= VIV_SHADOW_MOV_SS;
    x86_ff_update(c);
    X86_END;
}

int x86_op_8086_mov_to_seg(X86Cpu *c, const X86Insn *i)
{
    (void)x86_op_mov_to_seg(c, i);
    return x86_8086_shadow(c);
}

int x86_op_8086_pop_seg(X86Cpu *c, const X86Insn *i)
{
    (void)x86_op_pop_seg(c, i);
    return x86_8086_shadow(c);
}

/* Replaces the ModRM.rm operand by what fn makes of it. */
static void x86_8086_rmw(X86Cpu *c, const X86Insn *i,
                         uint32_t (*fn)(X86Cpu *c, const X86Insn *i, uint32_t v))
{
    c->cur = i;
    if (i->flags & X86_IF_MEM) {
        uint32_t v = (uint32_t)x86_rmw_slow(c, i->seg, x86_ea(c, i), i->osz);
        x86_rmw_done(c, fn(c, i, v), i->osz);
    } else {
        x86_rm_set(c, i, fn(c, i, (uint32_t)x86_rm_get(c, i, i->osz)), i->osz);
    }
}

static uint32_t x86_8086_shift(X86Cpu *c, const X86Insn *i, uint32_t v)
{
    uint32_t n = (uint8_t)c->r[X86_RCX];
    return n ? x86_shift_any(c, i->op, i->osz, v, n) : v;
}

int x86_op_8086_shift_c(X86Cpu *c, const X86Insn *i)
{
    x86_8086_rmw(c, i, x86_8086_shift);
    X86_NEXT(c, i);
}

/* D0-D3 /6, not in the manual: all ones, flags as of a logical operation. */
static uint32_t x86_8086_ones(X86Cpu *c, const X86Insn *i, uint32_t v)
{
    if (i->imm && !(uint8_t)c->r[X86_RCX])
        return v;
    x86_fl_logic16(c, 0xffff);
    return 0xffff;
}

int x86_op_8086_setmo(X86Cpu *c, const X86Insn *i)
{
    x86_8086_rmw(c, i, x86_8086_ones);
    X86_NEXT(c, i);
}

/* IMUL and IDIV keep the sign of their result in the flag that a REP prefix sets: with one, it
 * comes out negated. */
static int32_t x86_8086_sign(const X86Insn *i)
{
    return i->flags & (X86_IF_REP | X86_IF_REPNE) ? -1 : 1;
}

int x86_op_8086_imul(X86Cpu *c, const X86Insn *i)
{
    int32_t b, r;
    c->cur = i;
    b = (int32_t)x86_rm_get(c, i, i->osz);
    if (i->osz == 1) {
        r = (int8_t)c->r[X86_RAX] * (int8_t)b * x86_8086_sign(i);
        x86_fl_szp8(c, (uint8_t)r);
        x86_set_cf_of_af(c, r != (int8_t)r, r != (int8_t)r, false);
    } else {
        r = (int16_t)c->r[X86_RAX] * (int16_t)b * x86_8086_sign(i);
        x86_fl_szp16(c, (uint16_t)r);
        x86_set_cf_of_af(c, r != (int16_t)r, r != (int16_t)r, false);
        X86_W16(c, X86_RDX, r >> 16);
    }
    X86_W16(c, X86_RAX, r);
    X86_NEXT(c, i);
}

/* A quotient of -128 or -32768 is refused too. */
int x86_op_8086_idiv(X86Cpu *c, const X86Insn *i)
{
    int32_t a, b, q, max = i->osz == 1 ? 0x7f : 0x7fff;
    c->cur = i;
    b = (int32_t)x86_rm_get(c, i, i->osz);
    if (i->osz == 1) {
        a = (int16_t)c->r[X86_RAX];
        b = (int8_t)b;
    } else {
        a = (int32_t)((uint32_t)c->r[X86_RDX] << 16 | (uint16_t)c->r[X86_RAX]);
        b = (int16_t)b;
    }
    if (b == 0 || (a == INT32_MIN && b == -1))
        x86_raise(c, X86_DE, 0);
    q = a / b;
    if (q > max || q < -max)
        x86_raise(c, X86_DE, 0);
    q *= x86_8086_sign(i);
    if (i->osz == 1) {
        X86_W16(c, X86_RAX, (uint8_t)q | (uint32_t)(uint8_t)(a % b) << 8);
    } else {
        X86_W16(c, X86_RAX, q);
        X86_W16(c, X86_RDX, a % b);
    }
    X86_NEXT(c, i);
}

/* DAA and DAS: with AF set, AL counts as beyond 99h only from A0h on. */
static void x86_8086_decimal(X86Cpu *c, int sign)
{
    uint8_t al = (uint8_t)c->r[X86_RAX], old = al;
    bool af = x86_af(c), cf = old > (af ? 0x9f : 0x99) || x86_cf(c);
    if ((old & 15) > 9 || af) {
        al = (uint8_t)(al + sign * 6);
        af = true;
    }
    if (cf)
        al = (uint8_t)(al + sign * 0x60);
    X86_W8(c, X86_RAX, al);
    x86_fl_szp8(c, al);
    x86_set_cf_of_af(c, cf, false, af);
}

int x86_op_8086_daa(X86Cpu *c, const X86Insn *i)
{
    x86_8086_decimal(c, 1);
    X86_NEXT(c, i);
}

int x86_op_8086_das(X86Cpu *c, const X86Insn *i)
{
    x86_8086_decimal(c, -1);
    X86_NEXT(c, i);
}

/* AAA and AAS: AL and AH are changed apart, with no carry between them. */
static void x86_8086_ascii(X86Cpu *c, int sign)
{
    uint8_t al = (uint8_t)c->r[X86_RAX], ah = (uint8_t)(c->r[X86_RAX] >> 8);
    bool adjust = (al & 15) > 9 || x86_af(c);
    if (adjust) {
        al = (uint8_t)(al + sign * 6);
        ah = (uint8_t)(ah + sign);
    }
    al &= 15;
    X86_W16(c, X86_RAX, al | (uint32_t)ah << 8);
    x86_fl_szp8(c, al);
    x86_set_cf_of_af(c, adjust, false, adjust);
}

int x86_op_8086_aaa(X86Cpu *c, const X86Insn *i)
{
    x86_8086_ascii(c, 1);
    X86_NEXT(c, i);
}

int x86_op_8086_aas(X86Cpu *c, const X86Insn *i)
{
    x86_8086_ascii(c, -1);
    X86_NEXT(c, i);
}
