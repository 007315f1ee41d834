/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: files of the host as viv_file_t - plain files and block devices, through pread and pwrite.
 * flock() keeps writers apart: a writer wants the file for itself, readers share it. The lock
 * belongs to the open file, so two machines in one process are kept apart too. */
#include "vd/vd_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#define VD_FILE_ZEROS 65536u

static viv_status_t vd_file_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return VIV_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return VIV_E_ACCESS;
    case EEXIST: return VIV_E_EXISTS;
    case ENOMEM: return VIV_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return VIV_E_FULL;
    default: return VIV_E_IO;
    }
}

static uint32_t vd_file_range_ok(uint64_t off, uint64_t len)
{
    return off <= INT64_MAX && len <= INT64_MAX - off;
}

/* [any] */
static viv_status_t vd_file_get_size(void *self, uint64_t *ret_bytes)
{
    const VdFile *f = self;
    struct stat st;
    if (f->is_block) {
        uint64_t bytes;
        if (ioctl(f->fd, BLKGETSIZE64, &bytes) < 0)
            return vd_file_status(errno);
        *ret_bytes = bytes;
        return VIV_OK;
    }
    if (fstat(f->fd, &st) < 0)
        return vd_file_status(errno);
    *ret_bytes = (uint64_t)st.st_size;
    return VIV_OK;
}

/* [any] Nothing is promised of buf after a failure, but a range that begins or ends beyond the end
 * moves nothing. */
static viv_status_t vd_file_read(void *self, uint64_t off, void *buf, uint64_t len_bytes)
{
    const VdFile *f = self;
    uint8_t *to = buf;
    uint64_t size = 0;
    if (!vd_file_range_ok(off, len_bytes))
        return VIV_E_EOF;
    viv_status_t st = vd_file_get_size(self, &size);
    if (st < 0)
        return st;
    if (off > size || len_bytes > size - off)
        return VIV_E_EOF;
    while (len_bytes) {
        ssize_t n = pread(f->fd, to, len_bytes < 1u << 30 ? len_bytes : 1u << 30, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vd_file_status(errno);
        if (n == 0)
            return VIV_E_EOF;
        to += n;
        off += (uint64_t)n;
        len_bytes -= (uint64_t)n;
    }
    return VIV_OK;
}

/* [any] */
static viv_status_t vd_file_write(void *self, uint64_t off, const void *buf, uint64_t len_bytes)
{
    const VdFile *f = self;
    const uint8_t *from = buf;
    if (!vd_file_range_ok(off, len_bytes))
        return VIV_E_FULL;
    while (len_bytes) {
        ssize_t n = pwrite(f->fd, from, len_bytes < 1u << 30 ? len_bytes : 1u << 30, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? vd_file_status(errno) : VIV_E_FULL;
        from += n;
        off += (uint64_t)n;
        len_bytes -= (uint64_t)n;
    }
    return VIV_OK;
}

/* [any] */
static viv_status_t vd_file_flush(void *self)
{
    const VdFile *f = self;
    int done;
    do
        done = fdatasync(f->fd);
    while (done < 0 && errno == EINTR);
    return done < 0 ? vd_file_status(errno) : VIV_OK;
}

/* [any] */
static viv_status_t vd_file_set_size(void *self, uint64_t bytes)
{
    const VdFile *f = self;
    if (f->is_block)
        return VIV_E_UNSUPPORTED;
    if (bytes > INT64_MAX)
        return VIV_E_FULL;
    return ftruncate(f->fd, (off_t)bytes) < 0 ? vd_file_status(errno) : VIV_OK;
}

/* [any] Reads as zeros after it: where a hole cannot be made, zeros are written. The length does
 * not change. */
static viv_status_t vd_file_discard(void *self, uint64_t off, uint64_t len_bytes)
{
    static const uint8_t zeros[VD_FILE_ZEROS];
    const VdFile *f = self;
    if (!vd_file_range_ok(off, len_bytes))
        return VIV_E_INVALID;
    if (len_bytes == 0)
        return VIV_OK;
    if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
                  (off_t)len_bytes) == 0)
        return VIV_OK;
    if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
        return vd_file_status(errno);
    while (len_bytes) {
        uint64_t part = len_bytes < sizeof(zeros) ? len_bytes : sizeof(zeros);
        viv_status_t st = vd_file_write(self, off, zeros, part);
        if (st < 0)
            return st;
        off += part;
        len_bytes -= part;
    }
    return VIV_OK;
}

static const viv_file_ops_t vd_file_ops = {
    .size = sizeof(viv_file_ops_t),
    .read = vd_file_read,
    .write = vd_file_write,
    .flush = vd_file_flush,
    .get_size = vd_file_get_size,
    .set_size = vd_file_set_size,
    .discard = vd_file_discard,
};

static viv_status_t vd_file_fail(VdFile *f, viv_status_t status, char **ret_error, const char *text)
{
    if (ret_error)
        *ret_error = g_strdup(text);
    vd_file_close(f);
    return status;
}

/* File systems without locks (some network ones) are used without. */
static viv_status_t vd_file_lock(VdFile *f, uint32_t exclusive, char **ret_error)
{
    int done;
    do
        done = flock(f->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
    while (done < 0 && errno == EINTR);
    if (done < 0 && errno == EWOULDBLOCK)
        return vd_file_fail(f, VIV_E_BUSY, ret_error,
                            exclusive ? "it is in use by another machine or program"
                                      : "another machine or program is writing to it");
    return VIV_OK;
}

viv_status_t vd_file_open(VdFile *f, const char *path, uint32_t flags, char **ret_error)
{
    struct stat st;
    uint32_t write = !(flags & VIV_OPEN_READ_ONLY);
    f->file.ops = &vd_file_ops;
    f->file.self = f;
    /* O_NONBLOCK: a named pipe must not make us wait before it is refused. */
    f->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (f->fd < 0) {
        int error = errno;
        return vd_file_fail(f, error == EISDIR ? VIV_E_INVALID : vd_file_status(error), ret_error,
                            g_strerror(error));
    }
    if (fstat(f->fd, &st) < 0)
        return vd_file_fail(f, VIV_E_IO, ret_error, g_strerror(errno));
    f->is_block = S_ISBLK(st.st_mode);
    if (!f->is_block && !S_ISREG(st.st_mode))
        return vd_file_fail(f, VIV_E_INVALID, ret_error, "it is neither a file nor a block device");
    return vd_file_lock(f, write, ret_error);
}

viv_status_t vd_file_create(VdFile *f, const char *path, char **ret_error)
{
    f->file.ops = &vd_file_ops;
    f->file.self = f;
    f->is_block = 0;
    f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd < 0) {
        int error = errno;
        return vd_file_fail(f, vd_file_status(error), ret_error, g_strerror(error));
    }
    return vd_file_lock(f, 1, ret_error);
}

void vd_file_close(VdFile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
