/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: the ports, in and around the range. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_PIO, 0xf2, 8}};
    Harness *h = harness_new("debug-exit", NULL);
    harness_fuzz(h, data, size, ranges, 1, 0);
    harness_free(h);
    return 0;
}
