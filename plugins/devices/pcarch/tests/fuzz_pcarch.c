/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: ports and FERR#; then a saved state with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x92, 1},
        {HARNESS_FUZZ_PIO, 0xf0, 16},
    };
    Harness *h = harness_new("pcarch", NULL);
    for (size_t i = 0; i < size / 2; i += 8) {
        size_t n = size / 2 - i < 8 ? size / 2 - i : 8;
        harness_ferr(h, data[i] >> 7);
        harness_fuzz(h, data + i, n, ranges, 2, 0);
    }
    harness_fuzz_state(h, data + size / 2, size - size / 2);
    harness_free(h);
    return 0;
}
