/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: page-table walks: none, legacy 32-bit (PSE, PSE-36), PAE, 4-level.
 *
 * Sets accessed and dirty bits with a compare-and-swap once the whole access is known to be
 * allowed, as several vCPUs and the guest itself may change the tables meanwhile. Raises #PF with
 * the exact error code. Follows: Intel SDM vol. 3, chapter 4. Not modelled: 5-level paging, PCID,
 * PKU. */
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

#define PF_P    1u
#define PF_W    2u
#define PF_U    4u
#define PF_RSVD 8u
#define PF_I    16u

typedef struct X86WalkState {
    X86Cpu *c;
    uint64_t lin;
    uint32_t access, set;
    uint64_t ent_gpa[4]; /* entries passed, top first; the last one is the leaf */
    uint64_t ent[4];
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
        if (!q.hva && q.kind == VIV_PAGE_RAM)
            e->kind = VIV_PAGE_MMIO;
    }
    return e;
}

void x86_phys_read(X86Cpu *c, uint64_t gpa, void *buf, uint32_t len)
{
    const X86PageEnt *p;
    gpa &= c->v->a20_mask;
    p = x86_page(c, gpa);
    if (X86_LIKELY(p->hva && (gpa & 0xfff) + len <= 0x1000))
        memcpy(buf, p->hva + (gpa & 0xfff), len);
    else
        c->h->phys_read(c->v, gpa, buf, len);
}

void x86_phys_write(X86Cpu *c, uint64_t gpa, const void *buf, uint32_t len)
{
    const X86PageEnt *p;
    gpa &= c->v->a20_mask;
    p = x86_page(c, gpa);
    if (X86_LIKELY(p->kind == VIV_PAGE_RAM && p->writable && (gpa & 0xfff) + len <= 0x1000)) {
        memcpy(p->hva + (gpa & 0xfff), buf, len);
        if (x86_code_marked(c->vm, gpa))
            x86_code_store(c, gpa, len);
    } else {
        c->h->phys_write(c->v, gpa, buf, len);
    }
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

/* Sets bits in entry k; false: it changed meanwhile, walk again. */
static bool x86_walk_mark(X86WalkState *w, uint32_t k, uint64_t bits)
{
    X86Cpu *c = w->c;
    uint64_t gpa = w->ent_gpa[k] & c->v->a20_mask, was = w->ent[k], now = was | bits;
    const X86PageEnt *p;
    if (was == now)
        return true;
    p = x86_page(c, gpa);
    if (p->kind != VIV_PAGE_RAM || !p->writable) {
        c->h->phys_write(c->v, gpa, &now, w->width);
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

static uint64_t x86_walk_legacy(X86WalkState *w, uint32_t *ret_size)
{
    const X86Cpu *c = w->c;
    uint64_t e;
    w->width = 4;
    e = x86_walk_entry(w, (c->s->cr3 & 0xfffff000u) + ((w->lin >> 22) & 0x3ff) * 4, 0);
    if ((e & PTE_PS) && (c->s->cr4 & X86_CR4_PSE)) {
        uint64_t high = (e >> 13) & 0xff, allowed = c->feat.phys_mask >> 32;
        if ((e & 0x200000) || (high & ~allowed))
            x86_walk_fault(w, PF_P | PF_RSVD);
        *ret_size = 22;
        return (e & 0xffc00000u) | high << 32;
    }
    e = x86_walk_entry(w, (e & 0xfffff000u) + ((w->lin >> 12) & 0x3ff) * 4, 0);
    *ret_size = 12;
    return e & 0xfffff000u;
}

static uint64_t x86_walk_long(X86WalkState *w, uint32_t *ret_size)
{
    const X86Cpu *c = w->c;
    uint64_t mask = c->feat.phys_mask, e;
    uint64_t rsvd = 0x000ffffffffff000ull & ~mask;
    w->width = 8;
    if (!(c->s->efer & X86_EFER_NXE))
        rsvd |= PTE_NX;
    if (x86_long(c)) {
        e = x86_walk_entry(w, (c->s->cr3 & mask) + ((w->lin >> 39) & 0x1ff) * 8, rsvd | PTE_PS);
        e = x86_walk_entry(w, (e & mask) + ((w->lin >> 30) & 0x1ff) * 8, rsvd);
        if (e & PTE_PS) {
            if (!(c->feat.e1_edx & (1u << 26)) || (e & 0x3fffe000u))
                x86_walk_fault(w, PF_P | PF_RSVD);
            *ret_size = 30;
            return e & mask & ~0x3fffffffull;
        }
    } else {
        rsvd |= 0x7ff0000000000000ull;
        e = c->pdpte[(w->lin >> 30) & 3];
        if (!(e & PTE_P))
            x86_walk_fault(w, 0);
    }
    e = x86_walk_entry(w, (e & mask) + ((w->lin >> 21) & 0x1ff) * 8, rsvd);
    if (e & PTE_PS) {
        if (e & 0x1fe000)
            x86_walk_fault(w, PF_P | PF_RSVD);
        *ret_size = 21;
        return e & mask & ~0x1fffffull;
    }
    e = x86_walk_entry(w, (e & mask) + ((w->lin >> 12) & 0x1ff) * 8, rsvd);
    *ret_size = 12;
    return e & mask;
}

void x86_walk(X86Cpu *c, uint64_t lin, uint32_t access, uint32_t set, X86Walk *ret_walk)
{
    for (;;) {
        X86WalkState w = {.c = c, .lin = lin, .access = access, .set = set, .rights = ~0ull};
        uint32_t size = 12, k;
        uint64_t base, leaf;
        bool done = true;
        if (!(c->s->cr0 & X86_CR0_PG)) {
            *ret_walk = (X86Walk){.gpa = lin & c->v->a20_mask & X86_PAGE_MASK, .write_ok = true};
            return;
        }
        base = c->s->cr4 & X86_CR4_PAE ? x86_walk_long(&w, &size) : x86_walk_legacy(&w, &size);
        if (!x86_walk_allowed(&w))
            x86_walk_fault(&w, PF_P);
        for (k = 0; k < w.levels && done; k++)
            done = x86_walk_mark(&w, k,
                                 k + 1 == w.levels && access == X86_ACC_W ? PTE_A | PTE_D : PTE_A);
        if (!done)
            continue;
        leaf = w.ent[w.levels - 1];
        base |= lin & ((1ull << size) - 1) & X86_PAGE_MASK;
        ret_walk->gpa = base & c->v->a20_mask;
        ret_walk->write_ok = (leaf & PTE_D) && x86_walk_write_allowed(&w);
        ret_walk->global = (leaf & PTE_G) && (c->s->cr4 & X86_CR4_PGE);
        ret_walk->large = size != 12;
        ret_walk->huge = size > 22;
        return;
    }
}

/* CR3 with PAE: the four PDPTEs are registers. */
bool x86_pdptes_load(X86Cpu *c, uint64_t cr3)
{
    uint64_t e[4];
    uint64_t rsvd = 0x1e6ull | (~c->feat.phys_mask & 0xfffffffffffff000ull);
    uint32_t k;
    for (k = 0; k < 4; k++)
        x86_phys_read(c, (cr3 & 0xffffffe0u) + k * 8u, &e[k], 8);
    for (k = 0; k < 4; k++)
        if ((e[k] & PTE_P) && (e[k] & rsvd))
            return false;
    memcpy(c->pdpte, e, sizeof(e));
    return true;
}
