/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: MOVS CMPS STOS LODS SCAS INS OUTS and their REP forms.
 *
 * Upwards, and where both sides are plain memory, REP goes page by page on host memory; otherwise
 * element by element. rSI, rDI and rCX are always those of the next element, so a fault or an
 * interrupt leaves an instruction that goes on where it stopped. Interrupts are looked at after
 * each page, or element on the slow way. */
#include <string.h>

#include "x86_exec.h"

#define STRING_PAGE 4096u

static inline int64_t x86_step_bytes(const X86Cpu *c, uint32_t n)
{
    return c->s->rflags & X86_FL_DF ? -(int64_t)n : (int64_t)n;
}

static inline void x86_index_add(X86Cpu *c, uint32_t reg, int64_t by, uint64_t amask)
{
    uint64_t v = c->r[reg] + (uint64_t)by;
    if (amask == 0xffff)
        X86_W16(c, reg, v);
    else
        c->r[reg] = v & amask;
}

static inline bool x86_rep(const X86Insn *i)
{
    return (i->flags & (X86_IF_REP | X86_IF_REPNE)) != 0;
}

/* Of the reasons to go by single instructions only TF cuts a REP instruction. */
static inline bool x86_rep_stop(const X86Cpu *c)
{
    return ((*c->ff & c->ff_mask) | (c->slow & (~X86_SLOW_STEP | X86_SLOW_TF))) != 0;
}

/* Leaves a REP instruction that is not done. RF keeps its breakpoint from being met again, and is
 * what an interrupt or trap pushes here (SDM vol. 3, 17.3.1.1). */
static int x86_rep_cut(X86Cpu *c, const X86Insn *i)
{
    c->s->rflags |= X86_FL_RF;
    x86_ff_update(c);
    return x86_leave_at(c, i);
}

/* Elements from ea upwards that share its page, segment limit and address wrap; 0: none may go
 * fast. */
static uint64_t x86_run_length(const X86Cpu *c, uint32_t seg, uint64_t ea, uint64_t amask,
                               uint32_t n, bool write)
{
    uint64_t lin = (ea + c->segbase[seg]) & c->linmask;
    uint64_t bytes = STRING_PAGE - (lin & (STRING_PAGE - 1)), wrap = amask - ea + 1;
    int64_t top = write ? c->seg_w[seg] : c->seg_r[seg];
    if (wrap != 0 && bytes > wrap)
        bytes = wrap;
    bytes -= bytes % n;
    if (bytes == 0 || (int64_t)(ea + bytes - 1) > top)
        return 0;
    return bytes / n;
}

/* -- MOVS -------------------------------------------------------------------------------------- */
static void x86_movs_one(X86Cpu *c, const X86Insn *i)
{
    uint32_t n = i->osz;
    int64_t by = x86_step_bytes(c, n);
    uint64_t v = x86_ldn(c, i->seg, c->r[X86_RSI] & i->amask, n);
    x86_stn(c, VIV_SEG_ES, c->r[X86_RDI] & i->amask, v, n);
    x86_index_add(c, X86_RSI, by, i->amask);
    x86_index_add(c, X86_RDI, by, i->amask);
}

/* Copies as the guest would, element by element, also where source and destination overlap. */
static void x86_copy_up(uint8_t *to, const uint8_t *from, uint64_t bytes, uint32_t n)
{
    uint64_t k;
    if (to <= from || to >= from + bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (k = 0; k < bytes; k += n)
        memmove(to + k, from + k, n);
}

static uint64_t x86_movs_page(X86Cpu *c, const X86Insn *i, uint64_t count)
{
    uint32_t n = i->osz;
    uint64_t si = c->r[X86_RSI] & i->amask, di = c->r[X86_RDI] & i->amask, k, m;
    uint8_t *from, *to;
    k = x86_run_length(c, i->seg, si, i->amask, n, false);
    m = x86_run_length(c, VIV_SEG_ES, di, i->amask, n, true);
    k = k < m ? k : m;
    k = k < count ? k : count;
    if (k < 2)
        return 0;
    from = x86_direct(c, i->seg, si, (uint32_t)k * n, false);
    if (!from)
        return 0;
    to = x86_direct(c, VIV_SEG_ES, di, (uint32_t)k * n, true);
    if (!to)
        return 0;
    x86_copy_up(to, from, k * n, n);
    x86_index_add(c, X86_RSI, (int64_t)(k * n), i->amask);
    x86_index_add(c, X86_RDI, (int64_t)(k * n), i->amask);
    return k;
}

/* The loop all REP forms without a condition share: one() does an element, page() as many as it
 * can. */
#define REP_LOOP(c, i, one, page)                                                                  \
    do {                                                                                           \
        while ((c)->r[X86_RCX] & (i)->amask) {                                                     \
            uint64_t left_ = (c)->r[X86_RCX] & (i)->amask, done_ = 0;                              \
            if (!((c)->s->rflags & (X86_FL_DF | X86_FL_TF)))                                       \
                done_ = page(c, i, left_);                                                         \
            if (!done_) {                                                                          \
                one(c, i);                                                                         \
                done_ = 1;                                                                         \
            }                                                                                      \
            x86_index_add(c, X86_RCX, -(int64_t)done_, (i)->amask);                                \
            if (x86_rep_stop(c) && ((c)->r[X86_RCX] & (i)->amask))                                 \
                return x86_rep_cut(c, i);                                                          \
        }                                                                                          \
    } while (0)

int x86_op_movs(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (x86_rep(i))
        REP_LOOP(c, i, x86_movs_one, x86_movs_page);
    else
        x86_movs_one(c, i);
    X86_NEXT(c, i);
}

/* -- STOS -------------------------------------------------------------------------------------- */
static void x86_stos_one(X86Cpu *c, const X86Insn *i)
{
    x86_stn(c, VIV_SEG_ES, c->r[X86_RDI] & i->amask, c->r[X86_RAX], i->osz);
    x86_index_add(c, X86_RDI, x86_step_bytes(c, i->osz), i->amask);
}

static uint64_t x86_stos_page(X86Cpu *c, const X86Insn *i, uint64_t count)
{
    uint32_t n = i->osz;
    uint64_t di = c->r[X86_RDI] & i->amask, v = c->r[X86_RAX], k, m;
    uint8_t *to;
    k = x86_run_length(c, VIV_SEG_ES, di, i->amask, n, true);
    k = k < count ? k : count;
    if (k < 2)
        return 0;
    to = x86_direct(c, VIV_SEG_ES, di, (uint32_t)k * n, true);
    if (!to)
        return 0;
    switch (n) {
    case 1: memset(to, (uint8_t)v, k); break;
    case 2:
        for (m = 0; m < k; m++)
            ((X86U16 *)to)[m] = (uint16_t)v;
        break;
    case 4:
        for (m = 0; m < k; m++)
            ((X86U32 *)to)[m] = (uint32_t)v;
        break;
    default:
        for (m = 0; m < k; m++)
            ((X86U64 *)to)[m] = v;
        break;
    }
    x86_index_add(c, X86_RDI, (int64_t)(k * n), i->amask);
    return k;
}

int x86_op_stos(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (x86_rep(i))
        REP_LOOP(c, i, x86_stos_one, x86_stos_page);
    else
        x86_stos_one(c, i);
    X86_NEXT(c, i);
}

/* -- LODS -------------------------------------------------------------------------------------- */
static void x86_lods_one(X86Cpu *c, const X86Insn *i)
{
    uint64_t v = x86_ldn(c, i->seg, c->r[X86_RSI] & i->amask, i->osz);
    x86_reg_set(c, X86_RAX, v, i->osz);
    x86_index_add(c, X86_RSI, x86_step_bytes(c, i->osz), i->amask);
}

static uint64_t x86_no_page(X86Cpu *c, const X86Insn *i, uint64_t count)
{
    (void)c, (void)i, (void)count;
    return 0;
}

int x86_op_lods(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    if (x86_rep(i))
        REP_LOOP(c, i, x86_lods_one, x86_no_page);
    else
        x86_lods_one(c, i);
    X86_NEXT(c, i);
}

/* -- CMPS, SCAS -------------------------------------------------------------------------------- */

/* The flags are those of the last comparison; they are set when the instruction ends or is cut, so
 * that a fault shows them as they were in front of it (SDM vol. 2, REP). */
typedef struct X86Compared {
    uint64_t a, b;
} X86Compared;

typedef struct X86Compare {
    void (*one)(X86Cpu *c, const X86Insn *i, X86Compared *ret_last);
    uint64_t (*page)(X86Cpu *c, const X86Insn *i, uint64_t count, X86Compared *ret_last);
} X86Compare;

static void x86_cmp_flags(X86Cpu *c, const X86Compared *v, uint32_t n)
{
    uint64_t a = v->a, b = v->b;
    switch (n) {
    case 1: x86_fl_sub8(c, (uint8_t)a, (uint8_t)b, (uint8_t)(a - b)); break;
    case 2: x86_fl_sub16(c, (uint16_t)a, (uint16_t)b, (uint16_t)(a - b)); break;
    case 4: x86_fl_sub32(c, (uint32_t)a, (uint32_t)b, (uint32_t)(a - b)); break;
    default: x86_fl_sub64(c, a, b, a - b); break;
    }
}

static void x86_cmps_one(X86Cpu *c, const X86Insn *i, X86Compared *ret_last)
{
    uint32_t n = i->osz;
    int64_t by = x86_step_bytes(c, n);
    uint64_t a = x86_ldn(c, i->seg, c->r[X86_RSI] & i->amask, n);
    ret_last->b = x86_ldn(c, VIV_SEG_ES, c->r[X86_RDI] & i->amask, n);
    ret_last->a = a;
    x86_index_add(c, X86_RSI, by, i->amask);
    x86_index_add(c, X86_RDI, by, i->amask);
}

static uint64_t x86_elem(const uint8_t *p, uint32_t n)
{
    switch (n) {
    case 1: return *p;
    case 2: return *(const X86U16 *)p;
    case 4: return *(const X86U32 *)p;
    default: return *(const X86U64 *)p;
    }
}

/* Up to and with the element that ends the loop. */
static uint64_t x86_cmps_page(X86Cpu *c, const X86Insn *i, uint64_t count, X86Compared *ret_last)
{
    uint32_t n = i->osz;
    uint64_t si = c->r[X86_RSI] & i->amask, di = c->r[X86_RDI] & i->amask, k, m, a = 0, b = 0;
    bool until_equal = (i->flags & X86_IF_REPNE) != 0;
    const uint8_t *p, *q;
    k = x86_run_length(c, i->seg, si, i->amask, n, false);
    m = x86_run_length(c, VIV_SEG_ES, di, i->amask, n, false);
    k = k < m ? k : m;
    k = k < count ? k : count;
    if (k < 2)
        return 0;
    p = x86_direct(c, i->seg, si, (uint32_t)k * n, false);
    q = p ? x86_direct(c, VIV_SEG_ES, di, (uint32_t)k * n, false) : NULL;
    if (!q)
        return 0;
    for (m = 0; m < k;) {
        a = x86_elem(p + m * n, n);
        b = x86_elem(q + m * n, n);
        m++;
        if ((a == b) == until_equal)
            break;
    }
    *ret_last = (X86Compared){a, b};
    x86_index_add(c, X86_RSI, (int64_t)(m * n), i->amask);
    x86_index_add(c, X86_RDI, (int64_t)(m * n), i->amask);
    return m;
}

static void x86_scas_one(X86Cpu *c, const X86Insn *i, X86Compared *ret_last)
{
    ret_last->b = x86_ldn(c, VIV_SEG_ES, c->r[X86_RDI] & i->amask, i->osz);
    ret_last->a = x86_reg_get(c, X86_RAX, i->osz);
    x86_index_add(c, X86_RDI, x86_step_bytes(c, i->osz), i->amask);
}

static uint64_t x86_scas_page(X86Cpu *c, const X86Insn *i, uint64_t count, X86Compared *ret_last)
{
    uint32_t n = i->osz;
    uint64_t di = c->r[X86_RDI] & i->amask, k, m, a = x86_reg_get(c, X86_RAX, n), b = 0;
    bool until_equal = (i->flags & X86_IF_REPNE) != 0;
    const uint8_t *q;
    k = x86_run_length(c, VIV_SEG_ES, di, i->amask, n, false);
    k = k < count ? k : count;
    if (k < 2)
        return 0;
    q = x86_direct(c, VIV_SEG_ES, di, (uint32_t)k * n, false);
    if (!q)
        return 0;
    for (m = 0; m < k;) {
        b = x86_elem(q + m * n, n);
        m++;
        if ((a == b) == until_equal)
            break;
    }
    *ret_last = (X86Compared){a, b};
    x86_index_add(c, X86_RDI, (int64_t)(m * n), i->amask);
    return m;
}

/* True: cut, to be gone on with. */
static bool x86_repz(X86Cpu *c, const X86Insn *i, const X86Compare *how)
{
    bool until_equal = (i->flags & X86_IF_REPNE) != 0, any = false, cut = false;
    X86Compared last = {0, 0};
    uint64_t left;
    while (!cut && (left = c->r[X86_RCX] & i->amask) != 0) {
        uint64_t done = 0;
        if (!(c->s->rflags & (X86_FL_DF | X86_FL_TF)))
            done = how->page(c, i, left, &last);
        if (!done) {
            how->one(c, i, &last);
            done = 1;
        }
        any = true;
        x86_index_add(c, X86_RCX, -(int64_t)done, i->amask);
        if ((last.a == last.b) == until_equal)
            break;
        cut = x86_rep_stop(c) && (c->r[X86_RCX] & i->amask);
    }
    if (any)
        x86_cmp_flags(c, &last, i->osz);
    return cut;
}

static __attribute__((noinline)) bool x86_compare(X86Cpu *c, const X86Insn *i,
                                                  const X86Compare *how)
{
    X86Compared last;
    c->cur = i;
    if (x86_rep(i))
        return x86_repz(c, i, how);
    how->one(c, i, &last);
    x86_cmp_flags(c, &last, i->osz);
    return false;
}

int x86_op_cmps(X86Cpu *c, const X86Insn *i)
{
    static const X86Compare how = {x86_cmps_one, x86_cmps_page};
    if (x86_compare(c, i, &how))
        return x86_rep_cut(c, i);
    X86_NEXT(c, i);
}

int x86_op_scas(X86Cpu *c, const X86Insn *i)
{
    static const X86Compare how = {x86_scas_one, x86_scas_page};
    if (x86_compare(c, i, &how))
        return x86_rep_cut(c, i);
    X86_NEXT(c, i);
}

/* -- INS, OUTS --------------------------------------------------------------------------------- */
static void x86_ins_one(X86Cpu *c, const X86Insn *i)
{
    uint32_t n = i->osz;
    uint64_t ea = c->r[X86_RDI] & i->amask;
    uint32_t v;
    x86_rmw_probe(c, VIV_SEG_ES, ea, n);
    x86_sync(c);
    v = c->h->pio_read(c->v, (uint16_t)c->r[X86_RDX], n);
    x86_host_call_done(c);
    x86_stn(c, VIV_SEG_ES, ea, v, n);
    x86_index_add(c, X86_RDI, x86_step_bytes(c, n), i->amask);
    x86_io_bp_check(c, (uint16_t)c->r[X86_RDX], n);
}

static uint64_t x86_ins_page(X86Cpu *c, const X86Insn *i, uint64_t count)
{
    uint32_t n = i->osz, got;
    uint64_t di = c->r[X86_RDI] & i->amask, k;
    uint8_t *to;
    k = x86_run_length(c, VIV_SEG_ES, di, i->amask, n, true);
    k = k < count ? k : count;
    if (k < 2 || c->dr_data)
        return 0;
    to = x86_direct(c, VIV_SEG_ES, di, (uint32_t)k * n, true);
    if (!to)
        return 0;
    x86_sync(c);
    got = c->h->pio_read_string(c->v, (uint16_t)c->r[X86_RDX], n, to, (uint32_t)k);
    x86_host_call_done(c);
    if (got == 0 || got > k)
        got = (uint32_t)k;
    x86_index_add(c, X86_RDI, (int64_t)got * n, i->amask);
    return got;
}

int x86_op_ins(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_io_check(c, (uint16_t)c->r[X86_RDX], i->osz);
    if (x86_rep(i))
        REP_LOOP(c, i, x86_ins_one, x86_ins_page);
    else
        x86_ins_one(c, i);
    X86_NEXT(c, i);
}

static void x86_outs_one(X86Cpu *c, const X86Insn *i)
{
    uint32_t n = i->osz;
    uint64_t v = x86_ldn(c, i->seg, c->r[X86_RSI] & i->amask, n);
    x86_sync(c);
    c->h->pio_write(c->v, (uint16_t)c->r[X86_RDX], (uint32_t)v, n);
    x86_host_call_done(c);
    x86_index_add(c, X86_RSI, x86_step_bytes(c, n), i->amask);
    x86_io_bp_check(c, (uint16_t)c->r[X86_RDX], n);
}

static uint64_t x86_outs_page(X86Cpu *c, const X86Insn *i, uint64_t count)
{
    uint32_t n = i->osz, got;
    uint64_t si = c->r[X86_RSI] & i->amask, k;
    const uint8_t *from;
    k = x86_run_length(c, i->seg, si, i->amask, n, false);
    k = k < count ? k : count;
    if (k < 2 || c->dr_data)
        return 0;
    from = x86_direct(c, i->seg, si, (uint32_t)k * n, false);
    if (!from)
        return 0;
    x86_sync(c);
    got = c->h->pio_write_string(c->v, (uint16_t)c->r[X86_RDX], n, from, (uint32_t)k);
    x86_host_call_done(c);
    if (got == 0 || got > k)
        got = (uint32_t)k;
    x86_index_add(c, X86_RSI, (int64_t)got * n, i->amask);
    return got;
}

int x86_op_outs(X86Cpu *c, const X86Insn *i)
{
    c->cur = i;
    x86_io_check(c, (uint16_t)c->r[X86_RDX], i->osz);
    if (x86_rep(i))
        REP_LOOP(c, i, x86_outs_one, x86_outs_page);
    else
        x86_outs_one(c, i);
    X86_NEXT(c, i);
}
