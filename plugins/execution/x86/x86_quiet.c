/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: instructions whose flags nobody will see do not make them.
 *
 * Of the arithmetic flags most are overwritten before anything reads them. Where an instruction of
 * a block sets flags that a later one sets anew, and all that stands between them works on
 * registers alone, a handler without the flags takes its place. Nothing can look in between: what
 * touches no memory cannot fault, calls no host and changes no code, and events are taken in front
 * of blocks. The end of a block counts as a reader, so a single step has all its flags. */
#include <pthread.h>

#include "x86_exec.h"

/* -- handlers ---------------------------------------------------------------------------------- */
#define QUIET(op, W, result)                                                                       \
    static int x86_quiet_##op##_rr##W(X86Cpu *c, const X86Insn *i)                                 \
    {                                                                                              \
        uint##W##_t a = X86_R##W(c, i->rm), b = X86_R##W(c, i->reg);                               \
        X86_W##W(c, i->rm, (uint##W##_t)(result));                                                 \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_quiet_##op##_ri##W(X86Cpu *c, const X86Insn *i)                                 \
    {                                                                                              \
        uint##W##_t a = X86_R##W(c, i->rm), b = (uint##W##_t)i->imm;                               \
        X86_W##W(c, i->rm, (uint##W##_t)(result));                                                 \
        X86_NEXT(c, i);                                                                            \
    }
#define QUIET_ALL(op, result)                                                                      \
    QUIET(op, 8, result) QUIET(op, 16, result) QUIET(op, 32, result) QUIET(op, 64, result)
QUIET_ALL(add, a + b)
QUIET_ALL(or, a | b)
QUIET_ALL(and, a &b)
QUIET_ALL(sub, a - b)
QUIET_ALL(xor, a ^ b)

/* One register, perhaps an immediate count, which is masked and not 0. */
#define QUIET_ONE(op, W, result)                                                                   \
    static int x86_quiet_##op##W(X86Cpu *c, const X86Insn *i)                                      \
    {                                                                                              \
        uint##W##_t a = X86_R##W(c, i->rm);                                                        \
        X86_W##W(c, i->rm, (uint##W##_t)(result));                                                 \
        X86_NEXT(c, i);                                                                            \
    }
#define QUIET_WIDE(op, result) QUIET_ONE(op, 32, result) QUIET_ONE(op, 64, result)
#define QUIET_SHIFTS(W)                                                                            \
    QUIET_ONE(rol, W, a << i->imm | a >> (-i->imm & (W - 1)))                                      \
    QUIET_ONE(ror, W, a >> i->imm | a << (-i->imm & (W - 1)))                                      \
    QUIET_ONE(shl, W, a << i->imm)                                                                 \
    QUIET_ONE(shr, W, a >> i->imm)                                                                 \
    QUIET_ONE(sar, W, (int##W##_t)a >> i->imm)
QUIET_SHIFTS(32)
QUIET_SHIFTS(64)
QUIET_WIDE(inc, a + 1)
QUIET_WIDE(dec, a - 1)
QUIET_WIDE(neg, -a)

static int x86_quiet_imul2_32r(X86Cpu *c, const X86Insn *i)
{
    c->r[i->reg] = (uint32_t)c->r[i->reg] * (uint32_t)c->r[i->rm];
    X86_NEXT(c, i);
}

static int x86_quiet_imul2_64r(X86Cpu *c, const X86Insn *i)
{
    c->r[i->reg] *= c->r[i->rm];
    X86_NEXT(c, i);
}

/* -- what is known of the loud ones ------------------------------------------------------------ */
typedef enum X86QuietKind {
    X86_QUIET_OTHER = 0, /* may read flags, fault, or end the block */
    X86_QUIET_SETS,      /* all of the flags, reading none */
    X86_QUIET_SETS_SOME, /* some, and keeps the others */
    X86_QUIET_COUNTED,   /* as SETS unless the count in imm is 0 */
    X86_QUIET_COUNTED_SOME,
    X86_QUIET_PASSES, /* registers only, no flags */
} X86QuietKind;

typedef struct X86Quiet {
    X86Handler key; /* either of the two */
    X86Handler loud, quiet;
    X86QuietKind kind;
} X86Quiet;

#define X86_QUIET_SLOTS 1024u /* open addressing, at most a quarter full */
static X86Quiet x86_quiet_table[X86_QUIET_SLOTS];
static pthread_once_t x86_quiet_once = PTHREAD_ONCE_INIT;

/* The entry of a handler, or the free one where it belongs. */
static X86Quiet *x86_quiet_slot(X86Handler fn)
{
    uint32_t k = x86_handler_hash(fn);
    X86Quiet *q = &x86_quiet_table[k & (X86_QUIET_SLOTS - 1)];
    while (q->key && q->key != fn)
        q = &x86_quiet_table[++k & (X86_QUIET_SLOTS - 1)];
    return q;
}

/* quiet NULL: there is no other handler. */
static void x86_quiet_add(X86QuietKind kind, X86Handler loud, X86Handler quiet)
{
    if (!loud) /* a gap in a table of handlers */
        return;
    *x86_quiet_slot(loud) = (X86Quiet){loud, loud, quiet, kind};
    if (quiet)
        *x86_quiet_slot(quiet) = (X86Quiet){quiet, loud, quiet, kind};
}

#define QUIET_PAIRS(op)                                                                            \
    {                                                                                              \
        {x86_quiet_##op##_rr8, x86_quiet_##op##_ri8},                                              \
            {x86_quiet_##op##_rr16, x86_quiet_##op##_ri16},                                        \
            {x86_quiet_##op##_rr32, x86_quiet_##op##_ri32},                                        \
            {x86_quiet_##op##_rr64, x86_quiet_##op##_ri64},                                        \
    }

/* CMP and TEST have flags for their only result. */
static void x86_quiet_alu(void)
{
    static const X86Handler quiet[9][4][2] = {
        [0] = QUIET_PAIRS(add), [1] = QUIET_PAIRS(or),  [4] = QUIET_PAIRS(and),
        [5] = QUIET_PAIRS(sub), [6] = QUIET_PAIRS(xor),
    };
    uint32_t op, w;
    for (op = 0; op < 9; op++)
        for (w = 0; w < 4; w++)
            if (op != 2 && op != 3) { /* ADC and SBB read CF */
                x86_quiet_add(X86_QUIET_SETS, x86_alu[op][w][X86_FORM_RR], quiet[op][w][0]);
                x86_quiet_add(X86_QUIET_SETS, x86_alu[op][w][X86_FORM_RI], quiet[op][w][1]);
            }
}

static void x86_quiet_shifts(void)
{
    static const X86Handler quiet[8][2] = {
        [0] = {x86_quiet_rol32, x86_quiet_rol64}, [1] = {x86_quiet_ror32, x86_quiet_ror64},
        [4] = {x86_quiet_shl32, x86_quiet_shl64}, [5] = {x86_quiet_shr32, x86_quiet_shr64},
        [7] = {x86_quiet_sar32, x86_quiet_sar64},
    };
    uint32_t op, k;
    for (op = 0; op < 8; op++)
        for (k = 0; k < 2; k++)
            if (quiet[op][k])
                x86_quiet_add(op < 2 ? X86_QUIET_COUNTED_SOME : X86_QUIET_COUNTED,
                              x86_shift_i[op][k + 2][0], quiet[op][k]);
}

static void x86_quiet_passing(void)
{
    uint32_t w, k;
    for (w = 0; w < 4; w++) {
        x86_quiet_add(X86_QUIET_PASSES, x86_mov[w][X86_FORM_RR], NULL);
        x86_quiet_add(X86_QUIET_PASSES, x86_mov[w][X86_FORM_RI], NULL);
        x86_quiet_add(X86_QUIET_PASSES, x86_lea[w], NULL);
        x86_quiet_add(X86_QUIET_PASSES, x86_notneg[0][w][0], NULL);
        for (k = 0; k < 2; k++)
            x86_quiet_add(X86_QUIET_PASSES, x86_movzx[k][w][0], NULL);
        for (k = 0; k < 3; k++)
            x86_quiet_add(X86_QUIET_PASSES, x86_movsx[k][w][0], NULL);
    }
    x86_quiet_add(X86_QUIET_PASSES, x86_op_nop, NULL);
    x86_quiet_add(X86_QUIET_PASSES, x86_op_bswap, NULL);
    x86_quiet_add(X86_QUIET_PASSES, x86_op_cbw, NULL);
    x86_quiet_add(X86_QUIET_PASSES, x86_op_cwd, NULL);
}

static void x86_quiet_fill(void)
{
    x86_quiet_alu();
    x86_quiet_shifts();
    x86_quiet_passing();
    x86_quiet_add(X86_QUIET_SETS_SOME, x86_incdec[0][2][0], x86_quiet_inc32);
    x86_quiet_add(X86_QUIET_SETS_SOME, x86_incdec[0][3][0], x86_quiet_inc64);
    x86_quiet_add(X86_QUIET_SETS_SOME, x86_incdec[1][2][0], x86_quiet_dec32);
    x86_quiet_add(X86_QUIET_SETS_SOME, x86_incdec[1][3][0], x86_quiet_dec64);
    x86_quiet_add(X86_QUIET_SETS, x86_notneg[1][2][0], x86_quiet_neg32);
    x86_quiet_add(X86_QUIET_SETS, x86_notneg[1][3][0], x86_quiet_neg64);
    x86_quiet_add(X86_QUIET_SETS, x86_op_imul2_32r, x86_quiet_imul2_32r);
    x86_quiet_add(X86_QUIET_SETS, x86_op_imul2_64r, x86_quiet_imul2_64r);
}

void x86_quiet_init(void)
{
    pthread_once(&x86_quiet_once, x86_quiet_fill);
}

X86Handler x86_quiet_of(X86Handler loud)
{
    return x86_quiet_slot(loud)->quiet;
}

/* -- a block ----------------------------------------------------------------------------------- */

/* From the last instruction up: `unseen` says that the flags behind the instruction at hand are set
 * anew before anything can see them. May be run again over a block that was changed. */
void x86_quiet_block(X86Insn *insn, uint32_t n)
{
    bool unseen = false;
    while (n--) {
        X86Insn *i = &insn[n];
        const X86Quiet *q = x86_quiet_slot(i->fn);

        bool counted = q->kind == X86_QUIET_COUNTED || q->kind == X86_QUIET_COUNTED_SOME;
        if (q->kind == X86_QUIET_OTHER || (counted && i->imm == 0)) {
            if (q->loud)
                i->fn = q->loud;
            unseen = false;
            continue;
        }
        if (q->quiet)
            i->fn = unseen ? q->quiet : q->loud;
        if (q->kind == X86_QUIET_SETS || q->kind == X86_QUIET_COUNTED)
            unseen = true;
    }
}
