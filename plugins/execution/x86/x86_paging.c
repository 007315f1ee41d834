/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: page-table walks: none, legacy 32-bit (PSE, PSE-36), PAE, 4-level, 5-level; protection keys.
 *
 * Sets accessed and dirty bits with a compare-and-swap once the whole access is known to be
 * allowed, as several vCPUs and the guest itself may change the tables meanwhile. Raises #PF with
 * the exact error code. Tables may lie anywhere, in device memory too: reads of what is not memory
 * are all ones. Follows: Intel SDM vol. 3, chapter 4. */
#include <string.h>

#include "x86.h"

#define PTE_P  0x1u
#define PTE_W  0x2u
#define PTE_U  0x4u
#define PTE_A  0x20u
#define PTE_D  0x40u
#define PTE_PS 0x80u
#define PTE_G  0x100u
#define PTE_NX (1ull << 63)

#define PTE_PAT       0x80u   /* of 4 KiB pages, where larger ones have PS */
#define PTE_PAT_LARGE 0x1000u /* of larger pages */
#define PTE_KEY_SHIFT 59u

#define PF_P    1u
#define PF_W    2u
#define PF_U    4u
#define PF_RSVD 8u
#define PF_I    16u
#define PF_PK   32u

typedef struct X86WalkState {
    X86Cpu *c;
    uint64_t lin;
    uint32_t access, set;
    uint64_t ent_gpa[5]; /* entries passed, top first; the last one is the leaf */
    uint64_t ent[5];
    uint32_t levels;
    uint32_t width;  /* of an entry in bytes */
    uint64_t rights; /* and of W, U; */
    bool nx;
} X86WalkState;

const X86PageEnt *x86_page(X86Cpu *c, uint64_t gpa)
{
    uint64_t page = gpa & X86_PAGE_MASK;
    X86PageEnt *e = &c->pgc[(page >> 12) & (X86_PGC_SIZE - 1)];
    if (X86_UNLIKELY(e->gpa != page)) {
        viv_page_t q = {0};
        c->h->page_query(c->v, page, &q);
        e->gpa = page;
        e->hva = q.hva;
        e->kind = q.kind;
        e->writable = q.writable;
        e->clean = q.clean;
        if (!q.hva && q.kind == VIV_PAGE_RAM)
            e->kind = VIV_PAGE_MMIO;
    }
    return e;
}

const X86PageEnt *x86_page_store(X86Cpu *c, uint64_t gpa)
{
    const X86PageEnt *e = x86_page(c, gpa);
    if (X86_UNLIKELY(e->clean)) {
        c->h->page_dirty(c->v, e->gpa);
        c->pgc[(gpa >> 12) & (X86_PGC_SIZE - 1)].clean = 0;
    }
    return e;
}

void x86_phys_read(X86Cpu *c, uint64_t gpa, void *buf, uint32_t len)
{
    const X86PageEnt *p;
    gpa &= c->v->a20_mask;
    p = x86_page(c, gpa);
    if (X86_LIKELY(p->hva && (gpa & 0xfff) + len <= 0x1000)) {
        memcpy(buf, p->hva + (gpa & 0xfff), len);
        return;
    }
    x86_sync(c);
    c->h->phys_read(c->v, gpa, buf, len);
    x86_host_call_done(c);
}

void x86_phys_write(X86Cpu *c, uint64_t gpa, const void *buf, uint32_t len)
{
    const X86PageEnt *p;
    gpa &= c->v->a20_mask;
    p = x86_page_store(c, gpa);
    if (X86_LIKELY(p->kind == VIV_PAGE_RAM && p->writable && (gpa & 0xfff) + len <= 0x1000)) {
        memcpy(p->hva + (gpa & 0xfff), buf, len);
        if (x86_code_marked(c->vm, gpa))
            x86_code_store(c, gpa, len);
        return;
    }
    x86_sync(c);
    c->h->phys_write(c->v, gpa, buf, len);
    x86_host_call_done(c);
}

static _Noreturn X86_COLD void x86_walk_fault(const X86WalkState *w, uint32_t error)
{
    X86Cpu *c = w->c;
    if (w->access == X86_ACC_W)
        error |= PF_W;
    if (w->set == X86_SET_USER)
        error |= PF_U;
    if (w->access == X86_ACC_X &&
        ((c->s->cr4 & X86_CR4_SMEP) || ((c->s->cr4 & X86_CR4_PAE) && (c->s->efer & X86_EFER_NXE))))
        error |= PF_I;
    x86_raise_pf(c, w->lin, error);
}

/* Reads entry number level and checks presence and reserved bits. */
static uint64_t x86_walk_entry(X86WalkState *w, uint64_t gpa, uint64_t reserved)
{
    uint64_t e = 0;
    x86_phys_read(w->c, gpa, &e, w->width);
    if (!(e & PTE_P))
        x86_walk_fault(w, 0);
    if (e & reserved)
        x86_walk_fault(w, PF_P | PF_RSVD);
    w->ent_gpa[w->levels] = gpa;
    w->ent[w->levels] = e;
    w->levels++;
    w->rights &= e;
    w->nx |= w->width == 8 && (e & PTE_NX);
    return e;
}

static bool x86_walk_allowed(const X86WalkState *w)
{
    const X86Cpu *c = w->c;
    bool user = (w->rights & PTE_U) != 0;
    if (w->set == X86_SET_USER) {
        if (!user || (w->access == X86_ACC_W && !(w->rights & PTE_W)))
            return false;
        return w->access != X86_ACC_X || !w->nx;
    }
    if (w->access == X86_ACC_X)
        return !w->nx && !(user && (c->s->cr4 & X86_CR4_SMEP));
    if (user && (c->s->cr4 & X86_CR4_SMAP) && w->set != X86_SET_SUP_AC)
        return false;
    return w->access != X86_ACC_W || (w->rights & PTE_W) || !(c->s->cr0 & X86_CR0_WP);
}

static bool x86_walk_write_allowed(const X86WalkState *w)
{
    if (w->rights & PTE_W)
        return true;
    return w->set != X86_SET_USER && !(w->c->s->cr0 & X86_CR0_WP);
}

/* Data accesses to user pages, of any privilege level, with 4- and 5-level paging. */
static bool x86_walk_keyed(const X86WalkState *w)
{
    return w->access != X86_ACC_X && (w->rights & PTE_U) && (w->c->s->cr4 & X86_CR4_PKE) &&
           x86_long(w->c);
}

static uint32_t x86_walk_key(const X86WalkState *w)
{
    return (uint32_t)(w->ent[w->levels - 1] >> PTE_KEY_SHIFT) & 15;
}

/* SDM vol. 3, 4.6.2: what PKRU takes away. */
static bool x86_walk_key_denies(const X86WalkState *w, bool write)
{
    uint32_t bits;
    if (!x86_walk_keyed(w))
        return false;
    bits = w->c->pkru >> (x86_walk_key(w) * 2);
    if (bits & 1)
        return true;
    return (bits & 2) && write && (w->set == X86_SET_USER || (w->c->s->cr0 & X86_CR0_WP));
}

static void x86_walk_check(const X86WalkState *w)
{
    bool key = x86_walk_key_denies(w, w->access == X86_ACC_W);
    if (key || !x86_walk_allowed(w))
        x86_walk_fault(w, PF_P | (key ? PF_PK : 0));
}

/* Sets bits in entry k; false: it changed meanwhile, walk again. */
static bool x86_walk_mark(X86WalkState *w, uint32_t k, uint64_t bits)
{
    X86Cpu *c = w->c;
    uint64_t gpa = w->ent_gpa[k] & c->v->a20_mask, was = w->ent[k], now = was | bits;
    const X86PageEnt *p;
    if (was == now)
        return true;
    p = x86_page_store(c, gpa);
    if (p->kind != VIV_PAGE_RAM || !p->writable) {
        x86_phys_write(c, gpa, &now, w->width);
        return true;
    }
    if (w->width == 8) {
        uint64_t *at = (uint64_t *)(void *)(p->hva + (gpa & 0xff8));
        if (!__atomic_compare_exchange_n(at, &was, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return false;
    } else {
        uint32_t *at = (uint32_t *)(void *)(p->hva + (gpa & 0xffc)), was32 = (uint32_t)was;
        if (!__atomic_compare_exchange_n(at, &was32, (uint32_t)now, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST))
            return false;
    }
    w->ent[k] = now;
    if (x86_code_marked(c->vm, gpa))
        x86_code_store(c, gpa, w->width);
    return true;
}

/* Without a PAT its bits are reserved. */
static bool x86_walk_pat(const X86Cpu *c)
{
    return (c->feat.l1_edx & (1u << 16)) != 0;
}

/* Bits 39:32 of the address of a 4 MiB page are bits 20:13 of its entry, as far as the processor
 * has them. */
static uint64_t x86_walk_4m(const X86WalkState *w, uint64_t e)
{
    const X86Features *f = &w->c->feat;
    uint64_t high = (e >> 13) & 0xff, has = f->l1_edx & (1u << 17) ? f->phys_mask >> 32 : 0;
    if ((e & 0x200000) || (high & ~has) || (!x86_walk_pat(w->c) && (e & PTE_PAT_LARGE)))
        x86_walk_fault(w, PF_P | PF_RSVD);
    return (e & 0xffc00000u) | high << 32;
}

static uint64_t x86_walk_legacy(X86WalkState *w, uint32_t *ret_size)
{
    const X86Cpu *c = w->c;
    bool pse = (c->s->cr4 & X86_CR4_PSE) != 0;
    uint64_t e;
    w->width = 4;
    e = x86_walk_entry(w, (c->s->cr3 & 0xfffff000u) + ((w->lin >> 22) & 0x3ff) * 4, 0);
    if ((e & PTE_PS) && pse) {
        *ret_size = 22;
        return x86_walk_4m(w, e);
    }
    e = x86_walk_entry(w, (e & 0xfffff000u) + ((w->lin >> 12) & 0x3ff) * 4,
                       pse && !x86_walk_pat(c) ? PTE_PAT : 0);
    *ret_size = 12;
    return e & 0xfffff000u;
}

/* What is reserved in the low bits of an entry that decides the address from bit shift on. AMD's
 * processors reserve the place of G in a PML4E and above, Intel's pass it over. */
static uint64_t x86_walk_reserved(const X86Cpu *c, uint32_t shift)
{
    if (shift >= 39)
        return c->feat.intel ? PTE_PS : PTE_PS | PTE_G;
    if (shift == 30)
        return c->feat.e1_edx & (1u << 26) ? 0 : PTE_PS;
    return shift == 12 && !x86_walk_pat(c) ? PTE_PAT : 0;
}

/* PAE, 4-level and 5-level differ in where they begin. */
static uint64_t x86_walk_wide(X86WalkState *w, uint32_t *ret_size)
{
    const X86Cpu *c = w->c;
    uint64_t mask = c->feat.phys_mask, rsvd = 0x000ffffffffff000ull & ~mask, e, span;
    uint64_t no_pat = x86_walk_pat(c) ? 0 : PTE_PAT_LARGE;
    uint32_t shift;
    w->width = 8;
    if (!(c->s->efer & X86_EFER_NXE))
        rsvd |= PTE_NX;
    if (x86_long(c)) {
        shift = c->s->cr4 & X86_CR4_LA57 ? 48 : 39;
        e = c->s->cr3;
    } else {
        shift = 21;
        rsvd |= 0x7ff0000000000000ull;
        e = c->s->pdpte[(w->lin >> 30) & 3];
        if (!(e & PTE_P))
            x86_walk_fault(w, 0);
    }
    for (;; shift -= 9) {
        e = x86_walk_entry(w, (e & mask) + ((w->lin >> shift) & 0x1ff) * 8,
                           rsvd | x86_walk_reserved(c, shift));
        if (shift == 12 || (e & PTE_PS))
            break;
    }
    span = (1ull << shift) - 1;
    if (shift > 12 && (e & span & (~0x1fffull | no_pat)))
        x86_walk_fault(w, PF_P | PF_RSVD);
    *ret_size = shift;
    return e & mask & ~span;
}

static uint64_t x86_walk_tables(X86WalkState *w, uint32_t *ret_size)
{
    return w->c->s->cr4 & X86_CR4_PAE ? x86_walk_wide(w, ret_size) : x86_walk_legacy(w, ret_size);
}

/* False: an entry has changed under our feet. */
static bool x86_walk_mark_all(X86WalkState *w)
{
    uint32_t k, last = w->levels - 1;
    for (k = 0; k <= last; k++)
        if (!x86_walk_mark(w, k, k == last && w->access == X86_ACC_W ? PTE_A | PTE_D : PTE_A))
            return false;
    return true;
}

static bool x86_walk_once(X86WalkState *w, X86Walk *ret_walk)
{
    X86Cpu *c = w->c;
    uint32_t size = 12;
    uint64_t base, leaf;
    base = x86_walk_tables(w, &size);
    x86_walk_check(w);
    if (!x86_walk_mark_all(w))
        return false;
    leaf = w->ent[w->levels - 1];
    base |= w->lin & ((1ull << size) - 1) & X86_PAGE_MASK;
    *ret_walk = (X86Walk){
        .gpa = base & c->v->a20_mask,
        .write_ok = (leaf & PTE_D) && x86_walk_write_allowed(w) && !x86_walk_key_denies(w, true),
        .global = (leaf & PTE_G) && (c->s->cr4 & X86_CR4_PGE),
        .large = size != 12,
        .huge = size > 22,
        .keyed = x86_walk_keyed(w),
        .key = x86_walk_key(w),
    };
    return true;
}

/* Raises what the walk would, and sets no bits. */
void x86_walk_try(X86Cpu *c, uint64_t lin, uint32_t access, uint32_t set)
{
    X86WalkState w = {.c = c, .lin = lin, .access = access, .set = set, .rights = ~0ull};
    uint32_t size;
    if (!(c->s->cr0 & X86_CR0_PG))
        return;
    (void)x86_walk_tables(&w, &size);
    x86_walk_check(&w);
}

void x86_walk(X86Cpu *c, uint64_t lin, uint32_t access, uint32_t set, X86Walk *ret_walk)
{
    X86WalkState w;
    if (!(c->s->cr0 & X86_CR0_PG)) {
        *ret_walk = (X86Walk){.gpa = lin & c->v->a20_mask & X86_PAGE_MASK, .write_ok = true};
        return;
    }
    do {
        w = (X86WalkState){.c = c, .lin = lin, .access = access, .set = set, .rights = ~0ull};
    } while (!x86_walk_once(&w, ret_walk));
}

/* -- the PDPTE registers of PAE paging (SDM vol. 3, 4.4.1) ------------------------------------- */
static bool x86_pdptes_valid(const X86Cpu *c, const uint64_t pdpte[4])
{
    uint64_t rsvd = 0x1e6ull | (~c->feat.phys_mask & 0xfffffffffffff000ull);
    uint32_t k;
    for (k = 0; k < 4; k++)
        if ((pdpte[k] & PTE_P) && (pdpte[k] & rsvd))
            return false;
    return true;
}

bool x86_pdptes_load(X86Cpu *c, uint64_t cr3)
{
    uint64_t e[4];
    x86_phys_read(c, cr3 & 0xffffffe0u, e, sizeof(e));
    if (!x86_pdptes_valid(c, e))
        return false;
    memcpy(c->s->pdpte, e, sizeof(e));
    return true;
}

/* A state from before the registers were saved shows by what they cannot hold; what memory has now
 * is the best guess. */
void x86_paging_load(X86Cpu *c)
{
    viv_cpu_t *s = c->s;
    bool pae = (s->cr0 & X86_CR0_PG) && (s->cr4 & X86_CR4_PAE) && !x86_long(c);
    memcpy(&c->pkru, s->xsave + VIV_XSAVE_PKRU_OFFSET, 4);
    if (!x86_pdptes_valid(c, s->pdpte) && !(pae && x86_pdptes_load(c, s->cr3)))
        memset(s->pdpte, 0, sizeof(s->pdpte));
}
