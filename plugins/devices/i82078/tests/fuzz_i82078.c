/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: registers, the DMA channel's programming, time, media that change; then a saved
 * state with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x3f0, 8},
        {HARNESS_FUZZ_PIO, 0x3f5, 1},
        {HARNESS_FUZZ_DMA, 2, 1},
    };
    static const uint64_t sizes[] = {1474560, 368640, 2949120, 0};
    static const char *const options[] = {"Timing=fast", "Timing=exact",
                                          "Timing=fast,Mode=PS2,DriveType0=1.20",
                                          "Timing=exact,Mode=Model30"};
    uint32_t pick = size ? data[0] : 0;
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, sizes[pick % 4], pick >> 7 & 1);
    harness_lun_media(h, 1, VIV_MEDIA_FLOPPY, 737280, 0);
    harness_media_auto(h, 0, pick >> 6 & 1);
    if (harness_start(h, "i82078", options[pick >> 4 & 3]) == VIV_OK) {
        size_t part = size / 3;
        harness_out8(h, 0x3f2, 0x1c);
        harness_out8(h, 0x3f7, pick >> 2 & 3);
        harness_fuzz(h, data, part, ranges, 3, 300000000);
        harness_media_change(h, 0, sizes[(pick >> 3) % 4], 0);
        harness_fuzz(h, data + part, part, ranges, 3, 300000000);
        harness_fuzz_state(h, data + 2 * part, size - 2 * part);
        harness_media_change(h, 0, 12345, 0);
        harness_out8(h, 0x3f2, 0x1c);
        harness_out8(h, 0x3f5, 0x4a);
        harness_out8(h, 0x3f5, 0x00);
        harness_advance_ns(h, 1000000000);
    }
    harness_free(h);
    return 0;
}
