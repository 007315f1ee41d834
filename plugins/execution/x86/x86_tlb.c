/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the software TLBs, in a bank for each PCID: data (three sets: supervisor, user, supervisor
 * with SMAP lifted) and code (two sets). An entry is 4 KiB; large pages are cut up and INVLPG drops
 * all the pieces. An entry holds what was decided, not the rights of the page: what decides (CR0.WP,
 * CR4, EFER.NXE, PKRU) drops the entries that it decided.
 *
 * Follows: Intel SDM vol. 3, 4.10. A global entry serves its own bank alone: others find theirs by
 * a walk, which is allowed, as entries may always be missing. */
#include <string.h>

#include "x86.h"

/* -- banks and PCIDs --------------------------------------------------------------------------- */
uint32_t x86_pcid(const X86Cpu *c)
{
    return c->s->cr4 & X86_CR4_PCIDE ? (uint32_t)c->s->cr3 & 0xfff : 0;
}

static X86Bank *x86_bank_find(X86Cpu *c, uint32_t pcid)
{
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++)
        if (c->banks[k].pcid == pcid)
            return &c->banks[k];
    return NULL;
}

static void x86_bank_gen(X86Cpu *c, X86Bank *b)
{
    b->gen = ++c->bank_gen;
    if (b == c->bank)
        c->jc_tag = x86_jc_tag(c, c->mode);
}

void x86_jc_drop(X86Cpu *c)
{
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++)
        x86_bank_gen(c, &c->banks[k]);
}

static void x86_tlb_clear(X86TlbEnt *e)
{
    e->rd = e->wr = X86_TAG_INVALID;
    e->add = e->gpa = 0;
}

/* Everything, or all but global entries. */
static void x86_bank_flush(X86Cpu *c, X86Bank *b, bool globals)
{
    X86TlbEnt *tlb = &b->tlbs[0][0];
    X86ItlbEnt *itlb = &b->itlb[0][0];
    uint32_t k;
    if (!globals && b->fill_count <= X86_FILLS) {
        for (k = 0; k < b->fill_count; k++)
            if (!(b->fills[k]->gpa & X86_TLBF_GLOBAL))
                x86_tlb_clear(b->fills[k]);
    } else {
        for (k = 0; k < X86_SETS * X86_TLB_SIZE; k++)
            if (globals || !(tlb[k].gpa & X86_TLBF_GLOBAL))
                x86_tlb_clear(&tlb[k]);
    }
    b->fill_count = 0;
    for (k = 0; k < 2 * X86_ITLB_SIZE; k++)
        if (globals || !(itlb[k].gpa & X86_TLBF_GLOBAL))
            itlb[k].tag = ~0ull;
    x86_bank_gen(c, b);
}

static X86Bank *x86_bank_victim(X86Cpu *c)
{
    X86Bank *b = NULL;
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++) {
        X86Bank *at = &c->banks[k];
        if (at->pcid == X86_PCID_NONE)
            return at;
        if (at != c->bank && (!b || at->used < b->used))
            b = at;
    }
    return b;
}

void x86_tlb_select(X86Cpu *c)
{
    uint32_t pcid = x86_pcid(c);
    X86Bank *b = x86_bank_find(c, pcid);
    if (!b) {
        b = x86_bank_victim(c);
        x86_bank_flush(c, b, b->pcid == X86_PCID_NONE);
        b->pcid = pcid;
    }
    b->used = ++c->bank_clock;
    c->bank = b;
    c->jc_tag = x86_jc_tag(c, c->mode);
    x86_set_update(c);
}

void x86_tlb_flush(X86Cpu *c)
{
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++)
        c->banks[k].pcid = X86_PCID_NONE;
    c->bank->pcid = x86_pcid(c);
    x86_bank_flush(c, c->bank, true);
    memset(c->large, 0, sizeof(c->large));
    c->keyed_count = 0;
}

void x86_tlb_flush_pcid(X86Cpu *c, uint32_t pcid)
{
    X86Bank *b = x86_bank_find(c, pcid);
    if (b)
        x86_bank_flush(c, b, false);
}

void x86_tlb_flush_pcids(X86Cpu *c)
{
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++)
        if (c->banks[k].pcid != X86_PCID_NONE)
            x86_bank_flush(c, &c->banks[k], false);
}

/* -- filling ----------------------------------------------------------------------------------- */
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

static void x86_tlb_keyed_note(X86Cpu *c, X86TlbEnt *e)
{
    if (c->keyed_count < X86_KEYED)
        c->keyed[c->keyed_count] = e;
    c->keyed_count++;
}

static uint64_t x86_tlb_flags(const X86Walk *w, const X86PageEnt *p)
{
    uint64_t flags = (w->global ? X86_TLBF_GLOBAL : 0) | (w->large ? X86_TLBF_LARGE : 0);
    if (p->hva && p->kind != VIV_PAGE_MMIO)
        flags |= X86_TLBF_HVA;
    if (p->kind == VIV_PAGE_RAM && p->writable)
        flags |= X86_TLBF_RAM;
    if (w->keyed)
        flags |= X86_TLBF_KEYED | (uint64_t)w->key << X86_TLBF_KEY;
    return flags;
}

/* Every access that is not plain comes through here, so that no other place has to know that a
 * linear address may not be canonical: descriptor tables reach over the edge, too. */
static void x86_tlb_fill(X86Cpu *c, X86TlbEnt *e, uint64_t lin, bool write, uint32_t set)
{
    uint64_t page = lin & X86_PAGE_MASK;
    const X86PageEnt *p;
    X86Walk w;
    bool bp;
    if (!x86_canonical(c, lin))
        x86_raise(c, X86_GP, 0);
    x86_walk(c, lin, write ? X86_ACC_W : X86_ACC_R, set, &w);
    ++*c->stats.tlb_fills;
    p = write ? x86_page_store(c, w.gpa) : x86_page(c, w.gpa);
    bp = x86_tlb_has_bp(c, page);
    e->add = p->hva ? (uint64_t)(uintptr_t)p->hva - page : 0;
    e->gpa = w.gpa | x86_tlb_flags(&w, p);
    e->rd = page | (bp || !(e->gpa & X86_TLBF_HVA) ? X86_TAG_SLOW : 0);
    e->wr = X86_TAG_INVALID;
    if (write || (w.write_ok && !p->clean))
        e->wr =
            page |
            (bp || !(e->gpa & X86_TLBF_RAM) || x86_code_marked(c->vm, w.gpa) ? X86_TAG_SLOW : 0);
    if (w.large)
        x86_tlb_large_note(c, lin, &w);
    if (w.keyed && w.key)
        x86_tlb_keyed_note(c, e);
    if (!w.global && c->bank->fill_count++ < X86_FILLS)
        c->bank->fills[c->bank->fill_count - 1] = e;
}

/* The entry for an access, filled if need be; raises #PF. */
X86TlbEnt *x86_tlb_get(X86Cpu *c, uint64_t lin, bool write, uint32_t set)
{
    uint64_t page = lin & X86_PAGE_MASK;
    X86TlbEnt *e = &c->bank->tlbs[set][(lin >> 12) & (X86_TLB_SIZE - 1)];
    uint64_t tag = write ? e->wr : e->rd;
    if ((tag & X86_TAG_INVALID) || (tag & X86_PAGE_MASK) != page)
        x86_tlb_fill(c, e, lin, write, set);
    else if (write && (tag & X86_TAG_SLOW) && (e->gpa & X86_TLBF_RAM) &&
             !x86_code_marked(c->vm, e->gpa) && !x86_tlb_has_bp(c, page))
        e->wr = page; /* a page that lost its code becomes fast again */
    return e;
}

void x86_tlb_try(X86Cpu *c, uint64_t lin, bool write, uint32_t set)
{
    const X86TlbEnt *e = &c->bank->tlbs[set][(lin >> 12) & (X86_TLB_SIZE - 1)];
    uint64_t tag = write ? e->wr : e->rd;
    if (!(tag & X86_TAG_INVALID) && ((tag ^ lin) & X86_PAGE_MASK) == 0)
        return;
    if (!x86_canonical(c, lin))
        x86_raise(c, X86_GP, 0);
    x86_walk_try(c, lin, write ? X86_ACC_W : X86_ACC_R, set);
}

uint64_t x86_fetch_gpa(X86Cpu *c, uint64_t lin, X86ItlbEnt **ret_ent)
{
    uint32_t user = c->cpl == 3;
    X86ItlbEnt *e = &c->bank->itlb[user][(lin >> 12) & (X86_ITLB_SIZE - 1)];
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

/* -- dropping ---------------------------------------------------------------------------------- */

/* Large pages: their size is not kept, so every piece within a 1 GiB-aligned range goes. */
static bool x86_tlb_same(uint64_t tag, uint64_t gpa, uint64_t page)
{
    uint64_t mask = gpa & X86_TLBF_LARGE ? ~0x3fffffffull : X86_PAGE_MASK;
    return (tag & mask & X86_PAGE_MASK) == (page & mask);
}

/* Is it an entry to drop? want: flags of gpa that it must have, have: their values. */
static bool x86_tlb_drop(uint64_t tag, uint64_t gpa, uint64_t page, uint64_t want, uint64_t have)
{
    return (gpa & want) == have && x86_tlb_same(tag, gpa, page);
}

/* The entries of a page in a bank: global ones, others, or both (want 0). */
static void x86_bank_invlpg(X86Cpu *c, X86Bank *b, uint64_t lin, uint64_t want, uint64_t have)
{
    uint64_t page = lin & X86_PAGE_MASK;
    uint32_t set, k, at = (uint32_t)(lin >> 12);
    bool all = x86_tlb_large(c, lin);
    for (set = 0; set < X86_SETS; set++) {
        uint32_t from = all ? 0 : at & (X86_TLB_SIZE - 1), to = all ? X86_TLB_SIZE : from + 1;
        for (k = from; k < to; k++) {
            X86TlbEnt *e = &b->tlbs[set][k];
            if (x86_tlb_drop(e->rd, e->gpa, page, want, have))
                x86_tlb_clear(e);
        }
    }
    for (set = 0; set < 2; set++) {
        uint32_t from = all ? 0 : at & (X86_ITLB_SIZE - 1), to = all ? X86_ITLB_SIZE : from + 1;
        for (k = from; k < to; k++) {
            X86ItlbEnt *e = &b->itlb[set][k];
            if (x86_tlb_drop(e->tag, e->gpa, page, want, have))
                e->tag = ~0ull;
        }
    }
    x86_bank_gen(c, b);
}

void x86_tlb_invlpg(X86Cpu *c, uint64_t lin)
{
    uint32_t k;
    for (k = 0; k < X86_BANKS; k++) {
        X86Bank *b = &c->banks[k];
        if (b == c->bank)
            x86_bank_invlpg(c, b, lin, 0, 0);
        else if (b->pcid != X86_PCID_NONE)
            x86_bank_invlpg(c, b, lin, X86_TLBF_GLOBAL, X86_TLBF_GLOBAL);
    }
}

void x86_tlb_invlpg_pcid(X86Cpu *c, uint64_t lin, uint32_t pcid)
{
    X86Bank *b = x86_bank_find(c, pcid);
    if (b)
        x86_bank_invlpg(c, b, lin, X86_TLBF_GLOBAL, 0);
}

/* -- protection keys --------------------------------------------------------------------------- */
static bool x86_tlb_key_in(const X86TlbEnt *e, uint32_t changed)
{
    uint32_t key = (uint32_t)(e->gpa >> X86_TLBF_KEY) & 15;
    return (e->gpa & X86_TLBF_KEYED) && (changed >> (key * 2) & 3);
}

/* Looks at every entry; those under a key that stay are listed anew. */
static void x86_tlb_keys_scan(X86Cpu *c, uint32_t changed)
{
    uint32_t n, k;
    c->keyed_count = 0;
    for (n = 0; n < X86_BANKS; n++) {
        X86TlbEnt *tlb = &c->banks[n].tlbs[0][0];
        if (c->banks[n].pcid == X86_PCID_NONE)
            continue;
        for (k = 0; k < X86_SETS * X86_TLB_SIZE; k++)
            if (x86_tlb_key_in(&tlb[k], changed))
                x86_tlb_clear(&tlb[k]);
            else if (x86_tlb_key_in(&tlb[k], ~3u))
                x86_tlb_keyed_note(c, &tlb[k]);
    }
}

/* Entries under keys whose rights have changed go. Most pages have key 0, whose rights hardly ever
 * change; of the others there are few. */
void x86_pkru_update(X86Cpu *c)
{
    uint32_t now, changed, k, left = 0;
    memcpy(&now, c->s->xsave + VIV_XSAVE_PKRU_OFFSET, 4);
    memset(c->s->xsave + VIV_XSAVE_PKRU_OFFSET + 4, 0, 4);
    changed = now ^ c->pkru;
    c->pkru = now;
    if (!changed || !(c->s->cr4 & X86_CR4_PKE))
        return;
    if ((changed & 3) || c->keyed_count > X86_KEYED) {
        x86_tlb_keys_scan(c, changed);
        return;
    }
    for (k = 0; k < c->keyed_count; k++)
        if (x86_tlb_key_in(c->keyed[k], changed))
            x86_tlb_clear(c->keyed[k]);
        else
            c->keyed[left++] = c->keyed[k];
    c->keyed_count = left;
}

/* -- code and the map -------------------------------------------------------------------------- */

/* Store entries of a page (~0: of all) lose their fast tag; the page now holds decoded code. */
void x86_tlb_drop_writes(X86Cpu *c, uint64_t gpa_page)
{
    uint32_t n, k;
    for (n = 0; n < X86_BANKS; n++) {
        X86TlbEnt *tlb = &c->banks[n].tlbs[0][0];
        if (c->banks[n].pcid == X86_PCID_NONE)
            continue;
        for (k = 0; k < X86_SETS * X86_TLB_SIZE; k++)
            if ((gpa_page == ~0ull || (tlb[k].gpa & X86_PAGE_MASK) == gpa_page) &&
                !(tlb[k].wr & X86_TAG_INVALID))
                tlb[k].wr |= X86_TAG_SLOW;
    }
}

/* [emt, between instructions] */
void x86_map_changed(X86Cpu *c)
{
    uint32_t k;
    X86CodePage *p, *next;
    for (k = 0; k < X86_PGC_SIZE; k++)
        c->pgc[k].gpa = ~0ull;
    x86_tlb_flush(c);
    for (k = 0; k < X86_PAGE_HASH; k++)
        for (p = c->pages[k]; p; p = next) {
            next = p->hash_next;
            if (x86_page(c, p->gpa)->hva != p->hva)
                x86_code_drop_page(c, p->gpa);
        }
}
