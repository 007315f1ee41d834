/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: what split and packed queues have in common. */
#include "virtio_internal.h"

void virtio_queue_clear(VirtQueue *q)
{
    Virtio *v = q->virtio;
    virtio_elem_free(q->current);
    q->current = NULL;
    q->size = q->max_size;
    q->vector = VIRTIO_NO_VECTOR;
    q->last_avail = q->used = q->unsignalled = 0;
    q->enabled = q->pending = q->packed = 0;
    q->avail_wrap = q->used_wrap = 1;
    q->desc = q->driver = q->device = 0;
    if (v->type->queue_reset) {
        v->type->queue_reset(v->self, q);
    }
}

/* 2.7: 16, 2 and 4 bytes; 2.8: 16, 4 and 4. */
void virtio_queue_enable(VirtQueue *q)
{
    q->packed = virtio_has(q->virtio, VIRTIO_F_RING_PACKED) != 0;
    uint64_t driver_mask = q->packed ? 3 : 1;
    if (!q->size || (!q->packed && (q->size & (q->size - 1)))) {
        virtio_broken(q->virtio, "a queue of no possible size");
    } else if ((q->desc & 15) || (q->driver & driver_mask) || (q->device & 3)) {
        virtio_broken(q->virtio, "a ring that is not aligned");
    } else {
        q->enabled = 1;
    }
}

VirtElem *virtq_pop(VirtQueue *q)
{
    Virtio *v = q->virtio;
    if (!virtq_ready(q) || !virtq_budget(q, VIRTIO_UNITS_A_DESC)) {
        return NULL;
    }
    VirtElem *elem = q->packed ? virtio_packed_pop(q) : virtio_split_pop(q);
    v->stat_elements += elem != NULL;
    return elem;
}

void virtq_push(VirtQueue *q, VirtElem *elem, uint64_t written)
{
    written = written < elem->in_bytes ? written : elem->in_bytes;
    uint32_t len = (uint32_t)(written < UINT32_MAX ? written : UINT32_MAX);
    if (virtq_ready(q)) {
        if (q->packed) {
            virtio_packed_push(q, elem, len);
        } else {
            virtio_split_push(q, elem, len);
        }
    }
    virtio_elem_free(elem);
}

VirtElem *virtq_peek(VirtQueue *q)
{
    if (!virtq_ready(q)) {
        return NULL;
    }
    if (!q->current) {
        q->current = virtq_pop(q);
    }
    return q->current;
}

void virtq_complete(VirtQueue *q, uint64_t written)
{
    VirtElem *elem = q->current;
    q->current = NULL;
    if (elem) {
        virtq_push(q, elem, written);
    }
}

void virtq_notify(VirtQueue *q)
{
    if (!q->unsignalled || !virtq_ready(q)) {
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the used entry before the driver's wish */
    int wants = q->packed ? virtio_packed_wants_interrupt(q) : virtio_split_wants_interrupt(q);
    q->unsignalled = 0;
    if (wants) {
        virtio_raise(q->virtio, VIRTIO_ISR_QUEUE, q->vector);
    }
}
