/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: any bytes as a saved state. What the reader accepts it must also be able to hand
 * out. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ssm/ssm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_walk(SsmReader *reader)
{
    SsmUnitInfo info;
    for (uint32_t i = 0; ssm_reader_unit(reader, i, &info); i++) {
        viv_stream_t *stream;
        uint8_t byte;
        if (ssm_unit_open(reader, i, &stream, NULL)) {
            continue;
        }
        while (ssm_remaining(stream) && ssm_get_u8(stream, &byte) == VIV_OK) {
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int fd = memfd_create("state", 0);
    char path[64];
    SsmReader *reader = NULL;
    VivError err = VIV_ERROR_INIT;
    if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
        return 0;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (ssm_reader_open(path, &reader, &err) == VIV_OK) {
        fuzz_walk(reader);
        ssm_reader_close(reader);
    }
    error_clear(&err);
    close(fd);
    return 0;
}
