/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: traffic on all its ports and its configuration space, and hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x600, 0x40}, {HARNESS_FUZZ_PIO, 0xb2, 2},
        {HARNESS_FUZZ_PIO, 0xafe0, 4},   {HARNESS_FUZZ_PIO, 0x700, 0x10},
        {HARNESS_FUZZ_CFG, 0, 0x100},
    };
    Harness *h = harness_new("acpi", NULL);

    harness_cfg_write(h, 0, 0x90, 0x700, 4);
    harness_cfg_write(h, 0, 0xd2, 0x09, 1);
    harness_fuzz(h, data, len, ranges, 5, 10000000000ull);
    harness_free(h);
    h = harness_new("acpi", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
