/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: commands, and states with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_MMIO, 0xffffc000, 0x4000}};
    Harness *h = harness_new("flash", "Size=0x4000");
    size_t half = size / 2;
    harness_fuzz(h, data, half, ranges, 1, 1000);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 1, 1000);
    harness_free(h);
    return 0;
}
