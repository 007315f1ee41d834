/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: reading a saved-state file.
 *
 * Invariants:
 * 1. ssm_reader_open() has seen every byte of the file and found it to be under a checksum that
 * fits.
 * 2. Nothing is believed for a second time: the file may change after that, so each chunk is
 * checked again when it is loaded, and no offset from the file is used that was not compared with
 * the file's length.
 * 3. No allocation is larger than a constant times the file's length. */
#include "ssm/ssm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct SsmReader {
    viv_stream_t stream;
    char *path;
    int fd;
    uint64_t file_bytes;
    uint64_t dir_offset;
    uint32_t header_crc;
    char identity[SSM_IDENTITY_MAX + 1];
    SsmUnit *units;
    uint32_t unit_count;
    GHashTable *index;    /* label -> index + 1 */
    SsmProblemFn problem; /* of ssm_verify(): told of each failure, after which checking goes on */
    void *problem_ctx;
    uint32_t problems;
    uint32_t reserved0;
};

#define SSM_OFF G_GUINT64_FORMAT

/* All of it or a failure. */
static viv_status_t ssm_reader_in(SsmReader *r, uint64_t offset, void *buf, size_t len_bytes)
{
    uint8_t *to = buf;
    if (offset > r->file_bytes || len_bytes > r->file_bytes - offset)
        return ssm_stream_fail(&r->stream, VIV_E_CORRUPT,
                               "%zu bytes at offset %" SSM_OFF
                               " lie beyond the file's end at %" SSM_OFF,
                               len_bytes, offset, r->file_bytes);
    while (len_bytes) {
        const ssize_t got = pread(r->fd, to, len_bytes, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ssm_stream_fail(&r->stream, VIV_E_IO,
                                   "cannot be read at offset %" SSM_OFF ": %s", offset,
                                   g_strerror(errno));
        if (got == 0)
            return ssm_stream_fail(&r->stream, VIV_E_CORRUPT, "became shorter while it was read");
        to += got;
        offset += (uint64_t)got;
        len_bytes -= (size_t)got;
    }
    return VIV_OK;
}

/* -- Verifying -- */

/* After a failure: it has been reported, and the rest of the file is to be checked as well. */
static bool ssm_reader_go_on(SsmReader *r)
{
    viv_stream_t *s = &r->stream;
    if (!r->problem || s->status == VIV_OK)
        return false;
    r->problems++;
    r->problem(r->problem_ctx, ssm_stream_error(s));
    ssm_stream_reset(s);
    return true;
}

static viv_status_t ssm_reader_header(SsmReader *r)
{
    viv_stream_t *s = &r->stream;
    uint8_t head[SSM_HEADER_BYTES];
    uint8_t magic[SSM_MAGIC_BYTES] = {0};
    memcpy(magic, SSM_MAGIC, sizeof(SSM_MAGIC) - 1);
    if (r->file_bytes < SSM_MAGIC_BYTES || ssm_reader_in(r, 0, head, SSM_MAGIC_BYTES) != VIV_OK ||
        memcmp(head, magic, sizeof(magic)) != 0)
        return ssm_stream_fail(s, VIV_E_CORRUPT, "is not a Vivarium saved state");
    if (r->file_bytes < SSM_HEADER_BYTES + SSM_DIR_HEAD_BYTES + SSM_FOOTER_BYTES)
        return ssm_stream_fail(s, VIV_E_CORRUPT,
                               "is truncated: %" SSM_OFF " bytes are too few for any saved state",
                               r->file_bytes);
    if (ssm_reader_in(r, 0, head, sizeof(head)) != VIV_OK)
        return s->status;
    r->header_crc = ssm_rd32(head + SSM_HEADER_BYTES - 4);
    if (ssm_crc(0, head, SSM_HEADER_BYTES - 4) != r->header_crc)
        return ssm_stream_fail(s, VIV_E_CORRUPT, "header at offset 0: wrong checksum");
    if (ssm_rd32(head + 32) != SSM_VERSION)
        return ssm_stream_fail(s, VIV_E_VERSION,
                               "is a saved state of version %u, this host reads version %u",
                               ssm_rd32(head + 32), SSM_VERSION);
    if (ssm_rd32(head + 36) != SSM_HEADER_BYTES || ssm_rd32(head + 40) != 0 ||
        ssm_rd32(head + 44) != SSM_PAGE_BYTES)
        return ssm_stream_fail(
            s, VIV_E_VERSION,
            "has header length %u, flags %x and page size %u; this host reads %u, 0 and %u",
            ssm_rd32(head + 36), ssm_rd32(head + 40), ssm_rd32(head + 44), SSM_HEADER_BYTES,
            SSM_PAGE_BYTES);
    memcpy(r->identity, head + 48, sizeof(r->identity));
    if (r->identity[SSM_IDENTITY_MAX] || !r->identity[0] || !g_utf8_validate(r->identity, -1, NULL))
        return ssm_stream_fail(s, VIV_E_CORRUPT,
                               "header at offset 48: the machine's identity is not a text");
    return VIV_OK;
}

/* The footer, and with it the directory (transfer) whose bytes are checked but not yet understood.
 */
static uint8_t *ssm_reader_directory(SsmReader *r)
{
    viv_stream_t *s = &r->stream;
    uint8_t footer[SSM_FOOTER_BYTES];
    const uint64_t footer_offset = r->file_bytes - SSM_FOOTER_BYTES;
    if (ssm_reader_in(r, footer_offset, footer, sizeof(footer)) != VIV_OK)
        return NULL;
    if (memcmp(footer, SSM_FOOTER_MAGIC, 8) != 0) {
        ssm_stream_fail(s, VIV_E_CORRUPT, "is truncated: no footer at offset %" SSM_OFF,
                        footer_offset);
        return NULL;
    }
    if (ssm_crc(0, footer, 36) != ssm_rd32(footer + 36)) {
        ssm_stream_fail(s, VIV_E_CORRUPT, "footer at offset %" SSM_OFF ": wrong checksum",
                        footer_offset);
        return NULL;
    }
    if (ssm_rd64(footer + 16) != r->file_bytes || ssm_rd32(footer + 32) != r->header_crc) {
        ssm_stream_fail(s, VIV_E_CORRUPT, "footer at offset %" SSM_OFF " belongs to another file",
                        footer_offset);
        return NULL;
    }
    r->dir_offset = ssm_rd64(footer + 8);
    r->unit_count = ssm_rd32(footer + 24);
    const uint64_t len = SSM_DIR_HEAD_BYTES + (uint64_t)r->unit_count * SSM_DIR_ENTRY_BYTES;
    if (r->unit_count > SSM_UNITS_MAX || r->dir_offset < SSM_HEADER_BYTES ||
        r->dir_offset > footer_offset || footer_offset - r->dir_offset != len) {
        ssm_stream_fail(s, VIV_E_CORRUPT,
                        "footer at offset %" SSM_OFF
                        ": %u units and a directory at offset %" SSM_OFF " do not fit the file",
                        footer_offset, r->unit_count, r->dir_offset);
        r->unit_count = 0;
        return NULL;
    }
    uint8_t *dir = g_try_malloc(len);
    if (!dir) {
        ssm_stream_fail(s, VIV_E_NOMEM, "no memory for a directory of %u units", r->unit_count);
        return NULL;
    }
    if (ssm_reader_in(r, r->dir_offset, dir, len) == VIV_OK) {
        if (memcmp(dir, SSM_DIR_MAGIC, 8) == 0 && ssm_crc(0, dir, len) == ssm_rd32(footer + 28))
            return dir;
        ssm_stream_fail(s, VIV_E_CORRUPT, "directory at offset %" SSM_OFF ": wrong checksum",
                        r->dir_offset);
    }
    g_free(dir);
    return NULL;
}

static viv_status_t ssm_unit_fail(SsmReader *r, uint64_t offset, const char *what)
{
    return ssm_stream_fail(&r->stream, VIV_E_CORRUPT, "unit at offset %" SSM_OFF ": %s", offset,
                           what);
}

/* The unit's head at offset, into *unit. */
static viv_status_t ssm_reader_unit_head(SsmReader *r, uint64_t offset, SsmUnit *unit)
{
    uint8_t head[SSM_UNIT_HEAD_BYTES];
    if (offset > r->dir_offset ||
        r->dir_offset - offset < SSM_UNIT_HEAD_BYTES + 1 + SSM_UNIT_TAIL_BYTES)
        return ssm_unit_fail(r, offset, "no room in front of the directory");
    if (ssm_reader_in(r, offset, head, sizeof(head)) != VIV_OK)
        return r->stream.status;
    const uint32_t name_len = ssm_rd32(head + 32);
    if (memcmp(head, SSM_UNIT_MAGIC, 8) != 0)
        return ssm_unit_fail(r, offset, "no unit head");
    if (name_len == 0 || name_len > SSM_NAME_MAX)
        return ssm_unit_fail(r, offset, "bad length of the name");
    memset(unit, 0, sizeof(*unit));
    if (ssm_reader_in(r, offset + SSM_UNIT_HEAD_BYTES, unit->name, name_len) != VIV_OK)
        return r->stream.status;
    unit->head_crc = ssm_rd32(head + 36);
    if (ssm_crc(ssm_crc(0, head, 36), unit->name, name_len) != unit->head_crc)
        return ssm_unit_fail(r, offset, "wrong checksum of its head");
    for (uint32_t i = 0; i < name_len; i++) {
        if (unit->name[i] < 0x20 || unit->name[i] > 0x7e)
            return ssm_unit_fail(r, offset, "its name is not printable");
    }
    unit->offset = ssm_rd64(head + 8);
    unit->instance = ssm_rd32(head + 16);
    unit->version = ssm_rd32(head + 20);
    unit->pass = ssm_rd32(head + 24);
    if (unit->offset != offset)
        return ssm_unit_fail(r, offset, "it was saved at another offset");
    unit->flags = ssm_rd32(head + 28);
    if (unit->flags & ~SSM_UNIT_OPTIONAL)
        return ssm_stream_fail(&r->stream, VIV_E_VERSION,
                               "unit at offset %" SSM_OFF ": unknown flags %x", offset,
                               unit->flags);
    return VIV_OK;
}

/* One chunk into the stream's buffer, data checked; *ret_len 0: there is the tail instead. */
static viv_status_t ssm_reader_chunk(SsmReader *r, uint64_t offset, uint32_t *ret_len)
{
    uint8_t *chunk = r->stream.chunk;
    *ret_len = 0;
    if (ssm_reader_in(r, offset, chunk, SSM_CHUNK_HEAD_BYTES) != VIV_OK)
        return r->stream.status;
    const uint32_t len = ssm_rd32(chunk);
    if (len == 0)
        return VIV_OK;
    if (len > SSM_CHUNK_MAX)
        return ssm_stream_fail(&r->stream, VIV_E_CORRUPT,
                               "chunk at offset %" SSM_OFF ": bad length %u", offset, len);
    if (ssm_reader_in(r, offset + SSM_CHUNK_HEAD_BYTES, chunk + SSM_CHUNK_HEAD_BYTES, len) !=
        VIV_OK)
        return r->stream.status;
    *ret_len = len; /* it ends there whatever is in it */
    if (ssm_crc(0, chunk + SSM_CHUNK_HEAD_BYTES, len) != ssm_rd32(chunk + 4))
        return ssm_stream_fail(&r->stream, VIV_E_CORRUPT,
                               "chunk at offset %" SSM_OFF ": wrong checksum", offset);
    return VIV_OK;
}

static viv_status_t ssm_reader_unit_body(SsmReader *r, SsmUnit *unit)
{
    viv_stream_t *s = &r->stream;
    uint64_t offset = unit->offset + SSM_UNIT_HEAD_BYTES + strlen(unit->name);
    uint32_t count = 0;
    s->unit = unit; /* for the messages */
    s->position = 0;
    for (;;) {
        uint32_t len;
        if (ssm_reader_chunk(r, offset, &len) != VIV_OK) {
            if (!len || !ssm_reader_go_on(r))
                return s->status;
            s->unit = unit;
            s->position = unit->len_bytes;
        }
        if (!len)
            break;
        unit->spine = ssm_crc(unit->spine, s->chunk, SSM_CHUNK_HEAD_BYTES);
        unit->len_bytes += len;
        s->position += len;
        offset += SSM_CHUNK_HEAD_BYTES + len;
        count++;
    }
    uint8_t tail[SSM_UNIT_TAIL_BYTES];
    if (ssm_reader_in(r, offset, tail, sizeof(tail)) != VIV_OK)
        return s->status;
    if (ssm_crc(0, tail, 20) != ssm_rd32(tail + 20) || ssm_rd32(tail + 4) != unit->spine ||
        ssm_rd64(tail + 8) != unit->len_bytes || ssm_rd32(tail + 16) != count)
        return ssm_stream_fail(s, VIV_E_CORRUPT, "tail at offset %" SSM_OFF ": wrong checksum",
                               offset);
    unit->end_offset = offset + sizeof(tail);
    s->unit = NULL;
    s->position = 0;
    return VIV_OK;
}

static bool ssm_entry_fits(const uint8_t *e, const SsmUnit *unit)
{
    return ssm_rd64(e) == unit->offset && ssm_rd64(e + 8) == unit->len_bytes &&
           ssm_rd64(e + 16) == unit->end_offset && ssm_rd32(e + 24) == unit->instance &&
           ssm_rd32(e + 28) == unit->version && ssm_rd32(e + 32) == unit->pass &&
           ssm_rd32(e + 36) == unit->spine &&
           ssm_rd32(e + 40) == ssm_crc(0, unit->name, strlen(unit->name)) &&
           ssm_rd32(e + 44) == unit->head_crc;
}

static viv_status_t ssm_reader_unit_whole(SsmReader *r, uint64_t offset, const uint8_t *entry,
                                          SsmUnit *unit)
{
    if (ssm_reader_unit_head(r, offset, unit) != VIV_OK || ssm_reader_unit_body(r, unit) != VIV_OK)
        return r->stream.status;
    if (unit->end_offset > r->dir_offset || !ssm_entry_fits(entry, unit))
        return ssm_unit_fail(r, offset, "the directory says otherwise");
    return VIV_OK;
}

static viv_status_t ssm_reader_units(SsmReader *r, const uint8_t *dir)
{
    uint64_t offset = SSM_HEADER_BYTES;
    r->units = g_try_new0(SsmUnit, MAX(r->unit_count, 1));
    if (!r->units)
        return ssm_stream_fail(&r->stream, VIV_E_NOMEM, "no memory for %u units", r->unit_count);
    for (uint32_t i = 0; i < r->unit_count; i++) {
        SsmUnit *unit = &r->units[i];
        const uint8_t *entry = dir + SSM_DIR_HEAD_BYTES + (size_t)i * SSM_DIR_ENTRY_BYTES;
        if (ssm_reader_unit_whole(r, offset, entry, unit) == VIV_OK) {
            char *label = ssm_unit_label(unit);
            if (!g_hash_table_insert(r->index, label, GUINT_TO_POINTER(i + 1)))
                ssm_unit_fail(r, offset, "it is there twice");
        }
        if (r->stream.status != VIV_OK) {
            if (!ssm_reader_go_on(r))
                return r->stream.status;
            unit->end_offset = ssm_rd64(entry + 16);
            if (unit->end_offset <= offset || unit->end_offset > r->dir_offset)
                return VIV_OK; /* nothing says where to go on */
        }
        offset = unit->end_offset;
    }
    if (offset != r->dir_offset)
        return ssm_stream_fail(&r->stream, VIV_E_CORRUPT,
                               "%" SSM_OFF " bytes at offset %" SSM_OFF
                               " in front of the directory belong to no unit",
                               r->dir_offset - offset, offset);
    return VIV_OK;
}

static viv_status_t ssm_reader_verify(SsmReader *r)
{
    if (ssm_reader_header(r) != VIV_OK)
        return r->stream.status;
    g_autofree uint8_t *dir = ssm_reader_directory(r);
    if (!dir)
        return r->stream.status;
    return ssm_reader_units(r, dir);
}

/* Takes fd over. */
static SsmReader *ssm_reader_new(int fd, const char *path, VivError *err)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        close(fd);
        error_set(err, VIV_E_INVALID, "%s: is not a regular file", path);
        return NULL;
    }
    SsmReader *r = g_new0(SsmReader, 1);
    r->fd = fd;
    r->path = g_strdup(path);
    r->file_bytes = (uint64_t)stat.st_size;
    ssm_stream_init(&r->stream, r->path);
    r->stream.reader = r;
    r->index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return r;
}

static viv_status_t ssm_reader_start(int fd, const char *path, SsmReader **ret_reader,
                                     VivError *err)
{
    SsmReader *r = ssm_reader_new(fd, path, err);
    if (!r)
        return VIV_E_INVALID;
    if (ssm_reader_verify(r) != VIV_OK) {
        const viv_status_t st =
            error_set(err, r->stream.status, "%s", ssm_stream_error(&r->stream));
        ssm_reader_close(r);
        return st;
    }
    *ret_reader = r;
    return VIV_OK;
}

static int ssm_open(const char *path, VivError *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        const viv_status_t st = errno == ENOENT   ? VIV_E_NOT_FOUND
                                : errno == EACCES ? VIV_E_ACCESS
                                                  : VIV_E_IO;
        error_set(err, st, "%s: cannot be opened: %s", path, g_strerror(errno));
    }
    return fd;
}

viv_status_t ssm_reader_open(const char *path, SsmReader **ret_reader, VivError *err)
{
    VivError own = VIV_ERROR_INIT;
    const int fd = ssm_open(path, &own);
    return fd < 0 ? error_move(err, &own) : ssm_reader_start(fd, path, ret_reader, err);
}

viv_status_t ssm_reader_open_fd(int fd, const char *label, SsmReader **ret_reader, VivError *err)
{
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return error_set(err, VIV_E_IO, "%s: cannot be opened: %s", label, g_strerror(errno));
    return ssm_reader_start(own, label, ret_reader, err);
}

/* Without a directory: one unit after the other, as long as there are any. */
static void ssm_verify_blind(SsmReader *r)
{
    uint64_t offset = SSM_HEADER_BYTES;
    uint8_t magic[8];
    r->dir_offset = r->file_bytes;
    while (r->file_bytes - offset > sizeof magic &&
           ssm_reader_in(r, offset, magic, sizeof magic) == VIV_OK &&
           memcmp(magic, SSM_UNIT_MAGIC, sizeof magic) == 0) {
        SsmUnit unit;
        if (ssm_reader_unit_head(r, offset, &unit) != VIV_OK ||
            ssm_reader_unit_body(r, &unit) != VIV_OK)
            break;
        offset = unit.end_offset;
    }
    ssm_reader_go_on(r);
}

/* Memory units can be taken apart without a machine. */
static void ssm_verify_memory(SsmReader *r)
{
    for (uint32_t i = 0; i < r->unit_count; i++) {
        const SsmUnit *unit = &r->units[i];
        SsmImageInfo info;
        viv_stream_t *stream;
        if (strcmp(unit->name, "pgm") == 0 && ssm_unit_open(r, i, &stream, NULL) == VIV_OK) {
            ssm_image_scan(stream, unit->version, true, &info);
            ssm_reader_go_on(r);
        }
    }
}

viv_status_t ssm_verify(const char *path, SsmProblemFn fn, void *ctx, uint32_t *ret_problems,
                        VivError *err)
{
    VivError own = VIV_ERROR_INIT;
    const int fd = ssm_open(path, &own);
    SsmReader *r = fd < 0 ? NULL : ssm_reader_new(fd, path, &own);
    if (!r)
        return error_move(err, &own);
    r->problem = fn;
    r->problem_ctx = ctx;
    if (ssm_reader_header(r) != VIV_OK) {
        ssm_reader_go_on(r);
    } else {
        g_autofree uint8_t *dir = ssm_reader_directory(r);
        if (dir) {
            if (ssm_reader_units(r, dir) != VIV_OK)
                ssm_reader_go_on(r);
            else if (!r->problems)
                ssm_verify_memory(r);
        } else {
            r->unit_count = 0;
            ssm_reader_go_on(r);
            ssm_verify_blind(r);
        }
    }
    *ret_problems = r->problems;
    ssm_reader_close(r);
    return VIV_OK;
}

void ssm_reader_close(SsmReader *r)
{
    if (!r)
        return;
    close(r->fd);
    ssm_stream_finish(&r->stream);
    g_hash_table_unref(r->index);
    g_free(r->units);
    g_free(r->path);
    g_free(r);
}

/* -- Units -- */

const char *ssm_reader_identity(const SsmReader *r)
{
    return r->identity;
}

const char *ssm_reader_path(const SsmReader *r)
{
    return r->path;
}

uint64_t ssm_reader_file_bytes(const SsmReader *r)
{
    return r->file_bytes;
}

uint32_t ssm_reader_unit_count(const SsmReader *r)
{
    return r->unit_count;
}

bool ssm_reader_unit(const SsmReader *r, uint32_t index, SsmUnitInfo *ret_info)
{
    if (index >= r->unit_count)
        return false;
    const SsmUnit *unit = &r->units[index];
    *ret_info = (SsmUnitInfo){.name = unit->name,
                              .instance = unit->instance,
                              .version = unit->version,
                              .pass = unit->pass,
                              .len_bytes = unit->len_bytes,
                              .offset = unit->offset,
                              .flags = unit->flags};
    return true;
}

bool ssm_reader_find(const SsmReader *r, const char *name, uint32_t instance, uint32_t pass,
                     uint32_t *ret_index)
{
    if (strlen(name) > SSM_NAME_MAX)
        return false;
    SsmUnit wanted = {.instance = instance, .pass = pass};
    memcpy(wanted.name, name, strlen(name));
    g_autofree char *label = ssm_unit_label(&wanted);
    const uint32_t found = GPOINTER_TO_UINT(g_hash_table_lookup(r->index, label));
    if (!found)
        return false;
    *ret_index = found - 1;
    return true;
}

viv_status_t ssm_unit_open(SsmReader *r, uint32_t index, viv_stream_t **ret_stream, VivError *err)
{
    if (index >= r->unit_count)
        return error_set(err, VIV_E_NOT_FOUND, "%s: has no unit number %u", r->path, index);
    viv_stream_t *s = &r->stream;
    ssm_stream_reset(s);
    s->unit = &r->units[index];
    s->end = s->unit->len_bytes;
    s->next_offset = s->unit->offset + SSM_UNIT_HEAD_BYTES + strlen(s->unit->name);
    *ret_stream = s;
    return VIV_OK;
}

viv_status_t ssm_unit_open_named(SsmReader *reader, const char *name, uint32_t instance,
                                 SsmUnitInfo *ret_info, viv_stream_t **ret_stream, VivError *err)
{
    uint32_t index;
    if (!ssm_reader_find(reader, name, instance, SSM_PASS_FINAL, &index))
        return error_set(err, VIV_E_CORRUPT, "no unit %s/%u: the state is of another machine", name,
                         instance);
    if (ret_info)
        ssm_reader_unit(reader, index, ret_info);
    return ssm_unit_open(reader, index, ret_stream, err);
}

viv_status_t ssm_reader_next_chunk(SsmReader *r)
{
    viv_stream_t *s = &r->stream;
    uint32_t len;
    if (ssm_reader_chunk(r, s->next_offset, &len) != VIV_OK)
        return s->status;
    if (len == 0 || len > s->unit->len_bytes - s->position)
        return ssm_stream_fail(s, VIV_E_CORRUPT,
                               "changed while it was read (chunk at offset %" SSM_OFF ")",
                               s->next_offset);
    s->next_offset += SSM_CHUNK_HEAD_BYTES + len;
    s->chunk_len = len;
    s->chunk_pos = 0;
    return VIV_OK;
}
