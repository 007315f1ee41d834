/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that floating point and vectors decide. Only operations that IEEE 754 (and x87 with 64-bit
 * precision) defines to the last bit: the checksums must agree on every machine.
 */
#include <emmintrin.h>
#include <string.h>

#include "bench.h"

#define BENCH_ORDER 48

static uint64_t bench_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* Product of two 48x48 matrices of doubles, scalar. One op = one product. */
static uint64_t bench_matrix(uint32_t ops)
{
    static double a[BENCH_ORDER][BENCH_ORDER], b[BENCH_ORDER][BENCH_ORDER];
    static double c[BENCH_ORDER][BENCH_ORDER];
    for (int i = 0; i < BENCH_ORDER; i++) {
        for (int j = 0; j < BENCH_ORDER; j++) {
            a[i][j] = 1.0 / (double)(i + j + 1);
            b[i][j] = (double)(i * 3 - j) / 7.0;
        }
    }
    for (uint32_t op = 0; op < ops; op++) {
        for (int i = 0; i < BENCH_ORDER; i++) {
            for (int j = 0; j < BENCH_ORDER; j++) {
                double sum = 0;
                for (int k = 0; k < BENCH_ORDER; k++) {
                    sum += a[i][k] * b[k][j];
                }
                c[i][j] = sum;
            }
        }
        a[op % BENCH_ORDER][(op * 7) % BENCH_ORDER] += c[5][op % BENCH_ORDER] / 1024.0;
    }
    uint64_t sum = 0;
    for (int i = 0; i < BENCH_ORDER; i++) {
        sum = sum * 31 + bench_bits(c[i][(i * 5) % BENCH_ORDER]);
    }
    return sum;
}

/* A chain of scalar double operations: add, multiply, divide, square root, conversions. */
static uint64_t bench_fp(uint32_t ops)
{
    double x = 0.5;
    double y = 3.0;
    int64_t whole = 0;
    for (uint32_t i = 0; i < ops; i++) {
        y = y * 0.999 + x;
        x = (x + 2.5) / (y + 1.0);
        __m128d v = _mm_set_sd(y);
        y = _mm_cvtsd_f64(_mm_sqrt_sd(v, v)) + (double)(i & 15);
        whole += (int64_t)(y * 16.0);
        if (x > y) {
            x -= y;
        }
    }
    return bench_bits(x) ^ bench_bits(y) ^ (uint64_t)whole;
}

/* The same on the x87: long double adds, multiplies, divides, square roots. */
static uint64_t bench_x87(uint32_t ops)
{
    long double x = 0.5L;
    long double y = 3.0L;
    for (uint32_t i = 0; i < ops; i++) {
        y = y * 0.999L + x;
        x = (x + 2.5L) / (y + 1.0L);
        __asm__ volatile("fsqrt" : "+t"(y));
        y += (long double)(int32_t)(i & 15);
        if (x > y) {
            x -= y;
        }
    }
    uint64_t bits[2][2] = {{0, 0}, {0, 0}};
    memcpy(bits[0], &x, 10);
    memcpy(bits[1], &y, 10);
    return bits[0][0] ^ bits[0][1] << 48 ^ bits[1][0] * 3 ^ bits[1][1] << 32;
}

/* Packed single, double and integer arithmetic, shuffles, compares. One op = one round. */
static uint64_t bench_sse(uint32_t ops)
{
    __m128 f = _mm_set_ps(1.5f, 2.5f, 3.5f, 4.5f);
    __m128d d = _mm_set_pd(1.25, 2.75);
    __m128i n = _mm_set_epi32(1, 2, 3, 4);
    const __m128i step = _mm_set1_epi32(0x01010101);
    for (uint32_t i = 0; i < ops; i++) {
        f = _mm_add_ps(_mm_mul_ps(f, _mm_set1_ps(0.75f)), _mm_set1_ps((float)(i & 7)));
        f = _mm_shuffle_ps(f, f, _MM_SHUFFLE(0, 3, 2, 1));
        d = _mm_sub_pd(_mm_mul_pd(d, _mm_set1_pd(0.875)), _mm_set1_pd((double)(i & 3)));
        n = _mm_add_epi32(n, step);
        n = _mm_xor_si128(n, _mm_srli_epi32(n, 3));
        n = _mm_add_epi16(n, _mm_mullo_epi16(n, step));
        __m128i larger = _mm_cmpgt_epi32(n, step);
        n = _mm_sub_epi32(n, _mm_and_si128(larger, _mm_unpacklo_epi8(n, step)));
    }
    uint64_t out[6];
    memcpy(out, &f, 16);
    memcpy(out + 2, &d, 16);
    memcpy(out + 4, &n, 16);
    return out[0] ^ out[1] * 3 ^ out[2] * 5 ^ out[3] * 7 ^ out[4] * 11 ^ out[5] * 13;
}

const BenchRow bench_fp_rows[] = {
    {"matrix", 200, bench_matrix}, {"fp", 3000000, bench_fp}, {"x87", 2000000, bench_x87},
    {"sse", 4000000, bench_sse},   {NULL, 0, NULL},
};
