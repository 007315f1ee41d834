/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: traffic on all its ports and its configuration space, and hostile saved states. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_power(void *self, viv_power_t *ret)
{
    static uint32_t seed;
    (void)self;
    memset((uint8_t *)ret + 4, (int)(seed++ & 0xff), sizeof(*ret) - 4);
}

/* Wherever the traffic has left it: lines rise, buttons are pressed, it sleeps and is reset. */
static void fuzz_wake(Harness *h, const uint8_t *data, size_t len)
{
    viv_iface_t port = harness_port(h, 0, VIV_ACPI_PORT_ID);
    const viv_acpi_port_ops_t *ops = port.ops;

    for (size_t i = 0; i < len && i < 16; i++) {
        harness_irq_rise(h, 1u << (data[i] & 15));
        harness_out16(h, 0x604, (uint16_t)(0x2000 | (data[i] & 0x1c) << 8));
        if (data[i] & 0x20)
            ops->power_button(port.self);
        if (data[i] & 0x40)
            ops->wake(port.self);
        if (data[i] & 0x80)
            harness_vm_wake_reset(h);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x600, 0x40}, {HARNESS_FUZZ_PIO, 0xb2, 2},
        {HARNESS_FUZZ_PIO, 0xafe0, 4},   {HARNESS_FUZZ_PIO, 0x700, 0x10},
        {HARNESS_FUZZ_CFG, 0, 0x100},    {HARNESS_FUZZ_PIO, 0xaff0, 8},
    };
    static const viv_acpi_host_ops_t host = {.size = sizeof(host), .power = fuzz_power};
    Harness *h = harness_create();

    harness_lun_iface(h, 0, VIV_ACPI_HOST_ID, &host, NULL);
    if (harness_start(h, "acpi", len & 1 ? "PMBasePreset=0" : NULL) != VIV_OK)
        abort();

    harness_cfg_write(h, 0, 0x90, 0x700, 4);
    harness_cfg_write(h, 0, 0xd2, 0x09, 1);
    harness_fuzz(h, data, len, ranges, 6, 10000000000ull);
    fuzz_wake(h, data, len);
    harness_free(h);
    h = harness_new("acpi", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
