/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: traffic on the configuration ports, the function and the space in memory, and hostile
 * saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0xcf8, 8},
        {HARNESS_FUZZ_CFG, 0, 0x100},
        {HARNESS_FUZZ_MMIO, 0xb0000000, 0x2000},
    };
    Harness *h = harness_new("ich9pci", NULL);
    harness_cfg_write(h, 0, 0x60, 0xb0000001, 4);
    harness_fuzz(h, data, len, ranges, sizeof(ranges) / sizeof(ranges[0]), 1000000);
    harness_free(h);
    h = harness_new("ich9pci", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
