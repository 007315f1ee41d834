/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio's own: what its files share. */
#ifndef VIRTIO_INTERNAL_H
#define VIRTIO_INTERNAL_H

#include "virtio.h"

#define VIRTIO_DESC_BYTES    16u
#define VIRTIO_DESC_NEXT     0x0001u
#define VIRTIO_DESC_WRITE    0x0002u
#define VIRTIO_DESC_INDIRECT 0x0004u
#define VIRTIO_DESC_AVAIL    0x0080u /* packed */
#define VIRTIO_DESC_USED     0x8000u

#define VIRTIO_ISR_QUEUE  0x1u
#define VIRTIO_ISR_CONFIG 0x2u

#define VIRTIO_TURN_UNITS    (UINT64_C(1) << 20) /* bytes of a turn ... */
#define VIRTIO_UNITS_A_DESC  64u                 /* ... a descriptor counts as so many */
#define VIRTIO_TURN_DELAY_NS 20000u

/* -- virtio.c -- */
int virtio_dma_read(Virtio *v, uint64_t gpa, void *buf, uint64_t len); /* 1, or 0: not allowed */
int virtio_dma_write(Virtio *v, uint64_t gpa, const void *buf, uint64_t len);
void virtio_raise(Virtio *v, uint32_t isr, uint16_t vector);
void virtio_set_status(Virtio *v, uint8_t value);
void virtio_set_features(Virtio *v, uint64_t features);
uint64_t virtio_offered(const Virtio *v, int legacy);
/* The driver's notification, or what is left over. */
void virtio_queue_run(Virtio *v, uint32_t index);
void virtio_queue_clear(VirtQueue *q);
/* Checks the rings' places and lets the queue run. */
void virtio_queue_enable(VirtQueue *q);
void virtio_run_all(Virtio *v);

/* -- virtio_pci.c -- */
viv_status_t virtio_pci_add(Virtio *v);
uint16_t virtio_vector(const Virtio *v, uint32_t value); /* as stored: VIRTIO_NO_VECTOR beyond */

/* -- virtio_elem.c -- */
typedef struct VirtioChain {
    VirtQueue *q;
    uint64_t out_bytes, in_bytes;
    uint32_t out_count, in_count;
} VirtioChain;
/* One descriptor more; 0: the chain is none (and the device is broken). */
int virtio_chain_add(VirtioChain *chain, uint64_t gpa, uint32_t len, uint32_t flags);
VirtElem *virtio_chain_elem(const VirtioChain *chain, uint16_t id, uint16_t slots);

/* -- virtio_split.c, virtio_packed.c -- */
VirtElem *virtio_split_pop(VirtQueue *q);
void virtio_split_push(VirtQueue *q, const VirtElem *elem, uint32_t written);
int virtio_split_wants_interrupt(VirtQueue *q);
VirtElem *virtio_packed_pop(VirtQueue *q);
void virtio_packed_push(VirtQueue *q, const VirtElem *elem, uint32_t written);
int virtio_packed_wants_interrupt(VirtQueue *q);

#endif
