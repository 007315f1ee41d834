/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that the integer unit decides: arithmetic, branches, calls, code that changes itself.
 */
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

/* Dependent 64-bit arithmetic: multiply, add, shift, xor, rotate. One op = one round. */
static uint64_t bench_int(uint32_t ops)
{
    uint64_t a = 0x9E3779B97F4A7C15u;
    uint64_t b = 1;
    for (uint32_t i = 0; i < ops; i++) {
        a = a * 0x5851F42D4C957F2Du + b;
        b ^= a >> 29;
        b = (b << 17 | b >> 47) + i;
        BENCH_OPAQUE(a);
    }
    return a ^ b;
}

/* 64-bit division, remainder and the 32-bit kind. */
static uint64_t bench_div(uint32_t ops)
{
    uint64_t sum = 0;
    uint64_t state = 88172645463325252u;
    for (uint32_t i = 0; i < ops; i++) {
        uint64_t x = bench_random(&state);
        uint64_t divisor = (x >> 40) + 3;
        uint32_t narrow = (uint32_t)x | 1;
        BENCH_OPAQUE(divisor);
        BENCH_OPAQUE(narrow);
        sum += x / divisor + x % divisor + (uint32_t)(x >> 32) / narrow;
    }
    return sum;
}

/* Branches taken and not taken by what the data says; half of them cannot be predicted. */
static uint64_t bench_branch(uint32_t ops)
{
    uint64_t state = 2463534242u;
    uint64_t counts[4] = {0, 0, 0, 0};
    for (uint32_t i = 0; i < ops; i++) {
        uint64_t x = bench_random(&state);
        if (x & 1) {
            counts[0] += i;
            __asm__ volatile("");
        } else {
            counts[1]++;
            __asm__ volatile("");
        }
        if (i & 1) {
            counts[2] ^= x;
            __asm__ volatile("");
        }
        if ((x & 0xF0) == 0x30) {
            counts[3] += x & 0xFF;
            __asm__ volatile("");
        }
    }
    return counts[0] ^ counts[1] << 32 ^ counts[2] ^ counts[3] << 16;
}

/* Recursion: nothing but calls, returns and the stack. */
static __attribute__((noinline)) uint64_t bench_fibonacci(uint32_t n)
{
    uint64_t first, second;
    BENCH_OPAQUE(n);
    if (n < 2) {
        return n;
    }
    first = bench_fibonacci(n - 1);
    BENCH_OPAQUE(first);
    second = bench_fibonacci(n - 2);
    return first + second;
}

/* One op = one recursion over 16 (3193 calls). */
static uint64_t bench_call(uint32_t ops)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ops; i++) {
        sum = sum * 3 + bench_fibonacci(16);
    }
    return sum;
}

#define BENCH_TARGET(n, expression)                                                                \
    static __attribute__((noinline)) uint64_t bench_target_##n(uint64_t x)                         \
    {                                                                                              \
        return expression;                                                                         \
    }
BENCH_TARGET(0, x + 1)
BENCH_TARGET(1, x * 3)
BENCH_TARGET(2, x ^ 0x55)
BENCH_TARGET(3, x - 7)
BENCH_TARGET(4, x << 1 | x >> 63)
BENCH_TARGET(5, ~x)
BENCH_TARGET(6, x + (x >> 5))
BENCH_TARGET(7, x ^ x >> 9)

/* Calls through a table; the target follows the data. */
static uint64_t bench_icall(uint32_t ops)
{
    uint64_t (*targets[8])(uint64_t) = {
        bench_target_0, bench_target_1, bench_target_2, bench_target_3,
        bench_target_4, bench_target_5, bench_target_6, bench_target_7,
    };
    uint64_t state = 123456789u;
    uint64_t x = 1;
    for (uint32_t i = 0; i < ops; i++) {
        x = targets[bench_random(&state) & 7](x);
    }
    return x;
}

/* Bytes through a table, the usual CRC-32. One op = one KiB. */
static uint64_t bench_crc(uint32_t ops)
{
    static uint8_t data[1024];
    uint32_t table[256];
    uint64_t state = 42;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
        }
        table[i] = value;
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)bench_random(&state);
    }
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < ops; i++) {
        for (size_t j = 0; j < sizeof(data); j++) {
            crc = crc >> 8 ^ table[(crc ^ data[j]) & 0xFF];
        }
    }
    return ~crc;
}

/* A function whose constant is rewritten before each call: mov eax, imm32; ret. */
static uint64_t bench_smc(uint32_t ops)
{
    uint8_t *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        bench_die("mmap of writable code");
    }
    uint32_t (*function)(void);
    memcpy(&function, &code, sizeof(function));
    code[0] = 0xB8;
    code[5] = 0xC3;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ops; i++) {
        uint32_t constant = i * 2654435761u;
        memcpy(code + 1, &constant, sizeof(constant));
        __asm__ volatile("" : : : "memory");
        sum = sum * 31 + function();
    }
    munmap(code, 4096);
    return sum;
}

const BenchRow bench_cpu_rows[] = {
    {"int", 20000000, bench_int},      {"div", 4000000, bench_div},
    {"branch", 6000000, bench_branch}, {"call", 4000, bench_call},
    {"icall", 8000000, bench_icall},   {"crc", 20000, bench_crc},
    {"smc", 60000, bench_smc},         {NULL, 0, NULL},
};
