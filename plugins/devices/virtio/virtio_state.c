/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: saved state. A queue is a record of words, so that later versions can add some. */
#include "virtio_internal.h"

#define VIRTIO_QUEUE_WORDS     8u
#define VIRTIO_QUEUE_WORDS_MAX 64u

const viv_field_t virtio_fields[] = {
    VIV_FIELD(Virtio, features, VIV_U64, 1),
    VIV_FIELD(Virtio, device_feature_select, VIV_U32, 1),
    VIV_FIELD(Virtio, driver_feature_select, VIV_U32, 1),
    VIV_FIELD(Virtio, queue_select, VIV_U16, 1),
    VIV_FIELD(Virtio, config_vector, VIV_U16, 1),
    VIV_FIELD(Virtio, status, VIV_U8, 1),
    VIV_FIELD(Virtio, isr, VIV_U8, 1),
    VIV_FIELD(Virtio, config_generation, VIV_U8, 1),
    VIV_FIELD(Virtio, was_legacy, VIV_U8, 1),
    {0},
};

static viv_status_t virtio_queue_save(VirtQueue *q, viv_stream_t *stream)
{
    const viv_stream_api_t *api = q->virtio->stream;
    const uint64_t words[VIRTIO_QUEUE_WORDS] = {
        q->size | (uint64_t)q->vector << 16 | (uint64_t)q->last_avail << 32 |
            (uint64_t)q->used << 48,
        q->unsignalled,
        q->enabled | (uint64_t)q->avail_wrap << 1 | (uint64_t)q->used_wrap << 2 |
            (uint64_t)q->pending << 3 | (uint64_t)q->packed << 4,
        q->desc,
        q->driver,
        q->device,
        q->current != NULL,
        0,
    };
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; i < VIRTIO_QUEUE_WORDS && st == VIV_OK; i++) {
        st = api->put_u64(stream, words[i]);
    }
    return st == VIV_OK && q->current ? virtio_elem_save(q->virtio, stream, q->current) : st;
}

viv_status_t virtio_save(Virtio *v, viv_stream_t *stream)
{
    viv_status_t st = v->stream->put_u64(stream, v->queue_count);
    if (st == VIV_OK) {
        st = v->stream->put_u64(stream, VIRTIO_QUEUE_WORDS);
    }
    for (uint32_t i = 0; i < v->queue_count && st == VIV_OK; i++) {
        st = virtio_queue_save(&v->queues[i], stream);
    }
    return st;
}

static viv_status_t virtio_queue_load(VirtQueue *q, viv_stream_t *stream, uint64_t count)
{
    uint64_t words[VIRTIO_QUEUE_WORDS_MAX];
    viv_status_t st = VIV_OK;
    for (uint64_t i = 0; i < count && st == VIV_OK; i++) {
        st = q->virtio->stream->get_u64(stream, &words[i]);
    }
    if (st != VIV_OK) {
        return st;
    }
    q->size = (uint16_t)words[0];
    q->vector = (uint16_t)(words[0] >> 16);
    q->last_avail = (uint16_t)(words[0] >> 32);
    q->used = (uint16_t)(words[0] >> 48);
    q->unsignalled = (uint16_t)words[1];
    q->enabled = words[2] & 1;
    q->avail_wrap = words[2] >> 1 & 1;
    q->used_wrap = words[2] >> 2 & 1;
    q->pending = words[2] >> 3 & 1;
    q->packed = words[2] >> 4 & 1;
    q->desc = words[3];
    q->driver = words[4];
    q->device = words[5];
    virtio_elem_free(q->current);
    q->current = NULL;
    return words[6] ? virtio_elem_load(q->virtio, stream, q, &q->current) : VIV_OK;
}

viv_status_t virtio_load(Virtio *v, viv_stream_t *stream)
{
    uint64_t count, words;
    viv_status_t st = v->stream->get_u64(stream, &count);
    if (st == VIV_OK) {
        st = v->stream->get_u64(stream, &words);
    }
    if (st != VIV_OK) {
        return st;
    }
    if (count != v->queue_count) {
        return v->dev->api->fail(v->dev, VIV_E_CORRUPT, "the state has %llu queues, the device %u",
                                 (unsigned long long)count, v->queue_count);
    }
    if (words < VIRTIO_QUEUE_WORDS || words > VIRTIO_QUEUE_WORDS_MAX) {
        return v->dev->api->fail(v->dev, VIV_E_CORRUPT, "records of %llu words",
                                 (unsigned long long)words);
    }
    for (uint32_t i = 0; i < v->queue_count && st == VIV_OK; i++) {
        st = virtio_queue_load(&v->queues[i], stream, words);
    }
    return st;
}

/* Could the queue have come to be so? */
static int virtio_queue_sane(const VirtQueue *q)
{
    const Virtio *v = q->virtio;
    if (q->size > q->max_size || (q->vector != VIRTIO_NO_VECTOR && q->vector >= v->vectors)) {
        return 0;
    }
    if (!q->enabled) {
        return !q->current;
    }
    return q->size &&
           (q->packed ? q->last_avail < q->size && q->used < q->size : !(q->size & (q->size - 1)));
}

viv_status_t virtio_post_load(Virtio *v)
{
    v->isr &= VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG;
    v->was_legacy = v->was_legacy && v->legacy;
    v->config_vector = virtio_vector(v, v->config_vector);
    v->bus_master = v->pci->config_get(v->fn, 4, 2) & 4;
    for (uint32_t i = 0; i < v->queue_count; i++) {
        VirtQueue *q = &v->queues[i];
        if (!virtio_queue_sane(q)) {
            return v->dev->api->fail(v->dev, VIV_E_CORRUPT, "queue %s is in no possible state",
                                     q->name);
        }
        if (q->pending && v->dev->api->timer_deadline(v->timer) == UINT64_MAX) {
            virtq_kick(q);
        }
    }
    v->pci->intx_set(v->fn, v->isr != 0);
    return VIV_OK;
}
