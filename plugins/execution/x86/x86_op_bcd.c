/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: DAA DAS AAA AAS AAM AAD. Undefined OF is cleared, as are SF, ZF, PF's inputs by what the
 * result says. */
#include "x86_exec.h"

static void x86_bcd_flags(X86Cpu *c, uint8_t al, bool cf, bool af)
{
    x86_fl_szp8(c, al);
    x86_set_cf_of_af(c, cf, false, af);
}

int x86_op_daa(X86Cpu *c, const X86Insn *i)
{
    uint8_t al = (uint8_t)c->r[X86_RAX], old = al;
    bool cf = x86_cf(c), af = x86_af(c), carry = false;
    if ((al & 15) > 9 || af) {
        carry = cf || al > 0xf9;
        al = (uint8_t)(al + 6);
        af = true;
    }
    if (old > 0x99 || cf) {
        al = (uint8_t)(al + 0x60);
        carry = true;
    }
    X86_W8(c, X86_RAX, al);
    x86_bcd_flags(c, al, carry, af);
    X86_NEXT(c, i);
}

int x86_op_das(X86Cpu *c, const X86Insn *i)
{
    uint8_t al = (uint8_t)c->r[X86_RAX], old = al;
    bool cf = x86_cf(c), af = x86_af(c), carry = false;
    if ((al & 15) > 9 || af) {
        carry = cf || al < 6;
        al = (uint8_t)(al - 6);
        af = true;
    }
    if (old > 0x99 || cf) {
        al = (uint8_t)(al - 0x60);
        carry = true;
    }
    X86_W8(c, X86_RAX, al);
    x86_bcd_flags(c, al, carry, af);
    X86_NEXT(c, i);
}

int x86_op_aaa(X86Cpu *c, const X86Insn *i)
{
    uint16_t ax = (uint16_t)c->r[X86_RAX];
    bool adjust = (ax & 15) > 9 || x86_af(c);
    if (adjust)
        ax = (uint16_t)(ax + 0x106);
    ax &= 0xff0f;
    X86_W16(c, X86_RAX, ax);
    x86_bcd_flags(c, (uint8_t)ax, adjust, adjust);
    X86_NEXT(c, i);
}

int x86_op_aas(X86Cpu *c, const X86Insn *i)
{
    uint16_t ax = (uint16_t)c->r[X86_RAX];
    bool adjust = (ax & 15) > 9 || x86_af(c);
    if (adjust)
        ax = (uint16_t)(ax - 0x106);
    ax &= 0xff0f;
    X86_W16(c, X86_RAX, ax);
    x86_bcd_flags(c, (uint8_t)ax, adjust, adjust);
    X86_NEXT(c, i);
}

int x86_op_aam(X86Cpu *c, const X86Insn *i)
{
    uint8_t al = (uint8_t)c->r[X86_RAX], base = (uint8_t)i->imm;
    if (base == 0)
        return x86_fault(c, i, X86_DE, 0);
    X86_W16(c, X86_RAX, (uint32_t)(al / base) << 8 | al % base);
    x86_bcd_flags(c, al % base, false, false);
    X86_NEXT(c, i);
}

int x86_op_aad(X86Cpu *c, const X86Insn *i)
{
    uint16_t ax = (uint16_t)c->r[X86_RAX];
    uint8_t al = (uint8_t)((ax >> 8) * (uint8_t)i->imm + ax);
    X86_W16(c, X86_RAX, al);
    x86_bcd_flags(c, al, false, false);
    X86_NEXT(c, i);
}
