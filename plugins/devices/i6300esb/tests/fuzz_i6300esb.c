/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: registers, configuration space and time; then hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_MMIO, 0xe0000000, 0x10},
        {HARNESS_FUZZ_CFG, 0, 0x6c},
    };
    static const char *const actions[] = {"Action=reset", "Action=nmi", "Action=pause",
                                          "Action=none"};
    Harness *h = harness_new("i6300esb", actions[size ? data[0] & 3 : 0]);
    harness_pci_map_bar(h, 0, 0, 0xe0000000);
    harness_cfg_write(h, 0, 0x68, 2, 1);
    harness_fuzz(h, data, size, ranges, 2, 2000000000000);
    harness_fuzz_state(h, data, size);
    harness_advance_ns(h, 1000000000);
    harness_free(h);
    return 0;
}
