/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: the port, with a driver whose room comes and goes. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {{HARNESS_FUZZ_PIO, 0x402, 4}};
    Harness *h = harness_create();
    harness_lun_char(h, 0);
    if (harness_start(h, "debugcon", NULL) == VIV_OK) {
        for (size_t i = 0; i < size; i += 16) {
            size_t n = size - i < 16 ? size - i : 16;
            harness_char_room(h, 0, data[i]);
            harness_fuzz(h, data + i, n, ranges, 1, 0);
            harness_char_inject(h, 0, data + i, n);
        }
    }
    harness_free(h);
    return 0;
}
