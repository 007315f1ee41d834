/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: traffic on the function, its blocks and INTx in between, and hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_CFG, 0, 0x100},
        {HARNESS_FUZZ_MMIO, 0xfed1c000, 0x4000},
        {HARNESS_FUZZ_PIO, 0x500, 0x40},
    };
    Harness *h = harness_new("lpc", NULL);
    harness_cfg_write(h, 0, 0xf0, 0xfed1c001, 4);
    harness_cfg_write(h, 0, 0x48, 0x500, 4);
    harness_cfg_write(h, 0, 0x4c, 0x10, 1);
    for (size_t i = 0; i + 2 < len && i < 96; i += 3) {
        harness_bus_intx(h, data[i + 1] >> 6 & 1, data[i], data[i + 1] & 7, data[i + 1] >> 7);
        harness_cfg_write(h, 0, 0x60 + (data[i + 1] >> 3 & 11), data[i + 2], 1);
    }
    for (uint32_t i = 0; i < 256 * 4; i++) /* nobody would raise them after a load */
        harness_bus_intx(h, 0, i >> 2, 1 + (i & 3), 0);
    harness_fuzz(h, data, len, ranges, sizeof(ranges) / sizeof(ranges[0]), 1000000);
    harness_free(h);
    h = harness_new("lpc", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
