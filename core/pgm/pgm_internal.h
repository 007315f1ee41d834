/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM's own: blocks, ranges and the derived map. For core/pgm/ only. */
#ifndef CORE_PGM_INTERNAL_H
#define CORE_PGM_INTERNAL_H

#include "pgm/pgm.h"

#define PGM_CHUNK_SHIFT 21
#define PGM_CHUNK_SIZE  (UINT64_C(1) << PGM_CHUNK_SHIFT)
#define PGM_CHUNK_PAGES 512u
#define PGM_CHUNKS      (PGM_MAX_GPA >> PGM_CHUNK_SHIFT)

#define PGM_PAM_START 0xa0000u /* SMRAM, then what PAM proper switches */
#define PGM_PAM_END   0x100000u
#define PGM_PAM_ALL   ((PGM_PAM_END - PGM_PAM_START) >> PGM_PAGE_SHIFT)
#define PGM_PAM_SAVED (PGM_PAM_ALL - PGM_PAM_PAGES) /* the first page of PAM proper */
#define PGM_PAM_READ  1u
#define PGM_PAM_WRITE 2u
#define PGM_PAM_SET   4u /* a chipset has spoken; until then RAM lies below the ranges */

struct PgmBlock {
    char *name;
    uint8_t *hva;
    uint64_t len;
    int fd;
    int old_fd; /* its contents before a load that may yet be undone; -1: none */
    uint32_t reserved0;
};

struct PgmRange {
    uint64_t gpa, len;
    PgmBlock *block; /* NULL: MMIO alone */
    uint64_t offset;
    gboolean writable;
    gboolean direct; /* MMIO with a block behind it: reads come from there */
    gboolean ram;    /* the machine's own RAM: what PAM switches to */
    struct IomRange *io;
};

typedef struct PgmPage {
    uint8_t *hva;   /* what reads see */
    uint8_t *whva;  /* what writes go to; NULL: dropped or MMIO */
    PgmRange *mmio; /* handlers of writes, and of reads unless there is hva */
    uint32_t kind;  /* VIV_PAGE_* */
    uint32_t reserved0;
} PgmPage;

typedef struct PgmChunk {
    uint8_t *ram;
    PgmPage *pages;
} PgmChunk;

struct Pgm {
    uint64_t ram_bytes, ram_below_4g;
    PgmBlock *ram;
    GPtrArray *blocks;
    GPtrArray *ranges; /* bottom to top */
    PgmChunk *chunks;
    uint8_t pam[PGM_PAM_ALL];
    uint8_t *code_marks; /* one bit a RAM page */
    uint8_t *dirty;      /* one bit a RAM page; NULL: there was never a log */
    gboolean logging;    /* atomic */
    GRWLock lock;        /* ranges, chunks */
    volatile uint64_t generation;
    void (*changed)(void *ctx);
    void *changed_ctx;
    void (*code_written)(void *ctx, uint64_t gpa, uint64_t len);
    void *code_written_ctx;
};

/* pgm_dirty.c: a page of the block at that host address is about to be, or has been, written. */
void pgm_dirty_mark(Pgm *pgm, const uint8_t *hva);
/* Is a log kept, and the page not in it? */
gboolean pgm_dirty_is_clean(const Pgm *pgm, const uint8_t *hva);

/* Has the page of that host address decoded code in an engine? */
gboolean pgm_has_code(Pgm *pgm, const uint8_t *hva);

#endif
