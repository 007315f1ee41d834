/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM: the log of written RAM pages.
 *
 * A writer marks the page after a copy of its own (DMA, phys_write), or before the first of many
 * stores (an engine that keeps a host address). The reader empties the log, has the engines drop
 * the addresses, and only then copies pages: a store that the emptied log still had, or one that
 * comes between the two steps, is in the copy; a later one marks the page again. Device RAM is not
 * logged: devices write it by pointer. */
#include <string.h>

#include "pgm/pgm_internal.h"

static gboolean pgm_is_logging(const Pgm *pgm)
{
    return __atomic_load_n(&pgm->logging, __ATOMIC_ACQUIRE);
}

static uint64_t pgm_dirty_bytes(const Pgm *pgm)
{
    return (pgm->ram->len >> (PGM_PAGE_SHIFT + 3)) + 1;
}

void pgm_dirty_mark(Pgm *pgm, const uint8_t *hva)
{
    if (!pgm_is_logging(pgm) || hva < pgm->ram->hva || hva >= pgm->ram->hva + pgm->ram->len) {
        return;
    }
    uint64_t page = (uint64_t)(hva - pgm->ram->hva) >> PGM_PAGE_SHIFT;
    __atomic_or_fetch(&pgm->dirty[page >> 3], (uint8_t)(1u << (page & 7)), __ATOMIC_SEQ_CST);
}

gboolean pgm_dirty_is_clean(const Pgm *pgm, const uint8_t *hva)
{
    if (!pgm_is_logging(pgm) || hva < pgm->ram->hva || hva >= pgm->ram->hva + pgm->ram->len) {
        return FALSE;
    }
    uint64_t page = (uint64_t)(hva - pgm->ram->hva) >> PGM_PAGE_SHIFT;
    return !(__atomic_load_n(&pgm->dirty[page >> 3], __ATOMIC_SEQ_CST) >> (page & 7) & 1);
}

void pgm_page_dirty(Pgm *pgm, uint64_t gpa)
{
    viv_page_t page;
    if (!pgm_is_logging(pgm)) {
        return;
    }
    pgm_page_query(pgm, gpa, &page);
    if (page.kind == VIV_PAGE_RAM) {
        pgm_dirty_mark(pgm, page.hva);
    }
}

void pgm_dirty_all(Pgm *pgm)
{
    if (pgm_is_logging(pgm)) {
        for (uint64_t page = 0; page < pgm->ram->len >> PGM_PAGE_SHIFT; page++) {
            pgm_dirty_mark(pgm, pgm->ram->hva + (page << PGM_PAGE_SHIFT));
        }
    }
}

viv_status_t pgm_dirty_start(Pgm *pgm, VivError *err)
{
    if (pgm_is_logging(pgm)) {
        return error_set(err, VIV_E_BUSY, "the written pages are being logged already");
    }
    /* Stays until the end: a late writer may still look at it. */
    if (!pgm->dirty) {
        pgm->dirty = g_malloc0(pgm_dirty_bytes(pgm));
    } else {
        memset(pgm->dirty, 0, pgm_dirty_bytes(pgm));
    }
    __atomic_store_n(&pgm->logging, TRUE, __ATOMIC_RELEASE);
    return VIV_OK;
}

void pgm_dirty_stop(Pgm *pgm)
{
    __atomic_store_n(&pgm->logging, FALSE, __ATOMIC_RELEASE);
}

uint64_t pgm_dirty_fetch(Pgm *pgm, uint8_t *bits)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < pgm->ram->len >> (PGM_PAGE_SHIFT + 3); i++) {
        if (__atomic_load_n(&pgm->dirty[i], __ATOMIC_RELAXED)) {
            bits[i] |= __atomic_exchange_n(&pgm->dirty[i], 0, __ATOMIC_SEQ_CST);
        }
        count += (uint64_t)__builtin_popcount(bits[i]);
    }
    return count;
}
