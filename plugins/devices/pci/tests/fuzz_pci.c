/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: traffic on the configuration ports and both functions, INTx in between, and hostile saved
 * states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0xcf8, 8},
        {HARNESS_FUZZ_CFG, 0, 0x100},
        {HARNESS_FUZZ_CFG, 1, 0x100},
    };
    Harness *h = harness_new("pci", NULL);

    /* INTx and routes in turn; every line is down again before the states begin, for nobody would
     * raise it after a load. */
    for (size_t i = 0; i + 2 < len && i < 96; i += 3) {
        harness_bus_intx(h, data[i] >> 7, data[i] & 0x7f, data[i + 1] & 7, data[i + 1] >> 7);
        harness_cfg_write(h, 1, 0x60 + (data[i + 1] >> 3 & 3), data[i + 2], 1);
    }
    for (uint32_t i = 0; i < 2 * 0x80 * 4; i++)
        harness_bus_intx(h, i >> 9, i >> 2 & 0x7f, 1 + (i & 3), 0);
    for (uint32_t irq = 0; irq < 16; irq++) {
        if (harness_irq_level(h, irq))
            __builtin_trap();
    }
    harness_fuzz(h, data, len, ranges, 3, 1000000);
    harness_free(h);
    h = harness_new("pci", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
