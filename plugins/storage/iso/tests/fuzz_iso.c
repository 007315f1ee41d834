/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: any bytes as an optical image. */
#include <stdlib.h>
#include <string.h>
#include <viv/storage.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

/* The volume descriptors lie behind 16 sectors: the input starts there, before it are zeros. */
#define FUZZ_BASE 32768u

typedef struct FuzzFile {
    const uint8_t *data;
    uint64_t len;
} FuzzFile;

static viv_status_t fuzz_read(void *self, uint64_t off, void *buf, uint64_t len_bytes)
{
    const FuzzFile *file = self;
    if (off > file->len || len_bytes > file->len - off) {
        return VIV_E_EOF;
    }
    for (uint64_t i = 0; i < len_bytes; i++) {
        ((uint8_t *)buf)[i] = off + i < FUZZ_BASE ? 0 : file->data[off + i - FUZZ_BASE];
    }
    return VIV_OK;
}

static viv_status_t fuzz_get_size(void *self, uint64_t *ret_bytes)
{
    *ret_bytes = ((const FuzzFile *)self)->len;
    return VIV_OK;
}

static viv_status_t VIV_PRINTF(3, 4)
    fuzz_fail(void *cookie, viv_status_t status, const char *fmt, ...)
{
    (void)cookie, (void)fmt;
    return status;
}

static void VIV_PRINTF(3, 4) fuzz_log(void *cookie, uint32_t severity, const char *fmt, ...)
{
    (void)cookie, (void)severity, (void)fmt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const viv_file_ops_t ops = {
        .size = sizeof ops, .read = fuzz_read, .get_size = fuzz_get_size};
    static const viv_format_host_t host = {.size = sizeof host, .log = fuzz_log, .fail = fuzz_fail};
    const viv_format_class_t *format = viv_plugin_entry_v1(NULL)->classes[0];
    FuzzFile memory = {data, FUZZ_BASE + len};
    viv_file_t file = {&ops, &memory};
    uint8_t sector[4096];
    void *image = calloc(1, format->image_size);
    if (!image) {
        return 0;
    }
    format->probe(&file);
    if (format->open(&host, image, &file, VIV_OPEN_READ_ONLY) == VIV_OK) {
        uint64_t size = format->size_bytes(image);
        format->read(image, 0, sector, size < sizeof sector ? size : sizeof sector);
        if (size >= 2048) {
            format->read(image, size - 2048, sector, 2048);
        }
    }
    format->close(image);
    free(image);
    return 0;
}
