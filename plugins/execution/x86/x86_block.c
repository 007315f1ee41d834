/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: decoded blocks and the guest pages they come from.
 *
 * Blocks are found by linear address through the jump cache, else by guest-physical address
 * through their page. A page with decoded code is marked in X86Vm for all vCPUs and at the host; a
 * store into it takes the slow path, which looks at the 64-byte lines that blocks cover and drops
 * the page's blocks when it hits one. The block that is in execution stays in memory until the run
 * loop comes round, and is left behind the storing instruction.
 *
 * Invariants:
 *  1. A page is marked, and every vCPU's fast store entries for it are gone, before its bytes are
 *     read.
 *  2. A block lies in one page, except that one which holds a single instruction that crosses into
 *     the next; both pages then know it (X86CodePage.cross_from). */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "x86_exec.h"
#include "x86_host.h"

/* -- marks ------------------------------------------------------------------------------------- */
static uint16_t *x86_mark_slot(const X86Vm *vm, uint64_t gpa)
{
    uint16_t *leaf;
    if (gpa >> 30 >= X86_MARK_TOP)
        return NULL;
    leaf = atomic_load_explicit(&vm->mark[gpa >> 30], memory_order_acquire);
    return leaf ? &leaf[(gpa >> 12) & (X86_MARK_LEAF - 1)] : NULL;
}

bool x86_code_marked(const X86Vm *vm, uint64_t gpa)
{
    const uint16_t *slot = x86_mark_slot(vm, gpa);
    return slot && __atomic_load_n(slot, __ATOMIC_RELAXED) != 0;
}

/* Every other vCPU drops its fast store entries, or is known to be outside guest code. */
static void x86_quiesce(X86Cpu *c)
{
    uint32_t k;
    for (k = 0; k < c->vm->vcpu_count; k++) {
        X86Cpu *o = c->vm->cpus[k];
        uint32_t ticket;
        if (!o || o == c)
            continue;
        ticket = atomic_fetch_add(&o->wtlb_req, 1) + 1;
        atomic_fetch_or(&o->requests, X86_REQ_WTLB);
        __atomic_fetch_or(o->ff, X86_FF_REQUEST, __ATOMIC_SEQ_CST);
        while (atomic_load(&o->in_guest) && (int32_t)(atomic_load(&o->wtlb_ack) - ticket) < 0) {
            if (atomic_load(&c->requests) & X86_REQ_WTLB)
                x86_requests_do(c);
            sched_yield();
        }
    }
}

static bool x86_mark(X86Cpu *c, uint64_t page)
{
    X86Vm *vm = c->vm;
    uint16_t *slot, *leaf;
    if (page >> 30 >= X86_MARK_TOP)
        return false;
    if (!atomic_load(&vm->mark[page >> 30])) {
        leaf = calloc(X86_MARK_LEAF, sizeof(*leaf));
        if (!leaf)
            return false;
        pthread_mutex_lock(&vm->lock);
        if (!atomic_load(&vm->mark[page >> 30])) {
            atomic_store_explicit(&vm->mark[page >> 30], leaf, memory_order_release);
            leaf = NULL;
        }
        pthread_mutex_unlock(&vm->lock);
        free(leaf);
    }
    slot = x86_mark_slot(vm, page);
    if (__atomic_fetch_add(slot, 1, __ATOMIC_SEQ_CST) == 0)
        c->h->code_mark(c->v, page);
    x86_tlb_drop_writes(c, page);
    if (vm->vcpu_count > 1)
        x86_quiesce(c);
    return true;
}

static void x86_unmark(X86Cpu *c, uint64_t page)
{
    uint16_t *slot = x86_mark_slot(c->vm, page);
    if (slot && __atomic_sub_fetch(slot, 1, __ATOMIC_SEQ_CST) == 0)
        c->h->code_unmark(c->v, page);
}

/* -- pages ------------------------------------------------------------------------------------- */
static X86CodePage **x86_page_slot(X86Cpu *c, uint64_t page)
{
    X86CodePage **at = &c->pages[(page >> 12) & (X86_PAGE_HASH - 1)];
    while (*at && (*at)->gpa != page)
        at = &(*at)->hash_next;
    return at;
}

static X86CodePage *x86_code_page(X86Cpu *c, uint64_t page, bool make)
{
    X86CodePage **at = x86_page_slot(c, page), *p = *at;
    if (p || !make)
        return p;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    if (!x86_mark(c, page)) {
        free(p);
        return NULL;
    }
    p->gpa = page;
    p->hva = x86_page(c, page)->hva;
    p->cross_from[0] = p->cross_from[1] = ~0ull;
    at = x86_page_slot(c, page); /* x86_mark() may have run requests */
    *at = p;
    c->cache_bytes += sizeof(*p);
    return p;
}

/* The 64-byte lines of a page that [off, off + n) touches; what lies behind the page does not
 * count. */
static uint64_t x86_lines(uint32_t off, uint32_t n)
{
    uint32_t first = off >> 6, last = (off + n - 1) >> 6;
    uint64_t up_to = last >= 63 ? ~0ull : (1ull << (last + 1)) - 1;
    return up_to & ~((1ull << first) - 1);
}

/* Blocks leave the page; the page stays marked. */
static void x86_page_clear(X86Cpu *c, X86CodePage *p)
{
    uint64_t from[2] = {p->cross_from[0], p->cross_from[1]};
    uint32_t k;
    p->cross_from[0] = p->cross_from[1] = ~0ull;
    p->lines = 0;
    p->blocks = 0;
    p->idle_stores = 0;
    for (k = 0; k < X86_PAGE_BUCKETS; k++) {
        X86Block *b = p->bucket[k], *next;
        p->bucket[k] = NULL;
        for (; b; b = next) {
            next = b->hash_next;
            b->page = NULL;
            b->next[0] = b->next[1] = NULL;
            b->dead_next = c->dead;
            c->dead = b;
        }
    }
    x86_jc_drop(c);
    if (c->blk && !c->blk->page)
        x86_break_after(c);
    for (k = 0; k < 2; k++) {
        X86CodePage *q = from[k] == ~0ull ? NULL : x86_code_page(c, from[k], false);
        if (q)
            x86_page_clear(c, q);
    }
}

/* Does the block hold a byte of [off, end) of the page? from: the page that it starts in, if
 * another. */
static bool x86_block_hit(const X86Block *b, uint32_t off, uint32_t end, bool tail)
{
    if (tail)
        return off < b->off + b->bytes - 0x1000;
    return b->off < end && off < b->off + b->bytes;
}

/* Takes the blocks out of page p that hold bytes of [off, end) of it, or (tail) of the page behind
 * it. */
static void x86_page_cut(X86Cpu *c, X86CodePage *p, uint64_t gpa, uint32_t off, uint32_t end)
{
    bool tail = p->gpa != gpa;
    X86Block **at, *b;
    uint32_t k, j;
    for (k = 0; k < X86_PAGE_BUCKETS; k++)
        for (at = &p->bucket[k]; (b = *at) != NULL;) {
            if ((tail && b->cross_gpa != gpa) || !x86_block_hit(b, off, end, tail)) {
                at = &b->hash_next;
                continue;
            }
            *at = b->hash_next;
            b->page = NULL;
            b->next[0] = b->next[1] = NULL;
            b->dead_next = c->dead;
            c->dead = b;
            p->blocks--;
        }
    for (k = 0; k < X86_PAGE_BUCKETS; k++)
        for (b = p->bucket[k]; b; b = b->hash_next)
            for (j = 0; j < 2; j++)
                if (b->next[j] && !b->next[j]->page)
                    b->next[j] = NULL;
}

/* Bytes [off, end) of the page were stored to, and some block covers their lines. */
static void x86_page_written(X86Cpu *c, X86CodePage *p, uint32_t off, uint32_t end)
{
    uint32_t k;
    X86Block *b;
    x86_page_cut(c, p, p->gpa, off, end);
    p->lines = 0;
    for (k = 0; k < X86_PAGE_BUCKETS; k++)
        for (b = p->bucket[k]; b; b = b->hash_next)
            p->lines |= x86_lines(b->off, b->bytes);
    for (k = 0; k < 2; k++) {
        X86CodePage *q =
            p->cross_from[k] == ~0ull ? NULL : x86_code_page(c, p->cross_from[k], false);
        if (!q)
            continue;
        if (off < 15)
            x86_page_cut(c, q, p->gpa, off, end);
        p->lines |= 1; /* tails of what may be left */
    }
    x86_jc_drop(c);
    if (c->blk && !c->blk->page)
        x86_break_after(c);
}

void x86_code_drop_page(X86Cpu *c, uint64_t gpa_page)
{
    X86CodePage **at = x86_page_slot(c, gpa_page), *p = *at;
    if (!p)
        return;
    x86_page_clear(c, p);
    *at = p->hash_next;
    c->page_gen++;
    c->cache_bytes -= sizeof(*p);
    free(p);
    x86_unmark(c, gpa_page);
}

void x86_code_drop_all(X86Cpu *c)
{
    uint32_t k;
    for (k = 0; k < X86_PAGE_HASH; k++)
        while (c->pages[k])
            x86_code_drop_page(c, c->pages[k]->gpa);
}

/* [emt, no block in execution] */
void x86_code_free_dead(X86Cpu *c)
{
    if (c->blk && !c->blk->page)
        c->blk = NULL;
    while (c->dead) {
        X86Block *b = c->dead;
        c->dead = b->dead_next;
        c->cache_bytes -= b->size_bytes;
        free(b);
    }
}

/* n bytes within a page were stored by this vCPU. */
void x86_code_store(X86Cpu *c, uint64_t gpa, uint32_t n)
{
    uint64_t page = gpa & X86_PAGE_MASK;
    X86CodePage *p = x86_code_page(c, page, false);
    if (c->vm->vcpu_count > 1) {
        uint32_t k;
        for (k = 0; k < c->vm->vcpu_count; k++)
            if (c->vm->cpus[k] && c->vm->cpus[k] != c) {
                X86Cpu *o = c->vm->cpus[k];
                pthread_mutex_lock(&o->req_lock);
                if (o->range_count < X86_REQ_RANGES)
                    o->ranges[o->range_count++] = (X86Range){gpa, n};
                else
                    atomic_fetch_or(&o->requests, X86_REQ_CODE_ALL);
                atomic_fetch_or(&o->requests, X86_REQ_CODE);
                pthread_mutex_unlock(&o->req_lock);
                __atomic_fetch_or(o->ff, X86_FF_REQUEST, __ATOMIC_SEQ_CST);
            }
    }
    if (!p)
        return;
    if (p->lines & x86_lines((uint32_t)(gpa & 0xfff), n)) {
        uint32_t off = (uint32_t)(gpa & 0xfff);
        ++*c->stats.code_writes;
        x86_page_written(c, p, off, off + n);
    } else if (p->lines == 0 && ++p->idle_stores > 16) {
        x86_code_drop_page(c, page);
    }
}

/* -- requests of other threads ----------------------------------------------------------------- */
static void x86_request_code(X86Cpu *c)
{
    X86Range ranges[X86_REQ_RANGES];
    uint32_t n, k;
    bool all;
    pthread_mutex_lock(&c->req_lock);
    n = c->range_count;
    memcpy(ranges, c->ranges, n * sizeof(ranges[0]));
    c->range_count = 0;
    all = (atomic_fetch_and(&c->requests, ~(X86_REQ_CODE | X86_REQ_CODE_ALL)) & X86_REQ_CODE_ALL);
    pthread_mutex_unlock(&c->req_lock);
    if (all) {
        x86_code_drop_all(c);
        return;
    }
    for (k = 0; k < n; k++) {
        uint64_t at = ranges[k].gpa, end = at + ranges[k].len;
        if (end - at > (uint64_t)X86_PAGE_HASH << 12) {
            x86_code_drop_all(c);
            return;
        }
        while (at < end) {
            uint64_t next = (at | 0xfff) + 1;
            X86CodePage *p = x86_code_page(c, at & X86_PAGE_MASK, false);
            uint32_t part = (uint32_t)((next < end ? next : end) - at);
            uint32_t off = (uint32_t)(at & 0xfff);
            if (p && (p->lines & x86_lines(off, part)))
                x86_page_written(c, p, off, off + part);
            at = next;
        }
    }
}

void x86_requests_do(X86Cpu *c)
{
    uint32_t r, ticket;
    __atomic_fetch_and(c->ff, ~X86_FF_REQUEST, __ATOMIC_SEQ_CST);
    r = atomic_load(&c->requests);
    if (r & X86_REQ_WTLB) {
        atomic_fetch_and(&c->requests, ~X86_REQ_WTLB);
        ticket = atomic_load(&c->wtlb_req);
        x86_tlb_drop_writes(c, ~0ull);
        atomic_store(&c->wtlb_ack, ticket);
    }
    if (r & X86_REQ_MAP) {
        atomic_fetch_and(&c->requests, ~X86_REQ_MAP);
        x86_map_changed(c);
    }
    if (r & X86_REQ_CODE)
        x86_request_code(c);
}

/* [any] */
void x86_code_written(X86Vm *vm, uint64_t gpa, uint64_t len)
{
    uint32_t k;
    if (len == 0)
        return;
    pthread_mutex_lock(&vm->lock);
    for (k = 0; k < vm->vcpu_count; k++) {
        X86Cpu *c = vm->cpus[k];
        if (!c)
            continue;
        pthread_mutex_lock(&c->req_lock);
        if (c->range_count < X86_REQ_RANGES)
            c->ranges[c->range_count++] = (X86Range){gpa, len};
        else
            atomic_fetch_or(&c->requests, X86_REQ_CODE_ALL);
        atomic_fetch_or(&c->requests, X86_REQ_CODE);
        pthread_mutex_unlock(&c->req_lock);
        __atomic_fetch_or(c->ff, X86_FF_REQUEST, __ATOMIC_SEQ_CST);
    }
    pthread_mutex_unlock(&vm->lock);
}

/* -- building ---------------------------------------------------------------------------------- */
static void x86_sentinel(X86Insn *i, uint32_t n, uint32_t off, bool same_page)
{
    memset(i, 0, sizeof(*i));
    i->fn = x86_op_sentinel;
    i->idx = (uint8_t)n;
    i->off = i->end = (uint16_t)off;
    i->op = same_page;
}

static X86Block *x86_block_alloc(X86Cpu *c, uint32_t n)
{
    uint32_t size = (uint32_t)(sizeof(X86Block) + (n + 1) * sizeof(X86Insn));
    X86Block *b = malloc(size);
    if (!b) {
        /* the host is out of memory: what is cached can be made again */
        x86_code_drop_all(c);
        x86_code_free_dead(c);
        b = malloc(size);
        if (!b)
            return NULL;
    }
    memset(b, 0, sizeof(*b));
    b->size_bytes = size;
    b->cross_gpa = ~0ull;
    return b;
}

static uint32_t x86_block_hash(uint32_t off, uint32_t mode)
{
    return ((off >> 1) ^ (off >> 7) ^ (mode << 2)) & (X86_PAGE_BUCKETS - 1);
}

/* The block that is used once. */
static X86Block *x86_block_scratch(X86Cpu *c)
{
    if (!c->scratch)
        c->scratch = x86_block_alloc(c, 1);
    if (c->scratch)
        return c->scratch;
    c->error = "out of host memory";
    c->exit_reason = VIV_EXIT_ERROR;
    longjmp(c->jb, 1);
}

static X86Block *x86_block_once(X86Block *b, uint32_t mode, uint32_t len)
{
    b->insn[0].idx = 0;
    b->insn[0].flags &= (uint16_t) ~(X86_IF_SAME | X86_IF_FALL);
    b->n = 1;
    b->bytes = len;
    b->mode = mode;
    b->page = NULL;
    b->next[0] = b->next[1] = NULL;
    x86_sentinel(&b->insn[1], 1, len, false);
    return b;
}

/* 8086: an instruction that goes on at the other end of its segment. */
X86Block *x86_block_wrapped(X86Cpu *c, uint32_t mode)
{
    X86Block *b = x86_block_scratch(c);
    uint8_t bytes[15];
    uint32_t k;
    for (k = 0; k < sizeof(bytes); k++)
        x86_lin_read(c, (c->segbase[VIV_SEG_CS] + (uint16_t)(c->r[X86_PC] + k)) & c->linmask,
                     &bytes[k], 1, c->set);
    return x86_block_once(b, mode, x86_decode(c, mode, bytes, sizeof(bytes), 0, &b->insn[0]));
}

/* A single instruction from pages that are not memory. */
static X86Block *x86_block_uncached(X86Cpu *c, uint32_t mode, uint64_t gpa, uint64_t lin)
{
    uint8_t bytes[16];
    uint32_t part = 0x1000u - (uint32_t)(gpa & 0xfff), len;
    X86Block *b = x86_block_scratch(c);
    memset(bytes, 0xff, sizeof(bytes));
    x86_sync(c);
    c->h->phys_read(c->v, gpa, bytes, part < 15 ? part : 15);
    x86_host_call_done(c);
    len = x86_decode(c, mode, bytes, part < 15 ? part : 15, 0, &b->insn[0]);
    if (len == 0) {
        X86ItlbEnt *it;
        uint64_t next = x86_fetch_gpa(c, (lin + part) & c->linmask, &it);
        x86_sync(c);
        c->h->phys_read(c->v, next & X86_PAGE_MASK, bytes + part, 15 - part);
        x86_host_call_done(c);
        len = x86_decode(c, mode, bytes, 15, 0, &b->insn[0]);
    }
    return x86_block_once(b, mode, len);
}

static void x86_block_insert(X86Cpu *c, X86CodePage *p, X86Block *b)
{
    uint32_t h = x86_block_hash(b->off, b->mode);
    b->page = p;
    b->hash_next = p->bucket[h];
    p->bucket[h] = b;
    p->blocks++;
    p->idle_stores = 0;
    c->cache_bytes += b->size_bytes;
    ++*c->stats.blocks;
    *c->stats.insns += b->n;
}

/* The first instruction crosses into the next page. */
static X86Block *x86_block_cross(X86Cpu *c, uint32_t mode, uint64_t gpa, uint64_t lin)
{
    uint8_t bytes[16];
    uint32_t off = (uint32_t)(gpa & 0xfff), part = 0x1000u - off, len;
    X86ItlbEnt *it;
    uint64_t gpa2 = x86_fetch_gpa(c, (lin + part) & c->linmask, &it) & X86_PAGE_MASK;
    X86CodePage *p1, *p2;
    X86Block *b;
    if (!x86_page(c, gpa2)->hva)
        return x86_block_uncached(c, mode, gpa, lin);
    p2 = x86_code_page(c, gpa2, true);
    p1 = x86_code_page(c, gpa & X86_PAGE_MASK, true);
    b = p1 && p2 ? x86_block_alloc(c, 1) : NULL;
    if (!b)
        return x86_block_uncached(c, mode, gpa, lin);
    p1 = x86_code_page(c, gpa & X86_PAGE_MASK, true); /* x86_block_alloc() may have dropped them */
    p2 = x86_code_page(c, gpa2, true);
    if (!p1 || !p2) {
        free(b);
        return x86_block_uncached(c, mode, gpa, lin);
    }
    memcpy(bytes, p1->hva + off, part);
    memcpy(bytes + part, p2->hva, 15 - part);
    len = x86_decode(c, mode, bytes, 15, 0, &b->insn[0]);
    b->insn[0].idx = 0;
    b->off = off;
    b->mode = mode;
    b->n = 1;
    b->bytes = len;
    b->cross_gpa = gpa2;
    x86_sentinel(&b->insn[1], 1, len, false);
    p1->lines |= x86_lines(off, part);
    p2->lines |= x86_lines(0, len > part ? len - part : 1);
    if (p2->cross_from[0] != p1->gpa && p2->cross_from[1] != p1->gpa) {
        if (p2->cross_from[0] == ~0ull) {
            p2->cross_from[0] = p1->gpa;
        } else {
            X86CodePage *old = p2->cross_from[1] == ~0ull || p2->cross_from[1] == gpa2
                                   ? NULL
                                   : x86_code_page(c, p2->cross_from[1], false);
            if (old && old != p1)
                x86_page_clear(c, old);
            p2->cross_from[1] = p1->gpa;
            p2->lines |= x86_lines(0, len > part ? len - part : 1);
            p1->lines |= x86_lines(off, part);
        }
    }
    x86_block_insert(c, p1, b);
    return b;
}

static X86Block *x86_block_build(X86Cpu *c, uint32_t mode, uint64_t gpa, uint64_t lin)
{
    X86Insn insn[X86_BLOCK_MAX + 1];
    uint32_t start = (uint32_t)(gpa & 0xfff), off = 0, n = 0;
    uint32_t max = mode & X86_MODE_SINGLE ? 1 : X86_BLOCK_MAX, k;
    X86CodePage *p;
    X86Block *b;
    if (!x86_page(c, gpa)->hva)
        return x86_block_uncached(c, mode, gpa, lin);
    p = x86_code_page(c, gpa & X86_PAGE_MASK, true);
    if (!p)
        return x86_block_uncached(c, mode, gpa, lin);
    while (n < max && start + off < 0x1000) {
        uint32_t avail = 0x1000 - start - off;
        uint32_t len = x86_decode(c, mode, p->hva + start + off, avail, off, &insn[n]);
        if (len == 0)
            break;
        insn[n].idx = (uint8_t)n;
        off += len;
        if (insn[n++].flags & X86_IF_END)
            break;
    }
    if (n == 0)
        return x86_block_cross(c, mode, gpa, lin);
    b = x86_block_alloc(c, n);
    p = x86_code_page(c, gpa & X86_PAGE_MASK, true);
    if (!b || !p) {
        free(b);
        return x86_block_uncached(c, mode, gpa, lin);
    }
    for (k = 0; k < n; k++) {
        int64_t to = (int64_t)start + insn[k].disp;
        if ((insn[k].flags & X86_IF_REL) && to >= 0 && to < 0x1000)
            insn[k].flags |= X86_IF_SAME;
        if (start + insn[k].end < 0x1000)
            insn[k].flags |= X86_IF_FALL;
    }
    memcpy(b->insn, insn, n * sizeof(insn[0]));
    x86_sentinel(&b->insn[n], n, off, start + off < 0x1000);
    b->off = start;
    b->mode = mode;
    b->n = n;
    b->bytes = off;
    p->lines |= x86_lines(start, off);
    x86_block_insert(c, p, b);
    return b;
}

X86Block *x86_block_find(X86Cpu *c, uint32_t mode)
{
    uint64_t lin = (c->r[X86_PC] + c->segbase[VIV_SEG_CS]) & c->linmask, gpa;
    uint64_t tag = x86_jc_tag(c, mode);
    X86JcEnt *e = &c->jc[x86_jc_hash(lin)];
    X86ItlbEnt *it;
    X86CodePage *p;
    X86Block *b;
    if (e->lin == lin && e->tag == tag)
        return e->block;
    if (X86_UNLIKELY(c->cache_bytes > c->cache_limit) || x86_host_wants_reset(c->host_cache)) {
        x86_code_drop_all(c);
        x86_code_free_dead(c);
        x86_host_reset(c->host_cache);
    }
    gpa = x86_fetch_gpa(c, lin, &it);
    if (it->page_gen != c->page_gen || !it->page) {
        it->page = x86_code_page(c, gpa & X86_PAGE_MASK, false);
        it->page_gen = c->page_gen;
    }
    p = it->page;
    for (b = p ? p->bucket[x86_block_hash((uint32_t)(gpa & 0xfff), mode)] : NULL; b;
         b = b->hash_next) {
        if (b->off != (gpa & 0xfff) || b->mode != mode)
            continue;
        if (b->cross_gpa != ~0ull) {
            X86ItlbEnt *it2;
            uint64_t next = (lin + 0x1000 - b->off) & c->linmask;
            if ((x86_fetch_gpa(c, next, &it2) & X86_PAGE_MASK) != b->cross_gpa)
                continue;
        }
        break;
    }
    if (!b) {
        b = x86_block_build(c, mode, gpa, lin);
        if (!b->page)
            return b;
    }
    e->lin = lin;
    e->tag = x86_jc_tag(c, mode); /* a new one, if pages were dropped on the way */
    e->block = b;
    return b;
}
