/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: handlers for what is known of an instruction once its block stands. */
#include <pthread.h>

#include "x86_exec.h"

#define X86_FAST_SLOTS 2048u /* open addressing, at most a quarter full */
typedef struct X86Fast {
    X86Handler key;
    const X86Handler *mem;
} X86Fast;

static X86Fast x86_fast_table[X86_FAST_SLOTS];
static pthread_once_t x86_fast_once = PTHREAD_ONCE_INIT;

/* The entry of a handler, or the free one where it belongs. */
static X86Fast *x86_fast_slot(X86Handler fn)
{
    uint32_t k = (uint32_t)((uintptr_t)fn >> 4) * 0x9e3779b1u >> 16;
    X86Fast *f = &x86_fast_table[k & (X86_FAST_SLOTS - 1)];
    while (f->key && f->key != fn)
        f = &x86_fast_table[++k & (X86_FAST_SLOTS - 1)];
    return f;
}

static void x86_fast_add_mem(const X86Handler (*mem)[3])
{
    for (; (*mem)[0]; mem++)
        *x86_fast_slot((*mem)[0]) = (X86Fast){(*mem)[0], *mem};
}

static void x86_fast_fill(void)
{
    x86_fast_add_mem(x86_mov_mem);
    x86_fast_add_mem(x86_alu_mem);
}

void x86_fast_init(void)
{
    pthread_once(&x86_fast_once, x86_fast_fill);
}

/* 64-bit mode, its address size, a segment without base: the address is linear as it is. */
static bool x86_fast_is_flat(const X86Insn *i)
{
    return i->amask == ~0ull && i->seg != VIV_SEG_FS && i->seg != VIV_SEG_GS;
}

void x86_fast_block(X86Insn *insn, uint32_t n)
{
    uint32_t k;
    for (k = 0; k < n; k++) {
        X86Insn *i = &insn[k];
        const X86Fast *f = x86_fast_slot(i->fn);
        if (f->mem && x86_fast_is_flat(i))
            i->fn = f->mem[i->index == X86_ZERO ? 2 : 1];
    }
}
