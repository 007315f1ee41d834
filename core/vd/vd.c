/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: opening disk images through the storage formats.
 * Invariants:
 * 1. A format's function runs with the disk's mutex held.
 * 2. A format sees only ranges inside the disk, of whole sectors; only the end of the disk may cut
 *    the last one.
 * 3. Nothing is written to a disk that was opened read-only. */
#include "vd/vd_internal.h"

#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "log/log.h"

#define VD_SECTOR_MAX 65536u
#define VD_IMAGE_MAX  (64u << 20)

struct VdDisk {
    GMutex mutex;
    const viv_format_class_t *format;
    void *image;
    viv_format_host_t host;
    viv_file_t file;
    VdFile host_file; /* fd -1: the file is the caller's */
    char *name;
    uint64_t size;
    uint32_t sector;
    bool read_only;
    bool opened;     /* failures after open are logged, before they are collected */
    bool dirty;      /* written since the last flush */
    char *error;     /* the format's sentence about a failed open */
    uint8_t *bounce; /* one sector */
};

/* -- what formats may call ------------------------------------------------------------------- */

static void vd_host_log(void *cookie, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
static viv_status_t vd_host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
    VIV_PRINTF(3, 4);

static void vd_host_log(void *cookie, uint32_t severity, const char *fmt, ...)
{
    const VdDisk *d = cookie;
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    log_write_limited(log_group("vd"), severity, "%s: %s", d->name, text);
}

static viv_status_t vd_host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
{
    VdDisk *d = cookie;
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (d->opened) {
        log_write_limited(log_group("vd"), VIV_LOG_WARN, "%s: %s", d->name, text);
    } else {
        g_free(d->error);
        d->error = g_steal_pointer(&text);
    }
    return status;
}

/* -- open and close -------------------------------------------------------------------------- */

static viv_status_t vd_fail(char **ret_error, viv_status_t status, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

static viv_status_t vd_fail(char **ret_error, viv_status_t status, const char *fmt, ...)
{
    if (ret_error) {
        va_list args;
        va_start(args, fmt);
        *ret_error = g_strdup_vprintf(fmt, args);
        va_end(args);
    }
    return status;
}

static const viv_format_class_t *vd_find(const viv_format_class_t *const *formats, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (g_ascii_strcasecmp(formats[i]->name, name) == 0) /* "VDI" is what VirtualBox writes */
            return formats[i];
    }
    return NULL;
}

/* Of those that recognise the file, the one with the highest priority; among equals the first. A
 * format that can never be written is no candidate for writing: a hybrid ISO image as a hard disk
 * is plain sectors. */
static const viv_format_class_t *vd_probe(const viv_format_class_t *const *formats, size_t count,
                                          const viv_file_t *file, bool read_only)
{
    const viv_format_class_t *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (best && formats[i]->probe_priority <= best->probe_priority)
            continue;
        if ((formats[i]->caps & VIV_FORMAT_READ_ONLY) && !read_only)
            continue;
        if (formats[i]->probe && formats[i]->probe(file))
            best = formats[i];
    }
    return best;
}

static VdDisk *vd_new(const char *name)
{
    VdDisk *d = g_new0(VdDisk, 1);
    g_mutex_init(&d->mutex);
    d->name = g_strdup(name);
    d->host_file.fd = -1;
    d->host.size = sizeof(d->host);
    d->host.log = vd_host_log;
    d->host.fail = vd_host_fail;
    d->host.cookie = d;
    return d;
}

static void vd_destroy(VdDisk *d)
{
    if (d->format && d->image) {
        d->format->close(d->image);
        g_free(d->image);
    }
    vd_file_close(&d->host_file);
    g_mutex_clear(&d->mutex);
    g_free(d->bounce);
    g_free(d->error);
    g_free(d->name);
    g_free(d);
}

static viv_status_t vd_open_image(VdDisk *d, uint32_t flags, char **ret_error)
{
    const viv_format_class_t *f = d->format;
    if (!d->read_only && !f->write)
        return vd_fail(ret_error, VIV_E_ACCESS, "%s: the format %s is read-only", d->name, f->name);
    if (f->image_size > VD_IMAGE_MAX)
        return vd_fail(ret_error, VIV_E_MISUSE, "%s: the format %s wants too much memory", d->name,
                       f->name);
    d->image = g_try_malloc0(f->image_size ? f->image_size : 1);
    if (!d->image)
        return vd_fail(ret_error, VIV_E_NOMEM, "%s: out of memory", d->name);
    viv_status_t st = f->open(&d->host, d->image, &d->file, flags);
    if (st < 0)
        return vd_fail(ret_error, st, "%s: %s", d->name, d->error ? d->error : viv_status_text(st));
    d->size = f->size_bytes(d->image);
    d->sector = f->sector_bytes(d->image);
    if (d->sector == 0 || d->sector > VD_SECTOR_MAX || (d->sector & (d->sector - 1)) ||
        d->size > INT64_MAX)
        return vd_fail(ret_error, VIV_E_MISUSE,
                       "%s: the format %s gives %" G_GUINT64_FORMAT " bytes in sectors of %u",
                       d->name, f->name, d->size, d->sector);
    d->bounce = g_malloc(d->sector);
    d->opened = true;
    return VIV_OK;
}

static viv_status_t vd_open_common(VdDisk *d, const viv_format_class_t *const *formats,
                                   size_t count, const char *format, uint32_t flags,
                                   VdDisk **ret_disk, char **ret_error)
{
    viv_status_t st;
    d->read_only = flags & VIV_OPEN_READ_ONLY;
    if (format && *format)
        d->format = vd_find(formats, count, format);
    else
        d->format = vd_probe(formats, count, &d->file, d->read_only);
    if (d->format)
        st = vd_open_image(d, flags, ret_error);
    else if (format && *format)
        st = vd_fail(ret_error, VIV_E_NOT_FOUND, "%s: there is no format %s", d->name, format);
    else
        st = vd_fail(ret_error, VIV_E_UNSUPPORTED, "%s: no format recognises it", d->name);
    if (st < 0) {
        vd_destroy(d);
        return st;
    }
    *ret_disk = d;
    return VIV_OK;
}

viv_status_t vd_open(const viv_format_class_t *const *formats, size_t count, const char *path,
                     const char *format, uint32_t flags, VdDisk **ret_disk, char **ret_error)
{
    VdDisk *d = vd_new(path);
    g_autofree char *reason = NULL;
    if (ret_error)
        *ret_error = NULL;
    viv_status_t st = vd_file_open(&d->host_file, path, flags, &reason);
    if (st < 0) {
        vd_destroy(d);
        return vd_fail(ret_error, st, "%s: %s", path, reason ? reason : viv_status_text(st));
    }
    d->file = d->host_file.file;
    return vd_open_common(d, formats, count, format, flags, ret_disk, ret_error);
}

viv_status_t vd_open_file(const viv_format_class_t *const *formats, size_t count,
                          const viv_file_t *file, const char *name, const char *format,
                          uint32_t flags, VdDisk **ret_disk, char **ret_error)
{
    VdDisk *d = vd_new(name);
    if (ret_error)
        *ret_error = NULL;
    d->file = *file;
    return vd_open_common(d, formats, count, format, flags, ret_disk, ret_error);
}

void vd_close(VdDisk *disk)
{
    if (!disk)
        return;
    vd_flush(disk);
    vd_destroy(disk);
}

viv_status_t vd_create(const viv_format_class_t *format, const char *path, uint64_t size_bytes,
                       char **ret_error)
{
    if (ret_error)
        *ret_error = NULL;
    if (!format->create)
        return vd_fail(ret_error, VIV_E_UNSUPPORTED, "%s: the format %s cannot make images", path,
                       format->name);
    VdDisk *d = vd_new(path);
    g_autofree char *reason = NULL;
    viv_status_t st = vd_file_create(&d->host_file, path, &reason);
    if (st < 0) {
        vd_destroy(d);
        return vd_fail(ret_error, st, "%s: %s", path, reason ? reason : viv_status_text(st));
    }
    st = format->create(&d->host, &d->host_file.file, size_bytes);
    if (st < 0) {
        vd_fail(ret_error, st, "%s: %s", path, d->error ? d->error : viv_status_text(st));
        remove(path);
    }
    vd_destroy(d);
    return st;
}

uint64_t vd_size(const VdDisk *disk)
{
    return disk->size;
}

uint32_t vd_sector(const VdDisk *disk)
{
    return disk->sector;
}

bool vd_read_only(const VdDisk *disk)
{
    return disk->read_only;
}

const char *vd_format(const VdDisk *disk)
{
    return disk->format->name;
}

/* -- input and output ------------------------------------------------------------------------ */

static bool vd_inside(const VdDisk *d, uint64_t off, uint64_t len)
{
    return off <= d->size && len <= d->size - off;
}

/* The sector around off, cut by the end of the disk. */
static uint64_t vd_sector_around(const VdDisk *d, uint64_t off, uint64_t *ret_len)
{
    uint64_t start = off & ~(uint64_t)(d->sector - 1);
    *ret_len = d->size - start < d->sector ? d->size - start : d->sector;
    return start;
}

/* How much of the range, which begins on a sector, is whole sectors (invariant 2). */
static uint64_t vd_whole(const VdDisk *d, uint64_t off, uint64_t len)
{
    return off + len == d->size ? len : len & ~(uint64_t)(d->sector - 1);
}

/* Reads within one sector. */
static viv_status_t vd_read_part_locked(VdDisk *d, uint64_t off, uint8_t *buf, uint64_t len,
                                        uint64_t *ret_done)
{
    uint64_t have, start = vd_sector_around(d, off, &have);
    viv_status_t st = d->format->read(d->image, start, d->bounce, have);
    if (st < 0)
        return st;
    uint64_t skip = off - start;
    uint64_t part = len < have - skip ? len : have - skip;
    memcpy(buf, d->bounce + skip, part);
    *ret_done = part;
    return VIV_OK;
}

static viv_status_t vd_read_locked(VdDisk *d, uint64_t off, uint8_t *buf, uint64_t len)
{
    while (len) {
        uint64_t done = 0;
        viv_status_t st;
        if ((off & (d->sector - 1)) == 0)
            done = vd_whole(d, off, len);
        st = done ? d->format->read(d->image, off, buf, done)
                  : vd_read_part_locked(d, off, buf, len, &done);
        if (st < 0)
            return st;
        off += done;
        buf += done;
        len -= done;
    }
    return VIV_OK;
}

/* Changes a part of one sector. */
static viv_status_t vd_write_part_locked(VdDisk *d, uint64_t off, const uint8_t *buf, uint64_t len,
                                         uint64_t *ret_done)
{
    uint64_t have, start = vd_sector_around(d, off, &have);
    viv_status_t st = d->format->read(d->image, start, d->bounce, have);
    if (st < 0)
        return st;
    uint64_t skip = off - start;
    uint64_t part = len < have - skip ? len : have - skip;
    memcpy(d->bounce + skip, buf, part);
    *ret_done = part;
    return d->format->write(d->image, start, d->bounce, have);
}

static viv_status_t vd_write_locked(VdDisk *d, uint64_t off, const uint8_t *buf, uint64_t len)
{
    while (len) {
        uint64_t done = 0;
        viv_status_t st;
        if ((off & (d->sector - 1)) == 0)
            done = vd_whole(d, off, len);
        st = done ? d->format->write(d->image, off, buf, done)
                  : vd_write_part_locked(d, off, buf, len, &done);
        if (st < 0)
            return st;
        off += done;
        buf += done;
        len -= done;
    }
    return VIV_OK;
}

viv_status_t vd_read(VdDisk *disk, uint64_t off, void *buf, uint64_t len_bytes)
{
    if (!vd_inside(disk, off, len_bytes))
        return VIV_E_INVALID;
    g_mutex_lock(&disk->mutex);
    viv_status_t st = vd_read_locked(disk, off, buf, len_bytes);
    g_mutex_unlock(&disk->mutex);
    return st;
}

viv_status_t vd_write(VdDisk *disk, uint64_t off, const void *buf, uint64_t len_bytes)
{
    if (disk->read_only)
        return VIV_E_ACCESS;
    if (!vd_inside(disk, off, len_bytes))
        return VIV_E_INVALID;
    g_mutex_lock(&disk->mutex);
    disk->dirty = true;
    viv_status_t st = vd_write_locked(disk, off, buf, len_bytes);
    g_mutex_unlock(&disk->mutex);
    return st;
}

viv_status_t vd_flush(VdDisk *disk)
{
    viv_status_t st = VIV_OK;
    g_mutex_lock(&disk->mutex);
    if (disk->dirty && disk->format->flush)
        st = disk->format->flush(disk->image);
    if (st >= 0)
        disk->dirty = false;
    g_mutex_unlock(&disk->mutex);
    return st;
}

viv_status_t vd_discard(VdDisk *disk, uint64_t off, uint64_t len_bytes)
{
    viv_status_t st = VIV_OK;
    if (disk->read_only)
        return VIV_E_ACCESS;
    if (!vd_inside(disk, off, len_bytes))
        return VIV_E_INVALID;
    if (!disk->format->discard)
        return VIV_E_UNSUPPORTED;
    uint64_t mask = disk->sector - 1;
    uint64_t end = off + len_bytes == disk->size ? disk->size : (off + len_bytes) & ~mask;
    uint64_t start = (off + mask) & ~mask;
    g_mutex_lock(&disk->mutex);
    if (start < end) {
        disk->dirty = true;
        st = disk->format->discard(disk->image, start, end - start);
    }
    g_mutex_unlock(&disk->mutex);
    return st;
}
