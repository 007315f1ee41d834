/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzing of virtio devices: a driver that negotiates what the input says, lays rings in guest memory
 * that are mostly right and sometimes not, and mixes that with raw traffic, time, saves and whatever
 * the device's own target adds. */
#ifndef VIRTIO_FUZZ_H
#define VIRTIO_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "virtio.h"

#define FUZZ_PORTS 0xc000u
#define FUZZ_MMIO  0xe0000000u
#define FUZZ_MSIX  0xe0100000u
#define FUZZ_RINGS 0x100000u
#define FUZZ_SPAN  0x4000u /* of a queue's rings */

typedef struct Fuzz {
    Harness *h;
    const uint8_t *at;
    size_t left;
    uint32_t queues, size, packed, legacy;
    uint16_t next[VIRTIO_QUEUES];
    uint8_t wrap[VIRTIO_QUEUES];
    /* The device's own: op is 0..255. */
    void (*extra)(struct Fuzz *f, uint32_t op);
} Fuzz;

static inline uint64_t fuzz_take(Fuzz *f, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes && f->left; i++) {
        value |= (uint64_t)*f->at++ << (8 * i);
        f->left--;
    }
    return value;
}

static inline void fuzz_map(Fuzz *f)
{
    harness_pci_map_bar(f->h, 0, 0, FUZZ_PORTS);
    harness_pci_map_bar(f->h, 0, 4, FUZZ_MMIO);
    harness_pci_map_bar(f->h, 0, 1, FUZZ_MSIX);
}

/* Where the rings of queue n are, as the fuzzer's driver lays them. */
static inline uint64_t fuzz_desc(uint32_t n)
{
    return FUZZ_RINGS + (uint64_t)n * FUZZ_SPAN;
}

static inline uint64_t fuzz_avail(const Fuzz *f, uint32_t n)
{
    return f->legacy ? fuzz_desc(n) + 16ull * f->size : fuzz_desc(n) + 0x2000;
}

static inline void fuzz_negotiate(Fuzz *f)
{
    uint32_t how = (uint32_t)fuzz_take(f, 1);
    uint64_t features = fuzz_take(f, 2);
    f->legacy = how & 1;
    f->packed = !f->legacy && (how & 2);
    f->size = f->legacy ? 0 : 1u << (how >> 5);
    memset(f->next, 0, sizeof(f->next));
    memset(f->wrap, 1, sizeof(f->wrap));
    fuzz_map(f);
    harness_msix_enable(f->h, 0, how >> 2 & 1);
    for (uint32_t i = 0; i <= f->queues && i < 4; i++) {
        harness_msix_vector(f->h, 0, i, 0xfee00000, 0x40 + i, i & how >> 3);
    }
    features = (features & 0xff) | (features >> 8 & 1) << 28 | (features >> 9 & 1) << 29;
    if (f->legacy) {
        harness_out8(f->h, FUZZ_PORTS + 18, 0);
        harness_out8(f->h, FUZZ_PORTS + 18, 3);
        harness_out32(f->h, FUZZ_PORTS + 4, (uint32_t)features);
        for (uint32_t n = 0; n < f->queues; n++) {
            harness_out16(f->h, FUZZ_PORTS + 14, (uint16_t)n);
            f->size = harness_in16(f->h, FUZZ_PORTS + 12);
            harness_out32(f->h, FUZZ_PORTS + 8, (uint32_t)(fuzz_desc(n) >> 12));
        }
        harness_out8(f->h, FUZZ_PORTS + 18, 7);
        return;
    }
    features |= VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET | (f->packed ? VIRTIO_F_RING_PACKED : 0);
    harness_mmio_write(f->h, FUZZ_MMIO, 0, 4);
    uint64_t offered = harness_mmio_read(f->h, FUZZ_MMIO + 4, 4) | ~0ull << 32;
    harness_mmio_write(f->h, FUZZ_MMIO + 20, 0, 1);
    harness_mmio_write(f->h, FUZZ_MMIO + 20, 3, 1);
    for (uint32_t half = 0; half < 2; half++) {
        harness_mmio_write(f->h, FUZZ_MMIO + 8, half, 4);
        harness_mmio_write(f->h, FUZZ_MMIO + 12, (features & offered) >> 32 * half, 4);
    }
    harness_mmio_write(f->h, FUZZ_MMIO + 20, 11, 1);
    for (uint32_t n = 0; n < f->queues; n++) {
        harness_mmio_write(f->h, FUZZ_MMIO + 22, n, 2);
        harness_mmio_write(f->h, FUZZ_MMIO + 24, f->size, 2);
        harness_mmio_write(f->h, FUZZ_MMIO + 26, n & 3, 2);
        harness_mmio_write(f->h, FUZZ_MMIO + 32, fuzz_desc(n), 8);
        harness_mmio_write(f->h, FUZZ_MMIO + 40, fuzz_avail(f, n), 8);
        harness_mmio_write(f->h, FUZZ_MMIO + 48, fuzz_desc(n) + 0x3000, 8);
        harness_mmio_write(f->h, FUZZ_MMIO + 28, 1, 2);
    }
    harness_mmio_write(f->h, FUZZ_MMIO + 20, 15, 1);
}

/* A chain of 1..4 descriptors, rarely with an address or flags from nowhere. */
static inline void fuzz_chain(Fuzz *f, uint32_t n)
{
    uint32_t what = (uint32_t)fuzz_take(f, 1), count = 1 + (what & 3);
    uint32_t head = f->next[n] % (f->size ? f->size : 1);
    for (uint32_t i = 0; i < count && f->size; i++) {
        uint32_t at = (head + i) % f->size, op = (uint32_t)fuzz_take(f, 1);
        uint64_t gpa = op < 240 ? 0x800000 + (op & 15) * 0x1000ull : fuzz_take(f, 8);
        uint32_t len = op < 250 ? (uint32_t)fuzz_take(f, 2) : (uint32_t)fuzz_take(f, 4);
        uint32_t flags = (op >> 4 & 2) | (i + 1 < count ? 1u : 0) | (op == 0x77 ? 4u : 0);
        if (f->packed) {
            uint32_t wrap = f->wrap[n];
            flags |= wrap ? 0x80 : 0x8000;
            f->wrap[n] = (uint8_t)(at + 1 == f->size ? wrap ^ 1 : wrap);
        }
        harness_ram_put64(f->h, fuzz_desc(n) + 16ull * at, gpa);
        harness_ram_put32(f->h, fuzz_desc(n) + 16ull * at + 8, len);
        uint32_t a = f->packed ? at : flags, b = f->packed ? flags : (at + 1) % f->size;
        harness_ram_put16(f->h, fuzz_desc(n) + 16ull * at + 12, (uint16_t)a);
        harness_ram_put16(f->h, fuzz_desc(n) + 16ull * at + 14, (uint16_t)b);
    }
    if (f->packed) {
        f->next[n] = (uint16_t)((head + count) % (f->size ? f->size : 1));
    } else if (f->size) {
        uint32_t slot = f->next[n] % f->size;
        harness_ram_put16(f->h, fuzz_avail(f, n) + 4 + 2ull * slot, (uint16_t)head);
        harness_ram_put16(f->h, fuzz_avail(f, n) + 2, ++f->next[n]);
    }
}

static inline void fuzz_poke(Fuzz *f, uint32_t n)
{
    uint64_t at = fuzz_desc(n) + fuzz_take(f, 2) % FUZZ_SPAN;
    uint32_t len = 1 + (uint32_t)fuzz_take(f, 1) % 16;
    for (uint32_t i = 0; i < len; i++) {
        harness_ram_put8(f->h, at + i, (uint8_t)fuzz_take(f, 1));
    }
}

static inline void fuzz_raw(Fuzz *f)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_MMIO, FUZZ_MMIO, 0x40},
        {HARNESS_FUZZ_MMIO, FUZZ_MMIO + 0x2000, 0x20},
        {HARNESS_FUZZ_MMIO, FUZZ_MMIO + 0x3000, 0x40},
        {HARNESS_FUZZ_MMIO, FUZZ_MMIO, 0x4000},
        {HARNESS_FUZZ_MMIO, FUZZ_MSIX, 0x1000},
        {HARNESS_FUZZ_PIO, FUZZ_PORTS, 0x40},
        {HARNESS_FUZZ_CFG, 0, 0x100},
    };
    size_t len = fuzz_take(f, 1) % 64;
    len = len < f->left ? len : f->left;
    harness_fuzz(f->h, f->at, len, ranges, sizeof(ranges) / sizeof(ranges[0]), 10000000);
    f->at += len;
    f->left -= len;
}

static inline void fuzz_kick(Fuzz *f, uint32_t n)
{
    if (f->legacy) {
        harness_out16(f->h, FUZZ_PORTS + 16, (uint16_t)n);
    } else {
        harness_mmio_write(f->h, FUZZ_MMIO + 0x3000 + 4ull * n, n, 4);
    }
}

static inline void fuzz_run(Fuzz *f)
{
    fuzz_negotiate(f);
    while (f->left) {
        uint32_t op = (uint32_t)fuzz_take(f, 1), n = (op >> 4) % f->queues;
        switch (op & 15) {
        case 0: fuzz_raw(f); break;
        case 1: fuzz_poke(f, n); break;
        case 2: harness_advance_ns(f->h, fuzz_take(f, 3) * 16); break;
        case 3:
            if (n == 0) {
                harness_save_load(f->h);
            } else if (n == 1) {
                harness_reset(f->h);
                fuzz_negotiate(f);
            }
            break;
        case 4: fuzz_negotiate(f); break;
        case 5:
        case 6:
        case 7:
            if (f->extra) {
                f->extra(f, (uint32_t)fuzz_take(f, 1));
            }
            break;
        case 8:
        case 9: fuzz_kick(f, n); break;
        default:
            fuzz_chain(f, n);
            if (op & 1) {
                fuzz_kick(f, n);
            }
            break;
        }
    }
}

#endif
