/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* driver: runs a libFuzzer target without libFuzzer, over a fixed number of seeded random inputs,
 * so that every fuzz target is exercised by the ordinary test run. VIV_FUZZ_RUNS and VIV_FUZZ_SEED
 * change count and seed; files as arguments are fed instead. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DRIVER_RUNS      500
#define DRIVER_MAX_BYTES 4096

/* xorshift64*: the same inputs everywhere. */
static uint64_t driver_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static uint64_t driver_env(const char *name, uint64_t dflt)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : dflt;
}

static int driver_file(const char *path)
{
    static uint8_t buf[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    size_t len = fread(buf, 1, sizeof buf, file);
    fclose(file);
    LLVMFuzzerTestOneInput(buf, len);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t runs = driver_env("VIV_FUZZ_RUNS", DRIVER_RUNS);
    uint64_t state = driver_env("VIV_FUZZ_SEED", 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    static uint8_t data[DRIVER_MAX_BYTES];
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        bad |= driver_file(argv[i]);
    }
    for (uint64_t run = 0; argc == 1 && run < runs; run++) {
        size_t len = driver_next(&state) % (sizeof data + 1);
        for (size_t i = 0; i < len; i++) {
            data[i] = (uint8_t)(driver_next(&state) >> 32);
        }
        LLVMFuzzerTestOneInput(data, len);
    }
    return bad;
}
