/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: writing a saved-state file.
 *
 * Invariants:
 * 1. Until commit has succeeded the target's path is untouched and only the temporary file exists.
 * 2. The first failure (of the file or of a put) stays in stream.status; commit then fails with it.
 */
#include "ssm/ssm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct SsmWriter {
    viv_stream_t stream; /* status and text of the first failure, and the chunk being filled */
    char *path;
    char *temp_path; /* NULL: the file is the caller's */
    int fd;          /* to be closed; -1: none */
    int out;         /* where bytes go */
    uint64_t offset; /* bytes written */
    uint32_t header_crc;
    GArray *units;      /* SsmUnit, complete ones */
    GHashTable *labels; /* of all units: none twice */
    SsmUnit unit;       /* the one that is open */
    uint32_t chunk_count;
};

static viv_status_t ssm_writer_out(SsmWriter *w, const void *buf, size_t len_bytes)
{
    const uint8_t *from = buf;
    if (w->stream.status != VIV_OK)
        return w->stream.status;
    while (len_bytes) {
        const ssize_t done = write(w->out, from, len_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return ssm_stream_fail(&w->stream,
                                   errno == ENOSPC || errno == EDQUOT ? VIV_E_FULL : VIV_E_IO,
                                   "cannot be written: %s", g_strerror(errno));
        from += done;
        w->offset += (uint64_t)done;
        len_bytes -= (size_t)done;
    }
    return VIV_OK;
}

static void ssm_writer_free(SsmWriter *w)
{
    if (w->fd >= 0)
        close(w->fd);
    if (w->temp_path)
        unlink(w->temp_path);
    if (w->units)
        g_array_unref(w->units);
    if (w->labels)
        g_hash_table_unref(w->labels);
    ssm_stream_finish(&w->stream);
    g_free(w->temp_path);
    g_free(w->path);
    g_free(w);
}

static viv_status_t ssm_writer_header(SsmWriter *w, const char *identity)
{
    uint8_t head[SSM_HEADER_BYTES] = {0};
    memcpy(head, SSM_MAGIC, sizeof(SSM_MAGIC) - 1);
    ssm_le32(head + 32, SSM_VERSION);
    ssm_le32(head + 36, SSM_HEADER_BYTES);
    ssm_le32(head + 44, SSM_PAGE_BYTES);
    memcpy(head + 48, identity, strlen(identity));
    w->header_crc = ssm_crc(0, head, SSM_HEADER_BYTES - 4);
    ssm_le32(head + SSM_HEADER_BYTES - 4, w->header_crc);
    return ssm_writer_out(w, head, sizeof(head));
}

static SsmWriter *ssm_writer_new(const char *path, const char *identity, VivError *err)
{
    const size_t identity_len = strlen(identity);
    if (identity_len == 0 || identity_len > SSM_IDENTITY_MAX) {
        error_set(err, VIV_E_INVALID, "%s: a machine identity of %zu bytes is not allowed", path,
                  identity_len);
        return NULL;
    }
    SsmWriter *w = g_new0(SsmWriter, 1);
    w->fd = -1;
    w->path = g_strdup(path);
    ssm_stream_init(&w->stream, w->path);
    w->stream.writer = w;
    w->units = g_array_new(FALSE, TRUE, sizeof(SsmUnit));
    w->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return w;
}

static viv_status_t ssm_writer_start(SsmWriter *w, const char *identity, SsmWriter **ret_writer,
                                     VivError *err)
{
    if (ssm_writer_header(w, identity) != VIV_OK) {
        const viv_status_t st =
            error_set(err, w->stream.status, "%s", ssm_stream_error(&w->stream));
        ssm_writer_free(w);
        return st;
    }
    *ret_writer = w;
    return VIV_OK;
}

viv_status_t ssm_writer_create(const char *path, const char *identity, SsmWriter **ret_writer,
                               VivError *err)
{
    SsmWriter *w = ssm_writer_new(path, identity, err);
    if (!w)
        return VIV_E_INVALID;
    w->temp_path = g_strconcat(path, ".XXXXXX", NULL);
    w->fd = w->out = g_mkstemp_full(w->temp_path, O_RDWR | O_CLOEXEC, 0600);
    if (w->fd < 0) {
        const viv_status_t st =
            error_set(err, errno == EACCES || errno == EROFS ? VIV_E_ACCESS : VIV_E_IO,
                      "%s: cannot be created: %s", path, g_strerror(errno));
        g_clear_pointer(&w->temp_path, g_free);
        ssm_writer_free(w);
        return st;
    }
    return ssm_writer_start(w, identity, ret_writer, err);
}

viv_status_t ssm_writer_create_fd(int fd, const char *label, const char *identity,
                                  SsmWriter **ret_writer, VivError *err)
{
    SsmWriter *w = ssm_writer_new(label, identity, err);
    if (!w)
        return VIV_E_INVALID;
    w->out = fd;
    return ssm_writer_start(w, identity, ret_writer, err);
}

/* -- Units -- */

static bool ssm_name_ok(const char *name)
{
    const size_t len = strlen(name);
    if (len == 0 || len > SSM_NAME_MAX)
        return false;
    for (const char *p = name; *p; p++) {
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return false;
    }
    return true;
}

viv_status_t ssm_unit_begin(SsmWriter *w, const char *name, uint32_t instance, uint32_t version,
                            uint32_t pass)
{
    return ssm_unit_begin_flags(w, name, instance, version, pass, 0);
}

viv_status_t ssm_unit_begin_flags(SsmWriter *w, const char *name, uint32_t instance,
                                  uint32_t version, uint32_t pass, uint32_t flags)
{
    viv_stream_t *stream = &w->stream;
    if (stream->status != VIV_OK)
        return stream->status;
    if (stream->unit)
        return ssm_stream_fail(stream, VIV_E_MISUSE, "unit '%s' begins inside this one", name);
    if (!ssm_name_ok(name))
        return ssm_stream_fail(stream, VIV_E_INVALID,
                               "a unit's name must be 1 to %u printable characters", SSM_NAME_MAX);
    if (w->units->len >= SSM_UNITS_MAX)
        return ssm_stream_fail(stream, VIV_E_FULL, "more than %u units", SSM_UNITS_MAX);
    SsmUnit *unit = &w->unit;
    *unit = (SsmUnit){.instance = instance, .version = version, .pass = pass, .offset = w->offset};
    memcpy(unit->name, name, strlen(name));
    char *label = ssm_unit_label(unit);
    if (g_hash_table_contains(w->labels, label)) {
        ssm_stream_fail(stream, VIV_E_EXISTS, "unit %s is saved twice", label);
        g_free(label);
        return stream->status;
    }
    g_hash_table_add(w->labels, label);

    uint8_t head[SSM_UNIT_HEAD_BYTES] = {0};
    const size_t name_len = strlen(name);
    memcpy(head, SSM_UNIT_MAGIC, 8);
    ssm_le64(head + 8, unit->offset);
    ssm_le32(head + 16, instance);
    ssm_le32(head + 20, version);
    ssm_le32(head + 24, pass);
    ssm_le32(head + 28, flags);
    ssm_le32(head + 32, (uint32_t)name_len);
    unit->head_crc = ssm_crc(ssm_crc(0, head, 36), name, name_len);
    ssm_le32(head + 36, unit->head_crc);
    stream->unit = unit;
    stream->position = 0;
    stream->chunk_len = 0;
    w->chunk_count = 0;
    ssm_writer_out(w, head, sizeof(head));
    return ssm_writer_out(w, name, name_len);
}

viv_stream_t *ssm_writer_stream(SsmWriter *w)
{
    return &w->stream;
}

viv_status_t ssm_writer_flush_chunk(SsmWriter *w)
{
    viv_stream_t *stream = &w->stream;
    if (!stream->chunk_len)
        return stream->status;
    ssm_le32(stream->chunk, stream->chunk_len);
    ssm_le32(stream->chunk + 4,
             ssm_crc(0, stream->chunk + SSM_CHUNK_HEAD_BYTES, stream->chunk_len));
    w->unit.spine = ssm_crc(w->unit.spine, stream->chunk, SSM_CHUNK_HEAD_BYTES);
    w->chunk_count++;
    const size_t len = SSM_CHUNK_HEAD_BYTES + stream->chunk_len;
    stream->chunk_len = 0;
    return ssm_writer_out(w, stream->chunk, len);
}

viv_status_t ssm_unit_end(SsmWriter *w)
{
    viv_stream_t *stream = &w->stream;
    if (stream->status != VIV_OK)
        return stream->status;
    if (!stream->unit)
        return ssm_stream_fail(stream, VIV_E_MISUSE, "a unit ends that was never begun");
    if (ssm_writer_flush_chunk(w) != VIV_OK)
        return stream->status;
    uint8_t tail[SSM_UNIT_TAIL_BYTES] = {0};
    ssm_le32(tail + 4, w->unit.spine);
    ssm_le64(tail + 8, stream->position);
    ssm_le32(tail + 16, w->chunk_count);
    ssm_le32(tail + 20, ssm_crc(0, tail, 20));
    if (ssm_writer_out(w, tail, sizeof(tail)) != VIV_OK)
        return stream->status;
    w->unit.len_bytes = stream->position;
    w->unit.end_offset = w->offset;
    g_array_append_val(w->units, w->unit);
    stream->unit = NULL;
    return VIV_OK;
}

/* -- The end -- */

static viv_status_t ssm_writer_directory(SsmWriter *w)
{
    const uint64_t dir_offset = w->offset;
    const guint count = w->units->len;
    const size_t len = SSM_DIR_HEAD_BYTES + (size_t)count * SSM_DIR_ENTRY_BYTES;
    g_autofree uint8_t *dir = g_malloc0(len);
    memcpy(dir, SSM_DIR_MAGIC, 8);
    for (guint i = 0; i < count; i++) {
        const SsmUnit *unit = &g_array_index(w->units, SsmUnit, i);
        uint8_t *e = dir + SSM_DIR_HEAD_BYTES + (size_t)i * SSM_DIR_ENTRY_BYTES;
        ssm_le64(e, unit->offset);
        ssm_le64(e + 8, unit->len_bytes);
        ssm_le64(e + 16, unit->end_offset);
        ssm_le32(e + 24, unit->instance);
        ssm_le32(e + 28, unit->version);
        ssm_le32(e + 32, unit->pass);
        ssm_le32(e + 36, unit->spine);
        ssm_le32(e + 40, ssm_crc(0, unit->name, strlen(unit->name)));
        ssm_le32(e + 44, unit->head_crc);
    }
    ssm_writer_out(w, dir, len);
    uint8_t footer[SSM_FOOTER_BYTES] = {0};
    memcpy(footer, SSM_FOOTER_MAGIC, 8);
    ssm_le64(footer + 8, dir_offset);
    ssm_le64(footer + 16, dir_offset + len + SSM_FOOTER_BYTES);
    ssm_le32(footer + 24, count);
    ssm_le32(footer + 28, ssm_crc(0, dir, len));
    ssm_le32(footer + 32, w->header_crc);
    ssm_le32(footer + 36, ssm_crc(0, footer, 36));
    return ssm_writer_out(w, footer, sizeof(footer));
}

/* The rename is on stable storage only when its folder is. */
static void ssm_sync_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

viv_status_t ssm_writer_commit(SsmWriter *w, VivError *err)
{
    viv_stream_t *stream = &w->stream;
    if (stream->unit)
        ssm_stream_fail(stream, VIV_E_MISUSE, "the unit has no end");
    if (stream->status == VIV_OK && ssm_writer_directory(w) == VIV_OK && w->temp_path) {
        if (fsync(w->fd) != 0)
            ssm_stream_fail(stream, VIV_E_IO, "cannot be written: %s", g_strerror(errno));
        else if (rename(w->temp_path, w->path) != 0)
            ssm_stream_fail(stream, VIV_E_IO, "cannot be put in place: %s", g_strerror(errno));
    }
    const viv_status_t st = stream->status;
    if (st == VIV_OK && w->temp_path) {
        g_clear_pointer(&w->temp_path, g_free);
        ssm_sync_folder(w->path);
    } else if (st != VIV_OK) {
        error_set(err, st, "%s", ssm_stream_error(stream));
    }
    ssm_writer_free(w);
    return st;
}

void ssm_writer_abort(SsmWriter *w)
{
    if (w)
        ssm_writer_free(w);
}

viv_status_t ssm_writer_status(const SsmWriter *w, const char **ret_text)
{
    if (ret_text)
        *ret_text = ssm_stream_error(&w->stream);
    return w->stream.status;
}

uint64_t ssm_writer_bytes(const SsmWriter *w)
{
    return w->offset + w->stream.chunk_len;
}
