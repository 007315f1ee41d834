/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioapic: register traffic with lines moving and EOIs, and hostile saved states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_step(Harness *h, const uint8_t *p)
{
    viv_dev_t *dev;
    void *self;
    const viv_ioapic_ops_t *ops = harness_ioapic(h, &dev, &self);

    switch (p[0] & 7) {
    case 0: harness_mmio_write(h, 0xfec00040, p[1], 4); break;
    case 1:
        harness_chipset_lock(h);
        ops->broadcast_eoi(dev, self, p[1]);
        harness_chipset_unlock(h);
        break;
    case 2:
    case 3:
        harness_mmio_write(h, 0xfec00000, 0x10u + p[0] / 8u, 4);
        harness_mmio_write(h, 0xfec00010, p[1] | (uint32_t)p[2] << 8, 4);
        break;
    case 4: harness_apic_accepts(h, p[1] & 1); break;
    default: harness_ioapic_set(h, p[1] & 31, p[2] & 1); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_MMIO, 0xfec00000, 0x50}};
    Harness *h = harness_new("ioapic", NULL);

    for (size_t i = 0; i + 2 < len && i < 900; i += 3)
        fuzz_step(h, data + i);
    harness_fuzz(h, data, len, ranges, 1, 1000000);
    harness_free(h);
    h = harness_new("ioapic", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
