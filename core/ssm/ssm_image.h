/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: the machine's memory in a saved state, one unit for each block and pass.
 *
 * An image spans all blocks of the machine (RAM, device RAM), so that a page may be stored as equal
 * to one of any block. Units hold either every page of their block or, in the later passes of a
 * live save, those that were written since. The same contents give the same bytes whatever the
 * number of threads. An image belongs to one thread. */
#ifndef CORE_SSM_IMAGE_H
#define CORE_SSM_IMAGE_H

#include "ssm/ssm.h"

VIV_BEGIN_DECLS

/* Of "pgm" units. Version 1 was ssm_put_memory()'s. */
#define SSM_IMAGE_VERSION 2u

typedef struct SsmImage SsmImage;

typedef struct SsmBlock {
    const char *name; /* borrowed; at most 127 bytes */
    uint8_t *hva;
    uint64_t pages; /* of SSM_PAGE_BYTES, below 2^30 */
} SsmBlock;

/* Where the block's host memory has contents: the first page at or behind `page` that may be other
 * than zeros, and the end of that stretch; false: none. NULL: look at every page. */
typedef bool (*SsmExtentFn)(void *ctx, uint32_t block, uint64_t page, uint64_t *ret_first,
                            uint64_t *ret_end);

/* threads 0: as many as are of use on this host. blocks is copied. */
SsmImage *ssm_image_new(const SsmBlock *blocks, uint32_t count, uint32_t threads,
                        SsmExtentFn extents, void *ctx);
void ssm_image_free(SsmImage *image); /* NULL is fine */

/* The block into the open unit: all of it (dirty NULL) or the pages whose bits are set. The guest
 * may be writing: a page that it changes meanwhile must come again in a later unit. */
viv_status_t ssm_image_put(SsmImage *image, viv_stream_t *stream, uint32_t block,
                           const uint8_t *dirty);

/* The open unit into the block, which must be all zeros before the first of its units. */
viv_status_t ssm_image_get(SsmImage *image, viv_stream_t *stream, uint32_t block);
/* VIV_E_CORRUPT with a sentence unless every page of the block has been got. */
viv_status_t ssm_image_complete(const SsmImage *image, viv_stream_t *stream, uint32_t block);

typedef struct SsmImageInfo {
    char name[128];
    uint64_t pages;        /* of the block */
    uint64_t zero, same;   /* pages in this unit that cost nothing */
    uint64_t data;         /* and that are stored */
    uint64_t packed_bytes; /* in which the data pages are */
} SsmImageInfo;

/* What a unit of that version holds, without a machine. expand: decompresses too, to see that it
 * can be done. */
viv_status_t ssm_image_scan(viv_stream_t *stream, uint32_t version, bool expand,
                            SsmImageInfo *ret_info);

VIV_END_DECLS
#endif
