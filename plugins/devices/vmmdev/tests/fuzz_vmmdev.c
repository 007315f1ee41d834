/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: raw port and memory traffic, then whole commands with any data, then hostile saved
 * states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void command(Harness *h, uint32_t number, const uint8_t *data, size_t len)
{
    harness_out32(h, 0x513, 0xcab1e000u + number);
    for (size_t i = 0; i + 4 <= len && i < 12 && number == 5; i += 4) {
        harness_out32(h, 0x514, data[i] | (uint32_t)data[i + 2] << 16);
    }
    for (size_t i = 0; i < len; i++) {
        harness_out8(h, 0x514, data[i]);
    }
    harness_out8(h, 0x514, 0);
    harness_out32(h, 0x514, (uint32_t)len & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x510, 0x10},
        {HARNESS_FUZZ_MMIO, 0xdf000, 0xc8},
    };
    Harness *h = harness_new("VMMDev", "TestingEnabled=1,TestingMMIO=1,TestingEndAtTerm=1,"
                                       "TestingOutputFile=/dev/null,"
                                       "TestingXmlOutputFile=/dev/null");
    for (size_t at = 0; at + 2 < size && at < 4096;) {
        size_t len = data[at + 1];
        len = len < size - at - 2 ? len : size - at - 2;
        command(h, data[at] % 11, data + at + 2, len);
        at += len + 2;
    }
    harness_fuzz(h, data, size, ranges, 2, 1000000000);
    harness_fuzz_state(h, data, size);
    harness_fuzz(h, data, size, ranges, 1, 1000000000);
    harness_free(h);
    return 0;
}
