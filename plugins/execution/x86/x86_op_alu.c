/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NOT NEG, by width and operand form. */
#include "x86_rmw.h"

/* -- the operations ---------------------------------------------------------------------------- */
#define ALU_OPS(W)                                                                                 \
    static inline uint##W##_t alu_add##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a + b);                                                      \
        x86_fl_add##W(c, a, b, r);                                                                 \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_adc##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a + b + x86_cf(c));                                          \
        x86_fl_add##W(c, a, b, r);                                                                 \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_sub##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a - b);                                                      \
        x86_fl_sub##W(c, a, b, r);                                                                 \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_sbb##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a - b - x86_cf(c));                                          \
        x86_fl_sub##W(c, a, b, r);                                                                 \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_or##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                   \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a | b);                                                      \
        x86_fl_logic##W(c, r);                                                                     \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_and##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a & b);                                                      \
        x86_fl_logic##W(c, r);                                                                     \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_xor##W(X86Cpu *c, uint##W##_t a, uint##W##_t b)                  \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t)(a ^ b);                                                      \
        x86_fl_logic##W(c, r);                                                                     \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_inc##W(X86Cpu *c, uint##W##_t a)                                 \
    {                                                                                              \
        bool cf = x86_cf(c);                                                                       \
        uint##W##_t r = (uint##W##_t)(a + 1);                                                      \
        x86_fl_szp##W(c, r);                                                                       \
        x86_set_cf_of_af(c, cf, r == (uint##W##_t)1 << (W - 1), (r & 15) == 0);                    \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_dec##W(X86Cpu *c, uint##W##_t a)                                 \
    {                                                                                              \
        bool cf = x86_cf(c);                                                                       \
        uint##W##_t r = (uint##W##_t)(a - 1);                                                      \
        x86_fl_szp##W(c, r);                                                                       \
        x86_set_cf_of_af(c, cf, a == (uint##W##_t)1 << (W - 1), (a & 15) == 0);                    \
        return r;                                                                                  \
    }                                                                                              \
    static inline uint##W##_t alu_not##W(X86Cpu *c, uint##W##_t a)                                 \
    {                                                                                              \
        (void)c;                                                                                   \
        return (uint##W##_t) ~a;                                                                   \
    }                                                                                              \
    static inline uint##W##_t alu_neg##W(X86Cpu *c, uint##W##_t a)                                 \
    {                                                                                              \
        uint##W##_t r = (uint##W##_t) - a;                                                         \
        x86_fl_sub##W(c, 0, a, r);                                                                 \
        return r;                                                                                  \
    }

ALU_OPS(8)
ALU_OPS(16)
ALU_OPS(32)
ALU_OPS(64)

/* -- forms of two operands --------------------------------------------------------------------- */
#define ALU_WRITING(op, W)                                                                         \
    static int x86_op_##op##_rr##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        X86_W##W(c, i->rm, alu_##op##W(c, X86_R##W(c, i->rm), X86_R##W(c, i->reg)));               \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##op##_ri##W(X86Cpu *c, const X86Insn *i)                                    \
    {                                                                                              \
        X86_W##W(c, i->rm, alu_##op##W(c, X86_R##W(c, i->rm), (uint##W##_t)i->imm));               \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_LOAD_OP(x86_op_##op##_rm##W, W, b,                                                         \
                X86_W##W(c, i->reg, alu_##op##W(c, X86_R##W(c, i->reg), b)))                       \
    X86_RMW_OP(x86_op_##op##_mr##W, W, v, v = alu_##op##W(c, v, X86_R##W(c, i->reg)))              \
    X86_RMW_OP(x86_op_##op##_mi##W, W, v, v = alu_##op##W(c, v, (uint##W##_t)i->imm))              \
    static int x86_op_##op##_lmr##W(X86Cpu *c, const X86Insn *i)                                   \
    {                                                                                              \
        uint##W##_t b = X86_R##W(c, i->reg);                                                       \
        uint64_t fc = c->fc;                                                                       \
        X86_RMW_LOCKED(W, c, i, v, c->fc = fc; v = alu_##op##W(c, v, b));                          \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##op##_lmi##W(X86Cpu *c, const X86Insn *i)                                   \
    {                                                                                              \
        uint##W##_t b = (uint##W##_t)i->imm;                                                       \
        uint64_t fc = c->fc;                                                                       \
        X86_RMW_LOCKED(W, c, i, v, c->fc = fc; v = alu_##op##W(c, v, b));                          \
        X86_NEXT(c, i);                                                                            \
    }

/* CMP and TEST: the same without a result. */
#define ALU_READING(name, op, W)                                                                   \
    static int x86_op_##name##_rr##W(X86Cpu *c, const X86Insn *i)                                  \
    {                                                                                              \
        (void)alu_##op##W(c, X86_R##W(c, i->rm), X86_R##W(c, i->reg));                             \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_##name##_ri##W(X86Cpu *c, const X86Insn *i)                                  \
    {                                                                                              \
        (void)alu_##op##W(c, X86_R##W(c, i->rm), (uint##W##_t)i->imm);                             \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_LOAD_OP(x86_op_##name##_rm##W, W, b, (void)alu_##op##W(c, X86_R##W(c, i->reg), b))         \
    X86_LOAD_OP(x86_op_##name##_mr##W, W, a, (void)alu_##op##W(c, a, X86_R##W(c, i->reg)))         \
    X86_LOAD_OP(x86_op_##name##_mi##W, W, a, (void)alu_##op##W(c, a, (uint##W##_t)i->imm))

#define ALU_WRITING_ALL(op)                                                                        \
    ALU_WRITING(op, 8) ALU_WRITING(op, 16) ALU_WRITING(op, 32) ALU_WRITING(op, 64)
#define ALU_READING_ALL(name, op)                                                                  \
    ALU_READING(name, op, 8)                                                                       \
    ALU_READING(name, op, 16) ALU_READING(name, op, 32) ALU_READING(name, op, 64)

ALU_WRITING_ALL(add)
ALU_WRITING_ALL(or)
ALU_WRITING_ALL(adc)
ALU_WRITING_ALL(sbb)
ALU_WRITING_ALL(and)
ALU_WRITING_ALL(sub)
ALU_WRITING_ALL(xor)
ALU_READING_ALL(cmp, sub)
ALU_READING_ALL(test, and)

#define ALU_ROW_W(op, W)                                                                           \
    {                                                                                              \
        x86_op_##op##_rr##W, x86_op_##op##_ri##W, x86_op_##op##_rm##W, x86_op_##op##_mr##W,        \
            x86_op_##op##_mi##W, x86_op_##op##_lmr##W, x86_op_##op##_lmi##W                        \
    }
#define ALU_ROW(op)                                                                                \
    {                                                                                              \
        ALU_ROW_W(op, 8), ALU_ROW_W(op, 16), ALU_ROW_W(op, 32), ALU_ROW_W(op, 64)                  \
    }
#define ALU_ROW_R_W(op, W)                                                                         \
    {                                                                                              \
        x86_op_##op##_rr##W, x86_op_##op##_ri##W, x86_op_##op##_rm##W, x86_op_##op##_mr##W,        \
            x86_op_##op##_mi##W, x86_op_ud, x86_op_ud                                              \
    }
#define ALU_ROW_R(op)                                                                              \
    {                                                                                              \
        ALU_ROW_R_W(op, 8), ALU_ROW_R_W(op, 16), ALU_ROW_R_W(op, 32), ALU_ROW_R_W(op, 64)          \
    }

const X86Handler x86_alu[9][4][X86_FORMS] = {
    ALU_ROW(add), ALU_ROW(or),  ALU_ROW(adc),   ALU_ROW(sbb),    ALU_ROW(and),
    ALU_ROW(sub), ALU_ROW(xor), ALU_ROW_R(cmp), ALU_ROW_R(test),
};

/* -- forms of one operand ---------------------------------------------------------------------- */
#define ALU_UNARY(op, W)                                                                           \
    static int x86_op_##op##_r##W(X86Cpu *c, const X86Insn *i)                                     \
    {                                                                                              \
        X86_W##W(c, i->rm, alu_##op##W(c, X86_R##W(c, i->rm)));                                    \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_RMW_OP(x86_op_##op##_m##W, W, v, v = alu_##op##W(c, v))                                    \
    static int x86_op_##op##_l##W(X86Cpu *c, const X86Insn *i)                                     \
    {                                                                                              \
        uint64_t fc = c->fc;                                                                       \
        X86_RMW_LOCKED(W, c, i, v, c->fc = fc; v = alu_##op##W(c, v));                             \
        X86_NEXT(c, i);                                                                            \
    }
#define ALU_UNARY_ALL(op) ALU_UNARY(op, 8) ALU_UNARY(op, 16) ALU_UNARY(op, 32) ALU_UNARY(op, 64)
#define ALU_UNARY_ROW(op)                                                                          \
    {                                                                                              \
        {x86_op_##op##_r8, x86_op_##op##_m8, x86_op_##op##_l8},                                    \
            {x86_op_##op##_r16, x86_op_##op##_m16, x86_op_##op##_l16},                             \
            {x86_op_##op##_r32, x86_op_##op##_m32, x86_op_##op##_l32},                             \
            {x86_op_##op##_r64, x86_op_##op##_m64, x86_op_##op##_l64},                             \
    }

ALU_UNARY_ALL(inc)
ALU_UNARY_ALL(dec)
ALU_UNARY_ALL(not )
ALU_UNARY_ALL(neg)

const X86Handler x86_incdec[2][4][3] = {ALU_UNARY_ROW(inc), ALU_UNARY_ROW(dec)};
const X86Handler x86_notneg[2][4][3] = {ALU_UNARY_ROW(not ), ALU_UNARY_ROW(neg)};

#define ALU_MEM_ROW(op, W)                                                                         \
    X86_MEM_ROW(x86_op_##op##_rm##W), X86_MEM_ROW(x86_op_##op##_mr##W),                            \
        X86_MEM_ROW(x86_op_##op##_mi##W)
#define ALU_MEM_ROWS(op)                                                                           \
    ALU_MEM_ROW(op, 8), ALU_MEM_ROW(op, 16), ALU_MEM_ROW(op, 32), ALU_MEM_ROW(op, 64)
#define ALU_UNARY_MEM_ROWS(op)                                                                     \
    X86_MEM_ROW(x86_op_##op##_m8), X86_MEM_ROW(x86_op_##op##_m16), X86_MEM_ROW(x86_op_##op##_m32), \
        X86_MEM_ROW(x86_op_##op##_m64)
const X86Handler x86_alu_mem[][3] = {
    ALU_MEM_ROWS(add),       ALU_MEM_ROWS(or),
    ALU_MEM_ROWS(adc),       ALU_MEM_ROWS(sbb),
    ALU_MEM_ROWS(and),       ALU_MEM_ROWS(sub),
    ALU_MEM_ROWS(xor),       ALU_MEM_ROWS(cmp),
    ALU_MEM_ROWS(test),      ALU_UNARY_MEM_ROWS(inc),
    ALU_UNARY_MEM_ROWS(dec), ALU_UNARY_MEM_ROWS(not ),
    ALU_UNARY_MEM_ROWS(neg), {NULL},
};
