/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: decoded blocks and the guest pages they come from.
 *
 * Blocks are found by linear address through the jump cache, else by guest-physical address
 * through their page. A page with decoded code is marked in X86Vm for all vCPUs and at the host; a
 * store into it takes the slow path, which looks at the 64-byte lines that blocks cover and kills
 * those blocks that hold a stored byte. The block that is in execution is left behind the storing
 * instruction. Dead blocks stay in memory for a while, because the jump cache leads to them and
 * because most come back with few bytes changed.
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

/* The leaves of the GiB that holds the page. */
static bool x86_mark_leaves(X86Vm *vm, uint64_t page)
{
    uint64_t at = page >> 30, *lines = NULL;
    uint16_t *leaf;
    if (at >= X86_MARK_TOP)
        return false;
    if (atomic_load(&vm->mark[at]))
        return true;
    leaf = calloc(X86_MARK_LEAF, sizeof(*leaf));
    if (vm->vcpu_count > 1)
        lines = calloc(X86_MARK_LEAF, sizeof(*lines));
    if (!leaf || (vm->vcpu_count > 1 && !lines)) {
        free(leaf);
        free(lines);
        return false;
    }
    pthread_mutex_lock(&vm->lock);
    if (!atomic_load(&vm->mark[at])) {
        atomic_store(&vm->lines[at], lines);
        atomic_store_explicit(&vm->mark[at], leaf, memory_order_release);
        leaf = NULL;
        lines = NULL;
    }
    pthread_mutex_unlock(&vm->lock);
    free(leaf);
    free(lines);
    return true;
}

/* Tells the other vCPUs which lines of a marked page we are about to read code from. It is never
 * taken back, which costs a needless request at most. */
static void x86_lines_claim(const X86Vm *vm, uint64_t page, uint64_t lines)
{
    uint64_t *slot = vm->vcpu_count > 1 ? atomic_load(&vm->lines[page >> 30]) : NULL;
    if (!slot)
        return;
    slot += (page >> 12) & (X86_MARK_LEAF - 1);
    if (lines & ~__atomic_load_n(slot, __ATOMIC_ACQUIRE))
        __atomic_fetch_or(slot, lines, __ATOMIC_SEQ_CST);
}

/* Behind a store to the page. Both sides write the word: either the claim came first and is found, or
 * the claimant, which reads the code later, sees what was stored. */
static bool x86_lines_claimed(const X86Vm *vm, uint64_t page, uint64_t lines)
{
    uint64_t *slot = atomic_load(&vm->lines[page >> 30]);
    return __atomic_fetch_add(slot + ((page >> 12) & (X86_MARK_LEAF - 1)), 0, __ATOMIC_SEQ_CST) &
           lines;
}

static bool x86_mark(X86Cpu *c, uint64_t page)
{
    X86Vm *vm = c->vm;
    uint16_t *slot;
    if (!x86_mark_leaves(vm, page))
        return false;
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

static X86Block **x86_killed_slot(X86Cpu *c, uint64_t gpa, uint32_t mode)
{
    return &c->killed[(gpa ^ gpa >> 6 ^ gpa >> 12 ^ mode) & (X86_KILLED - 1)];
}

/* Nothing finds the block by its page any more. What still leads to it, the jump cache and the
 * execution that is in it, finds an instruction that leaves; so its memory stays until
 * x86_code_free_dead(). */
static void x86_block_kill(X86Cpu *c, X86Block *b)
{
    b->page = NULL;
    b->next[0] = b->next[1] = NULL;
    b->first_fn = b->insn[0].fn;
    b->insn[0].fn = x86_op_dead;
    *x86_killed_slot(c, b->page_gpa | b->off, b->mode) = b;
    c->kills++;
    c->dead_bytes += b->size_bytes;
    if (!b->in_dead) {
        b->in_dead = 1;
        b->dead_next = c->dead;
        c->dead = b;
    }
}

/* Behind the current instruction, if it stands in a block that was killed. */
static void x86_block_leave_dead(X86Cpu *c)
{
    if (c->blk && !c->blk->page)
        x86_break_after(c);
}

/* Blocks leave the page; the page stays marked. */
static void x86_page_clear(X86Cpu *c, X86CodePage *p)
{
    uint64_t from[2] = {p->cross_from[0], p->cross_from[1]};
    uint32_t k;
    p->cross_from[0] = p->cross_from[1] = ~0ull;
    p->lines = 0;
    p->idle_stores = 0;
    for (; p->used; p->used &= p->used - 1) {
        X86Block **bucket = &p->bucket[__builtin_ctzll(p->used)], *b, *next;
        for (b = *bucket; b; b = next) {
            next = b->hash_next;
            x86_block_kill(c, b);
        }
        *bucket = NULL;
    }
    x86_block_leave_dead(c);
    for (k = 0; k < 2; k++) {
        X86CodePage *q = from[k] == ~0ull ? NULL : x86_code_page(c, from[k], false);
        if (q)
            x86_page_clear(c, q);
    }
}

/* How many of the block's bytes lie in the page behind its own. */
static uint32_t x86_block_tail(const X86Block *b)
{
    return b->cross_gpa == ~0ull || b->off + b->bytes <= 0x1000 ? 0 : b->off + b->bytes - 0x1000;
}

/* Does a block of page p hold a byte of [off, end) of page gpa? The two may be one, and a block may
 * even cross from a page into the same one. */
static bool x86_block_hit(const X86CodePage *p, const X86Block *b, uint64_t gpa, uint32_t off,
                          uint32_t end)
{
    if (p->gpa == gpa && b->off < end && off < b->off + b->bytes)
        return true;
    return b->cross_gpa == gpa && off < x86_block_tail(b);
}

/* Kills the blocks of page p that hold bytes of [off, end) of page gpa. */
static bool x86_page_cut(X86Cpu *c, X86CodePage *p, uint64_t gpa, uint32_t off, uint32_t end)
{
    uint64_t used;
    X86Block **at, *b;
    bool any = false;
    uint32_t j;
    for (used = p->used; used; used &= used - 1) {
        uint32_t k = (uint32_t)__builtin_ctzll(used);
        for (at = &p->bucket[k]; (b = *at) != NULL;) {
            if (!x86_block_hit(p, b, gpa, off, end)) {
                at = &b->hash_next;
                continue;
            }
            *at = b->hash_next;
            x86_block_kill(c, b);
            any = true;
        }
        if (!p->bucket[k])
            p->used &= ~(1ull << k);
    }
    for (used = any ? p->used : 0; used; used &= used - 1)
        for (b = p->bucket[__builtin_ctzll(used)]; b; b = b->hash_next)
            for (j = 0; j < 2; j++)
                if (b->next[j] && !b->next[j]->page)
                    b->next[j] = NULL;
    return any;
}

/* The lines of page gpa that blocks of page p cover. */
static uint64_t x86_page_covered(const X86CodePage *p, uint64_t gpa)
{
    uint64_t used, lines = 0;
    const X86Block *b;
    for (used = p->used; used; used &= used - 1)
        for (b = p->bucket[__builtin_ctzll(used)]; b; b = b->hash_next) {
            if (p->gpa == gpa)
                lines |= x86_lines(b->off, b->bytes);
            if (b->cross_gpa == gpa && x86_block_tail(b))
                lines |= x86_lines(0, x86_block_tail(b));
        }
    return lines;
}

/* Bytes [off, end) of the page were stored to, and some block may cover their lines. */
static void x86_page_written(X86Cpu *c, X86CodePage *p, uint32_t off, uint32_t end)
{
    X86CodePage *from[2];
    uint64_t lines;
    bool any = x86_page_cut(c, p, p->gpa, off, end);
    uint32_t k;
    for (k = 0; k < 2; k++) {
        from[k] = p->cross_from[k] == ~0ull ? NULL : x86_code_page(c, p->cross_from[k], false);
        if (from[k] && off < 15)
            any |= x86_page_cut(c, from[k], p->gpa, off, end);
    }
    if (!any)
        return;
    ++*c->stats.code_writes;
    p->lines = x86_page_covered(p, p->gpa);
    for (k = 0; k < 2; k++) {
        lines = from[k] ? x86_page_covered(from[k], p->gpa) : 0;
        p->lines |= lines;
        if (!lines)
            p->cross_from[k] = ~0ull;
    }
    x86_block_leave_dead(c);
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
    if (c->dead)
        x86_jc_drop(c);
    while (c->dead) {
        X86Block *b = c->dead;
        c->dead = b->dead_next;
        b->in_dead = 0;
        if (b->page)
            continue;
        c->cache_bytes -= b->size_bytes;
        free(b);
    }
    c->dead_bytes = 0;
    memset(c->killed, 0, sizeof(c->killed));
}

/* Another thread has changed what the vCPU may have decoded. */
static void x86_post_range(X86Cpu *c, uint64_t gpa, uint64_t len)
{
    pthread_mutex_lock(&c->req_lock);
    if (c->range_count < X86_REQ_RANGES)
        c->ranges[c->range_count++] = (X86Range){gpa, len};
    else
        atomic_fetch_or(&c->requests, X86_REQ_CODE_ALL);
    atomic_fetch_or(&c->requests, X86_REQ_CODE);
    pthread_mutex_unlock(&c->req_lock);
    __atomic_fetch_or(c->ff, X86_FF_REQUEST, __ATOMIC_SEQ_CST);
}

/* n bytes within a page were stored by this vCPU. */
void x86_code_store(X86Cpu *c, uint64_t gpa, uint32_t n)
{
    uint64_t page = gpa & X86_PAGE_MASK;
    uint32_t off = (uint32_t)(gpa & 0xfff), k;
    X86CodePage *p = x86_code_page(c, page, false);
    if (c->vm->vcpu_count > 1 && x86_lines_claimed(c->vm, page, x86_lines(off, n)))
        for (k = 0; k < c->vm->vcpu_count; k++)
            if (c->vm->cpus[k] && c->vm->cpus[k] != c)
                x86_post_range(c->vm->cpus[k], gpa, n);
    if (!p)
        return;
    if (p->lines & x86_lines(off, n)) {
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
    for (k = 0; k < vm->vcpu_count; k++)
        if (vm->cpus[k])
            x86_post_range(vm->cpus[k], gpa, len);
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

static uint8_t *x86_block_raw(X86Block *b)
{
    return (uint8_t *)&b->insn[b->n + 1];
}

static X86Block *x86_block_alloc(X86Cpu *c, uint32_t n, uint32_t bytes)
{
    uint32_t size = (uint32_t)(sizeof(X86Block) + (n + 1) * sizeof(X86Insn)) + bytes;
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
    b->n = n;
    b->bytes = bytes;
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
        c->scratch = x86_block_alloc(c, 1, 0);
    if (c->scratch)
        return c->scratch;
    c->error = "out of host memory";
    c->exit_reason = VIV_EXIT_ERROR;
    longjmp(c->jb, 1);
}

static X86Block *x86_block_once(X86Block *b, uint32_t mode, uint32_t len)
{
    b->insn[0].idx = 0;
    b->insn[0].flags &= (uint16_t) ~(X86_IF_SAME | X86_IF_FALL | X86_IF_SAME64 | X86_IF_FALL64);
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

static void x86_block_insert(X86CodePage *p, X86Block *b)
{
    uint32_t h = x86_block_hash(b->off, b->mode);
    b->page = p;
    b->page_gpa = p->gpa;
    b->hash_next = p->bucket[h];
    p->bucket[h] = b;
    p->used |= 1ull << h;
    p->idle_stores = 0;
}

static void x86_block_count(X86Cpu *c, const X86Block *b)
{
    c->cache_bytes += b->size_bytes;
    ++*c->stats.blocks;
    *c->stats.insns += b->n;
}

/* Page p2 learns that blocks of p1 end in it. If more pages do than it can remember, one of them
 * loses its blocks. */
static void x86_cross_note(X86Cpu *c, const X86CodePage *p1, X86CodePage *p2)
{
    X86CodePage *old;
    if (p1 == p2 || p2->cross_from[0] == p1->gpa || p2->cross_from[1] == p1->gpa)
        return;
    if (p2->cross_from[0] != ~0ull && p2->cross_from[1] != ~0ull) {
        old = x86_code_page(c, p2->cross_from[1], false);
        if (old)
            x86_page_clear(c, old);
    }
    p2->cross_from[p2->cross_from[0] == ~0ull ? 0 : 1] = p1->gpa;
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
    b = p1 && p2 ? x86_block_alloc(c, 1, 15) : NULL;
    if (!b)
        return x86_block_uncached(c, mode, gpa, lin);
    p1 = x86_code_page(c, gpa & X86_PAGE_MASK, true); /* x86_block_alloc() may have dropped them */
    p2 = x86_code_page(c, gpa2, true);
    if (!p1 || !p2) {
        free(b);
        return x86_block_uncached(c, mode, gpa, lin);
    }
    x86_lines_claim(c->vm, p1->gpa, x86_lines(off, part));
    x86_lines_claim(c->vm, p2->gpa, x86_lines(0, 15 - part));
    memcpy(bytes, p1->hva + off, part);
    memcpy(bytes + part, p2->hva, 15 - part);
    len = x86_decode(c, mode, bytes, 15, 0, &b->insn[0]);
    b->insn[0].idx = 0;
    b->off = off;
    b->mode = mode;
    b->bytes = len;
    b->cross_gpa = gpa2;
    x86_sentinel(&b->insn[1], 1, len, false);
    x86_cross_note(c, p1, p2);
    p1->lines |= x86_lines(off, part);
    p2->lines |= x86_lines(0, len > part ? len - part : 1);
    x86_block_insert(p1, b);
    x86_block_count(c, b);
    return b;
}

/* Where instruction k of a block stands in the page, and whether it stays there. */
static void x86_insn_place(X86Insn *i, uint32_t k, uint32_t start, uint32_t mode)
{
    int64_t to = (int64_t)start + i->disp;
    bool flat = (mode & X86_MODE_CODE) == X86_MODE_64;
    i->idx = (uint8_t)k;
    if ((i->flags & X86_IF_REL) && to >= 0 && to < 0x1000)
        i->flags |= flat && i->amask == ~0ull ? X86_IF_SAME | X86_IF_SAME64 : X86_IF_SAME;
    if (start + i->end < 0x1000)
        i->flags |= flat ? X86_IF_FALL | X86_IF_FALL64 : X86_IF_FALL;
}

/* What an instruction is decoded from: other vCPUs may be writing to the page. */
static uint32_t x86_bytes_copy(const X86Cpu *c, const X86CodePage *p, uint32_t at, uint8_t *to)
{
    uint32_t n = at < 0x1000 - 15 ? 15 : 0x1000 - at;
    x86_lines_claim(c->vm, p->gpa, x86_lines(at, n));
    memcpy(to, p->hva + at, n);
    return n;
}

/* Decodes those instructions of a block again whose bytes have changed. False: they are of other
 * lengths now, or end the block elsewhere. */
static bool x86_block_refresh(X86Cpu *c, X86Block *b, const X86CodePage *p)
{
    uint8_t bytes[15];
    uint32_t k;
    for (k = 0; k < b->n; k++) {
        X86Insn *i = &b->insn[k], fresh;
        uint32_t len = (uint32_t)(i->end - i->off);
        uint32_t avail = x86_bytes_copy(c, p, b->off + i->off, bytes);
        uint8_t *raw = x86_block_raw(b) + i->off;
        if (memcmp(raw, bytes, len) == 0)
            continue;
        if (x86_decode(c, b->mode, bytes, avail, i->off, &fresh) != len ||
            ((fresh.flags ^ i->flags) & X86_IF_END))
            return false;
        ++*c->stats.insns;
        x86_insn_place(&fresh, k, b->off, b->mode);
        memcpy(raw, bytes, len);
        *i = fresh;
        if (k == 0) {
            b->first_fn = fresh.fn;
            i->fn = x86_op_dead;
        }
    }
    return true;
}

/* Code that patches itself comes back to the same places, with few bytes changed: a killed block
 * lives again, with those of its instructions decoded that differ. NULL: there is none. */
static X86Block *x86_block_revive(X86Cpu *c, X86CodePage *p, uint32_t mode, uint32_t start)
{
    X86Block **slot = x86_killed_slot(c, p->gpa | start, mode), *b = *slot;
    if (!b || b->page || b->page_gpa != p->gpa || b->off != start || b->mode != mode ||
        b->cross_gpa != ~0ull)
        return NULL;
    *slot = NULL;
    if (!x86_block_refresh(c, b, p))
        return NULL;
    b->insn[0].fn = b->first_fn;
    x86_fast_undo(b->insn, b->n);
    x86_quiet_block(b->insn, b->n);
    x86_fast_block(b->insn, b->n);
    c->dead_bytes -= b->size_bytes;
    p->lines |= x86_lines(start, b->bytes);
    x86_block_insert(p, b);
    return b;
}

static X86Block *x86_block_build(X86Cpu *c, uint32_t mode, uint64_t gpa, uint64_t lin)
{
    X86Insn insn[X86_BLOCK_MAX + 1];
    uint8_t raw[X86_BLOCK_MAX * 15 + 15];
    uint32_t start = (uint32_t)(gpa & 0xfff), off = 0, n = 0;
    uint32_t max = mode & X86_MODE_SINGLE ? 1 : X86_BLOCK_MAX;
    X86CodePage *p;
    X86Block *b;
    if (!x86_page(c, gpa)->hva)
        return x86_block_uncached(c, mode, gpa, lin);
    p = x86_code_page(c, gpa & X86_PAGE_MASK, true);
    if (!p)
        return x86_block_uncached(c, mode, gpa, lin);
    b = x86_block_revive(c, p, mode, start);
    if (b)
        return b;
    while (n < max && start + off < 0x1000) {
        uint32_t avail = x86_bytes_copy(c, p, start + off, raw + off);
        uint32_t len = x86_decode(c, mode, raw + off, avail, off, &insn[n]);
        if (len == 0)
            break;
        x86_insn_place(&insn[n], n, start, mode);
        off += len;
        if (insn[n++].flags & X86_IF_END)
            break;
    }
    if (n == 0)
        return x86_block_cross(c, mode, gpa, lin);
    b = x86_block_alloc(c, n, off);
    p = x86_code_page(c, gpa & X86_PAGE_MASK, true);
    if (!b || !p) {
        free(b);
        return x86_block_uncached(c, mode, gpa, lin);
    }
    x86_quiet_block(insn, n);
    x86_fast_block(insn, n);
    memcpy(b->insn, insn, n * sizeof(insn[0]));
    memcpy(x86_block_raw(b), raw, off);
    x86_sentinel(&b->insn[n], n, off, start + off < 0x1000);
    b->off = start;
    b->mode = mode;
    p->lines |= x86_lines(start, off);
    x86_block_insert(p, b);
    x86_block_count(c, b);
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
    if (e->lin == lin && e->tag == tag && e->block->page)
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
