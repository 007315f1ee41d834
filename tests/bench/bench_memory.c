/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that memory accesses and string instructions decide. Everything is written out here: the C
 * library would choose other instructions on each machine.
 */
#include <emmintrin.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define BENCH_BUFFER (1u << 20)
#define BENCH_CHAIN  (1u << 16)

static uint8_t bench_from[BENCH_BUFFER] __attribute__((aligned(64)));
static uint8_t bench_to[BENCH_BUFFER + 64] __attribute__((aligned(64)));

static void bench_fill(uint8_t *data, size_t len)
{
    uint64_t state = 0x1234567;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t x = bench_random(&state);
        memcpy(data + i, &x, 8);
    }
}

static uint64_t bench_digest(const uint8_t *data, size_t len)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i += 64) {
        uint64_t x;
        memcpy(&x, data + i, 8);
        sum = sum * 31 + x;
    }
    return sum;
}

/* Eight bytes at a time, to an odd address. One op = one MiB. */
static uint64_t bench_copy(uint32_t ops)
{
    bench_fill(bench_from, BENCH_BUFFER);
    for (uint32_t i = 0; i < ops; i++) {
        uint8_t *to = bench_to + (i & 31) + 1;
        for (size_t at = 0; at < BENCH_BUFFER; at += 8) {
            uint64_t x;
            memcpy(&x, bench_from + at, 8);
            BENCH_OPAQUE(x);
            memcpy(to + at, &x, 8);
        }
    }
    return bench_digest(bench_to, BENCH_BUFFER);
}

/* rep movsb and rep stosq. One op = one MiB moved, half a MiB set. */
static uint64_t bench_repmovs(uint32_t ops)
{
    bench_fill(bench_from, BENCH_BUFFER);
    for (uint32_t i = 0; i < ops; i++) {
        void *to = bench_to;
        const void *from = bench_from;
        size_t count = BENCH_BUFFER;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
        to = bench_to;
        count = BENCH_BUFFER / 16;
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"((uint64_t)i) : "memory");
    }
    return bench_digest(bench_to, BENCH_BUFFER);
}

/* A walk through 512 KiB in an order that no prefetcher knows: each load waits for the last. */
static uint64_t bench_chase(uint32_t ops)
{
    static uint64_t chain[BENCH_CHAIN];
    uint64_t state = 99;
    for (uint64_t i = 0; i < BENCH_CHAIN; i++) {
        chain[i] = i;
    }
    /* Sattolo's shuffle makes one single cycle of it. */
    for (uint64_t i = BENCH_CHAIN - 1; i > 0; i--) {
        uint64_t j = bench_random(&state) % i;
        uint64_t kept = chain[i];
        chain[i] = chain[j];
        chain[j] = kept;
    }
    uint64_t at = 0;
    for (uint32_t i = 0; i < ops; i++) {
        at = chain[at];
    }
    return at;
}

/* Heap sort of 8192 numbers. One op = one sort. */
static uint64_t bench_sort(uint32_t ops)
{
    static uint32_t numbers[8193];
    const size_t len = 8192;
    uint64_t state = 777;
    uint64_t sum = 0;
    for (uint32_t op = 0; op < ops; op++) {
        for (size_t i = 1; i <= len; i++) {
            numbers[i] = (uint32_t)bench_random(&state);
        }
        size_t left = len / 2 + 1;
        size_t right = len;
        while (right > 1) {
            uint32_t moving;
            if (left > 1) {
                moving = numbers[--left];
            } else {
                moving = numbers[right];
                numbers[right--] = numbers[1];
            }
            size_t at = left;
            for (size_t child = at * 2; child <= right; child = at * 2) {
                if (child < right && numbers[child] < numbers[child + 1]) {
                    child++;
                }
                if (moving >= numbers[child]) {
                    break;
                }
                numbers[at] = numbers[child];
                at = child;
            }
            numbers[at] = moving;
        }
        for (size_t i = 1; i <= len; i += 97) {
            sum = sum * 31 + numbers[i];
        }
    }
    return sum;
}

/* The end of a string: byte by byte, by repne scasb, and 16 bytes at once. */
static size_t bench_len_bytes(const char *text)
{
    const char *at = text;
    while (*at) {
        at++;
        __asm__ volatile("" : "+r"(at));
    }
    return (size_t)(at - text);
}

static size_t bench_len_scas(const char *text)
{
    const char *at = text;
    size_t count = (size_t)-1;
    __asm__ volatile("repne scasb" : "+D"(at), "+c"(count) : "a"(0) : "memory", "cc");
    return (size_t)(at - text) - 1;
}

static size_t bench_len_sse(const char *text)
{
    const __m128i zero = _mm_setzero_si128();
    size_t at = 0;
    for (;;) {
        __m128i block = _mm_load_si128((const __m128i *)(const void *)(text + at));
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, zero));
        if (mask) {
            return at + (size_t)__builtin_ctz((unsigned)mask);
        }
        at += 16;
    }
}

/* One op = three searches through up to 4 KiB. */
static uint64_t bench_scan(uint32_t ops)
{
    uint64_t sum = 0;
    memset(bench_from, 'x', 8192);
    for (uint32_t i = 0; i < ops; i++) {
        size_t end = (i * 37) & 4095;
        char *text = (char *)bench_from;
        text[end] = '\0';
        BENCH_OPAQUE(text);
        sum = sum * 3 + bench_len_bytes(text) + bench_len_scas(text) * 5 + bench_len_sse(text) * 7;
        text[end] = 'x';
    }
    return sum;
}

/* First touch of fresh pages: one fault each. One op = one page. */
static uint64_t bench_fault(uint32_t ops)
{
    const uint32_t batch = 512;
    uint64_t sum = 0;
    for (uint32_t done = 0; done < ops; done += batch) {
        uint32_t pages = ops - done < batch ? ops - done : batch;
        uint8_t *memory = mmap(NULL, (size_t)pages * 4096, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            bench_die("mmap");
        }
        madvise(memory, (size_t)pages * 4096, MADV_NOHUGEPAGE);
        for (uint32_t page = 0; page < pages; page++) {
            memory[(size_t)page * 4096 + page % 4096] = (uint8_t)page;
        }
        for (uint32_t page = 0; page < pages; page++) {
            sum += memory[(size_t)page * 4096 + page % 4096];
        }
        munmap(memory, (size_t)pages * 4096);
    }
    return sum;
}

const BenchRow bench_memory_rows[] = {
    {"copy", 150, bench_copy}, {"repmovs", 100, bench_repmovs}, {"chase", 4000000, bench_chase},
    {"sort", 60, bench_sort},  {"scan", 5000, bench_scan},      {"fault", 20000, bench_fault},
    {NULL, 0, NULL},
};
