/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: every port, lines and cycles of every channel, then a saved state with bytes
 * changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x00, 0x20}, {HARNESS_FUZZ_PIO, 0xc0, 0x20},
        {HARNESS_FUZZ_PIO, 0x80, 0x10}, {HARNESS_FUZZ_DMA, 0, 1},
        {HARNESS_FUZZ_DMA, 2, 1},       {HARNESS_FUZZ_DMA, 5, 1},
    };
    Harness *h = harness_new("8237A", NULL);
    size_t half = size / 2;
    harness_out8(h, 0xd6, 0xc0); /* as firmware leaves it */
    harness_out8(h, 0xd4, 0x00);
    harness_fuzz(h, data, half, ranges, sizeof ranges / sizeof ranges[0], 1000000);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, sizeof ranges / sizeof ranges[0], 1000000);
    harness_free(h);
    return 0;
}
