/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM: the guest-physical address space. RAM and device RAM lie in memfd-backed blocks; ranges lay
 * blocks, ROM and MMIO over the space, the latest mapped on top and PCI's below all others. One page lookup serves engines and
 * DMA alike. Locking: lookups and accesses are [any]; mapping functions are serialised inside. MMIO
 * handlers are called without PGM's lock. */
#ifndef CORE_PGM_H
#define CORE_PGM_H

#include <glib.h>
#include <viv/draft/engine.h>

#include "log/error.h"

typedef struct Pgm Pgm;
typedef struct PgmBlock PgmBlock;
typedef struct PgmRange PgmRange;
struct IomRange;

#define PGM_PAGE_SHIFT 12
#define PGM_PAGE_SIZE  4096u
#define PGM_MAX_GPA    (UINT64_C(1) << 40) /* the map's end; above everything is unassigned */
#define PGM_4G         (UINT64_C(1) << 32)

/* The machine's RAM: below hole_start from 0, the rest from 4 GiB. NULL on failure, with err
 * set. */
Pgm *pgm_new(uint64_t ram_bytes, uint64_t hole_start, VivError *err);
void pgm_free(Pgm *pgm);
uint64_t pgm_ram_bytes(const Pgm *pgm);
uint64_t pgm_ram_below_4g(const Pgm *pgm);

/* A block of host memory, zeroed. Lives until pgm_free. */
PgmBlock *pgm_block_new(Pgm *pgm, const char *name, uint64_t len_bytes, VivError *err);
uint8_t *pgm_block_hva(const PgmBlock *block);
uint64_t pgm_block_len(const PgmBlock *block);
const char *pgm_block_name(const PgmBlock *block);
/* In order of creation, RAM first; NULL past the end. For saved state. */
PgmBlock *pgm_block_at(Pgm *pgm, uint32_t index);

/* Lays [offset, offset+len) of a block over gpa; page granular. */
PgmRange *pgm_map_block(Pgm *pgm, uint64_t gpa, PgmBlock *block, uint64_t offset,
                        uint64_t len_bytes, gboolean writable, VivError *err);
/* Lays an MMIO range over gpa. */
PgmRange *pgm_map_mmio(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, struct IomRange *io,
                       VivError *err);
/* Puts a block behind an MMIO range of whole pages: reads come from it while `direct`, writes go to
 * the handlers always. */
viv_status_t pgm_back_mmio(Pgm *pgm, PgmRange *range, PgmBlock *block, uint64_t offset,
                           gboolean direct, VivError *err);
/* The same for what PCI decodes: below everything mapped otherwise, as a bus lies behind the memory
 * controller; RAM and the board's fixed ranges hide it. Of two that overlap the earlier is seen. */
PgmRange *pgm_map_bus_block(Pgm *pgm, uint64_t gpa, PgmBlock *block, uint64_t offset,
                            uint64_t len_bytes, gboolean writable, VivError *err);
PgmRange *pgm_map_bus_mmio(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, struct IomRange *io,
                           VivError *err);
void pgm_unmap(Pgm *pgm, PgmRange *range); /* NULL is fine */
/* A0000h-FFFFFh: whether reads and writes see RAM or the ranges above it. 16 KiB granules and
 * finer; page granular. */
void pgm_pam_set(Pgm *pgm, uint64_t gpa, uint64_t len_bytes, gboolean read_ram, gboolean write_ram);

/* What pgm_pam_set() has made of each page from C0000h on, for saved state: VIV_E_CORRUPT if it
 * cannot be. Below, where SMRAM is, the chipset sets it anew. */
#define PGM_PAM_PAGES 64u
void pgm_pam_get(Pgm *pgm, uint8_t pages[PGM_PAM_PAGES]);
viv_status_t pgm_pam_put(Pgm *pgm, const uint8_t pages[PGM_PAM_PAGES]);

/* Told after every change of the map, on the changing thread. */
void pgm_set_changed_fn(Pgm *pgm, void (*fn)(void *ctx), void *ctx);
/* Told when DMA or the host has written a page with a code mark. */
void pgm_set_code_written_fn(Pgm *pgm, void (*fn)(void *ctx, uint64_t gpa, uint64_t len),
                             void *ctx);
/* Raised with every change of the map: what cached lookups compare. */
uint64_t pgm_generation(const Pgm *pgm);

void pgm_page_query(Pgm *pgm, uint64_t gpa, viv_page_t *ret_page);
/* The MMIO range at gpa and its first address, or NULL. */
struct IomRange *pgm_mmio_at(Pgm *pgm, uint64_t gpa, uint64_t *ret_base, uint64_t *ret_end);
void pgm_read(Pgm *pgm, uint64_t gpa, void *buf, uint64_t len_bytes);
void pgm_write(Pgm *pgm, uint64_t gpa, const void *buf, uint64_t len_bytes);
/* A host pointer if all of [gpa, gpa+len) is one stretch of RAM, else NULL. For writing at once: the
 * pages count as written. */
uint8_t *pgm_ram_ptr(Pgm *pgm, uint64_t gpa, uint64_t len_bytes);
void pgm_code_mark(Pgm *pgm, uint64_t gpa, gboolean mark);

/* Gives the whole pages of [gpa, gpa+len) that are the machine's RAM back to the host: they read as
 * zeros (pgm_discard.c). [any] */
void pgm_discard(Pgm *pgm, uint64_t gpa, uint64_t len_bytes);

/* -- which pages of the machine's RAM are written, for live saves (pgm_dirty.c) -- */

/* From here on pages are logged. Engines hear of it when their cached lookups are dropped: the
 * caller sees to that, here and after each fetch. VIV_E_BUSY: there is a log already. */
viv_status_t pgm_dirty_start(Pgm *pgm, VivError *err);
void pgm_dirty_stop(Pgm *pgm);
/* An engine is about to store to the page. [any] */
void pgm_page_dirty(Pgm *pgm, uint64_t gpa);
/* All of RAM may have been written. [any] */
void pgm_dirty_all(Pgm *pgm);
/* Or-s the log into bits, one for each page of the first block, and empties it. Returns how many
 * bits are set in bits then. */
uint64_t pgm_dirty_fetch(Pgm *pgm, uint8_t *bits);

/* -- contents as a whole, for loading (pgm_load.c). EMTs stand -- */

/* Every block reads as zeros from here on, at the same host addresses. VIV_E_NOMEM: nothing has
 * changed. */
viv_status_t pgm_load_begin(Pgm *pgm, VivError *err);
/* The new contents stay, or the old ones come back. */
void pgm_load_end(Pgm *pgm, gboolean keep);
/* The first page at or behind `page` of the block that may be other than zeros, and the end of that
 * stretch; FALSE: there is none. */
gboolean pgm_block_extent(const PgmBlock *block, uint64_t page, uint64_t *ret_first,
                          uint64_t *ret_end);

#endif
