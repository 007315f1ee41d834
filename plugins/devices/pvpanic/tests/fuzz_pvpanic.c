/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: both forms of the device in one machine, then hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x503, 5},
        {HARNESS_FUZZ_MMIO, 0xe0000000, 0x20},
        {HARNESS_FUZZ_CFG, 0, 0x100},
    };
    Harness *h = harness_new("pvpanic", NULL);
    harness_select(h, harness_add(h, "pvpanic-pci", "Events=3"));
    harness_pci_map_bar(h, 0, 0, 0xe0000000);
    harness_fuzz(h, data, size, ranges, 3, 1000);
    harness_fuzz_state(h, data, size);
    harness_free(h);
    return 0;
}
