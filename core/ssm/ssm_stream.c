/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: bytes and numbers of one unit.
 *
 * Invariants:
 * 1. After the first failure nothing more is put, and every get gives zeros and that failure's
 * status.
 * 2. position never passes end; end never passes the unit's length. */
#include "ssm/ssm_internal.h"

#include <string.h>
#include <zlib.h>

uint32_t ssm_crc(uint32_t crc, const void *buf, size_t len_bytes)
{
    return (uint32_t)crc32_z(crc, buf, len_bytes);
}

char *ssm_unit_label(const SsmUnit *unit)
{
    if (unit->pass == SSM_PASS_FINAL)
        return g_strdup_printf("%s/%u", unit->name, unit->instance);
    return g_strdup_printf("%s/%u pass %u", unit->name, unit->instance, unit->pass);
}

void ssm_stream_init(viv_stream_t *stream, const char *path)
{
    memset(stream, 0, sizeof(*stream));
    stream->path = path;
    stream->chunk = g_malloc(SSM_CHUNK_HEAD_BYTES + SSM_CHUNK_MAX);
}

void ssm_stream_finish(viv_stream_t *stream)
{
    ssm_memory_free(stream->memory);
    g_free(stream->chunk);
    g_free(stream->error);
}

void ssm_stream_reset(viv_stream_t *stream)
{
    stream->unit = NULL;
    stream->status = VIV_OK;
    g_free(stream->error);
    stream->error = NULL;
    stream->chunk_len = 0;
    stream->chunk_pos = 0;
    stream->next_offset = 0;
    stream->position = 0;
    stream->end = 0;
}

viv_status_t ssm_stream_fail(viv_stream_t *stream, viv_status_t status, const char *fmt, ...)
{
    if (stream->status != VIV_OK || status == VIV_OK)
        return stream->status;
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_autofree char *label = stream->unit ? ssm_unit_label(stream->unit) : NULL;
    stream->status = status;
    if (label)
        stream->error = g_strdup_printf(
            "%s: unit %s at offset %" G_GUINT64_FORMAT ", byte %" G_GUINT64_FORMAT ": %s",
            stream->path, label, stream->unit->offset, stream->position, text);
    else
        stream->error = g_strdup_printf("%s: %s", stream->path, text);
    return status;
}

viv_status_t ssm_stream_status(const viv_stream_t *stream)
{
    return stream->status;
}

const char *ssm_stream_error(const viv_stream_t *stream)
{
    return stream->error ? stream->error : "";
}

uint64_t ssm_remaining(const viv_stream_t *stream)
{
    return stream->reader && stream->status == VIV_OK ? stream->end - stream->position : 0;
}

viv_status_t ssm_stream_expect_end(viv_stream_t *stream)
{
    if (stream->status != VIV_OK || !ssm_remaining(stream))
        return stream->status;
    return ssm_stream_fail(stream, VIV_E_CORRUPT,
                           "%" G_GUINT64_FORMAT " bytes are left over at the end of the unit",
                           ssm_remaining(stream));
}

/* -- Put -- */

viv_status_t ssm_put(viv_stream_t *stream, const void *buf, uint64_t len_bytes)
{
    if (stream->status != VIV_OK)
        return stream->status;
    if (!stream->writer || !stream->unit)
        return ssm_stream_fail(stream, VIV_E_MISUSE, "put outside a unit that is being saved");
    const uint8_t *from = buf;
    while (len_bytes) {
        const uint64_t room = SSM_CHUNK_MAX - stream->chunk_len;
        const uint32_t part = (uint32_t)MIN(room, len_bytes);
        memcpy(stream->chunk + SSM_CHUNK_HEAD_BYTES + stream->chunk_len, from, part);
        stream->chunk_len += part;
        stream->position += part;
        from += part;
        len_bytes -= part;
        if (stream->chunk_len == SSM_CHUNK_MAX && ssm_writer_flush_chunk(stream->writer) != VIV_OK)
            return stream->status;
    }
    return VIV_OK;
}

viv_status_t ssm_put_u8(viv_stream_t *stream, uint8_t value)
{
    return ssm_put(stream, &value, sizeof(value));
}

viv_status_t ssm_put_u16(viv_stream_t *stream, uint16_t value)
{
    uint8_t buf[2];
    ssm_le16(buf, value);
    return ssm_put(stream, buf, sizeof(buf));
}

viv_status_t ssm_put_u32(viv_stream_t *stream, uint32_t value)
{
    uint8_t buf[4];
    ssm_le32(buf, value);
    return ssm_put(stream, buf, sizeof(buf));
}

viv_status_t ssm_put_u64(viv_stream_t *stream, uint64_t value)
{
    uint8_t buf[8];
    ssm_le64(buf, value);
    return ssm_put(stream, buf, sizeof(buf));
}

viv_status_t ssm_put_string(viv_stream_t *stream, const char *text)
{
    const size_t len = strlen(text);
    if (len > UINT32_MAX)
        return ssm_stream_fail(stream, VIV_E_INVALID, "a string of %zu bytes is too long", len);
    ssm_put_u32(stream, (uint32_t)len);
    return ssm_put(stream, text, len);
}

/* -- Get -- */

/* Moves on by len_bytes; buf NULL: without looking. */
static viv_status_t ssm_take(viv_stream_t *stream, void *buf, uint64_t len_bytes)
{
    if (stream->status != VIV_OK)
        return stream->status;
    if (!stream->reader || !stream->unit)
        return ssm_stream_fail(stream, VIV_E_MISUSE, "get outside a unit that is being loaded");
    if (len_bytes > stream->end - stream->position)
        return ssm_stream_fail(stream, VIV_E_EOF,
                               "ended early: %" G_GUINT64_FORMAT
                               " bytes are wanted, %" G_GUINT64_FORMAT " are left",
                               len_bytes, stream->end - stream->position);
    uint8_t *to = buf;
    while (len_bytes) {
        if (stream->chunk_pos == stream->chunk_len &&
            ssm_reader_next_chunk(stream->reader) != VIV_OK)
            return stream->status;
        const uint32_t part =
            (uint32_t)MIN((uint64_t)(stream->chunk_len - stream->chunk_pos), len_bytes);
        if (to) {
            memcpy(to, stream->chunk + SSM_CHUNK_HEAD_BYTES + stream->chunk_pos, part);
            to += part;
        }
        stream->chunk_pos += part;
        stream->position += part;
        len_bytes -= part;
    }
    return VIV_OK;
}

viv_status_t ssm_get(viv_stream_t *stream, void *buf, uint64_t len_bytes)
{
    const viv_status_t st = ssm_take(stream, buf, len_bytes);
    if (st != VIV_OK && len_bytes)
        memset(buf, 0, len_bytes);
    return st;
}

viv_status_t ssm_skip(viv_stream_t *stream, uint64_t len_bytes)
{
    return ssm_take(stream, NULL, len_bytes);
}

viv_status_t ssm_get_u8(viv_stream_t *stream, uint8_t *ret_value)
{
    return ssm_get(stream, ret_value, sizeof(*ret_value));
}

viv_status_t ssm_get_u16(viv_stream_t *stream, uint16_t *ret_value)
{
    uint8_t buf[2];
    const viv_status_t st = ssm_get(stream, buf, sizeof(buf));
    *ret_value = ssm_rd16(buf);
    return st;
}

viv_status_t ssm_get_u32(viv_stream_t *stream, uint32_t *ret_value)
{
    uint8_t buf[4];
    const viv_status_t st = ssm_get(stream, buf, sizeof(buf));
    *ret_value = ssm_rd32(buf);
    return st;
}

viv_status_t ssm_get_u64(viv_stream_t *stream, uint64_t *ret_value)
{
    uint8_t buf[8];
    const viv_status_t st = ssm_get(stream, buf, sizeof(buf));
    *ret_value = ssm_rd64(buf);
    return st;
}

viv_status_t ssm_get_string(viv_stream_t *stream, char *buf, size_t buf_bytes)
{
    uint32_t len;
    buf[0] = '\0';
    viv_status_t st = ssm_get_u32(stream, &len);
    if (st != VIV_OK)
        return st;
    if (len >= buf_bytes)
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "a string of %u bytes where at most %zu are allowed", len,
                               buf_bytes - 1);
    st = ssm_get(stream, buf, len);
    buf[len] = '\0';
    if (st == VIV_OK && memchr(buf, '\0', len)) {
        buf[0] = '\0';
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "a string has a NUL inside");
    }
    return st;
}

static uint64_t ssm_api_remaining(viv_stream_t *stream)
{
    return ssm_remaining(stream);
}

const viv_stream_api_t *ssm_stream_api(void)
{
    static const viv_stream_api_t api = {
        .size = sizeof(viv_stream_api_t),
        .put = ssm_put,
        .get = ssm_get,
        .put_u64 = ssm_put_u64,
        .get_u64 = ssm_get_u64,
        .remaining = ssm_api_remaining,
    };
    return &api;
}
