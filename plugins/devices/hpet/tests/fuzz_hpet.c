/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: registers and time; then a saved state with bytes changed. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_MMIO, 0xfed00000, 0x180}};
    Harness *h = harness_new("hpet", size & 1 ? "ICH9=1" : NULL);
    size_t half = size / 2;
    harness_mmio_write(h, 0xfed00010, 1, 4);
    harness_fuzz(h, data, half, ranges, 1, 300000);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 1, 300000);
    harness_free(h);
    return 0;
}
