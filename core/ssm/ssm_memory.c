/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: guest memory in a unit by itself: lists of ranges. The machine's memory was saved so in
 * version 1 of "pgm" units, which still load; now it is ssm_image.c's.
 *
 * A list of ranges is records of one kind byte each: 1 a range, 0 the end of the list. A range is
 * u64 gpa, u64 length, then batches until all its pages (4 KiB; the last one may be shorter, and
 * counts as filled up with zeros) are covered. A batch is:
 *     u32 page count (1 .. 256)
 *     one byte a page: 0 zeros, 1 its bytes are in the block, 2 equal to an earlier page
 *     for each page of kind 2, u32 index of that page in the range
 *     if there are pages of kind 1: u32 stored length, then the block of all their bytes in order;
 *         as long as the pages themselves: plain, shorter: one zstd frame
 * A page is copied before it is looked at, so what is stored is consistent even when a running
 * guest writes to it. */
#include "ssm/ssm_internal.h"

#include <string.h>
#include <zstd.h>

#define SSM_BATCH_PAGES 256u
#define SSM_BATCH_BYTES (SSM_BATCH_PAGES * SSM_PAGE_BYTES)
#define SSM_ZSTD_LEVEL  1
#define SSM_SAME_SLOTS  (1u << 18)

#define SSM_RANGE_END 0u
#define SSM_RANGE     1u

#define SSM_PAGE_ZERO 0u
#define SSM_PAGE_DATA 1u
#define SSM_PAGE_SAME 2u

/* Where a page of that content was seen last. Slots are overwritten: a miss costs space, nothing
 * else. */
typedef struct SsmSame {
    uint64_t hash;
    uint64_t page; /* index in the range plus 1; 0: free */
} SsmSame;

struct SsmMemory {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
    SsmSame *same;
    uint8_t *pages;  /* SSM_BATCH_BYTES */
    uint8_t *stored; /* ZSTD_compressBound(SSM_BATCH_BYTES) */
    size_t stored_bytes;
    uint8_t kinds[SSM_BATCH_PAGES];
    uint32_t refs[SSM_BATCH_PAGES];
};

/* A range that is being put or got. */
typedef struct SsmRange {
    uint64_t gpa;
    uint64_t len_bytes;
    uint64_t pages;
} SsmRange;

void ssm_memory_free(struct SsmMemory *m)
{
    if (!m)
        return;
    ZSTD_freeCCtx(m->compress);
    ZSTD_freeDCtx(m->expand);
    g_free(m->same);
    g_free(m->pages);
    g_free(m->stored);
    g_free(m);
}

static struct SsmMemory *ssm_memory_get(viv_stream_t *stream)
{
    if (!stream->memory) {
        struct SsmMemory *m = g_new0(struct SsmMemory, 1);
        m->stored_bytes = ZSTD_compressBound(SSM_BATCH_BYTES);
        m->pages = g_malloc(SSM_BATCH_BYTES);
        m->stored = g_malloc(m->stored_bytes);
        if (stream->writer) {
            m->compress = ZSTD_createCCtx();
            m->same = g_new0(SsmSame, SSM_SAME_SLOTS);
        } else {
            m->expand = ZSTD_createDCtx();
        }
        if (!m->compress && !m->expand) {
            ssm_memory_free(m);
            ssm_stream_fail(stream, VIV_E_NOMEM, "no memory for zstd");
            return NULL;
        }
        stream->memory = m;
    }
    return stream->memory;
}

static viv_status_t ssm_range_make(viv_stream_t *stream, uint64_t gpa, uint64_t len_bytes,
                                   SsmRange *ret_range)
{
    uint64_t end;
    const uint64_t pages = len_bytes / SSM_PAGE_BYTES + (len_bytes % SSM_PAGE_BYTES != 0);
    if (__builtin_add_overflow(gpa, len_bytes, &end) || pages > UINT32_MAX)
        return ssm_stream_fail(stream, stream->writer ? VIV_E_INVALID : VIV_E_CORRUPT,
                               "a memory range of 0x%" G_GINT64_MODIFIER
                               "x bytes at 0x%" G_GINT64_MODIFIER "x is too large",
                               len_bytes, gpa);
    *ret_range = (SsmRange){gpa, len_bytes, pages};
    return VIV_OK;
}

/* Bytes of the page that are really there. */
static uint32_t ssm_range_page_bytes(const SsmRange *range, uint64_t page)
{
    return (uint32_t)MIN((uint64_t)SSM_PAGE_BYTES, range->len_bytes - page * SSM_PAGE_BYTES);
}

bool ssm_is_zero(const uint8_t *at, uint32_t len_bytes)
{
    /* Equal to itself moved by one, and the first byte is zero: all are. */
    return len_bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, len_bytes - 1) == 0);
}

uint64_t ssm_page_hash(const uint8_t *page)
{
    uint64_t lanes[4] = {0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu,
                         0xd6e8feb86659fd93u};
    for (size_t i = 0; i < SSM_PAGE_BYTES; i += sizeof(lanes)) {
        uint64_t words[4];
        memcpy(words, page + i, sizeof(words));
        for (size_t n = 0; n < G_N_ELEMENTS(lanes); n++) {
            lanes[n] = (lanes[n] ^ words[n]) * 0xff51afd7ed558ccdu;
            lanes[n] ^= lanes[n] >> 32;
        }
    }
    uint64_t hash = 0;
    for (size_t n = 0; n < G_N_ELEMENTS(lanes); n++)
        hash = (hash ^ lanes[n]) * 0xc4ceb9fe1a85ec53u + n;
    return hash ^ hash >> 29;
}

/* -- Putting -- */

/* An earlier page of the range with the same bytes: by its hash when it was saved, and byte for
 * byte as it is now. */
static bool ssm_same_find(struct SsmMemory *m, const uint8_t *hva, uint64_t page,
                          const uint8_t *bytes, uint32_t *ret_page)
{
    const uint64_t hash = ssm_page_hash(bytes);
    SsmSame *slot = &m->same[hash % SSM_SAME_SLOTS];
    if (slot->page && slot->hash == hash &&
        memcmp(hva + (slot->page - 1) * SSM_PAGE_BYTES, bytes, SSM_PAGE_BYTES) == 0) {
        *ret_page = (uint32_t)(slot->page - 1);
        return true;
    }
    *slot = (SsmSame){hash, page + 1};
    return false;
}

static viv_status_t ssm_put_block(viv_stream_t *stream, struct SsmMemory *m, uint32_t data_pages)
{
    const size_t plain = (size_t)data_pages * SSM_PAGE_BYTES;
    const size_t packed =
        ZSTD_compressCCtx(m->compress, m->stored, m->stored_bytes, m->pages, plain, SSM_ZSTD_LEVEL);
    const bool use = !ZSTD_isError(packed) && packed < plain;
    ssm_put_u32(stream, (uint32_t)(use ? packed : plain));
    return ssm_put(stream, use ? m->stored : m->pages, use ? packed : plain);
}

static viv_status_t ssm_put_batch(viv_stream_t *stream, struct SsmMemory *m, const SsmRange *range,
                                  const uint8_t *hva, uint64_t first)
{
    const uint32_t count = (uint32_t)MIN((uint64_t)SSM_BATCH_PAGES, range->pages - first);
    uint32_t data_pages = 0;
    uint32_t same_pages = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t page = first + i;
        const uint32_t bytes = ssm_range_page_bytes(range, page);
        uint8_t *copy = m->pages + (size_t)data_pages * SSM_PAGE_BYTES;
        memcpy(copy, hva + page * SSM_PAGE_BYTES, bytes);
        memset(copy + bytes, 0, SSM_PAGE_BYTES - bytes);
        if (ssm_is_zero(copy, SSM_PAGE_BYTES)) {
            m->kinds[i] = SSM_PAGE_ZERO;
        } else if (bytes == SSM_PAGE_BYTES &&
                   ssm_same_find(m, hva, page, copy, &m->refs[same_pages])) {
            m->kinds[i] = SSM_PAGE_SAME;
            same_pages++;
        } else {
            m->kinds[i] = SSM_PAGE_DATA;
            data_pages++;
        }
    }
    ssm_put_u32(stream, count);
    ssm_put(stream, m->kinds, count);
    for (uint32_t i = 0; i < same_pages; i++)
        ssm_put_u32(stream, m->refs[i]);
    return data_pages ? ssm_put_block(stream, m, data_pages) : stream->status;
}

viv_status_t ssm_put_memory(viv_stream_t *stream, const uint8_t *hva, uint64_t gpa_base,
                            uint64_t len_bytes)
{
    SsmRange range = {0};
    if (stream->status != VIV_OK || ssm_range_make(stream, gpa_base, len_bytes, &range) != VIV_OK)
        return stream->status;
    ssm_put_u8(stream, SSM_RANGE);
    ssm_put_u64(stream, gpa_base);
    if (ssm_put_u64(stream, len_bytes) != VIV_OK)
        return stream->status;
    struct SsmMemory *m = ssm_memory_get(stream);
    if (!m)
        return stream->status;
    memset(m->same, 0, sizeof(SsmSame) * SSM_SAME_SLOTS);
    for (uint64_t page = 0; page < range.pages; page += SSM_BATCH_PAGES) {
        if (ssm_put_batch(stream, m, &range, hva, page) != VIV_OK)
            return stream->status;
    }
    return VIV_OK;
}

viv_status_t ssm_put_memory_end(viv_stream_t *stream)
{
    return ssm_put_u8(stream, SSM_RANGE_END);
}

/* -- Getting -- */

static viv_status_t ssm_get_block(viv_stream_t *stream, struct SsmMemory *m, uint32_t data_pages)
{
    const size_t plain = (size_t)data_pages * SSM_PAGE_BYTES;
    uint32_t stored;
    if (ssm_get_u32(stream, &stored) != VIV_OK)
        return stream->status;
    if (stored == plain)
        return ssm_get(stream, m->pages, plain);
    if (stored == 0 || stored > plain)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a block of %u pages is stored in %u bytes",
                               data_pages, stored);
    if (ssm_get(stream, m->stored, stored) != VIV_OK)
        return stream->status;
    const size_t got = ZSTD_decompressDCtx(m->expand, m->pages, plain, m->stored, stored);
    if (ZSTD_isError(got) || got != plain)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a block of %u pages cannot be expanded: %s",
                               data_pages,
                               ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
    return VIV_OK;
}

static viv_status_t ssm_get_batch(viv_stream_t *stream, struct SsmMemory *m, const SsmRange *range,
                                  uint8_t *hva, uint64_t first, uint32_t flags)
{
    const uint32_t expected = (uint32_t)MIN((uint64_t)SSM_BATCH_PAGES, range->pages - first);
    uint32_t count;
    uint32_t data_pages = 0;
    if (ssm_get_u32(stream, &count) != VIV_OK)
        return stream->status;
    if (count != expected)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a batch of %u pages where %u are expected",
                               count, expected);
    if (ssm_get(stream, m->kinds, count) != VIV_OK)
        return stream->status;
    for (uint32_t i = 0; i < count; i++) {
        if (m->kinds[i] > SSM_PAGE_SAME)
            return ssm_stream_fail(stream, VIV_E_CORRUPT, "a page of unknown kind %u", m->kinds[i]);
        data_pages += m->kinds[i] == SSM_PAGE_DATA;
        if (m->kinds[i] != SSM_PAGE_SAME)
            continue;
        if (ssm_get_u32(stream, &m->refs[i]) != VIV_OK)
            return stream->status;
        if (m->refs[i] >= first + i)
            return ssm_stream_fail(stream, VIV_E_CORRUPT,
                                   "a page refers to page %u, which is not before it", m->refs[i]);
    }
    if (data_pages && ssm_get_block(stream, m, data_pages) != VIV_OK)
        return stream->status;

    const uint8_t *data = m->pages;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t page = first + i;
        const uint32_t bytes = ssm_range_page_bytes(range, page);
        uint8_t *at = hva + page * SSM_PAGE_BYTES;
        if (m->kinds[i] == SSM_PAGE_DATA) {
            memcpy(at, data, bytes);
            data += SSM_PAGE_BYTES;
        } else if (m->kinds[i] == SSM_PAGE_SAME) {
            memcpy(at, hva + (uint64_t)m->refs[i] * SSM_PAGE_BYTES, bytes);
        } else if (!(flags & SSM_MEMORY_ZEROED) && !ssm_is_zero(at, bytes)) {
            /* Asked first: a page that was never touched then stays without memory behind it. */
            memset(at, 0, bytes);
        }
    }
    return VIV_OK;
}

static viv_status_t ssm_get_pages(viv_stream_t *stream, const SsmRange *range, uint8_t *hva,
                                  uint32_t flags)
{
    struct SsmMemory *m = ssm_memory_get(stream);
    if (!m)
        return stream->status;
    for (uint64_t page = 0; page < range->pages; page += SSM_BATCH_PAGES) {
        if (ssm_get_batch(stream, m, range, hva, page, flags) != VIV_OK)
            return stream->status;
    }
    return VIV_OK;
}

/* *ret_more is false at the list's end. */
static viv_status_t ssm_get_range(viv_stream_t *stream, SsmRange *ret_range, bool *ret_more)
{
    uint8_t kind;
    uint64_t gpa;
    uint64_t len;
    if (ssm_get_u8(stream, &kind) != VIV_OK)
        return stream->status;
    *ret_more = kind != SSM_RANGE_END;
    if (kind == SSM_RANGE_END)
        return VIV_OK;
    if (kind != SSM_RANGE)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a memory record of unknown kind %u", kind);
    ssm_get_u64(stream, &gpa);
    if (ssm_get_u64(stream, &len) != VIV_OK)
        return stream->status;
    return ssm_range_make(stream, gpa, len, ret_range);
}

viv_status_t ssm_get_memory(viv_stream_t *stream, uint8_t *hva, uint64_t gpa_base,
                            uint64_t len_bytes, uint32_t flags)
{
    SsmRange range = {0};
    bool more;
    if (ssm_get_range(stream, &range, &more) != VIV_OK)
        return stream->status;
    if (!more)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "no memory range where one is expected");
    if (range.gpa != gpa_base || range.len_bytes != len_bytes)
        return ssm_stream_fail(
            stream, VIV_E_CORRUPT,
            "the saved memory range is 0x%" G_GINT64_MODIFIER "x bytes at 0x%" G_GINT64_MODIFIER
            "x, the machine's 0x%" G_GINT64_MODIFIER "x bytes at 0x%" G_GINT64_MODIFIER "x",
            range.len_bytes, range.gpa, len_bytes, gpa_base);
    return ssm_get_pages(stream, &range, hva, flags);
}

viv_status_t ssm_get_memory_ranges(viv_stream_t *stream, SsmMapFn map, void *ctx, uint32_t flags)
{
    for (;;) {
        SsmRange range = {0};
        bool more;
        if (ssm_get_range(stream, &range, &more) != VIV_OK || !more)
            return stream->status;
        uint8_t *hva = map(ctx, range.gpa, range.len_bytes);
        if (!hva)
            return ssm_stream_fail(stream, VIV_E_CORRUPT,
                                   "the machine has no memory of 0x%" G_GINT64_MODIFIER
                                   "x bytes at 0x%" G_GINT64_MODIFIER "x",
                                   range.len_bytes, range.gpa);
        if (ssm_get_pages(stream, &range, hva, flags) != VIV_OK)
            return stream->status;
    }
}

/* -- Looking -- */

static viv_status_t ssm_scan_batch(viv_stream_t *stream, struct SsmMemory *m, uint64_t left,
                                   SsmImageInfo *info)
{
    uint32_t count, ref, data_pages = 0;
    if (ssm_get_u32(stream, &count) != VIV_OK)
        return stream->status;
    if (count != MIN((uint64_t)SSM_BATCH_PAGES, left))
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "a batch of %u pages, %" G_GUINT64_FORMAT " are left", count, left);
    if (ssm_get(stream, m->kinds, count) != VIV_OK)
        return stream->status;
    for (uint32_t i = 0; i < count; i++) {
        data_pages += m->kinds[i] == SSM_PAGE_DATA;
        info->zero += m->kinds[i] == SSM_PAGE_ZERO;
        if (m->kinds[i] == SSM_PAGE_SAME) {
            info->same++;
            ssm_get_u32(stream, &ref);
        }
    }
    const uint64_t before = stream->position;
    if (data_pages && ssm_get_block(stream, m, data_pages) != VIV_OK)
        return stream->status;
    info->data += data_pages;
    info->packed_bytes += data_pages ? stream->position - before - 4 : 0;
    return stream->status;
}

viv_status_t ssm_scan_memory(viv_stream_t *stream, SsmImageInfo *ret_info)
{
    SsmImageInfo info = {0};
    SsmRange range = {0};
    bool more = false;
    struct SsmMemory *m = ssm_memory_get(stream);
    if (!m || ssm_get_string(stream, info.name, sizeof info.name) != VIV_OK ||
        ssm_get_range(stream, &range, &more) != VIV_OK)
        return stream->status;
    info.pages = more ? range.pages : 0;
    for (uint64_t page = 0; page < info.pages; page += SSM_BATCH_PAGES) {
        if (ssm_scan_batch(stream, m, info.pages - page, &info) != VIV_OK)
            return stream->status;
    }
    if (ssm_stream_expect_end(stream) == VIV_OK)
        *ret_info = info;
    return stream->status;
}
