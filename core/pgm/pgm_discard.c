/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM: RAM given back to the host. A hole in the memory file reads as zeros at the same host
 * address, so engines may keep theirs; decoded code and the log of written pages have to hear. */
#include <fcntl.h>
#include <string.h>

#include "pgm/pgm_internal.h"

/* The number of bytes from gpa on, at most len, whose pages lie in RAM one behind the other. */
static uint64_t pgm_ram_run(Pgm *pgm, uint64_t gpa, uint64_t len, uint8_t **ret_hva)
{
    uint64_t run = 0;
    viv_page_t page;
    for (; run < len; run += PGM_PAGE_SIZE) {
        pgm_page_query(pgm, gpa + run, &page);
        if (page.kind != VIV_PAGE_RAM || page.hva < pgm->ram->hva ||
            page.hva >= pgm->ram->hva + pgm->ram->len || (run && page.hva != *ret_hva + run)) {
            break;
        }
        if (!run) {
            *ret_hva = page.hva;
        }
    }
    return run;
}

static void pgm_discard_run(Pgm *pgm, uint64_t gpa, uint8_t *hva, uint64_t len)
{
    uint64_t off = (uint64_t)(hva - pgm->ram->hva);
    if (fallocate(pgm->ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
                  (off_t)len) < 0) {
        memset(hva, 0, len);
    }
    for (uint64_t at = 0; at < len; at += PGM_PAGE_SIZE) {
        pgm_dirty_mark(pgm, hva + at);
        if (pgm->code_written && pgm_has_code(pgm, hva + at)) {
            pgm->code_written(pgm->code_written_ctx, gpa + at, PGM_PAGE_SIZE);
        }
    }
}

void pgm_discard(Pgm *pgm, uint64_t gpa, uint64_t len_bytes)
{
    uint64_t mask = PGM_PAGE_SIZE - 1;
    if (gpa >= PGM_MAX_GPA) {
        return;
    }
    uint64_t end = (gpa + MIN(len_bytes, PGM_MAX_GPA - gpa)) & ~mask;
    for (uint64_t at = (gpa + mask) & ~mask; at < end;) {
        uint8_t *hva = NULL;
        uint64_t run = pgm_ram_run(pgm, at, end - at, &hva);
        if (run) {
            pgm_discard_run(pgm, at, hva, run);
            at += run;
        } else {
            at += PGM_PAGE_SIZE;
        }
    }
}
