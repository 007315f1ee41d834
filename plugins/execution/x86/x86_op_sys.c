/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: HLT PAUSE CPUID, time stamps, MSR instructions, fast system calls, SWAPGS, XCR0, MONITOR,
 * FSGSBASE. */
#include "x86_host.h"
#include "x86_seg.h"

static int x86_sys_end(X86Cpu *c)
{
    c->r[X86_PC] = x86_next_pc(c);
    c->cur = NULL;
    X86_END;
}

static void x86_cpl0(X86Cpu *c)
{
    if (c->cpl != 0)
        x86_raise(c, X86_GP, 0);
}

int x86_op_hlt(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_cpl0(c);
    c->s->activity = VIV_ACT_HALTED;
    x86_ff_update(c);
    return x86_sys_end(c);
}

/* Among several vCPUs a spinning one lets go of the host CPU now and then. */
int x86_op_pause(X86Cpu *c, const X86Insn *i)
{
    if (c->vm->vcpu_count > 1 && (++c->pauses & 63) == 0) {
        c->exit_reason = VIV_EXIT_PAUSE;
        return x86_leave_after(c, i);
    }
    X86_NEXT(c, i);
}

/* Leaf 0Dh EBX: the bytes of an XSAVE area for all that XCR0 enables, in the standard format (sub-leaf
 * 0) or the compacted one of XSAVEC and XSAVES (1). */
static uint32_t x86_xsave_size(const X86Cpu *c, uint32_t sub)
{
    uint32_t avx = c->s->xcr0 & X86_XCR0_AVX ? 256 : 0;
    if (sub == 1 && !(c->feat.d1_eax & 0xa))
        return 0;
    if (!(c->s->xcr0 & X86_XCR0_PKRU))
        return VIV_XSAVE_AVX_OFFSET + avx;
    return (sub == 1 ? VIV_XSAVE_AVX_OFFSET + avx : VIV_XSAVE_PKRU_OFFSET) + 8;
}

static __attribute__((noinline)) void x86_cpuid(X86Cpu *c)
{
    uint32_t leaf = (uint32_t)c->r[X86_RAX], sub = (uint32_t)c->r[X86_RCX], r[4];
    x86_sync(c);
    c->h->cpuid(c->v, leaf, sub, r);
    if (leaf == 1) {
        r[2] &= ~(1u << 27);
        if (c->s->cr4 & X86_CR4_OSXSAVE)
            r[2] |= 1u << 27;
    } else if (leaf == 7 && sub == 0) {
        r[2] &= ~(1u << 4);
        if (c->s->cr4 & X86_CR4_PKE)
            r[2] |= 1u << 4;
    } else if (leaf == 13 && sub < 2 && (c->feat.l1_ecx & (1u << 26))) {
        r[1] = x86_xsave_size(c, sub);
    }
    x86_host_call_done(c);
    c->r[X86_RAX] = r[0];
    c->r[X86_RBX] = r[1];
    c->r[X86_RCX] = r[2];
    c->r[X86_RDX] = r[3];
}

int x86_op_cpuid(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_cpuid(c);
    X86_NEXT(c, i);
}

/* -- time -------------------------------------------------------------------------------------- */
static void x86_tsc(X86Cpu *c)
{
    uint64_t t;
    if ((c->s->cr4 & X86_CR4_TSD) && c->cpl > 0)
        x86_raise(c, X86_GP, 0);
    x86_sync(c);
    t = c->h->tsc_read(c->v);
    x86_host_call_done(c);
    c->r[X86_RAX] = (uint32_t)t;
    c->r[X86_RDX] = t >> 32;
}

int x86_op_rdtsc(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_tsc(c);
    X86_NEXT(c, i);
}

int x86_op_rdtscp(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_tsc(c);
    c->r[X86_RCX] = (uint32_t)c->s->tsc_aux;
    X86_NEXT(c, i);
}

int x86_op_rdpid(X86Cpu *c, const X86Insn *i)
{
    c->r[i->rm] = (uint32_t)c->s->tsc_aux;
    X86_NEXT(c, i);
}

/* There are no performance counters. */
int x86_op_rdpmc(X86Cpu *c, const X86Insn *i)
{
    return x86_fault(c, i, X86_GP, 0);
}

int x86_op_rdmsr(X86Cpu *c, const X86Insn *i)
{
    uint64_t v;
    c->cur = i;
    x86_cpl0(c);
    v = x86_msr_read(c, (uint32_t)c->r[X86_RCX]);
    c->r[X86_RAX] = (uint32_t)v;
    c->r[X86_RDX] = v >> 32;
    X86_NEXT(c, i);
}

int x86_op_wrmsr(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_cpl0(c);
    x86_msr_write(c, (uint32_t)c->r[X86_RCX], c->r[X86_RDX] << 32 | (uint32_t)c->r[X86_RAX]);
    return x86_sys_end(c);
}

/* -- fast system calls ------------------------------------------------------------------------- */
#define FAST_CODE64 0xa01bu
#define FAST_CODE32 0xc01bu
#define FAST_DATA   0xc013u

static void x86_fast_segs(X86Cpu *c, uint32_t cs, uint32_t ss, uint32_t dpl, uint32_t code)
{
    viv_segreg_t *s = c->s->seg;
    uint32_t common = VIV_ATTR_P | dpl << VIV_ATTR_DPL_SHIFT;
    s[VIV_SEG_CS].sel = (uint16_t)((cs & 0xfffc) | dpl);
    s[VIV_SEG_CS].base = 0;
    s[VIV_SEG_CS].limit = 0xffffffffu;
    s[VIV_SEG_CS].attr = code | common;
    s[VIV_SEG_SS].sel = (uint16_t)((ss & 0xfffc) | dpl);
    s[VIV_SEG_SS].base = 0;
    s[VIV_SEG_SS].limit = 0xffffffffu;
    s[VIV_SEG_SS].attr = FAST_DATA | common;
    x86_mode_update(c);
    x86_ff_update(c);
}

/* SYSCALL and SYSRET: TF as they leave it makes the single-step trap. */
static void x86_fast_step(X86Cpu *c)
{
    c->tf = false;
    if (c->s->rflags & X86_FL_TF) {
        c->s->pending_db |= 0x4000;
        x86_ff_update(c);
    }
}

int x86_op_syscall(X86Cpu *c, const X86Insn *i)
{
    uint64_t fl = x86_flags_get(c) & ~(uint64_t)X86_FL_RF, next, to;
    uint32_t cs = (uint32_t)(c->s->star >> 32) & 0xfffc;
    c->cur = i;
    if (!(c->s->efer & X86_EFER_SCE) || !(c->s->cr0 & X86_CR0_PE) ||
        (c->feat.intel && !x86_code64(c)))
        x86_raise(c, X86_UD, 0);
    next = x86_next_pc(c);
    if (x86_long(c)) {
        to = x86_code64(c) ? c->s->lstar : c->s->cstar;
        c->r[X86_RCX] = next;
        c->r[11] = fl;
        x86_set_rflags(c, 0, (c->s->sfmask & 0x3f7fd5) | X86_FL_RF);
        x86_fast_segs(c, cs, cs + 8, 0, FAST_CODE64);
    } else {
        to = (uint32_t)c->s->star;
        c->r[X86_RCX] = (uint32_t)next;
        x86_set_rflags(c, 0, X86_FL_VM | X86_FL_IF | X86_FL_RF);
        x86_fast_segs(c, cs, cs + 8, 0, FAST_CODE32);
    }
    x86_fast_step(c); /* a kernel that masks TF meets no trap */
    x86_branch_done(c, to);
    X86_END;
}

int x86_op_sysret(X86Cpu *c, const X86Insn *i)
{
    uint64_t to;
    uint32_t base = (uint32_t)(c->s->star >> 48);
    bool wide = i->osz == 8;
    c->cur = i;
    if (!(c->s->efer & X86_EFER_SCE) || (c->feat.intel && !x86_code64(c)))
        x86_raise(c, X86_UD, 0);
    if (!(c->s->cr0 & X86_CR0_PE))
        x86_raise(c, X86_GP, 0);
    x86_cpl0(c);
    to = wide ? c->r[X86_RCX] : (uint32_t)c->r[X86_RCX];
    if (wide && c->feat.intel && !x86_canonical(c, to))
        x86_raise(c, X86_GP, 0); /* AMD: at the fetch, by level 3 */
    if (x86_long(c)) {
        x86_fast_segs(c, wide ? base + 16 : base, base + 8, 3, wide ? FAST_CODE64 : FAST_CODE32);
        x86_set_rflags(c, c->r[11], 0x3c7fd7);
    } else {
        x86_fast_segs(c, base, base + 8, 3, FAST_CODE32);
        x86_set_rflags(c, X86_FL_IF, X86_FL_IF);
    }
    x86_fast_step(c); /* as if SYSCALL had just ended */
    x86_branch_done(c, to);
    X86_END;
}

/* AMD has SYSENTER and SYSEXIT in legacy mode only (APM vol. 3). */
static void x86_sysenter_check(X86Cpu *c)
{
    if (!c->feat.intel && x86_long(c))
        x86_raise(c, X86_UD, 0);
}

int x86_op_sysenter(X86Cpu *c, const X86Insn *i)
{
    uint32_t cs = (uint32_t)c->s->sysenter_cs & 0xfffc;
    bool lm = x86_long(c);
    c->cur = i;
    x86_sysenter_check(c);
    if (!(c->s->cr0 & X86_CR0_PE) || !cs)
        x86_raise(c, X86_GP, 0);
    x86_set_rflags(c, 0, X86_FL_VM | X86_FL_IF | X86_FL_RF);
    x86_fast_segs(c, cs, cs + 8, 0, lm ? FAST_CODE64 : FAST_CODE32);
    c->r[X86_RSP] = lm ? c->s->sysenter_esp : (uint32_t)c->s->sysenter_esp;
    x86_branch_done(c, lm ? c->s->sysenter_eip : (uint32_t)c->s->sysenter_eip);
    X86_END;
}

int x86_op_sysexit(X86Cpu *c, const X86Insn *i)
{
    uint32_t cs = (uint32_t)c->s->sysenter_cs & 0xfffc;
    uint64_t pc = c->r[X86_RDX], sp = c->r[X86_RCX];
    bool wide = i->osz == 8;
    c->cur = i;
    x86_sysenter_check(c);
    if (!(c->s->cr0 & X86_CR0_PE) || !cs)
        x86_raise(c, X86_GP, 0);
    x86_cpl0(c);
    if (wide) {
        if (!x86_canonical(c, pc) || !x86_canonical(c, sp))
            x86_raise(c, X86_GP, 0);
        x86_fast_segs(c, cs + 32, cs + 40, 3, FAST_CODE64);
    } else {
        pc = (uint32_t)pc;
        sp = (uint32_t)sp;
        x86_fast_segs(c, cs + 16, cs + 24, 3, FAST_CODE32);
    }
    c->r[X86_RSP] = sp;
    x86_branch_done(c, pc);
    X86_END;
}

int x86_op_swapgs(X86Cpu *c, const X86Insn *i)
{
    uint64_t t = c->s->kernel_gs_base;
    c->cur = i;
    x86_cpl0(c);
    c->s->kernel_gs_base = c->s->seg[VIV_SEG_GS].base;
    c->s->seg[VIV_SEG_GS].base = t;
    c->segbase[VIV_SEG_GS] = t;
    X86_NEXT(c, i);
}

/* op: 0 RDFSBASE 1 RDGSBASE 2 WRFSBASE 3 WRGSBASE */
int x86_op_fsgsbase(X86Cpu *c, const X86Insn *i)
{
    uint32_t seg = i->op & 1 ? VIV_SEG_GS : VIV_SEG_FS;
    c->cur = i;
    if (!(c->s->cr4 & X86_CR4_FSGSBASE))
        x86_raise(c, X86_UD, 0);
    if (i->op < 2) {
        x86_reg_set(c, i->rm, c->s->seg[seg].base, i->osz == 8 ? 8 : 4);
    } else {
        uint64_t v = x86_reg_get(c, i->rm, i->osz == 8 ? 8 : 4);
        if (!x86_canonical_reg(c, v))
            x86_raise(c, X86_GP, 0);
        c->s->seg[seg].base = v;
        c->segbase[seg] = v;
    }
    X86_NEXT(c, i);
}

/* -- XCR0 -------------------------------------------------------------------------------------- */
int x86_op_xgetbv(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = c->s->xcr0;
    c->cur = i;
    if (!(c->s->cr4 & X86_CR4_OSXSAVE))
        x86_raise(c, X86_UD, 0);
    if ((uint32_t)c->r[X86_RCX] > (c->feat.d1_eax & X86_D1_XGETBV1 ? 1 : 0))
        x86_raise(c, X86_GP, 0);
    if ((uint32_t)c->r[X86_RCX])
        v &= x86_host_xinuse(c->s);
    c->r[X86_RAX] = (uint32_t)v;
    c->r[X86_RDX] = v >> 32;
    X86_NEXT(c, i);
}

static uint64_t x86_xcr0_allowed(X86Cpu *c)
{
    uint32_t r[4];
    c->h->cpuid(c->v, 13, 0, r);
    return (uint64_t)r[3] << 32 | r[0];
}

int x86_op_xsetbv(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = c->r[X86_RDX] << 32 | (uint32_t)c->r[X86_RAX];
    c->cur = i;
    if (!(c->s->cr4 & X86_CR4_OSXSAVE))
        x86_raise(c, X86_UD, 0);
    x86_cpl0(c);
    if ((uint32_t)c->r[X86_RCX] != 0 || !(v & 1) || (v & 6) == 4 || (v & ~x86_xcr0_allowed(c)))
        x86_raise(c, X86_GP, 0);
    c->s->xcr0 = v;
    x86_host_gate_update(c);
    return x86_sys_end(c);
}

/* -- protection keys --------------------------------------------------------------------------- */
static void x86_pkru_check(X86Cpu *c)
{
    if (!(c->s->cr4 & X86_CR4_PKE))
        x86_raise(c, X86_UD, 0);
    if ((uint32_t)c->r[X86_RCX])
        x86_raise(c, X86_GP, 0);
}

int x86_op_rdpkru(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_pkru_check(c);
    c->r[X86_RAX] = c->pkru;
    c->r[X86_RDX] = 0;
    X86_NEXT(c, i);
}

static __attribute__((noinline)) void x86_wrpkru(X86Cpu *c)
{
    uint32_t v = (uint32_t)c->r[X86_RAX];
    x86_pkru_check(c);
    if ((uint32_t)c->r[X86_RDX])
        x86_raise(c, X86_GP, 0);
    __builtin_memcpy(c->s->xsave + VIV_XSAVE_PKRU_OFFSET, &v, 4);
    x86_pkru_update(c);
}

int x86_op_wrpkru(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_wrpkru(c);
    X86_NEXT(c, i);
}

/* -- MONITOR, MWAIT: the wait ends at once ----------------------------------------------------- */
int x86_op_monitor(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->cpl != 0)
        x86_raise(c, X86_UD, 0);
    if ((uint32_t)c->r[X86_RCX] != 0)
        x86_raise(c, X86_GP, 0);
    x86_probe(c, i->seg, c->r[X86_RAX] & i->amask, 1, false);
    X86_NEXT(c, i);
}

int x86_op_mwait(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (c->cpl != 0)
        x86_raise(c, X86_UD, 0);
    if ((uint32_t)c->r[X86_RCX] > 1)
        x86_raise(c, X86_GP, 0);
    c->exit_reason = VIV_EXIT_PAUSE;
    return x86_sys_end(c);
}
