/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PGM: the contents of all blocks exchanged as a whole, so that a load that fails half-way can be
 * undone. New memory files are laid at the same host addresses; the old ones are kept until the
 * outcome is known. Costs no more memory than the state holds, and pages of zeros none. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pgm/pgm_internal.h"

static gboolean pgm_block_lay(PgmBlock *block, int fd)
{
    return mmap(block->hva, block->len, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) != MAP_FAILED;
}

static gboolean pgm_block_renew(PgmBlock *block)
{
    int fd = memfd_create(block->name, MFD_CLOEXEC);
    if (fd < 0) {
        return FALSE;
    }
    if (ftruncate(fd, (off_t)block->len) < 0 || !pgm_block_lay(block, fd)) {
        int error = errno;
        close(fd);
        errno = error;
        return FALSE;
    }
    block->old_fd = block->fd;
    block->fd = fd;
    return TRUE;
}

viv_status_t pgm_load_begin(Pgm *pgm, VivError *err)
{
    for (guint i = 0; i < pgm->blocks->len; i++) {
        PgmBlock *block = g_ptr_array_index(pgm->blocks, i);
        if (!pgm_block_renew(block)) {
            viv_status_t st = error_set(err, VIV_E_NOMEM, "memory block %s: no host memory: %s",
                                        block->name, g_strerror(errno));
            pgm_load_end(pgm, FALSE);
            return st;
        }
    }
    return VIV_OK;
}

void pgm_load_end(Pgm *pgm, gboolean keep)
{
    for (guint i = 0; i < pgm->blocks->len; i++) {
        PgmBlock *block = g_ptr_array_index(pgm->blocks, i);
        if (block->old_fd < 0) {
            continue;
        }
        if (keep) {
            close(block->old_fd);
        } else {
            /* Replaces a mapping of the same size: needs nothing that was not there. */
            gboolean laid = pgm_block_lay(block, block->old_fd);
            g_assert(laid);
            close(block->fd);
            block->fd = block->old_fd;
        }
        block->old_fd = -1;
    }
}

gboolean pgm_block_extent(const PgmBlock *block, uint64_t page, uint64_t *ret_first,
                          uint64_t *ret_end)
{
    off_t at = (off_t)(page << PGM_PAGE_SHIFT);
    off_t first = lseek(block->fd, at, SEEK_DATA);
    off_t end = first < 0 ? -1 : lseek(block->fd, first, SEEK_HOLE);
    if (first < 0 && errno == ENXIO) {
        return FALSE;
    }
    if (first < 0 || end < 0) { /* a host that does not say: everything may be something */
        first = at;
        end = (off_t)block->len;
    }
    *ret_first = (uint64_t)first >> PGM_PAGE_SHIFT;
    *ret_end = ((uint64_t)end + PGM_PAGE_SIZE - 1) >> PGM_PAGE_SHIFT;
    return TRUE;
}
