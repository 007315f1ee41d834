/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: memory accesses off the fast path: segment checks, page splits, MMIO, ROM, pages with code,
 * data breakpoints, alignment checks. Every page of an access is translated before any of it is
 * read or written, so that a fault on the second page leaves no trace. */
#include <string.h>

#include "x86_old.h"

void x86_seg_check(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    const viv_segreg_t *s;
    uint32_t vec = seg == VIV_SEG_SS ? X86_SS : X86_GP;
    uint64_t last = ea + n - 1;
    bool down;
    if (seg >= 6 || x86_code64(c))
        return;
    s = &c->s->seg[seg];
    down = (s->attr & 0x1c) == 0x14;
    if (!x86_real_or_v86(c)) {
        if ((s->attr & VIV_ATTR_UNUSABLE) || !(s->attr & VIV_ATTR_P))
            x86_raise(c, vec, 0);
        if (write && (s->attr & 0xa) != 0x2)
            x86_raise(c, vec, 0);
        if (!write && (s->attr & 0xa) == 0x8)
            x86_raise(c, vec, 0);
    }
    if (down) {
        uint64_t top = s->attr & VIV_ATTR_DB ? 0xffffffffu : 0xffffu;
        if (ea <= s->limit || last > top)
            x86_raise(c, vec, 0);
    } else if (last > s->limit) {
        x86_raise(c, vec, 0);
    }
}

static uint64_t x86_mem_lin(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    uint64_t lin;
    x86_seg_check(c, seg, ea, n, write);
    lin = (ea + c->segbase[seg]) & c->linmask;
    if (x86_code64(c) && (!x86_canonical(c, lin) || !x86_canonical(c, lin + n - 1)))
        x86_raise(c, seg == VIV_SEG_SS ? X86_SS : X86_GP, 0);
    return lin;
}

void x86_data_bp_check(X86Cpu *c, uint64_t lin, uint32_t n, bool write)
{
    uint64_t dr7 = c->s->dr[7], hit = 0;
    bool armed = false;
    unsigned k;
    if (!c->dr_data)
        return;
    for (k = 0; k < 4; k++) {
        uint32_t ctl = (uint32_t)(dr7 >> (16 + k * 4)) & 15, type = ctl & 3;
        static const uint8_t lens[4] = {1, 2, 8, 4};
        uint64_t len = lens[ctl >> 2], at = c->s->dr[k] & ~(len - 1);
        if (type != 3 && !(type == 1 && write))
            continue;
        if (lin < at + len && at < lin + n) {
            hit |= 1u << k;
            armed |= (dr7 >> (k * 2)) & 3;
        }
    }
    if (armed) {
        c->s->pending_db |= (uint32_t)hit;
        x86_ff_update(c);
        x86_break_after(c);
    }
}

/* -- one access within one page ---------------------------------------------------------------- */
static uint64_t x86_mem_load(X86Cpu *c, const X86TlbEnt *e, uint64_t lin, uint32_t n)
{
    uint64_t v = 0;
    uint64_t gpa = (e->gpa & X86_PAGE_MASK) | (lin & 0xfff);
    if (e->gpa & X86_TLBF_HVA) {
        const uint8_t *p = (const uint8_t *)(uintptr_t)(lin + e->add);
        switch (n) {
        case 1: return *p;
        case 2: return *(const X86U16 *)p;
        case 4: return *(const X86U32 *)p;
        case 8: return *(const X86U64 *)p;
        default: memcpy(&v, p, n); return v;
        }
    }
    x86_sync(c);
    ++*c->stats.mmio;
    if ((n & (n - 1)) == 0) {
        v = c->h->mmio_read(c->v, gpa, n);
    } else {
        uint32_t k;
        for (k = 0; k < n; k++)
            v |= (c->h->mmio_read(c->v, gpa + k, 1) & 0xff) << (k * 8);
    }
    x86_host_call_done(c);
    return n == 8 ? v : v & ((1ull << (n * 8)) - 1);
}

static void x86_mem_store(X86Cpu *c, const X86TlbEnt *e, uint64_t lin, uint64_t v, uint32_t n)
{
    uint64_t gpa = (e->gpa & X86_PAGE_MASK) | (lin & 0xfff);
    if (e->gpa & X86_TLBF_RAM) {
        uint8_t *p = (uint8_t *)(uintptr_t)(lin + e->add);
        switch (n) {
        case 1: *p = (uint8_t)v; break;
        case 2: *(X86U16 *)p = (uint16_t)v; break;
        case 4: *(X86U32 *)p = (uint32_t)v; break;
        case 8: *(X86U64 *)p = v; break;
        default: memcpy(p, &v, n); break;
        }
        if (x86_code_marked(c->vm, gpa))
            x86_code_store(c, gpa, n);
        return;
    }
    x86_sync(c);
    ++*c->stats.mmio;
    if (e->gpa & X86_TLBF_HVA) {
        c->h->phys_write(c->v, gpa, &v, n);
    } else if ((n & (n - 1)) == 0) {
        c->h->mmio_write(c->v, gpa, v, n);
    } else {
        uint32_t k;
        for (k = 0; k < n; k++)
            c->h->mmio_write(c->v, gpa + k, (v >> (k * 8)) & 0xff, 1);
    }
    x86_host_call_done(c);
}

/* Linear addresses wrap at 4 GiB (80286: 16 MiB, 8086: 1 MiB) outside 64-bit mode, but system
 * tables may lie above in compatibility mode. */
static uint64_t x86_mem_wrap(const X86Cpu *c, uint64_t lin, uint64_t next)
{
    return lin >> 32 ? next : next & c->linmask;
}

/* -- accesses of 1 to 8 bytes ------------------------------------------------------------------ */
static uint64_t x86_lin_ld(X86Cpu *c, uint64_t lin, uint32_t n, uint32_t set)
{
    X86TlbEnt *e = x86_tlb_get(c, lin, false, set), *e2;
    uint32_t first = 0x1000u - (uint32_t)(lin & 0xfff);
    uint64_t lin2, v;
    if (X86_LIKELY(n <= first)) {
        v = x86_mem_load(c, e, lin, n);
    } else {
        lin2 = x86_mem_wrap(c, lin, lin + first);
        e2 = x86_tlb_get(c, lin2, false, set);
        v = x86_mem_load(c, e, lin, first);
        v |= x86_mem_load(c, e2, lin2, n - first) << (first * 8);
    }
    x86_data_bp_check(c, lin, n, false);
    return v;
}

/* A page whose part of a store does not come about is not made dirty. */
static void x86_lin_st(X86Cpu *c, uint64_t lin, uint64_t v, uint32_t n, uint32_t set)
{
    uint32_t first = 0x1000u - (uint32_t)(lin & 0xfff);
    X86TlbEnt *e, *e2;
    uint64_t lin2;
    if (X86_LIKELY(n <= first)) {
        e = x86_tlb_get(c, lin, true, set);
        x86_mem_store(c, e, lin, v, n);
    } else {
        lin2 = x86_mem_wrap(c, lin, lin + first);
        x86_tlb_try(c, lin, true, set);
        e2 = x86_tlb_get(c, lin2, true, set);
        e = x86_tlb_get(c, lin, true, set);
        x86_mem_store(c, e, lin, v & ((1ull << (first * 8)) - 1), first);
        x86_mem_store(c, e2, lin2, v >> (first * 8), n - first);
    }
    x86_data_bp_check(c, lin, n, true);
}

static void x86_mem_align(X86Cpu *c, uint64_t lin, uint32_t n)
{
    if (c->ac_check && (lin & (n - 1)))
        x86_raise(c, X86_AC, 0);
}

void x86_align_check(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    x86_mem_align(c, ea + c->segbase[seg], n);
}

uint64_t x86_ld_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    uint64_t lin;
    if (x86_old_wraps(c, ea, n))
        return x86_old_load(c, c->segbase[seg], ea, n);
    lin = x86_mem_lin(c, seg, ea, n, false);
    x86_mem_align(c, lin, n);
    return x86_lin_ld(c, lin, n, c->set);
}

void x86_st_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint64_t v, uint32_t n)
{
    uint64_t lin;
    if (x86_old_wraps(c, ea, n)) {
        x86_old_store(c, c->segbase[seg], ea, v, n);
        return;
    }
    lin = x86_mem_lin(c, seg, ea, n, true);
    x86_mem_align(c, lin, n);
    x86_lin_st(c, lin, v, n, c->set);
}

/* Raises what a read-modify-write would. */
void x86_rmw_probe(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    uint64_t lin = x86_mem_lin(c, seg, ea, n, true);
    x86_mem_align(c, lin, n);
    x86_lin_probe(c, lin, n, true, c->set);
}

/* Before a locked access that the host's atomics cannot do. Device memory needs no lock of ours,
 * and its owner may wait for other vCPUs. Behind x86_rmw_probe(): nothing faults. */
bool x86_split_lock(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    uint64_t lin = (ea + c->segbase[seg]) & c->linmask;
    uint64_t last = x86_mem_wrap(c, lin, lin + n - 1);
    if (c->vm->vcpu_count == 1 || !(x86_tlb_get(c, lin, true, c->set)->gpa & X86_TLBF_RAM) ||
        !(x86_tlb_get(c, last, true, c->set)->gpa & X86_TLBF_RAM))
        return false;
    pthread_mutex_lock(&c->vm->split_lock);
    return true;
}

void x86_split_unlock(X86Cpu *c, bool locked)
{
    if (locked)
        pthread_mutex_unlock(&c->vm->split_lock);
}

/* The load half of a read-modify-write: the store is known to succeed afterwards. */
uint64_t x86_rmw_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n)
{
    uint64_t lin;
    c->rmw_wraps = x86_old_wraps(c, ea, n);
    if (c->rmw_wraps) {
        c->rmw_lin = c->segbase[seg];
        return x86_old_load(c, c->rmw_lin, ea, n);
    }
    lin = x86_mem_lin(c, seg, ea, n, true);
    x86_mem_align(c, lin, n);
    x86_lin_probe(c, lin, n, true, c->set);
    c->rmw_lin = lin;
    return x86_lin_ld(c, lin, n, c->set);
}

void x86_rmw_done(X86Cpu *c, uint64_t v, uint32_t n)
{
    if (c->rmw_wraps)
        x86_old_store(c, c->rmw_lin, 0xffff, v, n);
    else
        x86_lin_st(c, c->rmw_lin, v, n, c->set);
}

/* -- ranges ------------------------------------------------------------------------------------ */
typedef void (*X86Touch)(X86Cpu *c, uint64_t lin, bool write, uint32_t set);

static void x86_lin_touch(X86Cpu *c, uint64_t lin, bool write, uint32_t set)
{
    (void)x86_tlb_get(c, lin, write, set);
}

static void x86_lin_pages(X86Cpu *c, uint64_t lin, uint32_t n, bool write, uint32_t set,
                          X86Touch touch)
{
    for (;;) {
        uint32_t part = 0x1000u - (uint32_t)(lin & 0xfff);
        touch(c, lin, write, set);
        if (n <= part)
            return;
        n -= part;
        lin = x86_mem_wrap(c, lin, lin + part);
    }
}

void x86_lin_probe(X86Cpu *c, uint64_t lin, uint32_t n, bool write, uint32_t set)
{
    if (write && (lin & 0xfff) + n > 0x1000)
        x86_lin_pages(c, lin, n, write, set, x86_tlb_try);
    x86_lin_pages(c, lin, n, write, set, x86_lin_touch);
}

void x86_lin_read(X86Cpu *c, uint64_t lin, void *buf, uint32_t n, uint32_t set)
{
    uint8_t *to = buf;
    while (n) {
        uint32_t part = n < 8 ? n : 8;
        uint64_t v = x86_lin_ld(c, lin, part, set);
        memcpy(to, &v, part);
        to += part;
        lin = x86_mem_wrap(c, lin, lin + part);
        n -= part;
    }
}

void x86_lin_write(X86Cpu *c, uint64_t lin, const void *buf, uint32_t n, uint32_t set)
{
    const uint8_t *from = buf;
    while (n) {
        uint32_t part = n < 8 ? n : 8;
        uint64_t v = 0;
        memcpy(&v, from, part);
        x86_lin_st(c, lin, v, part, set);
        from += part;
        lin = x86_mem_wrap(c, lin, lin + part);
        n -= part;
    }
}

void x86_probe(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    x86_lin_probe(c, x86_mem_lin(c, seg, ea, n, write), n, write, c->set);
}

void x86_ld_bytes(X86Cpu *c, uint32_t seg, uint64_t ea, void *buf, uint32_t n)
{
    uint64_t lin = x86_mem_lin(c, seg, ea, n, false);
    x86_lin_probe(c, lin, n, false, c->set);
    x86_lin_read(c, lin, buf, n, c->set);
}

void x86_st_bytes(X86Cpu *c, uint32_t seg, uint64_t ea, const void *buf, uint32_t n)
{
    uint64_t lin = x86_mem_lin(c, seg, ea, n, true);
    x86_lin_probe(c, lin, n, true, c->set);
    x86_lin_write(c, lin, buf, n, c->set);
}

uint8_t *x86_direct(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write)
{
    uint64_t lin = x86_mem_lin(c, seg, ea, n, write);
    X86TlbEnt *e;
    if ((lin & 0xfff) + n > 0x1000 || c->ac_check)
        return NULL;
    e = x86_tlb_get(c, lin, write, c->set);
    if ((write ? e->wr : e->rd) != (lin & X86_PAGE_MASK))
        return NULL;
    return (uint8_t *)(uintptr_t)(lin + e->add);
}
