/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: ports and time; then a saved state with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_PIO, 0x70, 4}};
    Harness *h = harness_new("mc146818", "UseUTC=1");
    size_t half = size / 2;
    harness_fuzz(h, data, half, ranges, 1, 3000000000ull);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 1, 3000000000ull);
    harness_free(h);
    return 0;
}
