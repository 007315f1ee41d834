/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: packed virtqueues (virtio 1.2, 2.8). One ring of descriptors at q->desc; event
 * suppression of the driver at q->driver, of the device at q->device. */
#include "virtio_internal.h"

#define PACKED_EVENT_ENABLE  0u
#define PACKED_EVENT_DISABLE 1u
#define PACKED_EVENT_DESC    2u

typedef struct PackedDesc {
    uint64_t gpa;
    uint32_t len;
    uint16_t id, flags;
} PackedDesc;

static int virtio_packed_flags(VirtQueue *q, uint16_t *ret_flags)
{
    uint8_t raw[2];
    uint64_t at = q->desc + (uint64_t)q->last_avail * VIRTIO_DESC_BYTES + 14;
    if (!virtio_dma_read(q->virtio, at, raw, sizeof(raw))) {
        return 0;
    }
    *ret_flags = virtio_get16(raw);
    return 1;
}

static int virtio_packed_available(VirtQueue *q)
{
    uint16_t flags;
    if (!virtio_packed_flags(q, &flags)) {
        return 0;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the flags before the rest */
    uint32_t avail = (flags & VIRTIO_DESC_AVAIL) != 0, used = (flags & VIRTIO_DESC_USED) != 0;
    return avail == q->avail_wrap && used != q->avail_wrap;
}

static int virtio_packed_desc(Virtio *v, uint64_t gpa, PackedDesc *ret_desc)
{
    uint8_t raw[VIRTIO_DESC_BYTES];
    if (!virtio_dma_read(v, gpa, raw, sizeof(raw))) {
        return 0;
    }
    *ret_desc = (PackedDesc){virtio_get64(raw), virtio_get32(raw + 8), virtio_get16(raw + 12),
                             virtio_get16(raw + 14)};
    return 1;
}

/* 2.8.7: a table without links; only the write flag counts in it. */
static int virtio_packed_indirect(VirtioChain *chain, const PackedDesc *indirect)
{
    Virtio *v = chain->q->virtio;
    uint32_t count = indirect->len / VIRTIO_DESC_BYTES;
    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC) || (indirect->flags & VIRTIO_DESC_NEXT) || !count ||
        indirect->len % VIRTIO_DESC_BYTES || count > VIRTIO_SEGS) {
        virtio_broken(v, "a bad indirect descriptor");
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        PackedDesc desc;
        if (!virtio_packed_desc(v, indirect->gpa + (uint64_t)i * VIRTIO_DESC_BYTES, &desc) ||
            !virtio_chain_add(chain, desc.gpa, desc.len, desc.flags)) {
            return 0;
        }
    }
    return 1;
}

/* Walks the chain from last_avail on. *ret_slots: how many of the ring it takes. */
static int virtio_packed_chain(VirtioChain *chain, uint16_t *ret_id, uint16_t *ret_slots)
{
    VirtQueue *q = chain->q;
    uint32_t at = q->last_avail;
    for (uint16_t slots = 1; slots <= q->size; slots++) {
        PackedDesc desc;
        if (!virtio_packed_desc(q->virtio, q->desc + (uint64_t)at * VIRTIO_DESC_BYTES, &desc)) {
            return 0;
        }
        int ok = desc.flags & VIRTIO_DESC_INDIRECT
                     ? virtio_packed_indirect(chain, &desc)
                     : virtio_chain_add(chain, desc.gpa, desc.len, desc.flags);
        if (!ok) {
            return 0;
        }
        if (!(desc.flags & VIRTIO_DESC_NEXT)) {
            *ret_id = desc.id;
            *ret_slots = slots;
            return 1;
        }
        at = at + 1 < q->size ? at + 1 : 0;
    }
    virtio_broken(q->virtio, "a chain longer than the ring");
    return 0;
}

static void virtio_packed_ask(VirtQueue *q)
{
    uint8_t raw[4];
    virtio_put16(raw, q->last_avail | (uint32_t)q->avail_wrap << 15);
    virtio_put16(raw + 2, PACKED_EVENT_DESC);
    virtio_dma_write(q->virtio, q->device, raw, 2);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    virtio_dma_write(q->virtio, q->device + 2, raw + 2, 2);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

VirtElem *virtio_packed_pop(VirtQueue *q)
{
    if (!virtio_packed_available(q)) {
        if (!virtio_has(q->virtio, VIRTIO_F_EVENT_IDX)) {
            return NULL;
        }
        virtio_packed_ask(q);
        if (!virtio_packed_available(q)) {
            return NULL;
        }
    }
    VirtioChain chain = {.q = q};
    uint16_t id, slots;
    if (!virtio_packed_chain(&chain, &id, &slots)) {
        return NULL;
    }
    VirtElem *elem = virtio_chain_elem(&chain, id, slots);
    if (elem && (q->last_avail = (uint16_t)(q->last_avail + slots)) >= q->size) {
        q->last_avail = (uint16_t)(q->last_avail - q->size);
        q->avail_wrap ^= 1;
    }
    return elem;
}

void virtio_packed_push(VirtQueue *q, const VirtElem *elem, uint32_t written)
{
    uint8_t raw[8];
    uint64_t at = q->desc + (uint64_t)q->used * VIRTIO_DESC_BYTES;
    virtio_put32(raw, written);
    virtio_put16(raw + 4, elem->id);
    virtio_put16(raw + 6, (q->used_wrap ? VIRTIO_DESC_AVAIL | VIRTIO_DESC_USED : 0) |
                              (written ? VIRTIO_DESC_WRITE : 0));
    if (!virtio_dma_write(q->virtio, at + 8, raw, 6)) {
        return;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the rest before the flags */
    virtio_dma_write(q->virtio, at + 14, raw + 6, 2);
    uint32_t next = (uint32_t)q->used + elem->slots;
    if (next >= q->size) {
        next -= q->size;
        q->used_wrap ^= 1;
    }
    q->used = (uint16_t)next;
    uint32_t unsignalled = (uint32_t)q->unsignalled + elem->slots;
    q->unsignalled = (uint16_t)(unsignalled < q->size ? unsignalled : q->size);
}

int virtio_packed_wants_interrupt(VirtQueue *q)
{
    uint8_t raw[4];
    if (!virtio_dma_read(q->virtio, q->driver, raw, sizeof(raw))) {
        return 0;
    }
    uint32_t flags = virtio_get16(raw + 2) & 3u, event = virtio_get16(raw);
    if (flags != PACKED_EVENT_DESC || !virtio_has(q->virtio, VIRTIO_F_EVENT_IDX)) {
        return flags != PACKED_EVENT_DISABLE;
    }
    /* How far the event lies behind where the device writes next, in this lap or the one before. */
    int32_t behind = (int32_t)q->used - (int32_t)(event & 0x7fff);
    if (event >> 15 != q->used_wrap) {
        behind += q->size;
    }
    return behind > 0 && behind <= q->unsignalled;
}
