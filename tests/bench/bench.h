/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The benchmark guest program: its rows. A row does a fixed number of operations (given by the
 * scale alone, never by a clock) and returns a checksum that is the same on every machine that
 * computes correctly.
 */
#ifndef VIV_BENCH_H
#define VIV_BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    /* Operations at scale 100; a scale of n does n hundredths of it, at least one. */
    uint32_t ops;
    uint64_t (*run)(uint32_t ops);
} BenchRow;

extern const BenchRow bench_cpu_rows[];
extern const BenchRow bench_memory_rows[];
extern const BenchRow bench_fp_rows[];
extern const BenchRow bench_os_rows[];

/* Ends the program with a message; the runner takes it as a failed run. */
_Noreturn void bench_die(const char *what);

/* The path of the program itself, for the row that executes it again. */
extern const char *bench_self;

/* Any fixed sequence of numbers that does not repeat soon (Marsaglia's xorshift64). */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

/* The compiler must believe that the value is used and unknown. */
#define BENCH_OPAQUE(x) __asm__ volatile("" : "+r"(x))

#endif
