/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: read-modify-write on memory, plain and locked, for handlers.
 *
 * X86_RMW(W, c, i, v, stmt): v is the operand of W bits; stmt changes it. Flags may be set in
 * stmt: nothing can fault behind it. The locked form is a compare-and-swap loop, so stmt may run
 * more than once and must start from v; a locked access that crosses pages goes under the
 * machine's lock. */
#ifndef X86_RMW_H
#define X86_RMW_H

#include "x86_exec.h"

/* The host's own instruction, which unlike the compiler's atomics takes any alignment, as the
 * guest's does. */
#define X86_CAS_DEF(W, suffix)                                                                     \
    static inline bool x86_cas##W(X86U##W *p, uint##W##_t *expected, uint##W##_t desired)          \
    {                                                                                              \
        bool ok;                                                                                   \
        __asm__ volatile("lock cmpxchg" suffix " %3, %1"                                           \
                         : "=@ccz"(ok), "+m"(*p), "+a"(*expected)                                  \
                         : "r"(desired)                                                            \
                         : "memory");                                                              \
        return ok;                                                                                 \
    }
X86_CAS_DEF(8, "b")
X86_CAS_DEF(16, "w")
X86_CAS_DEF(32, "l")
X86_CAS_DEF(64, "q")

#define X86_RMW(W, c, i, v, stmt)                                                                  \
    do {                                                                                           \
        uint64_t ea_ = x86_ea(c, i);                                                               \
        X86U##W *p_;                                                                               \
        uint##W##_t v;                                                                             \
        (c)->cur = (i);                                                                            \
        if (X86_LIKELY(x86_rw##W(c, (i)->seg, ea_, &p_))) {                                        \
            v = *p_;                                                                               \
            stmt;                                                                                  \
            *p_ = v;                                                                               \
        } else {                                                                                   \
            v = (uint##W##_t)x86_rmw_slow(c, (i)->seg, ea_, W / 8);                                \
            stmt;                                                                                  \
            x86_rmw_done(c, v, W / 8);                                                             \
        }                                                                                          \
    } while (0)

/* -- handlers with a memory operand ------------------------------------------------------------ */

/* Of each there are three, by the kind of address: NAME for any, NAME_flat and NAME_base for flat
 * ones with and without an index; x86_fast.c puts those in its place. What is no plain memory goes
 * on in NAME_slow, so that the three need neither a stack frame nor c->cur. */
#define X86_MEM_OP_AT(name, suffix, W, v, check, stmt_in, stmt_out)                                \
    static int name##suffix(X86Cpu *c, const X86Insn *i)                                           \
    {                                                                                              \
        X86U##W *p_;                                                                               \
        uint##W##_t v;                                                                             \
        if (X86_UNLIKELY(!(check)))                                                                \
            return name##_slow(c, i);                                                              \
        stmt_in;                                                                                   \
        stmt_out;                                                                                  \
        X86_NEXT(c, i);                                                                            \
    }
#define X86_MEM_OP(name, W, v, acc, stmt_in, stmt_out)                                             \
    X86_MEM_OP_AT(name, , W, v, x86_##acc##W(c, i->seg, x86_ea(c, i), &p_), stmt_in, stmt_out)     \
    X86_MEM_OP_AT(name, _flat, W, v, x86_##acc##_flat##W(c, x86_ea_flat(c, i), &p_), stmt_in,      \
                  stmt_out)                                                                        \
    X86_MEM_OP_AT(name, _base, W, v, x86_##acc##_flat##W(c, x86_ea_base(c, i), &p_), stmt_in,      \
                  stmt_out)

/* stmt takes the operand v. */
#define X86_LOAD_OP(name, W, v, stmt)                                                              \
    static X86_COLD int name##_slow(X86Cpu *c, const X86Insn *i)                                   \
    {                                                                                              \
        uint##W##_t v;                                                                             \
        c->cur = i;                                                                                \
        v = (uint##W##_t)x86_ld_slow(c, i->seg, x86_ea(c, i), W / 8);                              \
        stmt;                                                                                      \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_MEM_OP(name, W, v, rd, v = *p_, stmt)

#define X86_STORE_OP(name, W, value)                                                               \
    static X86_COLD int name##_slow(X86Cpu *c, const X86Insn *i)                                   \
    {                                                                                              \
        c->cur = i;                                                                                \
        x86_st_slow(c, i->seg, x86_ea(c, i), (uint##W##_t)(value), W / 8);                         \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_MEM_OP(name, W, v_, rw, v_ = (uint##W##_t)(value), *p_ = v_)

/* stmt changes the operand v. */
#define X86_RMW_OP(name, W, v, stmt)                                                               \
    static X86_COLD int name##_slow(X86Cpu *c, const X86Insn *i)                                   \
    {                                                                                              \
        uint##W##_t v;                                                                             \
        c->cur = i;                                                                                \
        v = (uint##W##_t)x86_rmw_slow(c, i->seg, x86_ea(c, i), W / 8);                             \
        stmt;                                                                                      \
        x86_rmw_done(c, v, W / 8);                                                                 \
        X86_NEXT(c, i);                                                                            \
    }                                                                                              \
    X86_MEM_OP(name, W, v, rw, v = *p_; stmt, *p_ = v)

/* For a table of such handlers. */
#define X86_MEM_ROW(name)                                                                          \
    {                                                                                              \
        name, name##_flat, name##_base                                                             \
    }

#define X86_RMW_LOCKED(W, c, i, v, stmt) X86_RMW_LOCKED_AT(W, c, i, x86_ea(c, i), v, stmt)

/* The same at another address than that of the operand. */
#define X86_RMW_LOCKED_AT(W, c, i, ea, v, stmt)                                                    \
    do {                                                                                           \
        uint64_t ea_ = (ea);                                                                       \
        X86U##W *p_;                                                                               \
        uint##W##_t v;                                                                             \
        (c)->cur = (i);                                                                            \
        if (X86_LIKELY(x86_rw##W(c, (i)->seg, ea_, &p_))) {                                        \
            uint##W##_t was_ = *p_;                                                                \
            do {                                                                                   \
                v = was_;                                                                          \
                stmt;                                                                              \
            } while (!x86_cas##W(p_, &was_, v));                                                   \
        } else {                                                                                   \
            x86_rmw_probe(c, (i)->seg, ea_, W / 8);                                                \
            bool split_ = x86_split_lock(c, (i)->seg, ea_, W / 8);                                 \
            v = (uint##W##_t)x86_rmw_slow(c, (i)->seg, ea_, W / 8);                                \
            stmt;                                                                                  \
            x86_rmw_done(c, v, W / 8);                                                             \
            x86_split_unlock(c, split_);                                                           \
        }                                                                                          \
    } while (0)

#endif
