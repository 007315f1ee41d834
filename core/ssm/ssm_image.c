/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: memory images (see ssm_image.h), version 2 of a block's unit:
 *
 *     string name, u64 pages of the block, batches, u32 0
 *     batch  u32 number of runs (1 .. SSM_RUNS_MAX), the runs, and, if any is of kind data, u32
 *            stored length and the block of all their pages (1 .. SSM_BATCH_PAGES) in order; as
 *            long as the pages themselves: plain, shorter: one zstd frame
 *     run    u32 first page, u32 kind << 30 | number of pages; kind same: u32 block and u32 page
 *            where the first of them was stored before
 *
 * Runs ascend within a unit, so that a unit does not say anything twice and its work is bounded by
 * the block's size. A same page is one that an earlier unit, or an earlier run of this one, has
 * stored.
 *
 * Writing is a pipeline with a ring of jobs: workers copy, look for zeros and hash; this thread, in
 * order, finds same pages; workers compress; this thread, in order, writes. Batches are cut at
 * fixed page numbers, so the file depends on the contents alone. Reading is the same, shorter:
 * this thread reads, workers expand, this thread places.
 *
 * Invariants:
 * 1. stored[page] is the hash of what the latest unit says of the page; 0: zeros or nothing.
 * 2. A page is copied before it is looked at, so what is stored is consistent even when a running
 *    guest writes to it. */
#include "ssm/ssm_image.h"

#include <string.h>
#include <zstd.h>

#include "ssm/ssm_internal.h"
#include "ssm/ssm_pool.h"

#define SSM_BATCH_PAGES 256u
#define SSM_BATCH_BYTES (SSM_BATCH_PAGES * SSM_PAGE_BYTES)
#define SSM_RUNS_MAX    (SSM_BATCH_PAGES + 1u)
#define SSM_ZSTD_LEVEL  1
#define SSM_COUNT_MASK  0x3fffffffu
#define SSM_SAME_MIN    (1u << 10)
#define SSM_SAME_MAX    (1u << 20)

enum { SSM_RUN_ZERO, SSM_RUN_DATA, SSM_RUN_SAME, SSM_RUN_KINDS };

typedef struct SsmRun {
    uint32_t page, count, kind;
    uint32_t ref_block, ref_page;
} SsmRun;

/* Where a page of that content was stored last. Slots are overwritten: a miss costs space, nothing
 * else. */
typedef struct SsmSame {
    uint64_t hash;
    uint32_t block;
    uint32_t page;
} SsmSame;

/* A batch on its way through the ring. */
typedef struct SsmBatch {
    SsmJob job;
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
    const uint8_t *hva;             /* of the block */
    uint32_t hole_page, hole_count; /* no candidates, but zeros that nobody needs to look at */
    uint32_t count;                 /* candidates */
    uint32_t list[SSM_BATCH_PAGES]; /* their pages */
    uint64_t hash[SSM_BATCH_PAGES]; /* 0: zeros */
    uint8_t *pages;                 /* SSM_BATCH_BYTES */
    uint32_t data_pages;
    uint32_t run_count;
    SsmRun runs[SSM_RUNS_MAX];
    uint8_t *packed; /* ZSTD_compressBound(SSM_BATCH_BYTES) */
    size_t packed_room;
    size_t packed_bytes; /* as long as the pages themselves: not packed */
    const char *failed;  /* of expanding; NULL: it went well */
} SsmBatch;

struct SsmImage {
    SsmBlock *blocks;
    uint32_t block_count;
    SsmExtentFn extents;
    void *ctx;
    SsmPool *pool;
    SsmBatch *ring;
    uint32_t ring_size;
    uint64_t **stored; /* writing: of each block, a hash a page */
    SsmSame *same;
    uint32_t same_slots;
    uint8_t **loaded; /* reading: of each block, a bit a page */
    SsmRun zeros;     /* run that may yet grow; count 0: none */
};

/* -- life ------------------------------------------------------------------------------------ */

static void ssm_batch_finish(SsmBatch *b)
{
    ZSTD_freeCCtx(b->compress);
    ZSTD_freeDCtx(b->expand);
    g_free(b->pages);
    g_free(b->packed);
}

static void ssm_ring_init(SsmBatch *ring, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ring[i].packed_room = ZSTD_compressBound(SSM_BATCH_BYTES);
        ring[i].packed = g_malloc(ring[i].packed_room);
        ring[i].pages = g_malloc(SSM_BATCH_BYTES);
    }
}

SsmImage *ssm_image_new(const SsmBlock *blocks, uint32_t count, uint32_t threads,
                        SsmExtentFn extents, void *ctx)
{
    SsmImage *image = g_new0(SsmImage, 1);
    image->blocks = g_new0(SsmBlock, count);
    memcpy(image->blocks, blocks, count * sizeof *blocks);
    image->block_count = count;
    image->extents = extents;
    image->ctx = ctx;
    image->pool = ssm_pool_new(threads ? threads : ssm_pool_default_threads());
    image->ring_size = 2 * ssm_pool_threads(image->pool) + 2;
    image->ring = g_new0(SsmBatch, image->ring_size);
    ssm_ring_init(image->ring, image->ring_size);
    return image;
}

static void ssm_free_arrays(void **arrays, uint32_t count)
{
    for (uint32_t i = 0; arrays && i < count; i++)
        g_free(arrays[i]);
    g_free(arrays);
}

void ssm_image_free(SsmImage *image)
{
    if (!image)
        return;
    ssm_pool_free(image->pool);
    for (uint32_t i = 0; i < image->ring_size; i++)
        ssm_batch_finish(&image->ring[i]);
    ssm_free_arrays((void **)image->stored, image->block_count);
    ssm_free_arrays((void **)image->loaded, image->block_count);
    g_free(image->same);
    g_free(image->ring);
    g_free(image->blocks);
    g_free(image);
}

static bool ssm_bit(const uint8_t *bits, uint64_t at)
{
    return bits[at / 8] >> (at & 7) & 1;
}

/* -- putting: workers ------------------------------------------------------------------------ */

/* [worker] */
static void ssm_batch_look(SsmJob *job)
{
    SsmBatch *b = (SsmBatch *)job;
    for (uint32_t i = 0; i < b->count; i++) {
        uint8_t *copy = b->pages + (size_t)i * SSM_PAGE_BYTES;
        memcpy(copy, b->hva + (uint64_t)b->list[i] * SSM_PAGE_BYTES, SSM_PAGE_BYTES);
        b->hash[i] = ssm_is_zero(copy, SSM_PAGE_BYTES) ? 0 : ssm_page_hash(copy) | 1;
    }
}

/* [worker] */
static void ssm_batch_pack(SsmJob *job)
{
    SsmBatch *b = (SsmBatch *)job;
    const size_t plain = (size_t)b->data_pages * SSM_PAGE_BYTES;
    if (!b->compress)
        b->compress = ZSTD_createCCtx();
    const size_t packed = b->compress ? ZSTD_compressCCtx(b->compress, b->packed, b->packed_room,
                                                          b->pages, plain, SSM_ZSTD_LEVEL)
                                      : plain;
    b->packed_bytes = ZSTD_isError(packed) || packed >= plain ? plain : packed;
}

/* -- putting: same pages, in order ----------------------------------------------------------- */

static void ssm_image_writes(SsmImage *image)
{
    uint64_t pages = 0;
    if (image->stored)
        return;
    image->stored = g_new0(uint64_t *, image->block_count);
    for (uint32_t i = 0; i < image->block_count; i++) {
        image->stored[i] = g_new0(uint64_t, image->blocks[i].pages);
        pages += image->blocks[i].pages;
    }
    image->same_slots = SSM_SAME_MIN;
    while (image->same_slots < pages && image->same_slots < SSM_SAME_MAX)
        image->same_slots *= 2;
    image->same = g_new0(SsmSame, image->same_slots);
}

/* A page with these bytes that has been stored and has not been stored otherwise since. */
static bool ssm_image_same(SsmImage *image, uint32_t block, uint32_t page, const uint8_t *bytes,
                           uint64_t hash, SsmRun *ret_run)
{
    SsmSame *slot = &image->same[hash & (image->same_slots - 1)];
    const SsmSame was = *slot;
    if (was.hash == hash && image->stored[was.block][was.page] == hash &&
        memcmp(image->blocks[was.block].hva + (uint64_t)was.page * SSM_PAGE_BYTES, bytes,
               SSM_PAGE_BYTES) == 0) {
        *ret_run = (SsmRun){page, 1, SSM_RUN_SAME, was.block, was.page};
        return true;
    }
    *slot = (SsmSame){hash, block, page};
    return false;
}

static void ssm_batch_add(SsmBatch *b, const SsmRun *run)
{
    SsmRun *last = b->run_count ? &b->runs[b->run_count - 1] : NULL;
    if (last && last->kind == run->kind && last->page + last->count == run->page &&
        (run->kind != SSM_RUN_SAME ||
         (last->ref_block == run->ref_block && last->ref_page + last->count == run->ref_page)))
        last->count += run->count;
    else
        b->runs[b->run_count++] = *run;
}

/* The batch's runs, and its data pages moved together. A batch of zeros only is left to the next
 * one. */
static void ssm_batch_resolve(SsmImage *image, SsmBatch *b, uint32_t block)
{
    b->run_count = 0;
    b->data_pages = 0;
    if (image->zeros.count)
        b->runs[b->run_count++] = image->zeros;
    image->zeros.count = 0;
    if (b->hole_count)
        ssm_batch_add(b, &(SsmRun){b->hole_page, b->hole_count, SSM_RUN_ZERO, 0, 0});
    for (uint32_t i = 0; i < b->count; i++) {
        const uint32_t page = b->list[i];
        const uint8_t *bytes = b->pages + (size_t)i * SSM_PAGE_BYTES;
        SsmRun run = {page, 1, SSM_RUN_ZERO, 0, 0};
        if (b->hash[i] && !ssm_image_same(image, block, page, bytes, b->hash[i], &run)) {
            run.kind = SSM_RUN_DATA;
            if (b->data_pages != i)
                memcpy(b->pages + (size_t)b->data_pages * SSM_PAGE_BYTES, bytes, SSM_PAGE_BYTES);
            b->data_pages++;
        }
        image->stored[block][page] = b->hash[i];
        ssm_batch_add(b, &run);
    }
    if (b->run_count == 1 && b->runs[0].kind == SSM_RUN_ZERO) {
        image->zeros = b->runs[0];
        b->run_count = 0;
    }
}

static void ssm_batch_write(viv_stream_t *stream, const SsmBatch *b)
{
    if (!b->run_count)
        return;
    ssm_put_u32(stream, b->run_count);
    for (uint32_t i = 0; i < b->run_count; i++) {
        const SsmRun *run = &b->runs[i];
        ssm_put_u32(stream, run->page);
        ssm_put_u32(stream, run->kind << 30 | run->count);
        if (run->kind == SSM_RUN_SAME) {
            ssm_put_u32(stream, run->ref_block);
            ssm_put_u32(stream, run->ref_page);
        }
    }
    if (!b->data_pages)
        return;
    const bool plain = b->packed_bytes == (size_t)b->data_pages * SSM_PAGE_BYTES;
    ssm_put_u32(stream, (uint32_t)b->packed_bytes);
    ssm_put(stream, plain ? b->pages : b->packed, b->packed_bytes);
}

/* -- putting: what comes next ---------------------------------------------------------------- */

/* Goes over a block: whole windows, or the bits of a map. */
typedef struct SsmCursor {
    const SsmImage *image;
    uint32_t block;
    const uint8_t *dirty;
    uint64_t page, pages;
    uint64_t data_first, data_end; /* the stretch with contents at or behind page */
} SsmCursor;

static void ssm_cursor_extent(SsmCursor *c)
{
    const SsmImage *image = c->image;
    if (c->page < c->data_end)
        return;
    if (!image->extents) {
        c->data_end = c->pages;
    } else if (!image->extents(image->ctx, c->block, c->page, &c->data_first, &c->data_end)) {
        c->data_first = c->data_end = c->pages;
    }
}

static bool ssm_cursor_dirty(SsmCursor *c, SsmBatch *b)
{
    while (c->page < c->pages && b->count < SSM_BATCH_PAGES) {
        if ((c->page & 7) == 0 && c->dirty[c->page / 8] == 0) {
            c->page += 8;
            continue;
        }
        if (ssm_bit(c->dirty, c->page))
            b->list[b->count++] = (uint32_t)c->page;
        c->page++;
    }
    return b->count != 0;
}

/* A window of SSM_BATCH_PAGES at a multiple of that, or as many of them as lie in a hole. */
static bool ssm_cursor_window(SsmCursor *c, SsmBatch *b)
{
    if (c->page >= c->pages)
        return false;
    ssm_cursor_extent(c);
    const uint64_t hole_end =
        c->data_first >= c->pages ? c->pages : c->data_first / SSM_BATCH_PAGES * SSM_BATCH_PAGES;
    if (hole_end > c->page) {
        b->hole_page = (uint32_t)c->page;
        b->hole_count = (uint32_t)(hole_end - c->page);
        c->page = hole_end;
        return true;
    }
    const uint64_t end = MIN(c->page + SSM_BATCH_PAGES, c->pages);
    while (c->page < end)
        b->list[b->count++] = (uint32_t)c->page++;
    return true;
}

static bool ssm_cursor_next(SsmCursor *c, SsmBatch *b)
{
    b->hole_count = 0;
    b->count = 0;
    b->hva = c->image->blocks[c->block].hva;
    return c->dirty ? ssm_cursor_dirty(c, b) : ssm_cursor_window(c, b);
}

viv_status_t ssm_image_put(SsmImage *image, viv_stream_t *stream, uint32_t block,
                           const uint8_t *dirty)
{
    const SsmBlock *what = &image->blocks[block];
    SsmCursor cursor = {.image = image, .block = block, .dirty = dirty, .pages = what->pages};
    uint32_t looked = 0, resolved = 0, written = 0; /* jobs of the ring, counting on */
    bool more = true;
    ssm_image_writes(image);
    ssm_put_string(stream, what->name);
    ssm_put_u64(stream, what->pages);
    while (more || written != looked) {
        SsmBatch *b = &image->ring[looked % image->ring_size];
        if (more && looked - written < image->ring_size) {
            more = stream->status == VIV_OK && ssm_cursor_next(&cursor, b);
            if (more) {
                ssm_pool_submit(image->pool, &b->job, ssm_batch_look);
                looked++;
            }
        } else if (resolved != looked &&
                   (!more || looked - resolved > image->ring_size / 2 || written == resolved)) {
            b = &image->ring[resolved++ % image->ring_size];
            ssm_pool_wait(image->pool, &b->job);
            ssm_batch_resolve(image, b, block);
            ssm_pool_submit(image->pool, &b->job, ssm_batch_pack);
        } else {
            b = &image->ring[written++ % image->ring_size];
            ssm_pool_wait(image->pool, &b->job);
            ssm_batch_write(stream, b);
        }
    }
    if (image->zeros.count) {
        SsmBatch *b = &image->ring[0];
        b->count = b->hole_count = b->data_pages = 0;
        b->runs[0] = image->zeros;
        b->run_count = 1;
        image->zeros.count = 0;
        ssm_batch_write(stream, b);
    }
    return ssm_put_u32(stream, 0);
}

/* -- getting --------------------------------------------------------------------------------- */

/* What a unit may say: fixed by the machine, or by the unit's own head when it is only looked at. */
typedef struct SsmUnitRules {
    const SsmImage *image; /* NULL: none, references are taken as they are */
    uint64_t pages;
    uint64_t next; /* no run begins below */
} SsmUnitRules;

static viv_status_t ssm_get_run(viv_stream_t *stream, SsmUnitRules *rules, SsmRun *run)
{
    uint32_t word;
    ssm_get_u32(stream, &run->page);
    if (ssm_get_u32(stream, &word) != VIV_OK)
        return stream->status;
    run->kind = word >> 30;
    run->count = word & SSM_COUNT_MASK;
    if (run->kind >= SSM_RUN_KINDS || run->count == 0 || run->page < rules->next ||
        run->page >= rules->pages || run->count > rules->pages - run->page)
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "a run of %u pages of kind %u at page %u; possible are pages "
                               "%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                               run->count, run->kind, run->page, rules->next, rules->pages);
    rules->next = (uint64_t)run->page + run->count;
    if (run->kind != SSM_RUN_SAME)
        return VIV_OK;
    ssm_get_u32(stream, &run->ref_block);
    if (ssm_get_u32(stream, &run->ref_page) != VIV_OK || !rules->image)
        return stream->status;
    if (run->ref_block >= rules->image->block_count ||
        run->ref_page >= rules->image->blocks[run->ref_block].pages ||
        run->count > rules->image->blocks[run->ref_block].pages - run->ref_page)
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "page %u is the same as page %u of block %u, which is not there",
                               run->page, run->ref_page, run->ref_block);
    return VIV_OK;
}

/* The next batch, its data still packed; run_count 0: the unit's end. */
static viv_status_t ssm_batch_read(viv_stream_t *stream, SsmUnitRules *rules, SsmBatch *b)
{
    b->data_pages = 0;
    b->packed_bytes = 0;
    b->failed = NULL;
    if (ssm_get_u32(stream, &b->run_count) != VIV_OK)
        return stream->status;
    if (b->run_count > SSM_RUNS_MAX)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a batch of %u runs", b->run_count);
    for (uint32_t i = 0; i < b->run_count; i++) {
        if (ssm_get_run(stream, rules, &b->runs[i]) != VIV_OK)
            return stream->status;
        if (b->runs[i].kind != SSM_RUN_DATA)
            continue;
        if (b->runs[i].count > SSM_BATCH_PAGES - b->data_pages)
            return ssm_stream_fail(stream, VIV_E_CORRUPT, "a batch of more than %u stored pages",
                                   SSM_BATCH_PAGES);
        b->data_pages += b->runs[i].count;
    }
    if (!b->data_pages)
        return VIV_OK;
    const uint32_t plain = b->data_pages * SSM_PAGE_BYTES;
    uint32_t stored;
    if (ssm_get_u32(stream, &stored) != VIV_OK)
        return stream->status;
    if (stored == 0 || stored > plain)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "%u pages are stored in %u bytes",
                               b->data_pages, stored);
    b->packed_bytes = stored;
    return ssm_get(stream, stored == plain ? b->pages : b->packed, stored);
}

/* [worker] */
static void ssm_batch_expand(SsmJob *job)
{
    SsmBatch *b = (SsmBatch *)job;
    const size_t plain = (size_t)b->data_pages * SSM_PAGE_BYTES;
    if (b->packed_bytes == plain)
        return;
    if (!b->expand && !(b->expand = ZSTD_createDCtx())) {
        b->failed = "no memory for zstd";
        return;
    }
    const size_t got = ZSTD_decompressDCtx(b->expand, b->pages, plain, b->packed, b->packed_bytes);
    if (ZSTD_isError(got))
        b->failed = ZSTD_getErrorName(got);
    else if (got != plain)
        b->failed = "it is too short";
}

static viv_status_t ssm_batch_expanded(viv_stream_t *stream, const SsmBatch *b)
{
    if (!b->failed)
        return stream->status;
    return ssm_stream_fail(stream, VIV_E_CORRUPT, "the batch at page %u cannot be expanded: %s",
                           b->runs[0].page, b->failed);
}

static void ssm_image_reads(SsmImage *image)
{
    if (image->loaded)
        return;
    image->loaded = g_new0(uint8_t *, image->block_count);
    for (uint32_t i = 0; i < image->block_count; i++)
        image->loaded[i] = g_malloc0(image->blocks[i].pages / 8 + 1);
}

static viv_status_t ssm_place_same(SsmImage *image, viv_stream_t *stream, const SsmRun *run,
                                   uint32_t i, uint8_t *to)
{
    const uint32_t from = run->ref_page + i;
    if (!ssm_bit(image->loaded[run->ref_block], from))
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "page %u is the same as page %u of block %u, which is not stored "
                               "before it",
                               run->page + i, from, run->ref_block);
    memmove(to, image->blocks[run->ref_block].hva + (uint64_t)from * SSM_PAGE_BYTES,
            SSM_PAGE_BYTES);
    return VIV_OK;
}

static viv_status_t ssm_batch_place(SsmImage *image, viv_stream_t *stream, const SsmBatch *b,
                                    uint32_t block)
{
    const uint8_t *data = b->pages;
    uint8_t *loaded = image->loaded[block];
    for (uint32_t r = 0; r < b->run_count; r++) {
        const SsmRun *run = &b->runs[r];
        for (uint32_t i = 0; i < run->count; i++) {
            const uint64_t page = run->page + i;
            uint8_t *to = image->blocks[block].hva + page * SSM_PAGE_BYTES;
            if (run->kind == SSM_RUN_DATA) {
                memcpy(to, data, SSM_PAGE_BYTES);
                data += SSM_PAGE_BYTES;
            } else if (run->kind == SSM_RUN_SAME) {
                if (ssm_place_same(image, stream, run, i, to) != VIV_OK)
                    return stream->status;
            } else if (ssm_bit(loaded, page)) {
                memset(to, 0, SSM_PAGE_BYTES);
            }
            loaded[page / 8] = (uint8_t)(loaded[page / 8] | 1u << (page & 7));
        }
    }
    return VIV_OK;
}

/* The unit's name and size. */
static viv_status_t ssm_get_image_head(viv_stream_t *stream, char *name, size_t name_bytes,
                                       uint64_t *ret_pages)
{
    if (ssm_get_string(stream, name, name_bytes) != VIV_OK ||
        ssm_get_u64(stream, ret_pages) != VIV_OK)
        return stream->status;
    if (*ret_pages > SSM_COUNT_MASK)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a block of %" G_GUINT64_FORMAT " pages",
                               *ret_pages);
    return VIV_OK;
}

viv_status_t ssm_image_get(SsmImage *image, viv_stream_t *stream, uint32_t block)
{
    const SsmBlock *what = &image->blocks[block];
    SsmUnitRules rules = {.image = image, .pages = what->pages};
    char name[128];
    uint64_t pages;
    uint32_t read = 0, placed = 0;
    bool more = true;
    ssm_image_reads(image);
    if (ssm_get_image_head(stream, name, sizeof name, &pages) != VIV_OK)
        return stream->status;
    if (strcmp(name, what->name) != 0 || pages != what->pages)
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "holds memory of %s, %" G_GUINT64_FORMAT " pages; here it is %s, "
                               "%" G_GUINT64_FORMAT,
                               name, pages, what->name, what->pages);
    while (more || placed != read) {
        if (more && read - placed < image->ring_size) {
            SsmBatch *b = &image->ring[read % image->ring_size];
            more = ssm_batch_read(stream, &rules, b) == VIV_OK && b->run_count;
            if (more) {
                ssm_pool_submit(image->pool, &b->job, ssm_batch_expand);
                read++;
            }
            continue;
        }
        SsmBatch *b = &image->ring[placed++ % image->ring_size];
        ssm_pool_wait(image->pool, &b->job); /* on the way out, too: the ring is theirs till then */
        if (stream->status == VIV_OK && ssm_batch_expanded(stream, b) == VIV_OK)
            ssm_batch_place(image, stream, b, block);
    }
    return stream->status;
}

viv_status_t ssm_image_complete(const SsmImage *image, viv_stream_t *stream, uint32_t block)
{
    const SsmBlock *what = &image->blocks[block];
    for (uint64_t page = 0; page < what->pages; page++) {
        if (!image->loaded || !ssm_bit(image->loaded[block], page))
            return ssm_stream_fail(stream, VIV_E_CORRUPT,
                                   "page %" G_GUINT64_FORMAT " of %s is in no pass", page,
                                   what->name);
    }
    return stream->status;
}

/* -- looking --------------------------------------------------------------------------------- */

static void ssm_batch_count(const SsmBatch *b, SsmImageInfo *info)
{
    for (uint32_t i = 0; i < b->run_count; i++) {
        uint64_t *of_kind[SSM_RUN_KINDS] = {&info->zero, &info->data, &info->same};
        *of_kind[b->runs[i].kind] += b->runs[i].count;
    }
    info->packed_bytes += b->packed_bytes;
}

viv_status_t ssm_image_scan(viv_stream_t *stream, uint32_t version, bool expand,
                            SsmImageInfo *ret_info)
{
    SsmImageInfo info = {0};
    SsmUnitRules rules = {0};
    if (version < SSM_IMAGE_VERSION)
        return ssm_scan_memory(stream, ret_info);
    if (ssm_get_image_head(stream, info.name, sizeof info.name, &info.pages) != VIV_OK)
        return stream->status;
    rules.pages = info.pages;
    SsmBatch *b = g_new0(SsmBatch, 1);
    ssm_ring_init(b, 1);
    do {
        if (ssm_batch_read(stream, &rules, b) != VIV_OK)
            break;
        ssm_batch_count(b, &info);
        if (expand && b->data_pages)
            ssm_batch_expand(&b->job);
    } while (b->run_count && ssm_batch_expanded(stream, b) == VIV_OK);
    ssm_batch_finish(b);
    g_free(b);
    if (ssm_stream_expect_end(stream) == VIV_OK)
        *ret_info = info;
    return stream->status;
}
