/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the inline memory path.
 *
 * One comparison settles mapping, permission, page crossing and "plain memory": the page of the
 * last byte is compared with the tag found by the first byte's page, and every exception to plain
 * memory spoils the tag. Everything else is x86_mem.c's. */
#ifndef X86_MEM_H
#define X86_MEM_H

#include "x86.h"

typedef uint8_t X86U8;
typedef uint16_t __attribute__((may_alias, aligned(1))) X86U16;
typedef uint32_t __attribute__((may_alias, aligned(1))) X86U32;
typedef uint64_t __attribute__((may_alias, aligned(1))) X86U64;

/* Registers by X86Insn field. */
#define X86_R8(c, f)     (((uint8_t *)(c)->r)[f])
#define X86_R16(c, f)    (*(X86U16 *)&(c)->r[f])
#define X86_R32(c, f)    (*(X86U32 *)&(c)->r[f])
#define X86_R64(c, f)    ((c)->r[f])
#define X86_W8(c, f, v)  ((void)(((uint8_t *)(c)->r)[f] = (uint8_t)(v)))
#define X86_W16(c, f, v) ((void)(*(X86U16 *)&(c)->r[f] = (uint16_t)(v)))
#define X86_W32(c, f, v) ((void)((c)->r[f] = (uint32_t)(v)))
#define X86_W64(c, f, v) ((void)((c)->r[f] = (uint64_t)(v)))

static inline uint64_t x86_ea(const X86Cpu *c, const X86Insn *i)
{
    return (c->r[i->base] + (c->r[i->index] << i->scale) + (uint64_t)i->disp) & i->amask;
}

/* The same in 64-bit mode with its address size: "flat" addresses, which are linear but for those in
 * FS and GS, and have no limit. */
static inline uint64_t x86_ea_flat(const X86Cpu *c, const X86Insn *i)
{
    return c->r[i->base] + (c->r[i->index] << i->scale) + (uint64_t)i->disp;
}

static inline uint64_t x86_ea_base(const X86Cpu *c, const X86Insn *i)
{
    return c->r[i->base] + (uint64_t)i->disp;
}

static inline X86TlbEnt *x86_tlb_slot(const X86Cpu *c, uint64_t lin)
{
    return &c->tlb[(lin >> 12) & (X86_TLB_SIZE - 1)];
}

#define X86_MEM_DEF(W)                                                                             \
    /* Memory that may be read, or read and written, in place; false: a closer look is needed. */  \
    static inline bool x86_rd##W(X86Cpu *c, uint32_t seg, uint64_t ea, X86U##W **p)                \
    {                                                                                              \
        uint64_t lin = (ea + c->segbase[seg]) & c->linmask;                                        \
        const X86TlbEnt *e = x86_tlb_slot(c, lin);                                                 \
        *p = (X86U##W *)(uintptr_t)(lin + e->add);                                                 \
        return (int64_t)(ea + (W / 8 - 1)) <= c->seg_r[seg] &&                                     \
               ((lin + (W / 8 - 1)) & X86_PAGE_MASK) == e->rd;                                     \
    }                                                                                              \
    static inline bool x86_rw##W(X86Cpu *c, uint32_t seg, uint64_t ea, X86U##W **p)                \
    {                                                                                              \
        uint64_t lin = (ea + c->segbase[seg]) & c->linmask;                                        \
        const X86TlbEnt *e = x86_tlb_slot(c, lin);                                                 \
        *p = (X86U##W *)(uintptr_t)(lin + e->add);                                                 \
        return (int64_t)(ea + (W / 8 - 1)) <= c->seg_w[seg] &&                                     \
               ((lin + (W / 8 - 1)) & X86_PAGE_MASK) == e->wr;                                     \
    }                                                                                              \
    /* The same at a flat address. */                                                              \
    static inline bool x86_rd_flat##W(X86Cpu *c, uint64_t lin, X86U##W **p)                        \
    {                                                                                              \
        const X86TlbEnt *e = x86_tlb_slot(c, lin);                                                 \
        *p = (X86U##W *)(uintptr_t)(lin + e->add);                                                 \
        return ((lin + (W / 8 - 1)) & X86_PAGE_MASK) == e->rd;                                     \
    }                                                                                              \
    static inline bool x86_rw_flat##W(X86Cpu *c, uint64_t lin, X86U##W **p)                        \
    {                                                                                              \
        const X86TlbEnt *e = x86_tlb_slot(c, lin);                                                 \
        *p = (X86U##W *)(uintptr_t)(lin + e->add);                                                 \
        return ((lin + (W / 8 - 1)) & X86_PAGE_MASK) == e->wr;                                     \
    }                                                                                              \
    static inline uint##W##_t x86_ld##W(X86Cpu *c, uint32_t seg, uint64_t ea)                      \
    {                                                                                              \
        X86U##W *p;                                                                                \
        if (X86_LIKELY(x86_rd##W(c, seg, ea, &p)))                                                 \
            return *p;                                                                             \
        return (uint##W##_t)x86_ld_slow(c, seg, ea, W / 8);                                        \
    }                                                                                              \
    static inline void x86_st##W(X86Cpu *c, uint32_t seg, uint64_t ea, uint##W##_t v)              \
    {                                                                                              \
        X86U##W *p;                                                                                \
        if (X86_LIKELY(x86_rw##W(c, seg, ea, &p)))                                                 \
            *p = v;                                                                                \
        else                                                                                       \
            x86_st_slow(c, seg, ea, v, W / 8);                                                     \
    }

X86_MEM_DEF(8)
X86_MEM_DEF(16)
X86_MEM_DEF(32)
X86_MEM_DEF(64)

/* n bytes of plain memory in one page, or NULL: then x86_direct() has a closer look. */
static inline uint8_t *x86_plain(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    uint64_t lin = (ea + c->segbase[seg]) & c->linmask;
    const X86TlbEnt *e = x86_tlb_slot(c, lin);
    int64_t top = write ? c->seg_w[seg] : c->seg_r[seg];
    if (X86_LIKELY((int64_t)(ea + (n - 1)) <= top &&
                   ((lin + (n - 1)) & X86_PAGE_MASK) == (write ? e->wr : e->rd)))
        return (uint8_t *)(uintptr_t)(lin + e->add);
    return NULL;
}

/* By width in bytes, for handlers that are not hot. */
static inline uint64_t x86_ldn(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    switch (n) {
    case 1: return x86_ld8(c, seg, ea);
    case 2: return x86_ld16(c, seg, ea);
    case 4: return x86_ld32(c, seg, ea);
    default: return x86_ld64(c, seg, ea);
    }
}

static inline void x86_stn(X86Cpu *c, uint32_t seg, uint64_t ea, uint64_t v, uint32_t n)
{
    switch (n) {
    case 1: x86_st8(c, seg, ea, (uint8_t)v); break;
    case 2: x86_st16(c, seg, ea, (uint16_t)v); break;
    case 4: x86_st32(c, seg, ea, (uint32_t)v); break;
    default: x86_st64(c, seg, ea, v); break;
    }
}

/* -- stack ------------------------------------------------------------------------------------- */
static inline void x86_rsp_set(X86Cpu *c, uint64_t v)
{
    c->r[X86_RSP] = (c->r[X86_RSP] & ~c->spmask) | (v & c->spmask);
    if (c->spmask == 0xffffffffu)
        c->r[X86_RSP] = (uint32_t)c->r[X86_RSP];
}

static inline void x86_push(X86Cpu *c, uint64_t v, uint32_t n)
{
    uint64_t sp = (c->r[X86_RSP] - n) & c->spmask;
    x86_stn(c, VIV_SEG_SS, sp, v, n);
    x86_rsp_set(c, sp);
}

/* Reads at offset off of the stack top without popping. */
static inline uint64_t x86_peek(X86Cpu *c, uint32_t off, uint32_t n)
{
    return x86_ldn(c, VIV_SEG_SS, (c->r[X86_RSP] + off) & c->spmask, n);
}

/* A general register, any width, by number (no high bytes). */
static inline uint64_t x86_reg_get(const X86Cpu *c, uint32_t reg, uint32_t n)
{
    uint64_t v = c->r[reg];
    return n == 8 ? v : v & ((1ull << (n * 8)) - 1);
}

static inline void x86_reg_set(X86Cpu *c, uint32_t reg, uint64_t v, uint32_t n)
{
    if (n == 8)
        c->r[reg] = v;
    else if (n == 4)
        c->r[reg] = (uint32_t)v;
    else if (n == 2)
        X86_W16(c, reg, v);
    else
        c->r[reg] = (c->r[reg] & ~(uint64_t)0xff) | (v & 0xff);
}

/* ModRM.rm operand of i->osz bytes, register or memory. The caller has set c->cur. */
static inline uint64_t x86_rm_get(X86Cpu *c, const X86Insn *i, uint32_t n)
{
    if (i->flags & X86_IF_MEM)
        return x86_ldn(c, i->seg, x86_ea(c, i), n);
    if (n == 1)
        return X86_R8(c, i->rm);
    return x86_reg_get(c, i->rm, n);
}

static inline void x86_rm_set(X86Cpu *c, const X86Insn *i, uint64_t v, uint32_t n)
{
    if (i->flags & X86_IF_MEM)
        x86_stn(c, i->seg, x86_ea(c, i), v, n);
    else if (n == 1)
        X86_W8(c, i->rm, v);
    else
        x86_reg_set(c, i->rm, v, n);
}

#endif
