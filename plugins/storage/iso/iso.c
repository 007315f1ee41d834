/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iso: optical media with 2048-byte sectors - ISO 9660 (ECMA-119), High Sierra, and UDF (ECMA-167,
 * volume recognition sequence), hybrid images included: what lies in the first 32 KiB is nobody's
 * business here. The contents are not interpreted, only recognised. Read-only. A last sector that
 * the file has in part is padded with zeros. */
#include <viv/storage.h>

#include <string.h>

#define ISO_SECTOR             2048u
#define ISO_RECOGNITION_SECTOR 16u /* where volume descriptors begin */
#define ISO_RECOGNITION_COUNT  64u

typedef struct IsoImage {
    viv_file_t file;
    uint64_t file_bytes;
    uint64_t disk_bytes;
} IsoImage;

static uint32_t iso_known_id(const uint8_t *id)
{
    static const char ids[][6] = {"CD001", "BEA01", "NSR02", "NSR03", "TEA01", "BOOT2", "CDW02"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (memcmp(id, ids[i], 5) == 0)
            return 1;
    }
    return 0;
}

/* [any] A UDF bridge begins with CD001; pure UDF with BEA01, followed by NSR. */
static uint32_t iso_probe(const viv_file_t *file)
{
    uint8_t head[16];
    uint32_t extended = 0;
    for (uint32_t i = 0; i < ISO_RECOGNITION_COUNT; i++) {
        uint64_t off = (uint64_t)(ISO_RECOGNITION_SECTOR + i) * ISO_SECTOR;
        if (file->ops->read(file->self, off, head, sizeof(head)) < 0)
            return 0;
        if (memcmp(head + 1, "CD001", 5) == 0 || memcmp(head + 9, "CDROM", 5) == 0)
            return 1;
        if (!iso_known_id(head + 1))
            return 0;
        extended |= memcmp(head + 1, "BEA01", 5) == 0;
        if (extended && memcmp(head + 1, "NSR0", 4) == 0)
            return 1;
    }
    return 0;
}

/* A name given explicitly opens anything that has at least a sector: audio-less discs come in all
 * shapes. */
static viv_status_t iso_open(const viv_format_host_t *host, void *image, const viv_file_t *file,
                             uint32_t flags)
{
    IsoImage *iso = image;
    if (!(flags & VIV_OPEN_READ_ONLY))
        return host->fail(host->cookie, VIV_E_ACCESS,
                          "an optical medium can be opened for reading only");
    iso->file = *file;
    viv_status_t st = file->ops->get_size(file->self, &iso->file_bytes);
    if (st < 0)
        return host->fail(host->cookie, st, "its size cannot be found out");
    if (iso->file_bytes < ISO_SECTOR || iso->file_bytes > INT64_MAX - ISO_SECTOR)
        return host->fail(host->cookie, VIV_E_CORRUPT, "%llu bytes are no optical medium",
                          (unsigned long long)iso->file_bytes);
    iso->disk_bytes = (iso->file_bytes + ISO_SECTOR - 1) / ISO_SECTOR * ISO_SECTOR;
    return VIV_OK;
}

static void iso_close(void *image)
{
    (void)image;
}

static uint64_t iso_size_bytes(void *image)
{
    return ((const IsoImage *)image)->disk_bytes;
}

static uint32_t iso_sector_bytes(void *image)
{
    (void)image;
    return ISO_SECTOR;
}

static viv_status_t iso_read(void *image, uint64_t off, void *buf, uint64_t len_bytes)
{
    const IsoImage *iso = image;
    if (off > iso->disk_bytes || len_bytes > iso->disk_bytes - off)
        return VIV_E_INVALID;
    uint64_t backed = 0;
    if (off < iso->file_bytes)
        backed = len_bytes < iso->file_bytes - off ? len_bytes : iso->file_bytes - off;
    if (backed) {
        viv_status_t st = iso->file.ops->read(iso->file.self, off, buf, backed);
        if (st < 0)
            return st;
    }
    memset((uint8_t *)buf + backed, 0, len_bytes - backed);
    return VIV_OK;
}

static viv_status_t iso_flush(void *image)
{
    (void)image;
    return VIV_OK;
}

static const viv_format_class_t iso_class = {
    VIV_FORMAT_CLASS_HEAD,
    .name = "iso",
    .summary = "optical media: ISO 9660, UDF",
    .extensions = "iso,cdr",
    .caps = VIV_FORMAT_FILE | VIV_FORMAT_READ_ONLY,
    .image_size = sizeof(IsoImage),
    .probe_priority = 10,
    .probe = iso_probe,
    .open = iso_open,
    .close = iso_close,
    .size_bytes = iso_size_bytes,
    .sector_bytes = iso_sector_bytes,
    .read = iso_read,
    .flush = iso_flush,
};

VIV_PLUGIN("org.vivarium.iso", "1.0", "LGPL-2.1-or-later", "optical media", &iso_class);
