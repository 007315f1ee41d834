/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the software TLBs: data (three sets: supervisor, user, supervisor with SMAP lifted) and code
 * (two sets). An entry is 4 KiB; large pages are cut up and INVLPG drops all the pieces. */
#include <string.h>

#include "x86.h"

static bool x86_tlb_has_bp(const X86Cpu *c, uint64_t page)
{
    unsigned k;
    if (!c->dr_data)
        return false;
    for (k = 0; k < 4; k++) {
        uint64_t dr7 = c->s->dr[7], addr = c->s->dr[k];
        if (((dr7 >> (k * 2)) & 3) && ((dr7 >> (16 + k * 4)) & 1) &&
            ((addr & X86_PAGE_MASK) == page || ((addr + 7) & X86_PAGE_MASK) == page))
            return true;
    }
    return false;
}

static void x86_tlb_clear(X86TlbEnt *e)
{
    e->rd = e->wr = X86_TAG_INVALID;
    e->add = e->gpa = 0;
}

/* INVLPG has to look for pieces of a large page only where there may be some. A page of 4 MiB is
 * two regions; of 1 GiB, everything. */
static void x86_tlb_large_note(X86Cpu *c, uint64_t lin, const X86Walk *w)
{
    uint32_t at = (uint32_t)(lin >> 21) & (X86_LARGE_BITS - 1);
    if (w->huge) {
        memset(c->large, 0xff, sizeof(c->large));
        return;
    }
    c->large[at / 64] |= 1ull << (at & 63);
    at ^= 1;
    c->large[at / 64] |= 1ull << (at & 63);
}

static bool x86_tlb_large(const X86Cpu *c, uint64_t lin)
{
    uint32_t at = (uint32_t)(lin >> 21) & (X86_LARGE_BITS - 1);
    return c->large[at / 64] >> (at & 63) & 1;
}

/* The entry for an access, filled if need be; raises #PF. */
X86TlbEnt *x86_tlb_get(X86Cpu *c, uint64_t lin, bool write, uint32_t set)
{
    uint64_t page = lin & X86_PAGE_MASK;
    X86TlbEnt *e = &c->tlbs[set][(lin >> 12) & (X86_TLB_SIZE - 1)];
    uint64_t tag = write ? e->wr : e->rd;
    const X86PageEnt *p;
    X86Walk w;
    bool bp, ram;
    if (!(tag & X86_TAG_INVALID) && (tag & X86_PAGE_MASK) == page) {
        /* a page that lost its code becomes fast again */
        if (write && (tag & X86_TAG_SLOW) && (e->gpa & X86_TLBF_RAM) &&
            !x86_code_marked(c->vm, e->gpa) && !x86_tlb_has_bp(c, page))
            e->wr = page;
        return e;
    }
    x86_walk(c, lin, write ? X86_ACC_W : X86_ACC_R, set, &w);
    ++*c->stats.tlb_fills;
    p = x86_page(c, w.gpa);
    bp = x86_tlb_has_bp(c, page);
    ram = p->kind == VIV_PAGE_RAM && p->writable;
    e->add = p->hva ? (uint64_t)(uintptr_t)p->hva - page : 0;
    e->gpa = w.gpa | (w.global ? X86_TLBF_GLOBAL : 0) | (w.large ? X86_TLBF_LARGE : 0) |
             (p->hva && p->kind != VIV_PAGE_MMIO ? X86_TLBF_HVA : 0) | (ram ? X86_TLBF_RAM : 0);
    e->rd = page | (bp || !(e->gpa & X86_TLBF_HVA) ? X86_TAG_SLOW : 0);
    e->wr = X86_TAG_INVALID;
    if (write || w.write_ok)
        e->wr = page | (bp || !ram || x86_code_marked(c->vm, w.gpa) ? X86_TAG_SLOW : 0);
    if (w.large)
        x86_tlb_large_note(c, lin, &w);
    if (!w.global && c->fill_count++ < X86_FILLS)
        c->fills[c->fill_count - 1] = e;
    return e;
}

uint64_t x86_fetch_gpa(X86Cpu *c, uint64_t lin, X86ItlbEnt **ret_ent)
{
    uint32_t user = c->cpl == 3;
    X86ItlbEnt *e = &c->itlb[user][(lin >> 12) & (X86_ITLB_SIZE - 1)];
    X86Walk w;
    if (X86_LIKELY(e->tag == (lin & X86_PAGE_MASK))) {
        *ret_ent = e;
        return (e->gpa & X86_PAGE_MASK) | (lin & 0xfff);
    }
    if (!x86_canonical(c, lin))
        x86_raise(c, X86_GP, 0);
    x86_walk(c, lin, X86_ACC_X, user ? X86_SET_USER : X86_SET_SUP, &w);
    e->tag = lin & X86_PAGE_MASK;
    e->gpa = w.gpa | (w.global ? X86_TLBF_GLOBAL : 0) | (w.large ? X86_TLBF_LARGE : 0);
    e->page = NULL;
    e->page_gen = 0;
    if (w.large)
        x86_tlb_large_note(c, lin, &w);
    *ret_ent = e;
    return w.gpa | (lin & 0xfff);
}

void x86_tlb_flush(X86Cpu *c, bool globals)
{
    uint32_t set, k;
    if (!globals && c->fill_count <= X86_FILLS) {
        for (k = 0; k < c->fill_count; k++)
            if (!(c->fills[k]->gpa & X86_TLBF_GLOBAL))
                x86_tlb_clear(c->fills[k]);
    } else {
        for (set = 0; set < X86_SETS; set++)
            for (k = 0; k < X86_TLB_SIZE; k++)
                if (globals || !(c->tlbs[set][k].gpa & X86_TLBF_GLOBAL))
                    x86_tlb_clear(&c->tlbs[set][k]);
    }
    c->fill_count = 0;
    for (set = 0; set < 2; set++)
        for (k = 0; k < X86_ITLB_SIZE; k++)
            if (globals || !(c->itlb[set][k].gpa & X86_TLBF_GLOBAL))
                c->itlb[set][k].tag = ~0ull;
    if (globals)
        memset(c->large, 0, sizeof(c->large));
    c->jc_gen++;
}

/* Large pages: their size is not kept, so every piece within a 1 GiB-aligned range goes. */
static bool x86_tlb_same(uint64_t tag, uint64_t gpa, uint64_t page)
{
    uint64_t mask = gpa & X86_TLBF_LARGE ? ~0x3fffffffull : X86_PAGE_MASK;
    return (tag & mask & X86_PAGE_MASK) == (page & mask);
}

void x86_tlb_invlpg(X86Cpu *c, uint64_t lin)
{
    uint64_t page = lin & X86_PAGE_MASK;
    uint32_t set, k, at = (uint32_t)(lin >> 12);
    for (set = 0; set < X86_SETS; set++)
        x86_tlb_clear(&c->tlbs[set][at & (X86_TLB_SIZE - 1)]);
    c->itlb[0][at & (X86_ITLB_SIZE - 1)].tag = ~0ull;
    c->itlb[1][at & (X86_ITLB_SIZE - 1)].tag = ~0ull;
    if (x86_tlb_large(c, lin)) {
        for (set = 0; set < X86_SETS; set++)
            for (k = 0; k < X86_TLB_SIZE; k++)
                if ((c->tlbs[set][k].gpa & X86_TLBF_LARGE) &&
                    x86_tlb_same(c->tlbs[set][k].rd, c->tlbs[set][k].gpa, page))
                    x86_tlb_clear(&c->tlbs[set][k]);
        for (set = 0; set < 2; set++)
            for (k = 0; k < X86_ITLB_SIZE; k++)
                if ((c->itlb[set][k].gpa & X86_TLBF_LARGE) &&
                    x86_tlb_same(c->itlb[set][k].tag, c->itlb[set][k].gpa, page))
                    c->itlb[set][k].tag = ~0ull;
    }
    c->jc_gen++;
}

/* Store entries of a page (~0: of all) lose their fast tag; the page now holds decoded code. */
void x86_tlb_drop_writes(X86Cpu *c, uint64_t gpa_page)
{
    uint32_t set, k;
    for (set = 0; set < X86_SETS; set++)
        for (k = 0; k < X86_TLB_SIZE; k++) {
            X86TlbEnt *e = &c->tlbs[set][k];
            if (gpa_page == ~0ull || (e->gpa & X86_PAGE_MASK) == gpa_page)
                if (!(e->wr & X86_TAG_INVALID))
                    e->wr |= X86_TAG_SLOW;
        }
}

/* [emt, between instructions] */
void x86_map_changed(X86Cpu *c)
{
    uint32_t k;
    X86CodePage *p, *next;
    for (k = 0; k < X86_PGC_SIZE; k++)
        c->pgc[k].gpa = ~0ull;
    x86_tlb_flush(c, true);
    for (k = 0; k < X86_PAGE_HASH; k++)
        for (p = c->pages[k]; p; p = next) {
            next = p->hash_next;
            if (x86_page(c, p->gpa)->hva != p->hva)
                x86_code_drop_page(c, p->gpa);
        }
}
