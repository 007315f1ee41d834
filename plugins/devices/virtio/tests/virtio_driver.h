/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver of virtio devices, for tests: finds the registers as a guest does, negotiates, and keeps
 * rings of either kind in the fake host's RAM. */
#ifndef VIRTIO_DRIVER_H
#define VIRTIO_DRIVER_H

#include <check.h>
#include <string.h>

#include "harness.h"
#include "virtio.h"

#define DRV_PORTS  0xc000u
#define DRV_MMIO   0xe0000000u
#define DRV_MSIX   0xe0100000u
#define DRV_RINGS  0x100000u
#define DRV_QUEUES 64u
#define DRV_MSG    0xfee00000u

#define DRV_LEGACY   0x1u
#define DRV_PACKED   0x2u
#define DRV_EVENT    0x4u
#define DRV_INDIRECT 0x8u
#define DRV_MSIX_ON  0x10u
#define DRV_ALL      0x20u /* whatever else the transport offers */

typedef struct DrvSeg {
    uint64_t gpa;
    uint32_t len, write;
} DrvSeg;

typedef struct DrvQueue {
    uint64_t desc, driver, device;
    uint32_t size, next, used;         /* where to add, where to look */
    uint32_t wrap, used_wrap;          /* packed */
    uint32_t added;                    /* since the latest kick */
    uint32_t slots[VIRTIO_QUEUE_SIZE]; /* by id: how many a buffer takes */
} DrvQueue;

typedef struct Drv {
    Harness *h;
    uint32_t mode;
    uint64_t features;
    uint64_t common, isr, device, notify; /* of the modern interface */
    uint32_t notify_mul;
    uint64_t free; /* memory behind the rings */
    DrvQueue queues[DRV_QUEUES];
} Drv;

/* -- registers ------------------------------------------------------------------------------- */

static inline uint64_t drv_alloc(Drv *d, uint64_t len)
{
    uint64_t at = d->free;
    d->free = (d->free + len + 4095) & ~4095ull;
    harness_ram_fill(d->h, at, 0, d->free - at);
    return at;
}

static inline void drv_find(Drv *d)
{
    uint32_t cap = harness_cfg_read(d->h, 0, 0x34, 1);
    for (int i = 0; cap && i < 48; i++, cap = harness_cfg_read(d->h, 0, cap + 1, 1)) {
        if (harness_cfg_read(d->h, 0, cap, 1) != 9) {
            continue;
        }
        uint64_t at = DRV_MMIO + harness_cfg_read(d->h, 0, cap + 8, 4);
        switch (harness_cfg_read(d->h, 0, cap + 3, 1)) {
        case 1: d->common = at; break;
        case 2:
            d->notify = at;
            d->notify_mul = harness_cfg_read(d->h, 0, cap + 16, 4);
            break;
        case 3: d->isr = at; break;
        case 4: d->device = at; break;
        default: break;
        }
    }
}

static inline uint32_t drv_common(Drv *d, uint32_t off, uint32_t width)
{
    return (uint32_t)harness_mmio_read(d->h, d->common + off, width);
}

static inline void drv_common_set(Drv *d, uint32_t off, uint64_t value, uint32_t width)
{
    harness_mmio_write(d->h, d->common + off, value, width);
}

static inline uint8_t drv_status(Drv *d)
{
    return d->mode & DRV_LEGACY ? harness_in8(d->h, DRV_PORTS + 18) : (uint8_t)drv_common(d, 20, 1);
}

static inline void drv_status_set(Drv *d, uint8_t value)
{
    if (d->mode & DRV_LEGACY) {
        harness_out8(d->h, DRV_PORTS + 18, value);
    } else {
        drv_common_set(d, 20, value, 1);
    }
}

static inline uint8_t drv_isr(Drv *d)
{
    return d->mode & DRV_LEGACY ? harness_in8(d->h, DRV_PORTS + 19)
                                : (uint8_t)harness_mmio_read(d->h, d->isr, 1);
}

static inline uint32_t drv_legacy_config(Drv *d)
{
    return DRV_PORTS + (d->mode & DRV_MSIX_ON ? 24 : 20);
}

static inline uint32_t drv_config(Drv *d, uint32_t off, uint32_t width)
{
    return d->mode & DRV_LEGACY ? harness_io_read(d->h, drv_legacy_config(d) + off, width)
                                : (uint32_t)harness_mmio_read(d->h, d->device + off, width);
}

static inline void drv_config_set(Drv *d, uint32_t off, uint32_t value, uint32_t width)
{
    if (d->mode & DRV_LEGACY) {
        harness_io_write(d->h, drv_legacy_config(d) + off, value, width);
    } else {
        harness_mmio_write(d->h, d->device + off, value, width);
    }
}

static inline uint64_t drv_offered(Drv *d)
{
    if (d->mode & DRV_LEGACY) {
        return harness_in32(d->h, DRV_PORTS);
    }
    drv_common_set(d, 0, 0, 4);
    uint64_t low = drv_common(d, 4, 4);
    drv_common_set(d, 0, 1, 4);
    return low | (uint64_t)drv_common(d, 4, 4) << 32;
}

static inline void drv_accept(Drv *d, uint64_t features)
{
    d->features = features;
    if (d->mode & DRV_LEGACY) {
        harness_out32(d->h, DRV_PORTS + 4, (uint32_t)features);
        return;
    }
    for (uint32_t half = 0; half < 2; half++) {
        drv_common_set(d, 8, half, 4);
        drv_common_set(d, 12, (uint32_t)(features >> 32 * half), 4);
    }
}

/* Up to FEATURES_OK. */
static inline void drv_open(Drv *d, Harness *h, uint32_t mode, uint64_t device_features)
{
    memset(d, 0, sizeof(*d));
    d->h = h;
    d->mode = mode;
    d->free = DRV_RINGS;
    harness_pci_map_bar(h, 0, 4, DRV_MMIO);
    harness_pci_map_bar(h, 0, 1, DRV_MSIX);
    if (mode & DRV_LEGACY) {
        harness_pci_map_bar(h, 0, 0, DRV_PORTS);
    }
    if (mode & DRV_MSIX_ON) {
        harness_msix_enable(h, 0, 1);
        uint32_t vectors = harness_cfg_read(h, 0, harness_cap_find(h, 0, 0x11) + 2, 2) & 0x7ff;
        for (uint32_t i = 0; i <= vectors && i < 4; i++) {
            harness_msix_vector(h, 0, i, DRV_MSG, 0x40 + i, 0);
        }
    }
    drv_find(d);
    drv_status_set(d, 0);
    ck_assert_uint_eq(drv_status(d), 0);
    drv_status_set(d, 1);
    drv_status_set(d, 3);
    uint64_t want = device_features | (mode & DRV_EVENT ? VIRTIO_F_EVENT_IDX : 0) |
                    (mode & DRV_INDIRECT ? VIRTIO_F_INDIRECT_DESC : 0);
    if (!(mode & DRV_LEGACY)) {
        want |= VIRTIO_F_VERSION_1 | (mode & DRV_PACKED ? VIRTIO_F_RING_PACKED : 0);
        want |= mode & DRV_ALL
                    ? VIRTIO_F_RING_RESET | VIRTIO_F_NOTIFICATION_DATA | VIRTIO_F_ORDER_PLATFORM
                    : 0;
    }
    uint64_t offered = drv_offered(d);
    ck_assert_msg((want & ~offered) == 0, "wants %llx, offered %llx", (unsigned long long)want,
                  (unsigned long long)offered);
    drv_accept(d, want);
    if (!(mode & DRV_LEGACY)) {
        drv_status_set(d, 11);
        ck_assert_uint_eq(drv_status(d), 11);
    }
}

static inline void drv_ready(Drv *d)
{
    drv_status_set(d, d->mode & DRV_LEGACY ? 7 : 15);
}

/* -- queues ---------------------------------------------------------------------------------- */

static inline void drv_place_legacy(Drv *d, uint32_t index, uint32_t vector)
{
    DrvQueue *q = &d->queues[index];
    harness_out16(d->h, DRV_PORTS + 14, (uint16_t)index);
    q->size = harness_in16(d->h, DRV_PORTS + 12);
    ck_assert_uint_ne(q->size, 0);
    uint64_t at = drv_alloc(d, 16384 + 26ull * q->size);
    q->desc = at;
    q->driver = at + 16ull * q->size;
    q->device = (q->driver + 6 + 2ull * q->size + 4095) & ~4095ull;
    harness_out32(d->h, DRV_PORTS + 8, (uint32_t)(at >> 12));
    if (d->mode & DRV_MSIX_ON) {
        harness_out16(d->h, DRV_PORTS + 22, (uint16_t)vector);
    }
}

static inline void drv_place(Drv *d, uint32_t index, uint32_t size, uint32_t vector)
{
    DrvQueue *q = &d->queues[index];
    memset(q, 0, sizeof(*q));
    q->wrap = q->used_wrap = 1;
    if (d->mode & DRV_LEGACY) {
        drv_place_legacy(d, index, vector);
        return;
    }
    drv_common_set(d, 22, index, 2);
    q->size = drv_common(d, 24, 2);
    ck_assert_uint_ne(q->size, 0);
    if (size) {
        drv_common_set(d, 24, size, 2);
        q->size = drv_common(d, 24, 2);
        ck_assert_uint_eq(q->size, size);
    }
    q->desc = drv_alloc(d, 16ull * q->size);
    q->driver = drv_alloc(d, 6 + 2ull * q->size);
    q->device = drv_alloc(d, 6 + 8ull * q->size);
    if (d->mode & DRV_MSIX_ON) {
        drv_common_set(d, 26, vector, 2);
        ck_assert_uint_eq(drv_common(d, 26, 2), vector);
    }
    drv_common_set(d, 32, q->desc, 8);
    drv_common_set(d, 40, q->driver, 8);
    drv_common_set(d, 48, q->device, 8);
    drv_common_set(d, 28, 1, 2);
}

static inline void drv_desc(Drv *d, uint64_t at, DrvSeg seg, uint32_t flags, uint32_t last)
{
    harness_ram_put64(d->h, at, seg.gpa);
    harness_ram_put32(d->h, at + 8, seg.len);
    if (d->mode & DRV_PACKED) {
        harness_ram_put16(d->h, at + 12, (uint16_t)last); /* id */
        harness_ram_put16(d->h, at + 14, (uint16_t)flags);
    } else {
        harness_ram_put16(d->h, at + 12, (uint16_t)flags);
        harness_ram_put16(d->h, at + 14, (uint16_t)last); /* next */
    }
}

/* An indirect table in fresh memory. */
static inline DrvSeg drv_table(Drv *d, const DrvSeg *segs, uint32_t count)
{
    uint64_t at = drv_alloc(d, 16ull * count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = !(d->mode & DRV_PACKED) && i + 1 < count;
        drv_desc(d, at + 16ull * i, segs[i], (segs[i].write ? 2u : 0) | next,
                 d->mode & DRV_PACKED ? 0 : i + 1);
    }
    return (DrvSeg){at, 16 * count, 0};
}

static inline uint32_t drv_add_packed(Drv *d, DrvQueue *q, const DrvSeg *segs, uint32_t count,
                                      uint32_t indirect)
{
    uint32_t head = q->next, id = q->next, first = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t flags = (q->wrap ? 0x80u : 0x8000u) | (segs[i].write ? 2u : 0) |
                         (i + 1 < count ? 1u : 0) | (indirect ? 4u : 0);
        first = i ? first : flags;
        drv_desc(d, q->desc + 16ull * q->next, segs[i], i ? flags : flags ^ 0x8080u, id);
        if (++q->next == q->size) {
            q->next = 0;
            q->wrap ^= 1;
        }
    }
    harness_ram_put16(d->h, q->desc + 16ull * head + 14, (uint16_t)first);
    q->slots[id] = count;
    return id;
}

static inline uint32_t drv_add_split(Drv *d, DrvQueue *q, const DrvSeg *segs, uint32_t count,
                                     uint32_t indirect)
{
    uint32_t head = q->slots[0] % q->size; /* the next free descriptor: they are used in order */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (head + i) % q->size;
        drv_desc(d, q->desc + 16ull * at, segs[i],
                 (segs[i].write ? 2u : 0) | (i + 1 < count ? 1u : 0) | (indirect ? 4u : 0),
                 (at + 1) % q->size);
    }
    q->slots[0] += count;
    harness_ram_put16(d->h, q->driver + 4 + 2ull * (q->next % q->size), (uint16_t)head);
    q->next++;
    harness_ram_put16(d->h, q->driver + 2, (uint16_t)q->next);
    return head;
}

/* Makes a buffer available; returns its id. */
static inline uint32_t drv_add(Drv *d, uint32_t index, const DrvSeg *segs, uint32_t count)
{
    DrvQueue *q = &d->queues[index];
    DrvSeg table;
    uint32_t indirect = (d->mode & DRV_INDIRECT) && count > 1;
    if (indirect) {
        table = drv_table(d, segs, count);
        segs = &table;
        count = 1;
    }
    q->added++;
    return d->mode & DRV_PACKED ? drv_add_packed(d, q, segs, count, indirect)
                                : drv_add_split(d, q, segs, count, indirect);
}

/* Does the device want to be told? */
static inline int drv_wants_kick(Drv *d, DrvQueue *q)
{
    if (d->mode & DRV_PACKED) {
        uint16_t flags = harness_ram_get16(d->h, q->device + 2);
        if (flags != 2) {
            return flags == 0;
        }
        uint16_t event = harness_ram_get16(d->h, q->device);
        int32_t behind = (int32_t)q->next - (event & 0x7fff);
        behind += (uint32_t)(event >> 15) != q->wrap ? (int32_t)q->size : 0;
        return behind > 0 && behind <= (int32_t)q->size;
    }
    if (d->mode & DRV_EVENT) {
        uint16_t event = harness_ram_get16(d->h, q->device + 4 + 8ull * q->size);
        return (uint16_t)(q->next - event - 1) < (uint16_t)q->added;
    }
    return !(harness_ram_get16(d->h, q->device) & 1);
}

static inline void drv_notify(Drv *d, uint32_t index)
{
    if (d->mode & DRV_LEGACY) {
        harness_out16(d->h, DRV_PORTS + 16, (uint16_t)index);
    } else {
        harness_mmio_write(d->h, d->notify + (uint64_t)d->notify_mul * index, index, 4);
    }
}

static inline void drv_kick(Drv *d, uint32_t index)
{
    DrvQueue *q = &d->queues[index];
    if (drv_wants_kick(d, q)) {
        drv_notify(d, index);
    }
    q->added = 0;
}

/* The id of the next buffer that has been used, or -1. */
static inline int drv_used(Drv *d, uint32_t index, uint32_t *ret_len)
{
    DrvQueue *q = &d->queues[index];
    uint32_t id;
    if (d->mode & DRV_PACKED) {
        uint64_t at = q->desc + 16ull * q->used;
        uint16_t flags = harness_ram_get16(d->h, at + 14);
        if ((flags >> 7 & 1u) != q->used_wrap || (flags >> 15 & 1u) != q->used_wrap) {
            return -1;
        }
        id = harness_ram_get16(d->h, at + 12);
        ck_assert_uint_lt(id, q->size);
        if (ret_len) {
            *ret_len = flags & 2 ? harness_ram_get32(d->h, at + 8) : 0;
        }
        q->used += q->slots[id];
        if (q->used >= q->size) {
            q->used -= q->size;
            q->used_wrap ^= 1;
        }
        return (int)id;
    }
    if (harness_ram_get16(d->h, q->device + 2) == (uint16_t)q->used) {
        return -1;
    }
    uint64_t at = q->device + 4 + 8ull * (q->used++ % q->size);
    id = harness_ram_get32(d->h, at);
    if (ret_len) {
        *ret_len = harness_ram_get32(d->h, at + 4);
    }
    return (int)id;
}

/* Interrupt with the very next used buffer (0), or only after `more` others. */
static inline void drv_want_interrupt(Drv *d, uint32_t index, uint32_t more)
{
    DrvQueue *q = &d->queues[index];
    if (d->mode & DRV_PACKED) {
        uint32_t off = q->used + more, wrap = q->used_wrap;
        if (off >= q->size) {
            off -= q->size;
            wrap ^= 1;
        }
        harness_ram_put16(d->h, q->driver, (uint16_t)(off | wrap << 15));
        harness_ram_put16(d->h, q->driver + 2, d->mode & DRV_EVENT ? 2 : 0);
    } else {
        harness_ram_put16(d->h, q->driver + 4 + 2ull * q->size, (uint16_t)(q->used + more));
    }
}

/* Adds one buffer of one piece and kicks. */
static inline uint32_t drv_give(Drv *d, uint32_t index, uint64_t gpa, uint32_t len, uint32_t write)
{
    DrvSeg seg = {gpa, len, write};
    uint32_t id = drv_add(d, index, &seg, 1);
    drv_kick(d, index);
    return id;
}

#endif
