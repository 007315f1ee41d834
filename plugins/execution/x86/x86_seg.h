/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the stack that a far transfer or a gate is going to use, before it is committed. */
#ifndef X86_SEG_H
#define X86_SEG_H

#include "x86_exec.h"

typedef struct X86Stack {
    uint64_t sp, base, mask;
    uint32_t limit, attr;
    uint32_t set;   /* TLB set of the privilege level that owns it */
    uint32_t error; /* selector for #SS */
    bool flat;      /* 64-bit: no limit, canonical check instead */
} X86Stack;

void x86_stack_current(X86Cpu *c, X86Stack *st);
/* A stack segment that is about to be loaded at privilege level dpl. */
void x86_stack_new(X86Cpu *c, X86Stack *st, const X86Desc *ss, uint64_t sp, uint32_t sel,
                   uint32_t dpl);
void x86_stack_new64(X86Cpu *c, X86Stack *st, uint64_t sp, uint32_t dpl);
/* Raises what count pushes of n bytes would, but for page faults: the checks of a transfer's target
 * come between this and the pushes. */
void x86_stack_room(X86Cpu *c, const X86Stack *st, uint32_t count, uint32_t n);
void x86_stack_push(X86Cpu *c, X86Stack *st, uint64_t v, uint32_t n);
uint64_t x86_stack_pop(X86Cpu *c, X86Stack *st, uint32_t n);
uint64_t x86_stack_peek(X86Cpu *c, const X86Stack *st, uint32_t off, uint32_t n);
/* Sets rSP from it, by its own width. */
void x86_stack_commit(X86Cpu *c, const X86Stack *st);

/* A code segment for a far transfer. kind: who asks, which decides the privilege rule. */
#define X86_CS_JUMP                                                                                \
    0u /* JMP, CALL: nonconforming DPL = CPL and RPL <= CPL; conforming DPL <= CPL */
#define X86_CS_GATE      1u /* CALL or interrupt through a gate: DPL <= CPL */
#define X86_CS_GATE_JUMP 2u /* JMP through a gate: nonconforming DPL = CPL */
#define X86_CS_RET       3u /* RET: by the selector's RPL */
#define X86_CS_IRET      4u /* the same; both L and D are fine, as processors have it */
void x86_cs_check(X86Cpu *c, uint32_t sel, uint32_t kind, X86Desc *ret_desc);
/* Offset within the new code segment; #GP(0) if not. */
void x86_pc_check(X86Cpu *c, const X86Desc *cs, uint64_t pc);
bool x86_desc_is64(const X86Cpu *c, const X86Desc *cs);

#endif
