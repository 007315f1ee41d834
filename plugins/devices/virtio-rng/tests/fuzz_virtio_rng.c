/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: rings, registers, time, saved states. */
#include "../../virtio/tests/virtio_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"", "MaxBytes=1000,PeriodMs=1"};
    Fuzz f = {.at = data, .left = size, .queues = 1};
    f.h = harness_new("virtio-rng", options[fuzz_take(&f, 1) & 1]);
    fuzz_run(&f);
    harness_fuzz_state(f.h, data, size);
    fuzz_kick(&f, 0);
    harness_advance_ns(f.h, 100000000);
    harness_free(f.h);
    return 0;
}
