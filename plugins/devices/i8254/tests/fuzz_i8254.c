/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: ports and time; then a saved state with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x40, 4},
        {HARNESS_FUZZ_PIO, 0x61, 1},
    };
    Harness *h = harness_new("i8254", NULL);
    size_t half = size / 2;
    harness_fuzz(h, data, half, ranges, 2, 200000);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 2, 200000);
    harness_free(h);
    return 0;
}
