/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: elements - built from descriptors, copied from and to, saved and loaded. */
#include "virtio_internal.h"

#include <stdlib.h>
#include <string.h>

/* -- building -------------------------------------------------------------------------------- */

int virtio_chain_add(VirtioChain *chain, uint64_t gpa, uint32_t len, uint32_t flags)
{
    VirtQueue *q = chain->q;
    Virtio *v = q->virtio;
    uint32_t count = chain->out_count + chain->in_count;
    v->budget -= v->budget < VIRTIO_UNITS_A_DESC ? v->budget : VIRTIO_UNITS_A_DESC;
    if (count == VIRTIO_SEGS) {
        virtio_broken(v, "a buffer of too many pieces");
        return 0;
    }
    if (!(flags & VIRTIO_DESC_WRITE) && chain->in_count) {
        virtio_broken(v, "a piece to read behind one to write");
        return 0;
    }
    if (gpa + len < gpa) {
        virtio_broken(v, "a piece that wraps around");
        return 0;
    }
    v->scratch[count] = (VirtSeg){gpa, len, 0};
    if (flags & VIRTIO_DESC_WRITE) {
        chain->in_count++;
        chain->in_bytes += len;
    } else {
        chain->out_count++;
        chain->out_bytes += len;
    }
    return 1;
}

static VirtElem *virtio_elem_new(uint32_t segs)
{
    return calloc(1, sizeof(VirtElem) + segs * sizeof(VirtSeg));
}

VirtElem *virtio_chain_elem(const VirtioChain *chain, uint16_t id, uint16_t slots)
{
    uint32_t count = chain->out_count + chain->in_count;
    VirtElem *elem = virtio_elem_new(count);
    if (!elem) {
        return NULL;
    }
    elem->out_bytes = chain->out_bytes;
    elem->in_bytes = chain->in_bytes;
    elem->out_count = chain->out_count;
    elem->in_count = chain->in_count;
    elem->id = id;
    elem->slots = slots;
    memcpy(elem->segs, chain->q->virtio->scratch, count * sizeof(VirtSeg));
    return elem;
}

void virtio_elem_free(VirtElem *elem)
{
    free(elem);
}

/* -- copying --------------------------------------------------------------------------------- */

static uint64_t virtio_elem_copy(Virtio *v, const VirtSeg *segs, uint32_t count, uint64_t off,
                                 uint8_t *buf, uint64_t len, int write)
{
    uint64_t moved = 0;
    for (uint32_t i = 0; i < count && moved < len; i++) {
        if (off >= segs[i].len) {
            off -= segs[i].len;
            continue;
        }
        uint64_t part = segs[i].len - off;
        part = part < len - moved ? part : len - moved;
        if (write) {
            virtio_dma_write(v, segs[i].gpa + off, buf + moved, part);
        } else if (!virtio_dma_read(v, segs[i].gpa + off, buf + moved, part)) {
            memset(buf + moved, 0, part);
        }
        moved += part;
        off = 0;
    }
    return moved;
}

uint64_t virtio_elem_read(Virtio *v, const VirtElem *elem, uint64_t off, void *buf, uint64_t len)
{
    return virtio_elem_copy(v, elem->segs, elem->out_count, off, buf, len, 0);
}

uint64_t virtio_elem_write(Virtio *v, const VirtElem *elem, uint64_t off, const void *buf,
                           uint64_t len)
{
    return virtio_elem_copy(v, elem->segs + elem->out_count, elem->in_count, off,
                            (uint8_t *)(uintptr_t)buf, len, 1);
}

/* -- saved state ----------------------------------------------------------------------------- */

viv_status_t virtio_elem_save(Virtio *v, viv_stream_t *stream, const VirtElem *elem)
{
    const viv_stream_api_t *api = v->stream;
    uint32_t count = elem->out_count + elem->in_count;
    viv_status_t st;
    if ((st = api->put_u64(stream, elem->out_count)) != VIV_OK ||
        (st = api->put_u64(stream, elem->in_count)) != VIV_OK ||
        (st = api->put_u64(stream, elem->id | (uint64_t)elem->slots << 16)) != VIV_OK ||
        (st = api->put_u64(stream, elem->done)) != VIV_OK) {
        return st;
    }
    for (uint32_t i = 0; i < count && st == VIV_OK; i++) {
        if ((st = api->put_u64(stream, elem->segs[i].gpa)) == VIV_OK) {
            st = api->put_u64(stream, elem->segs[i].len);
        }
    }
    return st;
}

static viv_status_t virtio_segs_load(Virtio *v, viv_stream_t *stream, VirtElem *elem)
{
    for (uint32_t i = 0; i < elem->out_count + elem->in_count; i++) {
        uint64_t gpa, len;
        viv_status_t st;
        if ((st = v->stream->get_u64(stream, &gpa)) != VIV_OK ||
            (st = v->stream->get_u64(stream, &len)) != VIV_OK) {
            return st;
        }
        if (len > UINT32_MAX || gpa + len < gpa) {
            return VIV_E_CORRUPT;
        }
        elem->segs[i] = (VirtSeg){gpa, (uint32_t)len, 0};
        *(i < elem->out_count ? &elem->out_bytes : &elem->in_bytes) += len;
    }
    return VIV_OK;
}

viv_status_t virtio_elem_load(Virtio *v, viv_stream_t *stream, VirtQueue *q, VirtElem **ret_elem)
{
    uint64_t words[4] = {0, 0, 0, 0};
    viv_status_t st = VIV_OK;
    for (int i = 0; i < 4 && st == VIV_OK; i++) {
        st = v->stream->get_u64(stream, &words[i]);
    }
    uint64_t slots = words[2] >> 16;
    if (st != VIV_OK || words[0] > VIRTIO_SEGS || words[1] > VIRTIO_SEGS ||
        words[0] + words[1] > VIRTIO_SEGS || !slots || slots > q->max_size) {
        return v->dev->api->fail(v->dev, VIV_E_CORRUPT, "queue %s: a buffer that cannot be",
                                 q->name);
    }
    VirtElem *elem = virtio_elem_new((uint32_t)(words[0] + words[1]));
    if (!elem) {
        return VIV_E_NOMEM;
    }
    elem->out_count = (uint32_t)words[0];
    elem->in_count = (uint32_t)words[1];
    elem->id = (uint16_t)words[2];
    elem->slots = (uint16_t)slots;
    elem->done = words[3];
    if ((st = virtio_segs_load(v, stream, elem)) != VIV_OK) {
        virtio_elem_free(elem);
        return v->dev->api->fail(v->dev, st, "queue %s: a buffer that cannot be", q->name);
    }
    *ret_elem = elem;
    return VIV_OK;
}
