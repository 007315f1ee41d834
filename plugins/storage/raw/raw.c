/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raw: an image that is nothing but the disk's bytes - a file or a block device of the host.
 * A file whose length is no multiple of 512 shows a last sector padded with zeros; the image never
 * grows, so of that sector only what the file has can be written. */
#include <viv/storage.h>

#include <string.h>

#define RAW_SECTOR 512u

typedef struct RawImage {
    viv_format_host_t host;
    viv_file_t file;
    uint64_t file_bytes;
    uint64_t disk_bytes; /* file_bytes rounded up */
} RawImage;

/* [any] Anything can be a raw image; others are asked first. */
static uint32_t raw_probe(const viv_file_t *file)
{
    uint64_t bytes;
    return file->ops->get_size(file->self, &bytes) >= 0 && bytes > 0;
}

static viv_status_t raw_open(const viv_format_host_t *host, void *image, const viv_file_t *file,
                             uint32_t flags)
{
    RawImage *r = image;
    (void)flags;
    r->host = *host;
    r->file = *file;
    viv_status_t st = file->ops->get_size(file->self, &r->file_bytes);
    if (st < 0)
        return host->fail(host->cookie, st, "its size cannot be found out");
    if (r->file_bytes == 0)
        return host->fail(host->cookie, VIV_E_CORRUPT, "it is empty");
    if (r->file_bytes > INT64_MAX - RAW_SECTOR)
        return host->fail(host->cookie, VIV_E_CORRUPT, "it is too large");
    r->disk_bytes = (r->file_bytes + RAW_SECTOR - 1) / RAW_SECTOR * RAW_SECTOR;
    return VIV_OK;
}

static void raw_close(void *image)
{
    (void)image;
}

static uint64_t raw_size_bytes(void *image)
{
    return ((const RawImage *)image)->disk_bytes;
}

static uint32_t raw_sector_bytes(void *image)
{
    (void)image;
    return RAW_SECTOR;
}

static uint32_t raw_inside(const RawImage *r, uint64_t off, uint64_t len)
{
    return off <= r->disk_bytes && len <= r->disk_bytes - off;
}

/* How much of the range the file has; the rest is padding. */
static uint64_t raw_backed(const RawImage *r, uint64_t off, uint64_t len)
{
    if (off >= r->file_bytes)
        return 0;
    return len < r->file_bytes - off ? len : r->file_bytes - off;
}

static viv_status_t raw_read(void *image, uint64_t off, void *buf, uint64_t len_bytes)
{
    const RawImage *r = image;
    if (!raw_inside(r, off, len_bytes))
        return VIV_E_INVALID;
    uint64_t backed = raw_backed(r, off, len_bytes);
    if (backed) {
        viv_status_t st = r->file.ops->read(r->file.self, off, buf, backed);
        if (st < 0)
            return st;
    }
    memset((uint8_t *)buf + backed, 0, len_bytes - backed);
    return VIV_OK;
}

/* Zeros may be written to the padding, it is zeros; anything else would have to make the file
 * grow. */
static viv_status_t raw_write(void *image, uint64_t off, const void *buf, uint64_t len_bytes)
{
    const RawImage *r = image;
    const uint8_t *bytes = buf;
    if (!raw_inside(r, off, len_bytes))
        return VIV_E_INVALID;
    uint64_t backed = raw_backed(r, off, len_bytes);
    for (uint64_t i = backed; i < len_bytes; i++) {
        if (bytes[i])
            return r->host.fail(r->host.cookie, VIV_E_FULL,
                                "a raw image does not grow: its last sector has only %u bytes",
                                (unsigned)(r->file_bytes % RAW_SECTOR));
    }
    return backed ? r->file.ops->write(r->file.self, off, buf, backed) : VIV_OK;
}

static viv_status_t raw_flush(void *image)
{
    const RawImage *r = image;
    return r->file.ops->flush(r->file.self);
}

static viv_status_t raw_discard(void *image, uint64_t off, uint64_t len_bytes)
{
    const RawImage *r = image;
    if (!raw_inside(r, off, len_bytes))
        return VIV_E_INVALID;
    if (!VIV_HAS(r->file.ops, discard))
        return VIV_E_UNSUPPORTED;
    uint64_t backed = raw_backed(r, off, len_bytes);
    return backed ? r->file.ops->discard(r->file.self, off, backed) : VIV_OK;
}

static viv_status_t raw_create(const viv_format_host_t *host, const viv_file_t *file,
                               uint64_t size_bytes)
{
    if (size_bytes == 0 || size_bytes % RAW_SECTOR || size_bytes > INT64_MAX)
        return host->fail(host->cookie, VIV_E_INVALID, "a raw image has a multiple of 512 bytes");
    return file->ops->set_size(file->self, size_bytes);
}

static const viv_format_class_t raw_class = {
    VIV_FORMAT_CLASS_HEAD,
    .name = "raw",
    .summary = "plain image: a file or block device holding the disk's bytes",
    .extensions = "img,ima,dsk,flp,vfd",
    .caps = VIV_FORMAT_CREATE_FIXED | VIV_FORMAT_FILE | VIV_FORMAT_DISCARD,
    .image_size = sizeof(RawImage),
    .probe_priority = 0,
    .probe = raw_probe,
    .open = raw_open,
    .close = raw_close,
    .size_bytes = raw_size_bytes,
    .sector_bytes = raw_sector_bytes,
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .create = raw_create,
};

VIV_PLUGIN("org.vivarium.raw", "1.0", "LGPL-2.1-or-later", "raw disk images", &raw_class);
