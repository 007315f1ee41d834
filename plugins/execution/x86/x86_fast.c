/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: handlers for what is known of instructions once their block stands.
 *
 *   - A memory operand whose address is flat (x86_mem.h) needs no segment.
 *   - Two instructions that often stand together have one handler, in the place of the first's; a
 *     comparison and the branch that it is for, for example. That of the second stays, for whoever
 *     comes from the first's slow path.
 *
 * A pair is no more than its two instructions in turn: all that either leaves behind, flags too, is
 * there when it ends. Nothing can look in between. What touches registers alone cannot fault, calls
 * no host and changes no code, events are taken in front of blocks, and a memory operand that is
 * not plain memory is left to the handler of its own instruction, which goes on by itself. */
#include <pthread.h>

#include "x86_branch.h"

/* -- steps: instructions without their way to the next ----------------------------------------- */
#define STEP_MOV(W, i)    X86_W##W(c, (i)->rm, X86_R##W(c, (i)->reg))
#define STEP_RR(W, op, i) X86_W##W(c, (i)->rm, X86_R##W(c, (i)->rm) op X86_R##W(c, (i)->reg))
#define STEP_RI(W, op, i) X86_W##W(c, (i)->rm, X86_R##W(c, (i)->rm) op(i)->imm)
#define STEP_mov64(i)     STEP_MOV(64, i)
#define STEP_mov32(i)     STEP_MOV(32, i)
#define STEP_movzx8(i)    X86_W32(c, (i)->reg, X86_R8(c, (i)->rm))
#define STEP_lea64(i)     X86_W64(c, (i)->reg, x86_ea(c, i))
#define STEP_add64(i)     STEP_RR(64, +, i)
#define STEP_add64i(i)    STEP_RI(64, +, i)
#define STEP_sub64(i)     STEP_RR(64, -, i)
#define STEP_xor64(i)     STEP_RR(64, ^, i)
#define STEP_shl64(i)     STEP_RI(64, <<, i)
#define STEP_shr64(i)     STEP_RI(64, >>, i)
#define STEP_rol64(i)                                                                              \
    X86_W64(c, (i)->rm, X86_R64(c, (i)->rm) << (i)->imm | X86_R64(c, (i)->rm) >> (-(i)->imm & 63))
#define STEP_add32i(i) STEP_RI(32, +, i)
#define STEP_xor32(i)  STEP_RR(32, ^, i)
#define STEP_mov32i(i) X86_W32(c, (i)->rm, (i)->imm)
#define STEP_imul64(i) X86_W64(c, (i)->reg, X86_R64(c, (i)->reg) * X86_R64(c, (i)->rm))
#define STEP_LOAD(W, w, ea, i)                                                                     \
    do {                                                                                           \
        X86U##W *p_;                                                                               \
        if (X86_UNLIKELY(!x86_rd_flat##W(c, ea(c, i), &p_)))                                       \
            return x86_mov[w][X86_FORM_RM](c, i);                                                  \
        c->r[(i)->reg] = *p_;                                                                      \
    } while (0)
#define STEP_load64(i)  STEP_LOAD(64, 3, x86_ea_base, i)
#define STEP_load64x(i) STEP_LOAD(64, 3, x86_ea_flat, i)
#define STEP_load32(i)  STEP_LOAD(32, 2, x86_ea_base, i)
#define STEP_store64(i)                                                                            \
    do {                                                                                           \
        X86U64 *p_;                                                                                \
        if (X86_UNLIKELY(!x86_rw_flat64(c, x86_ea_base(c, i), &p_)))                               \
            return x86_mov[3][X86_FORM_MR](c, i);                                                  \
        *p_ = c->r[(i)->reg];                                                                      \
    } while (0)
#define STEP_push(i)                                                                               \
    do {                                                                                           \
        X86U64 *p_;                                                                                \
        if (X86_UNLIKELY(!x86_rw_flat64(c, c->r[X86_RSP] - 8, &p_)))                               \
            return x86_op_push_r64(c, i);                                                          \
        *p_ = c->r[(i)->reg];                                                                      \
        c->r[X86_RSP] -= 8;                                                                        \
    } while (0)
#define STEP_pop(i)                                                                                \
    do {                                                                                           \
        X86U64 *p_;                                                                                \
        uint64_t v_;                                                                               \
        if (X86_UNLIKELY(!x86_rd_flat64(c, c->r[X86_RSP], &p_)))                                   \
            return x86_op_pop_r64(c, i);                                                           \
        v_ = *p_;                                                                                  \
        c->r[X86_RSP] += 8;                                                                        \
        c->r[(i)->reg] = v_;                                                                       \
    } while (0)

/* X(first, second) for each second; and for each first. */
/* clang-format off */
#define STEPS_WITH(X, a) \
    X(a, mov64) X(a, mov32) X(a, mov32i) X(a, movzx8) X(a, lea64) \
    X(a, add64) X(a, add64i) X(a, add32i) X(a, sub64) X(a, xor64) \
    X(a, xor32) X(a, shl64) X(a, shr64) X(a, rol64) X(a, imul64) \
    X(a, load64) X(a, load64x) X(a, load32) X(a, store64) X(a, push) \
    X(a, pop)
#define STEPS(X, Y) \
    X(Y, mov64) X(Y, mov32) X(Y, mov32i) X(Y, movzx8) X(Y, lea64) \
    X(Y, add64) X(Y, add64i) X(Y, add32i) X(Y, sub64) X(Y, xor64) \
    X(Y, xor32) X(Y, shl64) X(Y, shr64) X(Y, rol64) X(Y, imul64) \
    X(Y, load64) X(Y, load64x) X(Y, load32) X(Y, store64) X(Y, push) \
    X(Y, pop)
/* clang-format on */
#define STEP_COUNT 21u

/* -- pairs of steps ---------------------------------------------------------------------------- */
#define PAIR(a, b)                                                                                 \
    static int x86_pair_##a##_##b(X86Cpu *c, const X86Insn *i)                                     \
    {                                                                                              \
        STEP_##a(i);                                                                               \
        STEP_##b(i + 1);                                                                           \
        X86_NEXT(c, i + 1);                                                                        \
    }
STEPS(STEPS_WITH, PAIR)

#define PAIR_NAME(a, b)  x86_pair_##a##_##b,
#define PAIR_NAMES(X, a) {STEPS_WITH(X, a)},
static const X86Handler x86_pairs[STEP_COUNT][STEP_COUNT] = {STEPS(PAIR_NAMES, PAIR_NAME)};

/* -- flags and the branch that they are for ---------------------------------------------------- */

/* Conditions straight from the operands; those that no compiler asks for from the flags. */
#define COND_SUB(W, cc, a, b)                                                                      \
    ((cc) >> 1 == 1   ? (a) < (b)                                                                  \
     : (cc) >> 1 == 2 ? (a) == (b)                                                                 \
     : (cc) >> 1 == 3 ? (a) <= (b)                                                                 \
     : (cc) >> 1 == 6 ? (int##W##_t)(a) < (int##W##_t)(b)                                          \
     : (cc) >> 1 == 7 ? (int##W##_t)(a) <= (int##W##_t)(b)                                         \
                      : x86_cond(c, (cc) & ~1u))
#define COND_AND(W, cc, a, b)                                                                      \
    ((cc) >> 1 == 2   ? ((a) & (b)) == 0                                                           \
     : (cc) >> 1 == 4 ? (int##W##_t)((a) & (b)) < 0                                                \
     : (cc) >> 1 == 7 ? (int##W##_t)((a) & (b)) <= 0                                               \
                      : x86_cond(c, (cc) & ~1u))
#define COND_ADD(W, cc, a, b)                                                                      \
    ((cc) >> 1 == 2   ? (uint##W##_t)((a) + (b)) == 0                                              \
     : (cc) >> 1 == 4 ? (int##W##_t)((a) + (b)) < 0                                                \
                      : x86_cond(c, (cc) & ~1u))
#define RESULT_ADD(a, b)   ((a) + (b))
#define RESULT_SUB(a, b)   ((a) - (b))
#define RESULT_AND(a, b)   ((a) & (b))
#define FLAGS_ADD(W, a, b) x86_fl_add##W(c, a, b, (uint##W##_t)((a) + (b)))
#define FLAGS_SUB(W, a, b) x86_fl_sub##W(c, a, b, (uint##W##_t)((a) - (b)))
#define FLAGS_AND(W, a, b) x86_fl_logic##W(c, (a) & (b))

#define RM(W)  X86_R##W(c, i->rm)
#define REG(W) X86_R##W(c, i->reg)
#define IMM(W) (uint##W##_t) i->imm
/* A flat operand without an index, as plain memory; else the handler of its own takes over. */
#define MEM(W, loud)                                                                               \
    ({                                                                                             \
        X86U##W *p_;                                                                               \
        if (X86_UNLIKELY(!x86_rd_flat##W(c, x86_ea_base(c, i), &p_)))                              \
            return (loud)(c, i);                                                                   \
        *p_;                                                                                       \
    })

/* What becomes of the result. */
#define DROP(W, result) (void)0
#define KEEP(W, result) X86_W##W(c, i->rm, (uint##W##_t)(result))

#define BRANCH(name, kind, W, left, right, keep, cc)                                               \
    static int x86_pair_##name##_j##cc(X86Cpu *c, const X86Insn *i)                                \
    {                                                                                              \
        uint##W##_t a = left, b = right;                                                           \
        FLAGS_##kind(W, a, b);                                                                     \
        keep(W, RESULT_##kind(a, b));                                                              \
        if (COND_##kind(W, cc, a, b) != ((cc)&1))                                                  \
            return x86_rel(c, i + 1);                                                              \
        return x86_fall(c, i + 1);                                                                 \
    }
#define BRANCHES(name, kind, W, left, right, keep)                                                 \
    BRANCH(name, kind, W, left, right, keep, 2)                                                    \
    BRANCH(name, kind, W, left, right, keep, 3)                                                    \
    BRANCH(name, kind, W, left, right, keep, 4)                                                    \
    BRANCH(name, kind, W, left, right, keep, 5)                                                    \
    BRANCH(name, kind, W, left, right, keep, 6)                                                    \
    BRANCH(name, kind, W, left, right, keep, 7)                                                    \
    BRANCH(name, kind, W, left, right, keep, 8)                                                    \
    BRANCH(name, kind, W, left, right, keep, 9)                                                    \
    BRANCH(name, kind, W, left, right, keep, 12)                                                   \
    BRANCH(name, kind, W, left, right, keep, 13)                                                   \
    BRANCH(name, kind, W, left, right, keep, 14)                                                   \
    BRANCH(name, kind, W, left, right, keep, 15)
BRANCHES(cmp_rr64, SUB, 64, RM(64), REG(64), DROP)
BRANCHES(cmp_rr32, SUB, 32, RM(32), REG(32), DROP)
BRANCHES(cmp_rr8, SUB, 8, RM(8), REG(8), DROP)
BRANCHES(cmp_ri64, SUB, 64, RM(64), IMM(64), DROP)
BRANCHES(cmp_ri32, SUB, 32, RM(32), IMM(32), DROP)
BRANCHES(cmp_ri8, SUB, 8, RM(8), IMM(8), DROP)
BRANCHES(cmp_mi64, SUB, 64, MEM(64, x86_alu[7][3][X86_FORM_MI]), IMM(64), DROP)
BRANCHES(cmp_mi32, SUB, 32, MEM(32, x86_alu[7][2][X86_FORM_MI]), IMM(32), DROP)
BRANCHES(cmp_mi8, SUB, 8, MEM(8, x86_alu[7][0][X86_FORM_MI]), IMM(8), DROP)
BRANCHES(cmp_rm64, SUB, 64, REG(64), MEM(64, x86_alu[7][3][X86_FORM_RM]), DROP)
BRANCHES(cmp_mr64, SUB, 64, MEM(64, x86_alu[7][3][X86_FORM_MR]), REG(64), DROP)
BRANCHES(test_rr64, AND, 64, RM(64), REG(64), DROP)
BRANCHES(test_rr32, AND, 32, RM(32), REG(32), DROP)
BRANCHES(test_rr8, AND, 8, RM(8), REG(8), DROP)
BRANCHES(test_ri32, AND, 32, RM(32), IMM(32), DROP)
BRANCHES(test_ri8, AND, 8, RM(8), IMM(8), DROP)
BRANCHES(test_mi8, AND, 8, MEM(8, x86_alu[8][0][X86_FORM_MI]), IMM(8), DROP)
BRANCHES(add_ri64, ADD, 64, RM(64), IMM(64), KEEP)
BRANCHES(add_ri32, ADD, 32, RM(32), IMM(32), KEEP)
BRANCHES(sub_ri64, SUB, 64, RM(64), IMM(64), KEEP)
BRANCHES(sub_ri32, SUB, 32, RM(32), IMM(32), KEEP)
BRANCHES(and_ri32, AND, 32, RM(32), IMM(32), KEEP)

#define BRANCH_ROW(name)                                                                           \
    {                                                                                              \
        NULL, NULL, x86_pair_##name##_j2, x86_pair_##name##_j3, x86_pair_##name##_j4,              \
            x86_pair_##name##_j5, x86_pair_##name##_j6, x86_pair_##name##_j7,                      \
            x86_pair_##name##_j8, x86_pair_##name##_j9, NULL, NULL, x86_pair_##name##_j12,         \
            x86_pair_##name##_j13, x86_pair_##name##_j14, x86_pair_##name##_j15,                   \
    }
typedef struct X86FastBranches {
    uint32_t op, w, form; /* as in x86_alu */
    X86Handler by_cc[16];
} X86FastBranches;
static const X86FastBranches x86_fast_branches[] = {
    {7, 3, X86_FORM_RR, BRANCH_ROW(cmp_rr64)},  {7, 2, X86_FORM_RR, BRANCH_ROW(cmp_rr32)},
    {7, 0, X86_FORM_RR, BRANCH_ROW(cmp_rr8)},   {7, 3, X86_FORM_RI, BRANCH_ROW(cmp_ri64)},
    {7, 2, X86_FORM_RI, BRANCH_ROW(cmp_ri32)},  {7, 0, X86_FORM_RI, BRANCH_ROW(cmp_ri8)},
    {7, 3, X86_FORM_MI, BRANCH_ROW(cmp_mi64)},  {7, 2, X86_FORM_MI, BRANCH_ROW(cmp_mi32)},
    {7, 0, X86_FORM_MI, BRANCH_ROW(cmp_mi8)},   {7, 3, X86_FORM_RM, BRANCH_ROW(cmp_rm64)},
    {7, 3, X86_FORM_MR, BRANCH_ROW(cmp_mr64)},  {8, 3, X86_FORM_RR, BRANCH_ROW(test_rr64)},
    {8, 2, X86_FORM_RR, BRANCH_ROW(test_rr32)}, {8, 0, X86_FORM_RR, BRANCH_ROW(test_rr8)},
    {8, 2, X86_FORM_RI, BRANCH_ROW(test_ri32)}, {8, 0, X86_FORM_RI, BRANCH_ROW(test_ri8)},
    {8, 0, X86_FORM_MI, BRANCH_ROW(test_mi8)},  {0, 3, X86_FORM_RI, BRANCH_ROW(add_ri64)},
    {0, 2, X86_FORM_RI, BRANCH_ROW(add_ri32)},  {5, 3, X86_FORM_RI, BRANCH_ROW(sub_ri64)},
    {5, 2, X86_FORM_RI, BRANCH_ROW(sub_ri32)},  {4, 2, X86_FORM_RI, BRANCH_ROW(and_ri32)},
};
#define X86_FAST_BRANCHES (sizeof(x86_fast_branches) / sizeof(x86_fast_branches[0]))

/* -- what is known of handlers ----------------------------------------------------------------- */
typedef struct X86Fast {
    X86Handler key;
    const X86Handler *mem;      /* its row in a table of memory handlers */
    const X86Handler *branches; /* of a pair with a branch, by condition */
    X86Handler first;           /* a pair: what stood in its place */
    uint8_t step;               /* 1 + number of the step */
    uint8_t jcc;                /* 1 + condition */
} X86Fast;

#define X86_FAST_SLOTS 4096u /* open addressing, at most a quarter full */
static X86Fast x86_fast_table[X86_FAST_SLOTS];
static pthread_once_t x86_fast_once = PTHREAD_ONCE_INIT;

/* The entry of a handler, or the free one where it belongs. */
static X86Fast *x86_fast_slot(X86Handler fn)
{
    uint32_t k = x86_handler_hash(fn);
    X86Fast *f = &x86_fast_table[k & (X86_FAST_SLOTS - 1)];
    while (f->key && f->key != fn)
        f = &x86_fast_table[++k & (X86_FAST_SLOTS - 1)];
    return f;
}

static X86Fast *x86_fast_add(X86Handler fn)
{
    X86Fast *f = x86_fast_slot(fn);
    f->key = fn;
    return f;
}

static void x86_fast_add_mem(const X86Handler (*mem)[3])
{
    for (; (*mem)[0]; mem++)
        x86_fast_add((*mem)[0])->mem = *mem;
}

/* The handlers that steps stand for, in the order of STEPS; where there are two, those that leave
 * the flags alone. */
static void x86_fast_add_steps(void)
{
    const X86Handler steps[STEP_COUNT] = {
        x86_mov[3][X86_FORM_RR],
        x86_mov[2][X86_FORM_RR],
        x86_mov[2][X86_FORM_RI],
        x86_movzx[0][2][0],
        x86_lea[3],
        x86_quiet_of(x86_alu[0][3][X86_FORM_RR]),
        x86_quiet_of(x86_alu[0][3][X86_FORM_RI]),
        x86_quiet_of(x86_alu[0][2][X86_FORM_RI]),
        x86_quiet_of(x86_alu[5][3][X86_FORM_RR]),
        x86_quiet_of(x86_alu[6][3][X86_FORM_RR]),
        x86_quiet_of(x86_alu[6][2][X86_FORM_RR]),
        x86_quiet_of(x86_shift_i[4][3][0]),
        x86_quiet_of(x86_shift_i[5][3][0]),
        x86_quiet_of(x86_shift_i[0][3][0]),
        x86_quiet_of(x86_op_imul2_64r),
        x86_fast_slot(x86_mov[3][X86_FORM_RM])->mem[2],
        x86_fast_slot(x86_mov[3][X86_FORM_RM])->mem[1],
        x86_fast_slot(x86_mov[2][X86_FORM_RM])->mem[2],
        x86_fast_slot(x86_mov[3][X86_FORM_MR])->mem[2],
        x86_op_push_r64,
        x86_op_pop_r64,
    };
    uint32_t a, b;
    for (a = 0; a < STEP_COUNT; a++) {
        x86_fast_add(steps[a])->step = (uint8_t)(a + 1);
        for (b = 0; b < STEP_COUNT; b++)
            x86_fast_add(x86_pairs[a][b])->first = steps[a];
    }
}

static void x86_fast_add_branches(const X86FastBranches *row)
{
    X86Handler fn = x86_alu[row->op][row->w][row->form];
    uint32_t cc;
    if (row->form != X86_FORM_RR && row->form != X86_FORM_RI)
        fn = x86_fast_slot(fn)->mem[2]; /* flat, no index */
    x86_fast_add(fn)->branches = row->by_cc;
    for (cc = 0; cc < 16; cc++)
        if (row->by_cc[cc])
            x86_fast_add(row->by_cc[cc])->first = fn;
}

static void x86_fast_fill(void)
{
    uint32_t k;
    x86_fast_add_mem(x86_mov_mem);
    x86_fast_add_mem(x86_alu_mem);
    x86_fast_add_mem(x86_host_mem);
    x86_fast_add_steps();
    for (k = 0; k < X86_FAST_BRANCHES; k++)
        x86_fast_add_branches(&x86_fast_branches[k]);
    for (k = 0; k < 16; k++)
        x86_fast_add(x86_jcc[k])->jcc = (uint8_t)(k + 1);
}

void x86_fast_init(void)
{
    pthread_once(&x86_fast_once, x86_fast_fill);
}

/* -- a block ----------------------------------------------------------------------------------- */

/* 64-bit mode, its address size, a segment without base: the address is linear as it is. */
static bool x86_fast_is_flat(const X86Insn *i)
{
    return i->amask == ~0ull && i->seg != VIV_SEG_FS && i->seg != VIV_SEG_GS;
}

/* What is known of an instruction's handler, a flat one if it can have it. */
static const X86Fast *x86_fast_of(X86Insn *i)
{
    const X86Fast *f = x86_fast_slot(i->fn);
    if (!f->mem || !x86_fast_is_flat(i))
        return f;
    i->fn = f->mem[i->index == X86_ZERO ? 2 : 1];
    return x86_fast_slot(i->fn);
}

/* The handler of two instructions, or NULL. */
static X86Handler x86_fast_pair(const X86Fast *a, const X86Fast *b)
{
    if (a->step && b->step)
        return x86_pairs[a->step - 1][b->step - 1];
    if (a->branches && b->jcc)
        return a->branches[b->jcc - 1];
    return NULL;
}

void x86_fast_block(X86Insn *insn, uint32_t n)
{
    const X86Fast *last = NULL; /* of the instruction before, if it stands alone */
    X86Handler fn;
    uint32_t k;
    for (k = 0; k < n; k++) {
        const X86Fast *f = x86_fast_of(&insn[k]);
        fn = last ? x86_fast_pair(last, f) : NULL;
        last = fn ? NULL : f;
        if (fn) {
            insn[k - 1].fn = fn;
            insn[k - 1].flags |= X86_IF_PAIR;
        }
    }
}

void x86_fast_undo(X86Insn *insn, uint32_t n)
{
    uint32_t k;
    for (k = 0; k < n; k++)
        if (insn[k].flags & X86_IF_PAIR) {
            insn[k].fn = x86_fast_slot(insn[k].fn)->first;
            insn[k].flags &= (uint16_t)~X86_IF_PAIR;
        }
}
