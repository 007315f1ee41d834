/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcbios: the debug port, the ROM windows, and arbitrary Dmi strings through the SMBIOS builder. */
#include <stdio.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x402, 1},
        {HARNESS_FUZZ_MMIO, 0xe0000, 0x100},
        {HARNESS_FUZZ_MMIO, 0xffffff00, 0x100},
    };
    static uint8_t rom[0x20000];
    char options[4200];
    int at = snprintf(options, sizeof(options), "DmiSystemVendor=");

    for (size_t i = 0; i < len && i < 4000; i++)
        options[at++] =
            (char)(data[i] == ',' || data[i] == '\\' || data[i] < ' ' || data[i] > 0x7e ? '_'
                                                                                        : data[i]);
    options[at] = 0;
    Harness *h = harness_create();
    harness_vm_file(h, "bios-256k.bin", rom, sizeof(rom));
    harness_vm_cpus(h, 1 + (len ? data[0] & 63u : 0));
    if (harness_start(h, "pcbios", options) == VIV_OK)
        harness_fuzz(h, data, len, ranges, 3, 1000);
    harness_free(h);
    return 0;
}
