/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: ports, lines and acknowledges in any order; then a saved state with bytes
 * changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x20, 2},
        {HARNESS_FUZZ_PIO, 0xa0, 2},
        {HARNESS_FUZZ_PIO, 0x4d0, 2},
        {HARNESS_FUZZ_IRQ, 0, 16},
    };
    Harness *h = harness_new("i8259", NULL);
    size_t half = size / 2;
    harness_fuzz(h, data, half, ranges, 4, 0);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 3, 0);
    harness_free(h);
    return 0;
}
