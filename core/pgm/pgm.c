/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM: guest-physical address space (see pgm.h). Invariants:
 *  1. The page of gpa is found through chunks[gpa >> 21]: either `ram` (the whole 2 MiB is plain
 *     RAM) or a table of 512 page entries, or neither (unassigned).
 *  2. A page entry is derived from `ranges` and `pam` alone; pgm_rebuild() is the only writer.
 *  3. Among ranges that cover a page the last one in `ranges` is seen.
 *  4. Code marks live in one bitmap over RAM block pages and survive rebuilds. */
#include "pgm/pgm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iom/iom.h"
#include "log/log.h"
#include "pgm/pgm_internal.h"

/* -- blocks ---------------------------------------------------------------------------------- */

static void pgm_block_free(gpointer data)
{
    PgmBlock *block = data;
    if (block->hva) {
        munmap(block->hva, block->len);
    }
    if (block->fd >= 0) {
        close(block->fd);
    }
    g_free(block->name);
    g_free(block);
}

PgmBlock *pgm_block_new(Pgm *pgm, const char *name, uint64_t len_bytes, VivError *err)
{
    uint64_t len = (len_bytes + PGM_PAGE_SIZE - 1) & ~(uint64_t)(PGM_PAGE_SIZE - 1);
    if (len < len_bytes || len == 0 || len > PGM_MAX_GPA) {
        error_set(err, VIV_E_INVALID, "memory block %s: %" PRIu64 " bytes is not a possible size",
                  name, len_bytes);
        return NULL;
    }
    PgmBlock *block = g_new0(PgmBlock, 1);
    block->name = g_strdup(name);
    block->len = len;
    block->old_fd = -1;
    block->fd = memfd_create(name, MFD_CLOEXEC);
    if (block->fd < 0 || ftruncate(block->fd, (off_t)len) < 0) {
        error_set(err, VIV_E_NOMEM, "memory block %s: no %" PRIu64 " MiB of host memory: %s", name,
                  len >> 20, g_strerror(errno));
        pgm_block_free(block);
        return NULL;
    }
    void *hva = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, block->fd, 0);
    if (hva == MAP_FAILED) {
        error_set(err, VIV_E_NOMEM, "memory block %s: cannot map %" PRIu64 " MiB: %s", name,
                  len >> 20, g_strerror(errno));
        pgm_block_free(block);
        return NULL;
    }
    block->hva = hva;
    g_ptr_array_add(pgm->blocks, block);
    return block;
}

uint8_t *pgm_block_hva(const PgmBlock *block)
{
    return block->hva;
}

uint64_t pgm_block_len(const PgmBlock *block)
{
    return block->len;
}

const char *pgm_block_name(const PgmBlock *block)
{
    return block->name;
}

PgmBlock *pgm_block_at(Pgm *pgm, uint32_t index)
{
    return index < pgm->blocks->len ? g_ptr_array_index(pgm->blocks, index) : NULL;
}

/* -- the derived map ------------------------------------------------------------------------- */

typedef enum PgmWhich { PGM_ANY, PGM_RAM, PGM_NOT_RAM } PgmWhich;

static PgmRange *pgm_top_range(Pgm *pgm, uint64_t gpa, PgmWhich which)
{
    for (guint i = pgm->ranges->len; i-- > 0;) {
        PgmRange *range = g_ptr_array_index(pgm->ranges, i);
        /* A sub-page MMIO range makes its whole page MMIO. */
        uint64_t first = range->gpa & ~(uint64_t)(PGM_PAGE_SIZE - 1);
        if (gpa >= first && gpa < range->gpa + range->len &&
            (which == PGM_ANY || (which == PGM_RAM) == (range->ram != 0))) {
            return range;
        }
    }
    return NULL;
}

static uint8_t *pgm_range_hva(const PgmRange *range, uint64_t gpa)
{
    return range->block->hva + range->offset + (gpa - range->gpa);
}

static void pgm_fill_page(PgmPage *page, PgmRange *range, uint64_t gpa)
{
    *page = (PgmPage){0};
    if (!range) {
        page->kind = VIV_PAGE_UNASSIGNED;
    } else if (range->io && !range->direct) {
        page->kind = VIV_PAGE_MMIO;
        page->mmio = range;
    } else if (range->io) {
        page->kind = VIV_PAGE_ROM;
        page->hva = pgm_range_hva(range, gpa);
        page->mmio = range;
    } else {
        page->hva = pgm_range_hva(range, gpa);
        page->whva = range->writable ? page->hva : NULL;
        page->kind = range->writable ? VIV_PAGE_RAM : VIV_PAGE_ROM;
    }
}

static void pgm_apply_pam(Pgm *pgm, PgmPage *page, uint64_t gpa)
{
    uint8_t pam = pgm->pam[(gpa - PGM_PAM_START) >> PGM_PAGE_SHIFT];
    if (!(pam & PGM_PAM_SET)) {
        return;
    }
    PgmRange *ram = pgm_top_range(pgm, gpa, PGM_RAM);
    if (!ram) {
        return;
    }
    uint8_t *hva = pgm_range_hva(ram, gpa);
    PgmPage below = {0};
    pgm_fill_page(&below, pgm_top_range(pgm, gpa, PGM_NOT_RAM), gpa);
    *page = below;
    if (pam & PGM_PAM_READ) {
        page->hva = hva;
        page->mmio = NULL;
        page->whva = (pam & PGM_PAM_WRITE) ? hva : NULL;
        page->kind = (pam & PGM_PAM_WRITE) ? VIV_PAGE_RAM : VIV_PAGE_ROM;
    } else if ((pam & PGM_PAM_WRITE) && below.kind != VIV_PAGE_MMIO) {
        page->whva = hva;
        page->kind = below.hva ? VIV_PAGE_SHADOW : VIV_PAGE_UNASSIGNED;
    }
}

/* Is all of the chunk one piece of the machine's RAM? */
static uint8_t *pgm_plain_ram(Pgm *pgm, uint64_t start)
{
    uint64_t end = start + PGM_CHUNK_SIZE;
    for (guint i = pgm->ranges->len; i-- > 0;) {
        PgmRange *range = g_ptr_array_index(pgm->ranges, i);
        if (range->gpa < end && range->gpa + range->len > start) {
            gboolean whole = range->ram && range->gpa <= start && range->gpa + range->len >= end;
            return whole ? pgm_range_hva(range, start) : NULL;
        }
    }
    return NULL;
}

static gboolean pgm_chunk_empty(Pgm *pgm, uint64_t start)
{
    for (guint i = 0; i < pgm->ranges->len; i++) {
        PgmRange *range = g_ptr_array_index(pgm->ranges, i);
        if (range->gpa < start + PGM_CHUNK_SIZE && range->gpa + range->len > start) {
            return FALSE;
        }
    }
    return TRUE;
}

/* [lock held for writing] */
static void pgm_rebuild(Pgm *pgm, uint64_t gpa, uint64_t len)
{
    uint64_t first = gpa >> PGM_CHUNK_SHIFT;
    uint64_t last = (gpa + len - 1) >> PGM_CHUNK_SHIFT;
    for (uint64_t c = first; c <= last && c < PGM_CHUNKS; c++) {
        PgmChunk *chunk = &pgm->chunks[c];
        uint64_t start = c << PGM_CHUNK_SHIFT;
        chunk->ram = start == 0 ? NULL : pgm_plain_ram(pgm, start);
        if (chunk->ram || pgm_chunk_empty(pgm, start)) {
            g_clear_pointer(&chunk->pages, g_free);
            continue;
        }
        if (!chunk->pages) {
            chunk->pages = g_new0(PgmPage, PGM_CHUNK_PAGES);
        }
        for (uint64_t i = 0; i < PGM_CHUNK_PAGES; i++) {
            uint64_t at = start + (i << PGM_PAGE_SHIFT);
            pgm_fill_page(&chunk->pages[i], pgm_top_range(pgm, at, PGM_ANY), at);
            if (at >= PGM_PAM_START && at < PGM_PAM_END) {
                pgm_apply_pam(pgm, &chunk->pages[i], at);
            }
        }
    }
}

static void pgm_tell_changed(Pgm *pgm)
{
    __atomic_add_fetch(&pgm->generation, 1, __ATOMIC_SEQ_CST);
    if (pgm->changed) {
        pgm->changed(pgm->changed_ctx);
    }
}

static PgmRange *pgm_add_range(Pgm *pgm, PgmRange *range, gboolean bottom)
{
    g_rw_lock_writer_lock(&pgm->lock);
    g_ptr_array_insert(pgm->ranges, bottom ? 0 : -1, range);
    pgm_rebuild(pgm, range->gpa, range->len);
    g_rw_lock_writer_unlock(&pgm->lock);
    pgm_tell_changed(pgm);
    return range;
}

static gboolean pgm_range_fits(uint64_t gpa, uint64_t len, VivError *err)
{
    if (len == 0 || gpa >= PGM_MAX_GPA || len > PGM_MAX_GPA - gpa) {
        error_set(err, VIV_E_INVALID,
                  "guest-physical range %#" PRIx64 "+%#" PRIx64 " is outside the map", gpa, len);
        return FALSE;
    }
    return TRUE;
}

static PgmRange *pgm_lay_block(Pgm *pgm, uint64_t gpa, PgmBlock *block, uint64_t offset,
                               uint64_t len_bytes, gboolean writable, gboolean bottom,
                               VivError *err)
{
    uint64_t mask = PGM_PAGE_SIZE - 1;
    if (!pgm_range_fits(gpa, len_bytes, err)) {
        return NULL;
    }
    if (((gpa | offset | len_bytes) & mask) || offset > block->len ||
        len_bytes > block->len - offset) {
        error_set(err, VIV_E_INVALID,
                  "%s: window %#" PRIx64 "+%#" PRIx64 " at %#" PRIx64
                  " is not page-aligned or leaves the block",
                  block->name, offset, len_bytes, gpa);
        return NULL;
    }
    PgmRange *range = g_new0(PgmRange, 1);
    range->gpa = gpa;
    range->len = len_bytes;
    range->block = block;
    range->offset = offset;
    range->writable = writable;
    range->ram = block == pgm->ram;
    return pgm_add_range(pgm, range, bottom);
}

static PgmRange *pgm_lay_mmio(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, struct IomRange *io,
                              gboolean bottom, VivError *err)
{
    if (!pgm_range_fits(gpa, len_bytes, err)) {
        return NULL;
    }
    PgmRange *range = g_new0(PgmRange, 1);
    range->gpa = gpa;
    range->len = len_bytes;
    range->io = io;
    return pgm_add_range(pgm, range, bottom);
}

PgmRange *pgm_map_block(Pgm *pgm, uint64_t gpa, PgmBlock *block, uint64_t offset,
                        uint64_t len_bytes, gboolean writable, VivError *err)
{
    return pgm_lay_block(pgm, gpa, block, offset, len_bytes, writable, FALSE, err);
}

PgmRange *pgm_map_mmio(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, struct IomRange *io,
                       VivError *err)
{
    return pgm_lay_mmio(pgm, gpa, len_bytes, io, FALSE, err);
}

PgmRange *pgm_map_bus_block(Pgm *pgm, uint64_t gpa, PgmBlock *block, uint64_t offset,
                            uint64_t len_bytes, gboolean writable, VivError *err)
{
    return pgm_lay_block(pgm, gpa, block, offset, len_bytes, writable, TRUE, err);
}

PgmRange *pgm_map_bus_mmio(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, struct IomRange *io,
                           VivError *err)
{
    return pgm_lay_mmio(pgm, gpa, len_bytes, io, TRUE, err);
}

viv_status_t pgm_back_mmio(Pgm *pgm, PgmRange *range, PgmBlock *block, uint64_t offset,
                           gboolean direct, VivError *err)
{
    if (((range->gpa | range->len | offset) & (PGM_PAGE_SIZE - 1)) || offset > block->len ||
        range->len > block->len - offset) {
        return error_set(err, VIV_E_INVALID,
                         "%s: cannot stand behind the range at %#" PRIx64 "+%#" PRIx64, block->name,
                         range->gpa, range->len);
    }
    if (range->block == block && range->offset == offset && range->direct == direct) {
        return VIV_OK;
    }
    g_rw_lock_writer_lock(&pgm->lock);
    range->block = block;
    range->offset = offset;
    range->direct = direct;
    pgm_rebuild(pgm, range->gpa, range->len);
    g_rw_lock_writer_unlock(&pgm->lock);
    pgm_tell_changed(pgm);
    if (direct && pgm->code_written) { /* the handlers may have changed what is seen now */
        pgm->code_written(pgm->code_written_ctx, range->gpa, range->len);
    }
    return VIV_OK;
}

void pgm_unmap(Pgm *pgm, PgmRange *range)
{
    if (!range) {
        return;
    }
    g_rw_lock_writer_lock(&pgm->lock);
    g_ptr_array_remove(pgm->ranges, range); /* keeps the order */
    pgm_rebuild(pgm, range->gpa, range->len);
    g_rw_lock_writer_unlock(&pgm->lock);
    g_free(range);
    pgm_tell_changed(pgm);
}

void pgm_pam_set(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, gboolean read_ram, gboolean write_ram)
{
    uint8_t pam =
        (uint8_t)(PGM_PAM_SET | (read_ram ? PGM_PAM_READ : 0) | (write_ram ? PGM_PAM_WRITE : 0));
    uint64_t end = gpa + len_bytes;
    gboolean changed = FALSE;
    if (gpa < PGM_PAM_START || end > PGM_PAM_END || end <= gpa) {
        return;
    }
    g_rw_lock_writer_lock(&pgm->lock);
    for (uint64_t at = gpa; at < end; at += PGM_PAGE_SIZE) {
        uint8_t *slot = &pgm->pam[(at - PGM_PAM_START) >> PGM_PAGE_SHIFT];
        changed |= *slot != pam;
        *slot = pam;
    }
    if (changed) {
        pgm_rebuild(pgm, gpa, len_bytes);
    }
    g_rw_lock_writer_unlock(&pgm->lock);
    if (changed) {
        pgm_tell_changed(pgm);
    }
}

void pgm_pam_get(Pgm *pgm, uint8_t pages[PGM_PAM_PAGES])
{
    g_rw_lock_reader_lock(&pgm->lock);
    memcpy(pages, pgm->pam + PGM_PAM_SAVED, PGM_PAM_PAGES);
    g_rw_lock_reader_unlock(&pgm->lock);
}

viv_status_t pgm_pam_put(Pgm *pgm, const uint8_t pages[PGM_PAM_PAGES])
{
    for (uint32_t i = 0; i < PGM_PAM_PAGES; i++) {
        if (pages[i] > (PGM_PAM_READ | PGM_PAM_WRITE | PGM_PAM_SET)) {
            return VIV_E_CORRUPT;
        }
    }
    g_rw_lock_writer_lock(&pgm->lock);
    memcpy(pgm->pam + PGM_PAM_SAVED, pages, PGM_PAM_PAGES);
    pgm_rebuild(pgm, PGM_PAM_START, PGM_PAM_END - PGM_PAM_START);
    g_rw_lock_writer_unlock(&pgm->lock);
    pgm_tell_changed(pgm);
    return VIV_OK;
}

/* -- lookups --------------------------------------------------------------------------------- */

/* [lock held for reading] */
static PgmPage pgm_lookup(Pgm *pgm, uint64_t gpa)
{
    PgmPage page = {0};
    if (gpa >= PGM_MAX_GPA) {
        return page;
    }
    const PgmChunk *chunk = &pgm->chunks[gpa >> PGM_CHUNK_SHIFT];
    if (chunk->ram) {
        page.hva = chunk->ram + (gpa & (PGM_CHUNK_SIZE - 1) & ~(uint64_t)(PGM_PAGE_SIZE - 1));
        page.whva = page.hva;
        page.kind = VIV_PAGE_RAM;
    } else if (chunk->pages) {
        page = chunk->pages[(gpa >> PGM_PAGE_SHIFT) & (PGM_CHUNK_PAGES - 1)];
    }
    return page;
}

static PgmPage pgm_lookup_locked(Pgm *pgm, uint64_t gpa)
{
    g_rw_lock_reader_lock(&pgm->lock);
    PgmPage page = pgm_lookup(pgm, gpa);
    g_rw_lock_reader_unlock(&pgm->lock);
    return page;
}

void pgm_page_query(Pgm *pgm, uint64_t gpa, viv_page_t *ret_page)
{
    PgmPage page = pgm_lookup_locked(pgm, gpa);
    ret_page->hva = page.hva;
    ret_page->kind = page.kind;
    ret_page->writable = page.kind == VIV_PAGE_RAM;
    ret_page->clean = page.whva && pgm_dirty_is_clean(pgm, page.whva);
    ret_page->reserved0 = 0;
}

struct IomRange *pgm_mmio_at(Pgm *pgm, uint64_t gpa, uint64_t *ret_base, uint64_t *ret_end)
{
    struct IomRange *io = NULL;
    g_rw_lock_reader_lock(&pgm->lock);
    PgmPage page = pgm_lookup(pgm, gpa);
    if (page.mmio && gpa >= page.mmio->gpa && gpa < page.mmio->gpa + page.mmio->len) {
        *ret_base = page.mmio->gpa;
        *ret_end = page.mmio->gpa + page.mmio->len;
        io = page.mmio->io;
    }
    g_rw_lock_reader_unlock(&pgm->lock);
    return io;
}

/* A handler's DMA may hit MMIO, whose handler may do DMA into MMIO ...: a guest must not get to the
 * end of our stack. */
#define PGM_MMIO_DEPTH 3
static _Thread_local uint32_t pgm_mmio_depth;

static void pgm_mmio_bytes(Pgm *pgm, uint64_t gpa, uint8_t *buf, uint64_t len, gboolean write)
{
    if (pgm_mmio_depth >= PGM_MMIO_DEPTH) {
        if (!write) {
            memset(buf, 0xff, len);
        }
        return;
    }
    pgm_mmio_depth++;
    while (len) {
        uint32_t width = 8;
        while (width > len || (gpa & (width - 1))) {
            width >>= 1;
        }
        uint64_t base, end, value = UINT64_MAX;
        struct IomRange *io = pgm_mmio_at(pgm, gpa, &base, &end);
        if (write) {
            memcpy(&value, buf, width);
            if (io) {
                iom_range_write(io, gpa - base, value, width);
            }
        } else {
            value = io ? iom_range_read(io, gpa - base, width) : UINT64_MAX;
            memcpy(buf, &value, width);
        }
        gpa += width;
        buf += width;
        len -= width;
    }
    pgm_mmio_depth--;
}

void pgm_read(Pgm *pgm, uint64_t gpa, void *buf, uint64_t len_bytes)
{
    uint8_t *to = buf;
    while (len_bytes) {
        uint64_t in_page = gpa & (PGM_PAGE_SIZE - 1);
        uint64_t part = MIN(len_bytes, PGM_PAGE_SIZE - in_page);
        PgmPage page = pgm_lookup_locked(pgm, gpa);
        if (page.kind == VIV_PAGE_MMIO) {
            pgm_mmio_bytes(pgm, gpa, to, part, FALSE);
        } else if (page.hva) {
            memcpy(to, page.hva + in_page, part);
        } else {
            memset(to, 0xff, part);
        }
        gpa += part;
        to += part;
        len_bytes -= part;
    }
}

gboolean pgm_has_code(Pgm *pgm, const uint8_t *hva)
{
    uint64_t off = (uint64_t)(hva - pgm->ram->hva);
    if (hva < pgm->ram->hva || off >= pgm->ram->len) {
        return TRUE; /* device RAM and ROM keep no marks: always tell */
    }
    uint64_t pfn = off >> PGM_PAGE_SHIFT;
    return (__atomic_load_n(&pgm->code_marks[pfn >> 3], __ATOMIC_RELAXED) >> (pfn & 7)) & 1;
}

void pgm_write(Pgm *pgm, uint64_t gpa, const void *buf, uint64_t len_bytes)
{
    const uint8_t *from = buf;
    while (len_bytes) {
        uint64_t in_page = gpa & (PGM_PAGE_SIZE - 1);
        uint64_t part = MIN(len_bytes, PGM_PAGE_SIZE - in_page);
        PgmPage page = pgm_lookup_locked(pgm, gpa);
        if (page.mmio && !page.whva) {
            pgm_mmio_bytes(pgm, gpa, (uint8_t *)(uintptr_t)from, part, TRUE);
        } else if (page.whva) {
            memcpy(page.whva + in_page, from, part);
            pgm_dirty_mark(pgm, page.whva);
            if (pgm->code_written && pgm_has_code(pgm, page.whva)) {
                pgm->code_written(pgm->code_written_ctx, gpa, part);
            }
        }
        gpa += part;
        from += part;
        len_bytes -= part;
    }
}

uint8_t *pgm_ram_ptr(Pgm *pgm, uint64_t gpa, uint64_t len_bytes)
{
    if (len_bytes == 0 || gpa >= PGM_MAX_GPA || len_bytes > PGM_MAX_GPA - gpa) {
        return NULL;
    }
    PgmPage first = pgm_lookup_locked(pgm, gpa);
    uint64_t start = gpa & ~(uint64_t)(PGM_PAGE_SIZE - 1);
    for (uint64_t at = start; at < gpa + len_bytes; at += PGM_PAGE_SIZE) {
        PgmPage page = pgm_lookup_locked(pgm, at);
        if (page.kind != VIV_PAGE_RAM || page.hva != first.hva + (at - start)) {
            return NULL;
        }
        pgm_dirty_mark(pgm, page.hva);
    }
    return first.hva + (gpa - start);
}

void pgm_code_mark(Pgm *pgm, uint64_t gpa, gboolean mark)
{
    PgmPage page = pgm_lookup_locked(pgm, gpa);
    if (!page.hva || page.hva < pgm->ram->hva || page.hva >= pgm->ram->hva + pgm->ram->len) {
        return;
    }
    uint64_t pfn = (uint64_t)(page.hva - pgm->ram->hva) >> PGM_PAGE_SHIFT;
    uint8_t bit = (uint8_t)(1u << (pfn & 7));
    if (mark) {
        __atomic_or_fetch(&pgm->code_marks[pfn >> 3], bit, __ATOMIC_RELAXED);
    } else {
        __atomic_and_fetch(&pgm->code_marks[pfn >> 3], (uint8_t)~bit, __ATOMIC_RELAXED);
    }
}

/* -- life ------------------------------------------------------------------------------------ */

Pgm *pgm_new(uint64_t ram_bytes, uint64_t hole_start, VivError *err)
{
    uint64_t mask = (UINT64_C(1) << 20) - 1;
    if (ram_bytes == 0 || (ram_bytes & mask) || ram_bytes > PGM_MAX_GPA / 2) {
        error_set(err, VIV_E_CONFIG,
                  "RamSize: %" PRIu64 " bytes; allowed: whole MiB, 1 MiB to %" PRIu64 " GiB",
                  ram_bytes, (PGM_MAX_GPA / 2) >> 30);
        return NULL;
    }
    Pgm *pgm = g_new0(Pgm, 1);
    g_rw_lock_init(&pgm->lock);
    pgm->blocks = g_ptr_array_new_with_free_func(pgm_block_free);
    pgm->ranges = g_ptr_array_new();
    pgm->ram_bytes = ram_bytes;
    pgm->ram_below_4g = MIN(ram_bytes, hole_start);
    pgm->chunks = mmap(NULL, PGM_CHUNKS * sizeof(PgmChunk), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pgm->chunks == MAP_FAILED) {
        pgm->chunks = NULL;
        error_set(err, VIV_E_NOMEM, "no host memory for the page map: %s", g_strerror(errno));
        pgm_free(pgm);
        return NULL;
    }
    pgm->ram = pgm_block_new(pgm, "ram", ram_bytes, err);
    if (!pgm->ram || !pgm_map_block(pgm, 0, pgm->ram, 0, pgm->ram_below_4g, TRUE, err) ||
        (ram_bytes > pgm->ram_below_4g &&
         !pgm_map_block(pgm, PGM_4G, pgm->ram, pgm->ram_below_4g, ram_bytes - pgm->ram_below_4g,
                        TRUE, err))) {
        pgm_free(pgm);
        return NULL;
    }
    pgm->code_marks = g_malloc0((ram_bytes >> (PGM_PAGE_SHIFT + 3)) + 1);
    return pgm;
}

void pgm_free(Pgm *pgm)
{
    if (!pgm) {
        return;
    }
    for (guint i = 0; i < pgm->ranges->len; i++) {
        g_free(g_ptr_array_index(pgm->ranges, i));
    }
    g_ptr_array_free(pgm->ranges, TRUE);
    g_ptr_array_free(pgm->blocks, TRUE);
    if (pgm->chunks) {
        for (uint64_t c = 0; c < PGM_CHUNKS; c++) {
            g_free(pgm->chunks[c].pages);
        }
        munmap(pgm->chunks, PGM_CHUNKS * sizeof(PgmChunk));
    }
    g_free(pgm->code_marks);
    g_free(pgm->dirty);
    g_rw_lock_clear(&pgm->lock);
    g_free(pgm);
}

uint64_t pgm_ram_bytes(const Pgm *pgm)
{
    return pgm->ram_bytes;
}

uint64_t pgm_ram_below_4g(const Pgm *pgm)
{
    return pgm->ram_below_4g;
}

void pgm_set_changed_fn(Pgm *pgm, void (*fn)(void *ctx), void *ctx)
{
    pgm->changed = fn;
    pgm->changed_ctx = ctx;
}

void pgm_set_code_written_fn(Pgm *pgm, void (*fn)(void *ctx, uint64_t gpa, uint64_t len), void *ctx)
{
    pgm->code_written = fn;
    pgm->code_written_ctx = ctx;
}

uint64_t pgm_generation(const Pgm *pgm)
{
    return __atomic_load_n(&pgm->generation, __ATOMIC_SEQ_CST);
}
