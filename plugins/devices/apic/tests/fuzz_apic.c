/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: register and MSR traffic of two vCPUs, messages and pins in between, and hostile saved
 * states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_role(Harness *h, const uint8_t *p)
{
    viv_dev_t *dev;
    void *self;
    const viv_apic_ops_t *ops = harness_apic(h, &dev, &self);
    uint32_t vcpu = p[0] >> 7;
    uint64_t value = p[2] | (uint64_t)p[3] << 8;
    uint8_t vector;

    harness_chipset_lock(h);
    switch (p[0] & 7) {
    case 0: ops->deliver(dev, self, p[1], p[2] & 1, p[2] >> 1 & 7, p[3], p[2] >> 7); break;
    case 1: ops->local_pin(dev, self, vcpu, p[1] & 1, p[2] & 1); break;
    case 2: ops->acknowledge(dev, self, vcpu, &vector); break;
    case 3:
        ops->base_set(dev, self, vcpu, 0xfee00000 | (value & 0xd00) | (uint64_t)(p[1] & 1) << 20);
        break;
    case 4: ops->tpr_set(dev, self, vcpu, p[1]); break;
    case 5: ops->msr_read(dev, self, vcpu, 0x800u + p[1], &value); break;
    case 6:
        ops->msr_write(dev, self, vcpu, p[1] == 0xff ? 0x6e0 : 0x800u + (p[1] & 0x3f),
                       value << (p[1] >> 6) * 10);
        break;
    default: ops->vcpu_init(dev, self, vcpu); break;
    }
    harness_chipset_unlock(h);
    harness_current_vcpu(h, p[1] >> 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_MMIO, 0xfee00000, 0x400}};
    Harness *h = harness_create();

    harness_vm_cpus(h, 2);
    if (harness_start(h, "apic", NULL) != VIV_OK)
        __builtin_trap();
    for (uint32_t i = 0; i < 2; i++) {
        harness_current_vcpu(h, i);
        harness_mmio_write(h, 0xfee000f0, 0x1ff, 4);
    }
    for (size_t i = 0; i + 4 < len && i < 400; i += 4)
        fuzz_role(h, data + i);
    harness_fuzz(h, data, len, ranges, 1, 1000000);
    harness_free(h);
    h = harness_new("apic", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
