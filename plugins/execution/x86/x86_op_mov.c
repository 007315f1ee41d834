/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: moves: MOV MOVZX MOVSX LEA XCHG BSWAP MOVBE CMOVcc SETcc CBW CWD XLAT LAHF SAHF SALC NOP. */
#include "x86_rmw.h"

#define MOV_W(W)                                                                                   \
    static int x86_op_mov_rr##W(X86Cpu *c, const X86Insn *i)                                       \
    {                                                                                              \
        X86_W##W(c, i->rm, X86_R##W(c, i->reg));                                                   \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_mov_ri##W(X86Cpu *c, const X86Insn *i)                                       \
    {                                                                                              \
        X86_W##W(c, i->rm, i->imm);                                                                \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_LOAD_OP(x86_op_mov_rm##W, W, v, X86_W##W(c, i->reg, v))                                    \
    X86_STORE_OP(x86_op_mov_mr##W, W, X86_R##W(c, i->reg))                                         \
    X86_STORE_OP(x86_op_mov_mi##W, W, i->imm)

MOV_W(8)
MOV_W(16)
MOV_W(32)
MOV_W(64)

#define MOV_ROW(W)                                                                                 \
    {                                                                                              \
        x86_op_mov_rr##W, x86_op_mov_ri##W, x86_op_mov_rm##W, x86_op_mov_mr##W, x86_op_mov_mi##W   \
    }
const X86Handler x86_mov[4][5] = {MOV_ROW(8), MOV_ROW(16), MOV_ROW(32), MOV_ROW(64)};

/* -- widening ---------------------------------------------------------------------------------- */
#define MOVX(name, S, D, type)                                                                     \
    static int x86_op_##name##_r##S##_##D(X86Cpu *c, const X86Insn *i)                             \
    {                                                                                              \
        X86_W##D(c, i->reg, (uint##D##_t)(type)X86_R##S(c, i->rm));                                \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_LOAD_OP(x86_op_##name##_m##S##_##D, S, v, X86_W##D(c, i->reg, (uint##D##_t)(type)v))
#define MOVX_PAIR(name, S, D)                                                                      \
    {                                                                                              \
        x86_op_##name##_r##S##_##D, x86_op_##name##_m##S##_##D                                     \
    }

MOVX(movzx, 8, 16, uint8_t)
MOVX(movzx, 8, 32, uint8_t)
MOVX(movzx, 8, 64, uint8_t)
MOVX(movzx, 16, 16, uint16_t)
MOVX(movzx, 16, 32, uint16_t)
MOVX(movzx, 16, 64, uint16_t)
MOVX(movsx, 8, 16, int8_t)
MOVX(movsx, 8, 32, int8_t)
MOVX(movsx, 8, 64, int8_t)
MOVX(movsx, 16, 16, int16_t)
MOVX(movsx, 16, 32, int16_t)
MOVX(movsx, 16, 64, int16_t)
MOVX(movsx, 32, 64, int32_t)

const X86Handler x86_movzx[2][4][2] = {
    {{NULL}, MOVX_PAIR(movzx, 8, 16), MOVX_PAIR(movzx, 8, 32), MOVX_PAIR(movzx, 8, 64)},
    {{NULL}, MOVX_PAIR(movzx, 16, 16), MOVX_PAIR(movzx, 16, 32), MOVX_PAIR(movzx, 16, 64)},
};
const X86Handler x86_movsx[3][4][2] = {
    {{NULL}, MOVX_PAIR(movsx, 8, 16), MOVX_PAIR(movsx, 8, 32), MOVX_PAIR(movsx, 8, 64)},
    {{NULL}, MOVX_PAIR(movsx, 16, 16), MOVX_PAIR(movsx, 16, 32), MOVX_PAIR(movsx, 16, 64)},
    {{NULL}, {NULL}, {NULL}, MOVX_PAIR(movsx, 32, 64)},
};

const X86Handler x86_mov_mem[][3] = {
    X86_MEM_ROW(x86_op_mov_rm8),      X86_MEM_ROW(x86_op_mov_rm16),
    X86_MEM_ROW(x86_op_mov_rm32),     X86_MEM_ROW(x86_op_mov_rm64),
    X86_MEM_ROW(x86_op_mov_mr8),      X86_MEM_ROW(x86_op_mov_mr16),
    X86_MEM_ROW(x86_op_mov_mr32),     X86_MEM_ROW(x86_op_mov_mr64),
    X86_MEM_ROW(x86_op_mov_mi8),      X86_MEM_ROW(x86_op_mov_mi16),
    X86_MEM_ROW(x86_op_mov_mi32),     X86_MEM_ROW(x86_op_mov_mi64),
    X86_MEM_ROW(x86_op_movzx_m8_16),  X86_MEM_ROW(x86_op_movzx_m8_32),
    X86_MEM_ROW(x86_op_movzx_m8_64),  X86_MEM_ROW(x86_op_movzx_m16_16),
    X86_MEM_ROW(x86_op_movzx_m16_32), X86_MEM_ROW(x86_op_movzx_m16_64),
    X86_MEM_ROW(x86_op_movsx_m8_16),  X86_MEM_ROW(x86_op_movsx_m8_32),
    X86_MEM_ROW(x86_op_movsx_m8_64),  X86_MEM_ROW(x86_op_movsx_m16_16),
    X86_MEM_ROW(x86_op_movsx_m16_32), X86_MEM_ROW(x86_op_movsx_m16_64),
    X86_MEM_ROW(x86_op_movsx_m32_64), {NULL},
};

static int x86_op_lea16(X86Cpu *c, const X86Insn *i)
{
    X86_W16(c, i->reg, x86_ea(c, i));
    X86_NEXT(c, i);
}

static int x86_op_lea32(X86Cpu *c, const X86Insn *i)
{
    X86_W32(c, i->reg, x86_ea(c, i));
    X86_NEXT(c, i);
}

static int x86_op_lea64(X86Cpu *c, const X86Insn *i)
{
    X86_W64(c, i->reg, x86_ea(c, i));
    X86_NEXT(c, i);
}

const X86Handler x86_lea[4] = {NULL, x86_op_lea16, x86_op_lea32, x86_op_lea64};

/* -- conditional ------------------------------------------------------------------------------- */
#define COND_W(cc, W)                                                                              \
    static int x86_op_cmov##cc##_r##W(X86Cpu *c, const X86Insn *i)                                 \
    {                                                                                              \
        uint##W##_t v = X86_R##W(c, i->rm);                                                        \
        X86_W##W(c, i->reg, x86_cond(c, cc) ? v : X86_R##W(c, i->reg));                            \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_cmov##cc##_m##W(X86Cpu *c, const X86Insn *i)                                 \
    {                                                                                              \
        uint##W##_t v;                                                                             \
        c->cur = i;                                                                                \
        v = x86_ld##W(c, i->seg, x86_ea(c, i));                                                    \
        X86_W##W(c, i->reg, x86_cond(c, cc) ? v : X86_R##W(c, i->reg));                            \
        X86_NEXT(c, i);                                                                            \
    }
#define COND(cc)                                                                                   \
    COND_W(cc, 16)                                                                                 \
    COND_W(cc, 32)                                                                                 \
    COND_W(cc, 64)                                                                                 \
    static int x86_op_set##cc##_r(X86Cpu *c, const X86Insn *i)                                     \
    {                                                                                              \
        X86_W8(c, i->rm, x86_cond(c, cc));                                                         \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    static int x86_op_set##cc##_m(X86Cpu *c, const X86Insn *i)                                     \
    {                                                                                              \
        c->cur = i;                                                                                \
        x86_st8(c, i->seg, x86_ea(c, i), x86_cond(c, cc));                                         \
        X86_NEXT(c, i);                                                                            \
    }
COND(0)
COND(1)
COND(2)
COND(3)
COND(4)
COND(5)
COND(6)
COND(7)
COND(8)
COND(9)
COND(10)
COND(11)
COND(12)
COND(13)
COND(14)
COND(15)

#define SET_PAIR(cc)                                                                               \
    {                                                                                              \
        x86_op_set##cc##_r, x86_op_set##cc##_m                                                     \
    }
const X86Handler x86_setcc[16][2] = {
    SET_PAIR(0),  SET_PAIR(1),  SET_PAIR(2),  SET_PAIR(3),  SET_PAIR(4),  SET_PAIR(5),
    SET_PAIR(6),  SET_PAIR(7),  SET_PAIR(8),  SET_PAIR(9),  SET_PAIR(10), SET_PAIR(11),
    SET_PAIR(12), SET_PAIR(13), SET_PAIR(14), SET_PAIR(15),
};
#define CMOV_ROW(cc)                                                                               \
    {                                                                                              \
        {NULL}, {x86_op_cmov##cc##_r16, x86_op_cmov##cc##_m16},                                    \
            {x86_op_cmov##cc##_r32, x86_op_cmov##cc##_m32},                                        \
            {x86_op_cmov##cc##_r64, x86_op_cmov##cc##_m64},                                        \
    }
const X86Handler x86_cmovcc[16][4][2] = {
    CMOV_ROW(0),  CMOV_ROW(1),  CMOV_ROW(2),  CMOV_ROW(3),  CMOV_ROW(4),  CMOV_ROW(5),
    CMOV_ROW(6),  CMOV_ROW(7),  CMOV_ROW(8),  CMOV_ROW(9),  CMOV_ROW(10), CMOV_ROW(11),
    CMOV_ROW(12), CMOV_ROW(13), CMOV_ROW(14), CMOV_ROW(15),
};

/* -- exchange ---------------------------------------------------------------------------------- */
int x86_op_xchg_rr(X86Cpu *c, const X86Insn *i)
{
    if (i->osz == 1) {
        uint8_t t = X86_R8(c, i->rm);
        X86_W8(c, i->rm, X86_R8(c, i->reg));
        X86_W8(c, i->reg, t);
    } else {
        uint64_t t = c->r[i->rm];
        x86_reg_set(c, i->rm, c->r[i->reg], i->osz);
        x86_reg_set(c, i->reg, t, i->osz);
    }
    X86_NEXT(c, i);
}

/* Locked whether it says so or not. */
int x86_op_xchg_rm(X86Cpu *c, const X86Insn *i)
{
    uint64_t was = 0;
    switch (i->osz) {
    case 1: {
        uint8_t r = X86_R8(c, i->reg);
        X86_RMW_LOCKED(8, c, i, v, was = v; v = r);
        X86_W8(c, i->reg, was);
        break;
    }
    case 2: {
        uint16_t r = X86_R16(c, i->reg);
        X86_RMW_LOCKED(16, c, i, v, was = v; v = r);
        X86_W16(c, i->reg, was);
        break;
    }
    case 4: {
        uint32_t r = X86_R32(c, i->reg);
        X86_RMW_LOCKED(32, c, i, v, was = v; v = r);
        X86_W32(c, i->reg, was);
        break;
    }
    default: {
        uint64_t r = X86_R64(c, i->reg);
        X86_RMW_LOCKED(64, c, i, v, was = v; v = r);
        X86_W64(c, i->reg, was);
        break;
    }
    }
    X86_NEXT(c, i);
}

/* -- the rest ---------------------------------------------------------------------------------- */

/* BSWAP of a 16-bit register is undefined; chips clear it. */
int x86_op_bswap(X86Cpu *c, const X86Insn *i)
{
    if (i->osz == 8)
        c->r[i->reg] = __builtin_bswap64(c->r[i->reg]);
    else if (i->osz == 4)
        c->r[i->reg] = __builtin_bswap32((uint32_t)c->r[i->reg]);
    else
        X86_W16(c, i->reg, 0);
    X86_NEXT(c, i);
}

static uint64_t x86_swap(uint64_t v, uint32_t n)
{
    return __builtin_bswap64(v) >> (64 - n * 8);
}

int x86_op_movbe_load(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_reg_set(c, i->reg, x86_swap(x86_ldn(c, i->seg, x86_ea(c, i), i->osz), i->osz), i->osz);
    X86_NEXT(c, i);
}

int x86_op_movbe_store(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_stn(c, i->seg, x86_ea(c, i), x86_swap(c->r[i->reg], i->osz), i->osz);
    X86_NEXT(c, i);
}

int x86_op_cbw(X86Cpu *c, const X86Insn *i)
{
    if (i->osz == 8)
        c->r[X86_RAX] = (uint64_t)(int64_t)(int32_t)c->r[X86_RAX];
    else if (i->osz == 4)
        c->r[X86_RAX] = (uint32_t)(int16_t)c->r[X86_RAX];
    else
        X86_W16(c, X86_RAX, (int8_t)c->r[X86_RAX]);
    X86_NEXT(c, i);
}

int x86_op_cwd(X86Cpu *c, const X86Insn *i)
{
    if (i->osz == 8)
        c->r[X86_RDX] = (uint64_t)((int64_t)c->r[X86_RAX] >> 63);
    else if (i->osz == 4)
        c->r[X86_RDX] = (uint32_t)((int32_t)c->r[X86_RAX] >> 31);
    else
        X86_W16(c, X86_RDX, (int16_t)c->r[X86_RAX] >> 15);
    X86_NEXT(c, i);
}

int x86_op_movsxd16(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_reg_set(c, i->reg, x86_rm_get(c, i, 4), 2);
    X86_NEXT(c, i);
}

int x86_op_xlat(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    X86_W8(c, X86_RAX, x86_ld8(c, i->seg, (c->r[X86_RBX] + (uint8_t)c->r[X86_RAX]) & i->amask));
    X86_NEXT(c, i);
}

int x86_op_nop(X86Cpu *c, const X86Insn *i)
{
    X86_NEXT(c, i);
}

int x86_op_lahf(X86Cpu *c, const X86Insn *i)
{
    X86_W8(c, 1, (uint8_t)x86_flags_arith(c) | 2u);
    X86_NEXT(c, i);
}

int x86_op_sahf(X86Cpu *c, const X86Insn *i)
{
    x86_flags_set_arith(c, ((uint8_t)(c->r[X86_RAX] >> 8)) | (x86_of(c) ? X86_FL_OF : 0));
    X86_NEXT(c, i);
}

int x86_op_salc(X86Cpu *c, const X86Insn *i)
{
    X86_W8(c, X86_RAX, x86_cf(c) ? 0xff : 0);
    X86_NEXT(c, i);
}
