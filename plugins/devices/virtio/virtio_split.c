/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: split virtqueues (virtio 1.2, 2.7). The available ring lies at q->driver, the used
 * ring at q->device; indices are free-running 16-bit numbers. */
#include "virtio_internal.h"

#define SPLIT_NO_INTERRUPT 1u

typedef struct SplitDesc {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags, next;
} SplitDesc;

static int virtio_split_get16(VirtQueue *q, uint64_t gpa, uint16_t *ret_value)
{
    uint8_t raw[2] = {0, 0};
    int ok = virtio_dma_read(q->virtio, gpa, raw, 2);
    *ret_value = virtio_get16(raw);
    return ok;
}

static int virtio_split_put16(VirtQueue *q, uint64_t gpa, uint16_t value)
{
    uint8_t raw[2];
    virtio_put16(raw, value);
    return virtio_dma_write(q->virtio, gpa, raw, 2);
}

static SplitDesc virtio_split_desc(const uint8_t *raw)
{
    return (SplitDesc){virtio_get64(raw), virtio_get32(raw + 8), virtio_get16(raw + 12),
                       virtio_get16(raw + 14)};
}

/* One table's part of a chain: `table` of `count` descriptors from `at` on. An indirect descriptor
 * is handed back in *ret_indirect. */
static int virtio_split_walk(VirtioChain *chain, uint64_t table, uint32_t count, uint32_t at,
                             SplitDesc *ret_indirect)
{
    Virtio *v = chain->q->virtio;
    for (uint32_t steps = 0; steps < count; steps++) {
        uint8_t raw[VIRTIO_DESC_BYTES];
        if (at >= count) {
            virtio_broken(v, "a descriptor beyond its table");
            return 0;
        }
        if (!virtio_dma_read(v, table + (uint64_t)at * VIRTIO_DESC_BYTES, raw, sizeof(raw))) {
            return 0;
        }
        SplitDesc desc = virtio_split_desc(raw);
        if (desc.flags & VIRTIO_DESC_INDIRECT) {
            *ret_indirect = desc;
            return 1;
        }
        if (!virtio_chain_add(chain, desc.gpa, desc.len, desc.flags)) {
            return 0;
        }
        if (!(desc.flags & VIRTIO_DESC_NEXT)) {
            return 1;
        }
        at = desc.next;
    }
    virtio_broken(v, "a loop of descriptors");
    return 0;
}

static int virtio_split_chain(VirtioChain *chain, uint16_t head)
{
    VirtQueue *q = chain->q;
    Virtio *v = q->virtio;
    SplitDesc indirect = {0, 0, 0, 0}, nested = {0, 0, 0, 0};
    if (!virtio_split_walk(chain, q->desc, q->size, head, &indirect)) {
        return 0;
    }
    if (!(indirect.flags & VIRTIO_DESC_INDIRECT)) {
        return 1;
    }
    uint32_t count = indirect.len / VIRTIO_DESC_BYTES;
    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC) || (indirect.flags & VIRTIO_DESC_NEXT) || !count ||
        indirect.len % VIRTIO_DESC_BYTES || count > VIRTIO_SEGS) {
        virtio_broken(v, "a bad indirect descriptor");
        return 0;
    }
    if (!virtio_split_walk(chain, indirect.gpa, count, 0, &nested)) {
        return 0;
    }
    if (nested.flags & VIRTIO_DESC_INDIRECT) {
        virtio_broken(v, "an indirect table within one");
        return 0;
    }
    return 1;
}

/* How many entries are available; 0 also if the driver broke the ring. */
static uint32_t virtio_split_available(VirtQueue *q)
{
    uint16_t index;
    if (!virtio_split_get16(q, q->driver + 2, &index)) {
        return 0;
    }
    uint16_t count = (uint16_t)(index - q->last_avail);
    if (count > q->size) {
        virtio_broken(q->virtio, "more available than the ring holds");
        return 0;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index before the entry */
    return count;
}

VirtElem *virtio_split_pop(VirtQueue *q)
{
    uint16_t head;
    if (!virtio_split_available(q)) {
        if (!virtq_ready(q) || !virtio_has(q->virtio, VIRTIO_F_EVENT_IDX)) {
            return NULL;
        }
        /* 2.7.10: tell about the next one; it may have come meanwhile. */
        virtio_split_put16(q, q->device + 4 + 8u * q->size, q->last_avail);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!virtio_split_available(q)) {
            return NULL;
        }
    }
    uint32_t slot = q->last_avail & (q->size - 1u);
    if (!virtio_split_get16(q, q->driver + 4 + 2u * slot, &head)) {
        return NULL;
    }
    VirtioChain chain = {.q = q};
    if (!virtio_split_chain(&chain, head)) {
        return NULL;
    }
    VirtElem *elem = virtio_chain_elem(&chain, head, 1);
    if (elem) {
        q->last_avail++;
    }
    return elem;
}

void virtio_split_push(VirtQueue *q, const VirtElem *elem, uint32_t written)
{
    uint8_t raw[8];
    uint32_t slot = q->used & (q->size - 1u);
    virtio_put32(raw, elem->id);
    virtio_put32(raw + 4, written);
    if (!virtio_dma_write(q->virtio, q->device + 4 + 8u * slot, raw, sizeof(raw))) {
        return;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the entry before the index */
    virtio_split_put16(q, q->device + 2, ++q->used);
    if (q->unsignalled < UINT16_MAX) {
        q->unsignalled++;
    }
}

int virtio_split_wants_interrupt(VirtQueue *q)
{
    Virtio *v = q->virtio;
    uint16_t value;
    if (virtio_has(v, VIRTIO_F_NOTIFY_ON_EMPTY) && virtio_split_get16(q, q->driver + 2, &value) &&
        value == q->last_avail) {
        return 1;
    }
    if (virtio_has(v, VIRTIO_F_EVENT_IDX)) { /* used_event is among those used since */
        if (!virtio_split_get16(q, q->driver + 4 + 2u * q->size, &value)) {
            return 0;
        }
        return (uint16_t)(q->used - value - 1) < q->unsignalled;
    }
    return virtio_split_get16(q, q->driver, &value) && !(value & SPLIT_NO_INTERRUPT);
}
