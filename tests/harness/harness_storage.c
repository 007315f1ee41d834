/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: viv.storage/1 over disks in memory, and over raw files of the host. */
#include "harness_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct HarnessDiskMem {
    struct HarnessDiskMem *next;
    char *path;
    HarnessSparse data;
    uint64_t size;
    uint32_t read_only;
} HarnessDiskMem;

struct viv_disk {
    Harness *h;
    HarnessDiskMem *mem; /* or */
    int fd;
    uint64_t size;
    uint32_t read_only;
};

static HarnessDiskMem *harness_disk_find(Harness *h, const char *path)
{
    HarnessDiskMem *m = h->disks;
    while (m && strcmp(m->path, path)) {
        m = m->next;
    }
    return m;
}

void harness_storage_mem(Harness *h, const char *path, uint64_t size_bytes, uint32_t read_only)
{
    HARNESS_CHECK(!harness_disk_find(h, path), "there is a disk %s already", path);
    HarnessDiskMem *m = harness_alloc(sizeof(*m));
    m->path = harness_strdup(path);
    m->size = size_bytes;
    m->read_only = read_only;
    m->next = h->disks;
    h->disks = m;
}

void harness_disks_free(Harness *h)
{
    while (h->disks) {
        HarnessDiskMem *m = h->disks;
        h->disks = m->next;
        harness_sparse_free(&m->data);
        free(m->path);
        free(m);
    }
}

static HarnessDiskMem *harness_disk_get(Harness *h, const char *path)
{
    HarnessDiskMem *m = harness_disk_find(h, path);
    HARNESS_CHECK(m, "there is no disk %s", path);
    return m;
}

void harness_storage_peek(Harness *h, const char *path, uint64_t off, void *buf, size_t len)
{
    harness_sparse_read(&harness_disk_get(h, path)->data, off, buf, len);
}

void harness_storage_poke(Harness *h, const char *path, uint64_t off, const void *buf, size_t len)
{
    harness_sparse_write(&harness_disk_get(h, path)->data, off, buf, len);
}

void harness_storage_fail(Harness *h, viv_status_t status, unsigned count)
{
    h->storage_fail_status = status;
    h->storage_fail_count = count;
}

/* -- viv.storage/1 --------------------------------------------------------------------------- */

static viv_status_t harness_disk_open(viv_drv_t *drv, const char *path, const char *format,
                                      uint32_t flags, viv_disk_t **ret_disk)
{
    Harness *h = harness_driver_host(drv);
    uint32_t read_only = flags & VIV_DISK_READ_ONLY;
    struct stat info;
    int fd = -1;
    (void)format;
    if (harness_fallible(h)) {
        return VIV_E_NOMEM;
    }
    HarnessDiskMem *mem = harness_disk_find(h, path);
    if (mem && mem->read_only && !read_only) {
        return harness_error_set(VIV_E_ACCESS, "%s is read-only", path);
    }
    if (!mem) {
        fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info)) {
            return harness_error_set(VIV_E_NOT_FOUND, "%s cannot be opened", path);
        }
    }
    viv_disk_t *disk = harness_alloc(sizeof(*disk));
    disk->h = h;
    disk->mem = mem;
    disk->fd = fd;
    disk->size = mem ? mem->size : (uint64_t)info.st_size;
    disk->read_only = read_only;
    *ret_disk = disk;
    return VIV_OK;
}

static void harness_disk_close(viv_disk_t *disk)
{
    if (disk) {
        if (disk->fd >= 0) {
            close(disk->fd);
        }
        free(disk);
    }
}

static uint64_t harness_disk_size(viv_disk_t *disk)
{
    return disk->size;
}

static uint32_t harness_disk_is_read_only(viv_disk_t *disk)
{
    return disk->read_only != 0;
}

static viv_status_t harness_disk_check(viv_disk_t *disk, uint64_t off, uint64_t len, int write)
{
    if (disk->h->storage_fail_count) {
        disk->h->storage_fail_count--;
        return disk->h->storage_fail_status;
    }
    if (off > disk->size || len > disk->size - off) {
        return VIV_E_INVALID;
    }
    return write && disk->read_only ? VIV_E_ACCESS : VIV_OK;
}

static viv_status_t harness_disk_read(viv_disk_t *disk, uint64_t off, void *buf, uint64_t len_bytes)
{
    viv_status_t st = harness_disk_check(disk, off, len_bytes, 0);
    if (st != VIV_OK) {
        return st;
    }
    if (disk->mem) {
        harness_sparse_read(&disk->mem->data, off, buf, len_bytes);
        return VIV_OK;
    }
    return pread(disk->fd, buf, (size_t)len_bytes, (off_t)off) == (ssize_t)len_bytes ? VIV_OK
                                                                                     : VIV_E_IO;
}

static viv_status_t harness_disk_write(viv_disk_t *disk, uint64_t off, const void *buf,
                                       uint64_t len_bytes)
{
    viv_status_t st = harness_disk_check(disk, off, len_bytes, 1);
    if (st != VIV_OK) {
        return st;
    }
    if (disk->mem) {
        harness_sparse_write(&disk->mem->data, off, buf, len_bytes);
        return VIV_OK;
    }
    return pwrite(disk->fd, buf, (size_t)len_bytes, (off_t)off) == (ssize_t)len_bytes ? VIV_OK
                                                                                      : VIV_E_IO;
}

static viv_status_t harness_disk_flush(viv_disk_t *disk)
{
    return harness_disk_check(disk, 0, 0, 0);
}

static viv_status_t harness_disk_discard(viv_disk_t *disk, uint64_t off, uint64_t len_bytes)
{
    static const uint8_t zeros[4096];
    viv_status_t st = harness_disk_check(disk, off, len_bytes, 1);
    while (st == VIV_OK && len_bytes) {
        uint64_t n = len_bytes < sizeof(zeros) ? len_bytes : sizeof(zeros);
        st = harness_disk_write(disk, off, zeros, n);
        off += n;
        len_bytes -= n;
    }
    return st;
}

const viv_storage_api_t harness_storage_api = {
    .size = sizeof(viv_storage_api_t),
    .open = harness_disk_open,
    .close = harness_disk_close,
    .size_bytes = harness_disk_size,
    .is_read_only = harness_disk_is_read_only,
    .read = harness_disk_read,
    .write = harness_disk_write,
    .flush = harness_disk_flush,
    .discard = harness_disk_discard,
};
