/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: what the 386 and 486 had and later parts lost: test registers, LOADALL, and a socket instead
 * of an FPU. Sources: Intel 386 DX and Intel486 programmer's references; for LOADALL R. Collins,
 * "The LOADALL Instruction" (Tech Specialist, 1991) and its test program. */
#include "x86_exec.h"

/* -- test registers: nothing is behind them ---------------------------------------------------- */
int x86_op_mov_from_tr(X86Cpu *c, const X86Insn *i)
{
    if (c->cpl != 0)
        return x86_fault(c, i, X86_GP, 0);
    x86_reg_set(c, i->rm, c->s->tr_test[i->reg & 7], 4);
    X86_NEXT(c, i);
}

int x86_op_mov_to_tr(X86Cpu *c, const X86Insn *i)
{
    if (c->cpl != 0)
        return x86_fault(c, i, X86_GP, 0);
    c->s->tr_test[i->reg & 7] = (uint32_t)x86_reg_get(c, i->rm, 4);
    X86_NEXT(c, i);
}

/* -- LOADALL ----------------------------------------------------------------------------------- */
/* The image at ES:EDI; a cache is access rights in bits 8-15 and 20-23 as in a descriptor's second
 * half, the base, and the limit in bytes whatever the granularity says. */
typedef struct X86Loadall386Cache {
    uint32_t attr, base, limit;
} X86Loadall386Cache;

typedef struct X86Loadall386 {
    uint32_t cr0, eflags, eip;
    uint32_t gpr[8]; /* EDI ESI EBP ESP EBX EDX ECX EAX */
    uint32_t dr6, dr7;
    uint32_t tr, ldtr, sel[6]; /* GS FS DS SS CS ES */
    X86Loadall386Cache tr_cache, idtr, gdtr, ldtr_cache, seg[6];
} X86Loadall386;

_Static_assert(sizeof(X86Loadall386) == 0xcc, "the image has 204 bytes");

static void x86_loadall_seg(viv_segreg_t *s, uint32_t sel, const X86Loadall386Cache *cache)
{
    s->sel = (uint16_t)sel;
    s->base = cache->base;
    s->limit = cache->limit;
    s->attr = cache->attr >> 8 & 0xd0ff;
    if (!(s->attr & VIV_ATTR_P))
        s->attr |= VIV_ATTR_UNUSABLE;
}

static void x86_loadall_segs(viv_cpu_t *s, const X86Loadall386 *l)
{
    uint32_t k;
    for (k = 0; k < 6; k++)
        x86_loadall_seg(&s->seg[5 - k], l->sel[k], &l->seg[k]);
    /* in memory: GS FS DS SS CS ES, the encodings counted down */
    x86_loadall_seg(&s->tr, l->tr, &l->tr_cache);
    x86_loadall_seg(&s->ldtr, l->ldtr, &l->ldtr_cache);
    s->idtr.base = l->idtr.base;
    s->idtr.limit = (uint16_t)l->idtr.limit;
    s->gdtr.base = l->gdtr.base;
    s->gdtr.limit = (uint16_t)l->gdtr.limit;
}

static __attribute__((noinline)) void x86_loadall386(X86Cpu *c)
{
    X86Loadall386 l;
    uint32_t k;
    x86_ld_bytes(c, VIV_SEG_ES, (uint32_t)c->r[X86_RDI], &l, sizeof(l));
    if (!(l.cr0 & X86_CR0_PE)) {
        l.cr0 &= ~X86_CR0_PG;
        l.eflags &= ~X86_FL_VM;
    }
    c->s->cr0 = l.cr0 & c->feat.cr0_mask;
    x86_loadall_segs(c->s, &l);
    for (k = 0; k < 8; k++)
        c->r[7 - k] = l.gpr[k];
    x86_dr_set(c, 6, l.dr6);
    x86_dr_set(c, 7, l.dr7);
    x86_tlb_flush(c);
    x86_mode_update(c);
    x86_set_rflags(c, l.eflags, ~0ull);
    x86_mode_update(c);
    x86_branch_done(c, l.eip);
}

int x86_op_loadall386(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->cpl != 0)
        x86_raise(c, X86_GP, 0);
    x86_loadall386(c);
    X86_END;
}

/* -- no FPU ------------------------------------------------------------------------------------ */
/* An ESC instruction that nobody takes leaves everything as it is: code that looks for an FPU by
 * FNINIT and FNSTSW finds none. */
int x86_op_no_fpu(X86Cpu *c, const X86Insn *i)
{
    if (c->s->cr0 & (X86_CR0_EM | X86_CR0_TS))
        return x86_fault(c, i, X86_NM, 0);
    X86_NEXT(c, i);
}

int x86_op_no_fpu_wait(X86Cpu *c, const X86Insn *i)
{
    if ((c->s->cr0 & (X86_CR0_MP | X86_CR0_TS)) == (X86_CR0_MP | X86_CR0_TS))
        return x86_fault(c, i, X86_NM, 0);
    X86_NEXT(c, i);
}
