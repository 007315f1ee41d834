/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: how handlers go on to the next instruction or block. */
#ifndef X86_EXEC_H
#define X86_EXEC_H

#include "x86_flags.h"
#include "x86_mem.h"

/* A handler that ends so must be free to do it by a sibling call, or the host's stack grows with
 * each guest instruction: no local whose address has left the function. Put such work into a
 * noinline helper. */
#define X86_NEXT(c, i)                                                                             \
    do {                                                                                           \
        const X86Insn *next_ = (i) + 1;                                                            \
        /* one addition and one jump through memory, which the compiler would take apart */        \
        __asm__("" : "+r"(next_));                                                                 \
        return next_->fn((c), next_);                                                              \
    } while (0)

/* A handler that is done and ends its block, with the successor's pointer in r[X86_PC]: through
 * the run loop, because it may have changed what the loop looks at. */
#define X86_END return 0

/* Enters a block, if nothing asks for attention first. flat: in 64-bit mode CS has no limit. */
static inline int x86_enter(X86Cpu *c, X86Block *b, bool flat)
{
#if X86_CHAIN
    uint64_t n = c->icnt + b->n;
    if (X86_UNLIKELY((*c->ff & c->ff_mask) | c->slow))
        return 0;
    if (X86_UNLIKELY((!flat && c->r[X86_PC] + b->bytes - 1 > c->code_last) || n > c->istop))
        return 0;
    c->icnt = n;
    c->blk = b;
    return b->insn[0].fn(c, b->insn);
#else
    (void)c, (void)b, (void)flat;
    return 0;
#endif
}

/* Same-page successor k of the current block; r[X86_PC] is set. */
static inline int x86_chain(X86Cpu *c, unsigned k, bool flat)
{
    X86Block *n = c->blk->next[k];
    if (X86_LIKELY(n != NULL))
        return x86_enter(c, n, flat);
    c->link = k + 1;
    return 0;
}

static inline uint32_t x86_jc_hash(uint64_t lin)
{
    return (uint32_t)((lin ^ (lin >> 12)) & (X86_JC_SIZE - 1));
}

/* Anywhere else: by the jump cache. */
static inline int x86_jump(X86Cpu *c)
{
    uint64_t lin = (c->r[X86_PC] + c->segbase[VIV_SEG_CS]) & c->linmask;
    const X86JcEnt *e = &c->jc[x86_jc_hash(lin)];
    if (X86_LIKELY(e->lin == lin && e->tag == c->jc_tag))
        return x86_enter(c, e->block, false);
    return 0;
}

/* The same in 64-bit mode. */
static inline int x86_jump_flat(X86Cpu *c)
{
    uint64_t lin = c->r[X86_PC];
    const X86JcEnt *e = &c->jc[x86_jc_hash(lin)];
    if (X86_LIKELY(e->lin == lin && e->tag == c->jc_tag))
        return x86_enter(c, e->block, true);
    return 0;
}

/* For tables of what is known of handlers (x86_quiet.c, x86_fast.c). */
static inline uint32_t x86_handler_hash(X86Handler fn)
{
    return (uint32_t)((uintptr_t)fn >> 4) * 0x9e3779b1u >> 16;
}

/* The handlers, by group; tables are indexed as their comments say. */
/* [op 0..7: ADD OR ADC SBB AND SUB XOR CMP, 8: TEST][log2 width][X86_FORM_*] */
#define X86_FORM_RR  0u /* rm <- rm op reg */
#define X86_FORM_RI  1u
#define X86_FORM_RM  2u /* reg <- reg op memory */
#define X86_FORM_MR  3u
#define X86_FORM_MI  4u
#define X86_FORM_LMR 5u /* locked */
#define X86_FORM_LMI 6u
#define X86_FORMS    7u
extern const X86Handler x86_alu[9][4][X86_FORMS];

/* [log2 width] or [log2 width][register, memory (, locked memory)] */
extern const X86Handler x86_mov[4][5];      /* X86_FORM_RR.. MI */
extern const X86Handler x86_movzx[2][4][2]; /* [source][destination] */
extern const X86Handler x86_movsx[3][4][2];
extern const X86Handler x86_lea[4];
extern const X86Handler x86_incdec[2][4][3];
extern const X86Handler x86_notneg[2][4][3];
extern const X86Handler x86_shift_i[8][4][2]; /* [ModRM.reg]; count in imm */
extern const X86Handler x86_shift_c[8][4][2]; /* count in CL */
uint32_t x86_shift_any(X86Cpu *c, uint32_t op, uint32_t bytes, uint32_t v, uint32_t n);
extern const X86Handler x86_jcc[16];
extern const X86Handler x86_setcc[16][2];
extern const X86Handler x86_cmovcc[16][4][2];

/* Handlers with a memory operand and what may take their place: [any address, flat, flat without
 * an index]; behind the last a NULL. */
extern const X86Handler x86_mov_mem[][3];
extern const X86Handler x86_alu_mem[][3];
extern const X86Handler x86_host_mem[][3];

#define X86_OP(name) int name(X86Cpu *c, const X86Insn *i)

/* x86_op_mov.c */
X86_OP(x86_op_xchg_rr);
X86_OP(x86_op_xchg_rm);
X86_OP(x86_op_bswap);
X86_OP(x86_op_movbe_load);
X86_OP(x86_op_movbe_store);
X86_OP(x86_op_cbw); /* CBW CWDE CDQE */
X86_OP(x86_op_cwd); /* CWD CDQ CQO */
X86_OP(x86_op_xlat);
X86_OP(x86_op_movsxd16); /* from 32 bits of memory to 16 */
X86_OP(x86_op_nop);
X86_OP(x86_op_lahf);
X86_OP(x86_op_sahf);
X86_OP(x86_op_salc);
/* x86_op_bit.c */
X86_OP(x86_op_bt); /* op: 0 BT 1 BTS 2 BTR 3 BTC; register or immediate */
X86_OP(x86_op_bt_mem);
X86_OP(x86_op_bsf);
X86_OP(x86_op_bsr);
X86_OP(x86_op_tzcnt);
X86_OP(x86_op_lzcnt);
X86_OP(x86_op_popcnt);
X86_OP(x86_op_crc32);
X86_OP(x86_op_adx);
X86_OP(x86_op_bmi);
X86_OP(x86_op_bmi_protected); /* outside 64-bit mode: #UD in real and V86 mode */
X86_OP(x86_op_rdrand);
X86_OP(x86_op_shld);
/* x86_op_muldiv.c */
X86_OP(x86_op_mul);
X86_OP(x86_op_imul1);
X86_OP(x86_op_imul2_32r);
X86_OP(x86_op_imul2_64r);
X86_OP(x86_op_imul2);
X86_OP(x86_op_imul3);
X86_OP(x86_op_div);
X86_OP(x86_op_div_32r);
X86_OP(x86_op_div_64r);
X86_OP(x86_op_idiv);
X86_OP(x86_op_idiv_32r);
X86_OP(x86_op_idiv_64r);
/* x86_op_bcd.c */
X86_OP(x86_op_daa);
X86_OP(x86_op_das);
X86_OP(x86_op_aaa);
X86_OP(x86_op_aas);
X86_OP(x86_op_aam);
X86_OP(x86_op_aad);
/* x86_op_atomic.c */
X86_OP(x86_op_cmpxchg);
X86_OP(x86_op_xadd);
X86_OP(x86_op_cmpxchg8b);
/* x86_op_stack.c */
X86_OP(x86_op_push_r);
X86_OP(x86_op_push_i);
X86_OP(x86_op_push_m);
X86_OP(x86_op_push_r64);
X86_OP(x86_op_pop_r64);
X86_OP(x86_op_pop_r);
X86_OP(x86_op_pop_m);
X86_OP(x86_op_pusha);
X86_OP(x86_op_popa);
X86_OP(x86_op_pushf);
X86_OP(x86_op_popf);
X86_OP(x86_op_enter);
X86_OP(x86_op_leave);
X86_OP(x86_op_push_seg);
X86_OP(x86_op_pop_seg);
/* x86_op_branch.c */
X86_OP(x86_op_jmp_rel);
X86_OP(x86_op_call_rel);
X86_OP(x86_op_call_rel64);
X86_OP(x86_op_ret);
X86_OP(x86_op_ret64);
X86_OP(x86_op_jmp_ind);
X86_OP(x86_op_call_ind);
X86_OP(x86_op_loop);
X86_OP(x86_op_jcxz);
X86_OP(x86_op_fall);
/* x86_op_string.c */
X86_OP(x86_op_movs);
X86_OP(x86_op_cmps);
X86_OP(x86_op_stos);
X86_OP(x86_op_lods);
X86_OP(x86_op_scas);
X86_OP(x86_op_ins);
X86_OP(x86_op_outs);
/* x86_op_io.c */
X86_OP(x86_op_in);
X86_OP(x86_op_out);
/* x86_op_flag.c */
X86_OP(x86_op_clc);
X86_OP(x86_op_stc);
X86_OP(x86_op_cmc);
X86_OP(x86_op_cld);
X86_OP(x86_op_std);
X86_OP(x86_op_cli);
X86_OP(x86_op_sti);
X86_OP(x86_op_clac);
X86_OP(x86_op_stac);
/* x86_op_seg.c */
X86_OP(x86_op_mov_to_seg);
X86_OP(x86_op_mov_from_seg);
X86_OP(x86_op_lxs);
X86_OP(x86_op_jmp_far);
X86_OP(x86_op_call_far);
X86_OP(x86_op_jmp_far_m);
X86_OP(x86_op_call_far_m);
X86_OP(x86_op_retf);
X86_OP(x86_op_iret);
X86_OP(x86_op_arpl);
X86_OP(x86_op_lar);
X86_OP(x86_op_lsl);
X86_OP(x86_op_verr);
X86_OP(x86_op_bound);
X86_OP(x86_op_int);
X86_OP(x86_op_int3);
X86_OP(x86_op_into);
X86_OP(x86_op_icebp);
X86_OP(x86_op_ud);
X86_OP(x86_op_gp);
/* x86_op_sys.c */
X86_OP(x86_op_hlt);
X86_OP(x86_op_pause);
X86_OP(x86_op_cpuid);
X86_OP(x86_op_rdtsc);
X86_OP(x86_op_rdtscp);
X86_OP(x86_op_rdpid);
X86_OP(x86_op_rdpmc);
X86_OP(x86_op_rdmsr);
X86_OP(x86_op_wrmsr);
X86_OP(x86_op_mov_from_cr);
X86_OP(x86_op_mov_to_cr);
X86_OP(x86_op_mov_from_dr);
X86_OP(x86_op_mov_to_dr);
X86_OP(x86_op_clts);
X86_OP(x86_op_lmsw);
X86_OP(x86_op_smsw);
X86_OP(x86_op_sgdt);
X86_OP(x86_op_lgdt);
X86_OP(x86_op_sldt);
X86_OP(x86_op_lldt);
X86_OP(x86_op_ltr);
X86_OP(x86_op_invlpg);
X86_OP(x86_op_invpcid);
X86_OP(x86_op_wbinvd);
X86_OP(x86_op_clflush);
X86_OP(x86_op_swapgs);
X86_OP(x86_op_syscall);
X86_OP(x86_op_sysret);
X86_OP(x86_op_sysenter);
X86_OP(x86_op_sysexit);
X86_OP(x86_op_xgetbv);
X86_OP(x86_op_xsetbv);
X86_OP(x86_op_rdpkru);
X86_OP(x86_op_wrpkru);
X86_OP(x86_op_monitor);
X86_OP(x86_op_mwait);
X86_OP(x86_op_fsgsbase);
/* x86_op_386.c: test registers, LOADALL, ESC without an FPU */
X86_OP(x86_op_mov_from_tr);
X86_OP(x86_op_mov_to_tr);
X86_OP(x86_op_loadall386);
X86_OP(x86_op_no_fpu);
X86_OP(x86_op_no_fpu_wait);
/* x86_op_host.c */
X86_OP(x86_op_host);
struct X86HostOp;
/* The handler for it: x86_op_host(), or one that does no more than it needs. */
X86Handler x86_host_handler(const struct X86HostOp *op);

#endif
