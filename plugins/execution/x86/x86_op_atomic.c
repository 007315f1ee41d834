/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: CMPXCHG XADD CMPXCHG8B CMPXCHG16B. */
#include <string.h>

#include "x86_rmw.h"

#define CMPXCHG_W(W)                                                                               \
    static void x86_cmpxchg##W(X86Cpu *c, const X86Insn *i)                                        \
    {                                                                                              \
        uint##W##_t acc = X86_R##W(c, X86_RAX), src = X86_R##W(c, i->reg), was = 0;                \
        if (!(i->flags & X86_IF_MEM)) {                                                            \
            was = X86_R##W(c, i->rm);                                                              \
            if (was == acc)                                                                        \
                X86_W##W(c, i->rm, src);                                                           \
        } else if (i->flags & X86_IF_LOCK) {                                                       \
            X86_RMW_LOCKED(W, c, i, v, was = v; v = was == acc ? src : was);                       \
        } else {                                                                                   \
            X86_RMW(W, c, i, v, was = v; v = was == acc ? src : was);                              \
        }                                                                                          \
        x86_fl_sub##W(c, acc, was, (uint##W##_t)(acc - was));                                      \
        if (was != acc)                                                                            \
            X86_W##W(c, X86_RAX, was);                                                             \
    }                                                                                              \
    static void x86_xadd##W(X86Cpu *c, const X86Insn *i)                                           \
    {                                                                                              \
        uint##W##_t src = X86_R##W(c, i->reg), was = 0;                                            \
        if (!(i->flags & X86_IF_MEM))                                                              \
            was = X86_R##W(c, i->rm);                                                              \
        else if (i->flags & X86_IF_LOCK)                                                           \
            X86_RMW_LOCKED(W, c, i, v, was = v; v = (uint##W##_t)(was + src));                     \
        else                                                                                       \
            X86_RMW(W, c, i, v, was = v; v = (uint##W##_t)(was + src));                            \
        x86_fl_add##W(c, was, src, (uint##W##_t)(was + src));                                      \
        X86_W##W(c, i->reg, was);                                                                  \
        if (!(i->flags & X86_IF_MEM))                                                              \
            X86_W##W(c, i->rm, (uint##W##_t)(was + src));                                          \
    }

CMPXCHG_W(8)
CMPXCHG_W(16)
CMPXCHG_W(32)
CMPXCHG_W(64)

int x86_op_cmpxchg(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    switch (i->osz) {
    case 1: x86_cmpxchg8(c, i); break;
    case 2: x86_cmpxchg16(c, i); break;
    case 4: x86_cmpxchg32(c, i); break;
    default: x86_cmpxchg64(c, i); break;
    }
    X86_NEXT(c, i);
}

int x86_op_xadd(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    switch (i->osz) {
    case 1: x86_xadd8(c, i); break;
    case 2: x86_xadd16(c, i); break;
    case 4: x86_xadd32(c, i); break;
    default: x86_xadd64(c, i); break;
    }
    X86_NEXT(c, i);
}

/* -- two operands wide ------------------------------------------------------------------------- */
static void x86_cmpxchg_8(X86Cpu *c, const X86Insn *i)
{
    uint64_t acc = c->r[X86_RDX] << 32 | (uint32_t)c->r[X86_RAX];
    uint64_t src = c->r[X86_RCX] << 32 | (uint32_t)c->r[X86_RBX], was = 0;
    if (i->flags & X86_IF_LOCK)
        X86_RMW_LOCKED(64, c, i, v, was = v; v = was == acc ? src : was);
    else
        X86_RMW(64, c, i, v, was = v; v = was == acc ? src : was);
    x86_set_zf(c, was == acc);
    if (was != acc) {
        c->r[X86_RAX] = (uint32_t)was;
        c->r[X86_RDX] = was >> 32;
    }
}

static bool x86_cas_pair(void *p, uint64_t *lo, uint64_t *hi, uint64_t new_lo, uint64_t new_hi)
{
    bool ok;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(ok), "+m"(*(struct { uint64_t q[2]; } *)p), "+a"(*lo), "+d"(*hi)
                     : "b"(new_lo), "c"(new_hi)
                     : "memory");
    return ok;
}

static __attribute__((noinline)) void x86_cmpxchg_16(X86Cpu *c, const X86Insn *i)
{
    uint64_t ea = x86_ea(c, i), lin = (ea + c->segbase[i->seg]) & c->linmask;
    uint64_t lo = c->r[X86_RAX], hi = c->r[X86_RDX];
    uint8_t *p;
    bool ok;
    if (lin & 15)
        x86_raise(c, X86_GP, 0);
    p = x86_direct(c, i->seg, ea, 16, true);
    if (p) {
        ok = x86_cas_pair(p, &lo, &hi, c->r[X86_RBX], c->r[X86_RCX]);
    } else {
        uint64_t was[2], now[2];
        bool split;
        x86_rmw_probe(c, i->seg, ea, 16);
        split = x86_split_lock(c, i->seg, ea, 16);
        x86_ld_bytes(c, i->seg, ea, was, 16);
        ok = was[0] == lo && was[1] == hi;
        now[0] = ok ? c->r[X86_RBX] : was[0];
        now[1] = ok ? c->r[X86_RCX] : was[1];
        x86_st_bytes(c, i->seg, ea, now, 16);
        x86_split_unlock(c, split);
        lo = was[0];
        hi = was[1];
    }
    x86_set_zf(c, ok);
    if (!ok) {
        c->r[X86_RAX] = lo;
        c->r[X86_RDX] = hi;
    }
}

int x86_op_cmpxchg8b(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (i->flags & X86_IF_REXW)
        x86_cmpxchg_16(c, i);
    else
        x86_cmpxchg_8(c, i);
    X86_NEXT(c, i);
}
