/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioapic: register traffic with lines moving, and hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_MMIO, 0xfec00000, 0x50},
        {HARNESS_FUZZ_IRQ, 3, 13}, /* 0 and 2 share an input */
    };
    Harness *h = harness_new("ioapic", NULL);

    for (size_t i = 0; i + 2 < len && i < 90; i += 3) {
        harness_mmio_write(h, 0xfec00000, 0x10u + data[i] % 48, 4);
        harness_mmio_write(h, 0xfec00010, data[i + 1] | (uint32_t)data[i + 2] << 8, 4);
    }
    harness_fuzz(h, data, len, ranges, 2, 1000000);
    harness_free(h);
    h = harness_new("ioapic", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
