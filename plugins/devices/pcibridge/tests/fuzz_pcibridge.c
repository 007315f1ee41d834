/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcibridge: traffic on its configuration space, and hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_CFG, 0, 0x100},
    };
    Harness *h = harness_new("pcibridge", len && data[0] & 1 ? "Subtractive=0" : NULL);
    harness_fuzz(h, data, len, ranges, sizeof(ranges) / sizeof(ranges[0]), 1000000);
    harness_free(h);
    h = harness_new("pcibridge", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
