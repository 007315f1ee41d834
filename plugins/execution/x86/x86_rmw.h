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
        X86U##W *p_ = x86_rw##W(c, (i)->seg, ea_);                                                 \
        uint##W##_t v;                                                                             \
        (c)->cur = (i);                                                                            \
        if (X86_LIKELY(p_ != NULL)) {                                                              \
            v = *p_;                                                                               \
            stmt;                                                                                  \
            *p_ = v;                                                                               \
        } else {                                                                                   \
            v = (uint##W##_t)x86_rmw_slow(c, (i)->seg, ea_, W / 8);                                \
            stmt;                                                                                  \
            x86_rmw_done(c, v, W / 8);                                                             \
        }                                                                                          \
    } while (0)

#define X86_RMW_LOCKED(W, c, i, v, stmt) X86_RMW_LOCKED_AT(W, c, i, x86_ea(c, i), v, stmt)

/* The same at another address than that of the operand. */
#define X86_RMW_LOCKED_AT(W, c, i, ea, v, stmt)                                                    \
    do {                                                                                           \
        uint64_t ea_ = (ea);                                                                       \
        X86U##W *p_ = x86_rw##W(c, (i)->seg, ea_);                                                 \
        uint##W##_t v;                                                                             \
        (c)->cur = (i);                                                                            \
        if (X86_LIKELY(p_ != NULL)) {                                                              \
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
