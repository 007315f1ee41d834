/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: what the 8086 and the 80286 do in a way of their own. The choice is made when code is
 * decoded, or on slow paths: the handlers of later CPUs know nothing of it. Follows: Intel iAPX
 * 86/88 User's Manual, 80286 Programmer's Reference Manual, and the vectors recorded on a Harris
 * 80C286 (tests/engine/test_vectors.c) where they say more. */
#ifndef X86_OLD_H
#define X86_OLD_H

#include "x86_exec.h"

static inline bool x86_old(const X86Cpu *c)
{
    return c->feat.family < 3;
}

static inline bool x86_is_8086(const X86Cpu *c)
{
    return c->feat.family == 0;
}

static inline bool x86_is_286(const X86Cpu *c)
{
    return c->feat.family == 2;
}

/* x86_decode_old.c: x86_decode() for these CPUs. */
uint32_t x86_decode_old(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail,
                        uint32_t off, X86Insn *i);

/* x86_old.c: the slow paths */

/* FLAGS as the CPU holds them: bits 12-15. */
uint64_t x86_old_flags(const X86Cpu *c, uint64_t flags);
/* An exception is about to be delivered; c->cur is the instruction that raised it. */
void x86_old_fault(X86Cpu *c, X86Exception *e);
/* The next instruction goes beyond the code segment: raises #GP, but on the 8086 IP wraps. */
X86Block *x86_old_beyond(X86Cpu *c);
/* A descriptor of the 80286: the upper word does not count, system types above 7 are none. */
uint64_t x86_old_descriptor(uint64_t v);
/* A word at offset FFFFh on the 8086 goes on at offset 0. */
static inline bool x86_old_wraps(const X86Cpu *c, uint64_t ea, uint32_t n)
{
    return x86_is_8086(c) && ea + n > 0x10000;
}
uint64_t x86_old_load(X86Cpu *c, uint64_t base, uint64_t ea, uint32_t n);
void x86_old_store(X86Cpu *c, uint64_t base, uint64_t ea, uint64_t v, uint32_t n);

/* x86_op_old.c */
X86_OP(x86_op_old_hlt);
X86_OP(x86_op_old_esc);
X86_OP(x86_op_old_wait);
X86_OP(x86_op_286_smsw);
X86_OP(x86_op_286_sgdt);
X86_OP(x86_op_286_loadall);
X86_OP(x86_op_8086_push_sp);
X86_OP(x86_op_8086_mov_to_seg);
X86_OP(x86_op_8086_pop_seg);
X86_OP(x86_op_8086_shift_c); /* op: ModRM.reg; count in CL, not masked */
X86_OP(x86_op_8086_setmo);   /* imm: count from CL */
X86_OP(x86_op_8086_imul);
X86_OP(x86_op_8086_idiv);
X86_OP(x86_op_8086_daa);
X86_OP(x86_op_8086_das);
X86_OP(x86_op_8086_aaa);
X86_OP(x86_op_8086_aas);

#endif
