/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: ports and time, with a speaker that takes now this and now that many frames; then a
 * saved state with bytes changed. */
#include <stdlib.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t fuzz_frames;
static uint32_t fuzz_room;

static viv_status_t fuzz_open(void *self, const viv_audio_params_t *p, viv_audio_stream_t **ret)
{
    (void)p;
    *ret = self;
    return VIV_OK;
}

static void fuzz_start(viv_audio_stream_t *s)
{
    (void)s;
    fuzz_frames = 0;
}

static uint64_t fuzz_tell(viv_audio_stream_t *s)
{
    (void)s;
    return fuzz_frames;
}

static uint32_t fuzz_write(viv_audio_stream_t *s, const void *frames, uint32_t count)
{
    const int16_t *samples = frames;
    (void)s;
    for (uint32_t i = 0; i < count && samples; i++) {
        if (samples[i] < 0 || samples[i] > 16384) {
            abort();
        }
    }
    count = count > fuzz_room ? fuzz_room : count;
    fuzz_frames += count;
    return count;
}

static const viv_audio_ops_t fuzz_ops = {
    .size = sizeof(viv_audio_ops_t),
    .open = fuzz_open,
    .start = fuzz_start,
    .tell = fuzz_tell,
    .write = fuzz_write,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x40, 4},
        {HARNESS_FUZZ_PIO, 0x61, 1},
    };
    Harness *h = harness_create();
    size_t half = size / 2;
    fuzz_room = size & 2 ? UINT32_MAX : 300;
    if (size & 1) {
        harness_lun_iface(h, 0, VIV_AUDIO_ID, &fuzz_ops, &fuzz_frames);
    }
    if (harness_start(h, "i8254", NULL) != VIV_OK) {
        abort();
    }
    harness_fuzz(h, data, half, ranges, 2, 200000);
    harness_fuzz_state(h, data + half, size - half);
    harness_fuzz(h, data, half, ranges, 2, 200000);
    harness_free(h);
    return 0;
}
