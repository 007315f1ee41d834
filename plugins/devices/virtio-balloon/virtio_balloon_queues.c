/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: what comes through the queues (virtio 1.2, 5.5.6). */
#include "virtio_balloon.h"

#define BALLOON_PFNS           1024u /* looked at at once */
#define BALLOON_UNITS_A_PFN    64u   /* of a turn's budget */
#define BALLOON_UNITS_A_PAGE   16u   /* in a long piece */
#define BALLOON_STAT_BYTES     10u
#define BALLOON_STAT_BYTES_MAX 640u

/* -- inflating and deflating ----------------------------------------------------------------- */

/* Runs of neighbouring pages, in either direction, go back in one piece. */
static void balloon_give_back(VirtioBalloon *b, const uint8_t *pfns, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        uint64_t first = virtio_get32(pfns + 4 * i), last = first;
        for (i++; i < count; i++) {
            uint64_t next = virtio_get32(pfns + 4 * i);
            if (next == last + 1) {
                last = next;
            } else if (next + 1 == first) {
                first = next;
            } else {
                break;
            }
        }
        b->ram->discard(b->dev, first << BALLOON_PAGE_SHIFT,
                        (last - first + 1) << BALLOON_PAGE_SHIFT);
    }
}

/* A piece of a list of page numbers. 0: not now. */
static int balloon_pages(VirtioBalloon *b, VirtQueue *q, VirtElem *elem, int inflate)
{
    uint8_t pfns[BALLOON_PFNS * 4];
    uint64_t left = elem->done < elem->out_bytes ? (elem->out_bytes - elem->done) / 4 : 0;
    if (!left) {
        virtq_complete(q, 0);
        return 1;
    }
    left = left < BALLOON_PFNS ? left : BALLOON_PFNS;
    uint32_t count = (uint32_t)(virtq_budget(q, left * BALLOON_UNITS_A_PFN) / BALLOON_UNITS_A_PFN);
    if (!count) {
        virtq_kick(q);
        return 0;
    }
    virtio_elem_read(&b->virtio, elem, elem->done, pfns, 4ull * count);
    elem->done += 4ull * count;
    if (inflate) {
        balloon_give_back(b, pfns, count);
    }
    *(inflate ? &b->stat_inflated : &b->stat_deflated) += count;
    return 1;
}

void balloon_inflate(void *self, VirtQueue *q)
{
    VirtElem *elem;
    while ((elem = virtq_peek(q)) && balloon_pages(self, q, elem, 1)) {
    }
}

void balloon_deflate(void *self, VirtQueue *q)
{
    VirtElem *elem;
    while ((elem = virtq_peek(q)) && balloon_pages(self, q, elem, 0)) {
    }
}

/* -- statistics ------------------------------------------------------------------------------ */

static void balloon_stats_take(VirtioBalloon *b, const VirtElem *elem)
{
    uint8_t bytes[BALLOON_STAT_BYTES_MAX];
    uint64_t len = virtio_elem_read(&b->virtio, elem, 0, bytes, sizeof(bytes));
    for (uint64_t at = 0; at + BALLOON_STAT_BYTES <= len; at += BALLOON_STAT_BYTES) {
        uint32_t tag = virtio_get16(bytes + at);
        if (tag < VIV_BALLOON_STATS) {
            b->stats[tag] = virtio_get64(bytes + at + 2);
            b->stats_present |= 1u << tag;
        }
    }
    b->stats_time = b->dev->api->time_ns(b->dev);
}

/* The driver's only buffer stays here until new numbers are wanted. */
void balloon_statistics(void *self, VirtQueue *q)
{
    VirtioBalloon *b = self;
    VirtElem *elem = virtq_peek(q);
    if (elem && !elem->done) {
        balloon_stats_take(b, elem);
        elem->done = 1;
    }
}

int balloon_stats_ask(VirtioBalloon *b)
{
    VirtQueue *q = b->stats_queue;
    if (!virtq_ready(q) || !q->current || !q->current->done) {
        return 0;
    }
    virtio_turn(&b->virtio);
    virtq_complete(q, 0);
    virtq_notify(q);
    balloon_statistics(b, q); /* the driver may have given more than one */
    return 1;
}

/* -- free pages ------------------------------------------------------------------------------ */

/* The writable segment at byte `off` of the element. */
static int balloon_piece(const VirtElem *elem, uint64_t off, uint64_t *ret_gpa, uint64_t *ret_len)
{
    for (uint32_t i = elem->out_count; i < elem->out_count + elem->in_count; i++) {
        if (off < elem->segs[i].len) {
            *ret_gpa = elem->segs[i].gpa + off;
            *ret_len = elem->segs[i].len - off;
            return 1;
        }
        off -= elem->segs[i].len;
    }
    return 0;
}

/* A piece of the free memory that the element is. 0: not now. Pages whose contents the guest
 * expects to be poison stay as they are. */
static int balloon_free_piece(VirtioBalloon *b, VirtQueue *q, VirtElem *elem, uint64_t *counter)
{
    uint64_t gpa, len;
    if (!balloon_piece(elem, elem->done, &gpa, &len)) {
        virtq_complete(q, 0);
        return 1;
    }
    uint64_t pages = (len + 4095) >> BALLOON_PAGE_SHIFT;
    uint64_t granted = virtq_budget(q, pages * BALLOON_UNITS_A_PAGE) / BALLOON_UNITS_A_PAGE;
    if (!granted) {
        virtq_kick(q);
        return 0;
    }
    uint64_t part = granted << BALLOON_PAGE_SHIFT;
    part = part < len ? part : len;
    if (b->poison) {
        b->stat_kept += granted;
    } else {
        b->ram->discard(b->dev, gpa, part);
        *counter += part >> BALLOON_PAGE_SHIFT;
    }
    elem->done += part;
    return 1;
}

void balloon_reports(void *self, VirtQueue *q)
{
    VirtioBalloon *b = self;
    VirtElem *elem;
    while ((elem = virtq_peek(q)) && balloon_free_piece(b, q, elem, &b->stat_reported)) {
    }
}

static void balloon_hint_command(VirtioBalloon *b, uint32_t id)
{
    if (id == b->command && id >= BALLOON_CMD_FIRST) {
        b->hinting = 1;
    } else if (id == BALLOON_CMD_STOP && b->hinting) {
        b->hinting = 0;
        b->command = BALLOON_CMD_DONE; /* the guest may have its pages back */
        virtio_config_changed(&b->virtio);
    }
}

/* 5.5.6.6: a buffer to read is the id of a round, one to write is free memory. */
static int balloon_hint(VirtioBalloon *b, VirtQueue *q, VirtElem *elem)
{
    uint8_t id[4];
    if (elem->out_bytes) {
        uint64_t len = virtio_elem_read(&b->virtio, elem, 0, id, sizeof(id));
        virtq_complete(q, 0);
        if (len == sizeof(id)) {
            balloon_hint_command(b, virtio_get32(id));
        }
        return 1;
    }
    if (!b->hinting) {
        virtq_complete(q, 0);
        return 1;
    }
    return balloon_free_piece(b, q, elem, &b->stat_hinted);
}

void balloon_hints(void *self, VirtQueue *q)
{
    VirtElem *elem;
    while ((elem = virtq_peek(q)) && balloon_hint(self, q, elem)) {
    }
}
