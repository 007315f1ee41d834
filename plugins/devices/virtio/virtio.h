/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: what virtio devices over PCI share (OASIS Virtual I/O Device 1.2, and its legacy
 * interface). A device embeds a Virtio in its instance struct and gives a table of what it is
 * (VirtioType), queues with handlers, and gets buffers ("elements") from them.
 *
 *  - Everything runs with the device's lock held.
 *  - The driver's rings are hostile: what breaks the rules breaks the device (DEVICE_NEEDS_RESET),
 *    and it stands until it is reset. Work per notification is bounded; the rest is done from a
 *    timer that the host saves.
 *  - Guest memory is reached by bus-master DMA only; no pointer into it is kept. Accesses to the
 *    device's own registers by its own DMA are ignored. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <viv/device.h>
#include <viv/pci.h>

#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_BLOCK   2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_RNG     4u
#define VIRTIO_ID_BALLOON 5u
#define VIRTIO_ID_SCSI    8u
#define VIRTIO_ID_GPU     16u

#define VIRTIO_F_NOTIFY_ON_EMPTY   (UINT64_C(1) << 24) /* legacy only */
#define VIRTIO_F_ANY_LAYOUT        (UINT64_C(1) << 27) /* legacy only */
#define VIRTIO_F_INDIRECT_DESC     (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX         (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1         (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED       (UINT64_C(1) << 34)
#define VIRTIO_F_ORDER_PLATFORM    (UINT64_C(1) << 36)
#define VIRTIO_F_NOTIFICATION_DATA (UINT64_C(1) << 38)
#define VIRTIO_F_RING_RESET        (UINT64_C(1) << 40)

#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER      0x02u
#define VIRTIO_STATUS_DRIVER_OK   0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u
#define VIRTIO_STATUS_FAILED      0x80u

#define VIRTIO_NO_VECTOR  0xffffu
#define VIRTIO_QUEUES     64u   /* most of a device */
#define VIRTIO_QUEUE_SIZE 1024u /* most of a queue */
#define VIRTIO_SEGS       1024u /* most of an element */
#define VIRTIO_CONFIG     256u  /* most bytes of device configuration */

typedef struct Virtio Virtio;
typedef struct VirtQueue VirtQueue;

/* -- elements: buffers that the driver has made available ------------------------------------ */

typedef struct VirtSeg {
    uint64_t gpa;
    uint32_t len;
    uint32_t reserved0;
} VirtSeg;

typedef struct VirtElem {
    uint64_t out_bytes, in_bytes; /* that the device may read, and write */
    uint64_t done;                /* the device's: how far it is; saved */
    uint32_t out_count, in_count; /* segments: first those to read, then those to write */
    uint16_t id;                  /* split: head of the chain; packed: buffer id */
    uint16_t slots;               /* of the ring that it takes */
    uint32_t reserved0;
    VirtSeg segs[];
} VirtElem;

/* -- queues ---------------------------------------------------------------------------------- */

/* The driver has notified the queue, or there is work left. Takes what it wants by virtq_peek() or
 * virtq_pop() until they give NULL. */
typedef void (*virtio_queue_fn)(void *self, VirtQueue *q);

struct VirtQueue {
    Virtio *virtio;
    virtio_queue_fn handler;
    const char *name;
    uint16_t index;
    uint16_t max_size;

    /* guest-visible, saved */
    uint16_t size, vector;
    uint16_t last_avail, used; /* where the device reads and writes next */
    uint16_t unsignalled;      /* entries used since the driver's wish was last looked at */
    uint8_t enabled;
    uint8_t avail_wrap, used_wrap; /* packed */
    uint8_t pending;               /* there is work left that nobody will notify */
    uint8_t packed;                /* the kind of ring, once enabled */
    uint8_t reserved0;
    uint64_t desc, driver, device;
    VirtElem *current; /* of virtq_peek(); saved */
};

/* The oldest element of a queue that is served in order: stays the same, and is saved and loaded by
 * itself, until virtq_complete() gives it back with the number of bytes written to it. NULL: none,
 * or the work of this turn is done. */
VirtElem *virtq_peek(VirtQueue *q);
void virtq_complete(VirtQueue *q, uint64_t written);
/* For queues that are served out of order: the caller owns the element until virtq_push(), which
 * frees it, or drops it by virtio_elem_free(). */
VirtElem *virtq_pop(VirtQueue *q);
void virtq_push(VirtQueue *q, VirtElem *elem, uint64_t written);
/* Interrupts the driver about what has been pushed, if it wants that. Done by itself behind a
 * handler; needed elsewhere. */
void virtq_notify(VirtQueue *q);
/* May the queue be used now? */
int virtq_ready(const VirtQueue *q);
/* A new turn, for work that no notification began: the budget is full again. */
void virtio_turn(Virtio *v);
/* Calls the handler soon, in another turn. */
void virtq_kick(VirtQueue *q);
/* The element breaks the device's own protocol. */
void virtio_broken(Virtio *v, const char *why);

void virtio_elem_free(VirtElem *elem); /* NULL is fine */
/* Copies between an element and buf, from byte off of the device-readable or -writable part. What
 * lies beyond its end is not copied. Returns the bytes moved. */
uint64_t virtio_elem_read(Virtio *v, const VirtElem *elem, uint64_t off, void *buf, uint64_t len);
uint64_t virtio_elem_write(Virtio *v, const VirtElem *elem, uint64_t off, const void *buf,
                           uint64_t len);
/* Takes up to `wanted` units (bytes moved; an element costs some, too) of what may be done in this
 * turn. 0: nothing is left, the queue's handler will be called again. */
uint64_t virtq_budget(VirtQueue *q, uint64_t wanted);

/* -- devices --------------------------------------------------------------------------------- */

typedef struct VirtioType {
    uint16_t device_id;  /* VIRTIO_ID_* */
    uint16_t pci_id;     /* of the transitional device, 1000h-103Fh; 0: modern only */
    uint32_t class_code; /* PCI */
    uint32_t config_bytes;
    uint32_t reserved0;
    /* All optional. The device configuration as it is now (config_bytes, zeroed before). */
    void (*config_read)(void *self, uint8_t *bytes);
    /* The driver writes len bytes at off of it; within config_bytes. */
    void (*config_write)(void *self, uint32_t off, const uint8_t *bytes, uint32_t len);
    /* The driver has settled on features (v->features). 0: they do not go together. */
    int (*features_ok)(void *self, uint64_t features);
    /* DRIVER_OK has been set. */
    void (*driver_ok)(void *self);
    /* A reset by the driver or of the machine. The queues are reset already. */
    void (*reset)(void *self);
    /* One queue is reset: elements popped from it are to be dropped. */
    void (*queue_reset)(void *self, VirtQueue *q);
} VirtioType;

struct Virtio {
    /* configuration, VIRTIO_OPTIONS */
    uint8_t legacy, modern, packed, event_idx, indirect;
    uint8_t reserved0[3];
    uint32_t queue_size; /* 0: the device's own */
    uint32_t vectors;    /* VIRTIO_VECTORS_AUTO: one a queue and one more */

    viv_dev_t *dev;
    void *self;
    const VirtioType *type;
    const viv_pci_api_t *pci;
    const viv_stream_api_t *stream;
    viv_pci_fn_t *fn;
    viv_timer_t *timer;
    uint64_t offered; /* features, all interfaces */
    uint32_t pci_cap; /* offset of the configuration access capability, 0: none */
    uint32_t queue_count;
    uint32_t dma_depth; /* in a DMA access */
    uint32_t bus_master;
    uint64_t budget; /* left of this turn */
    VirtQueue queues[VIRTIO_QUEUES];

    /* guest-visible, saved (virtio_fields) */
    uint64_t features; /* the driver's */
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select, config_vector;
    uint8_t status, isr, config_generation;
    uint8_t was_legacy; /* the driver uses the legacy interface */

    VirtSeg scratch[VIRTIO_SEGS];
    uint64_t stat_notifications, stat_elements, stat_interrupts, stat_deferred, stat_broken;
};

#define VIRTIO_VECTORS_AUTO 0xffffu

/* For a device's option table; member: its Virtio. */
#define VIRTIO_OPTIONS(Struct, member)                                                             \
    VIV_OPT_NAMED(Struct, "Legacy", member.legacy, VIV_BOOL, 0, 1, 1,                              \
                  "offer the legacy interface: a transitional device, if Modern is on, too"),      \
        VIV_OPT_NAMED(Struct, "Modern", member.modern, VIV_BOOL, 0, 1, 1,                          \
                      "offer the interface of virtio 1.0 and later"),                              \
        VIV_OPT_NAMED(Struct, "Packed", member.packed, VIV_BOOL, 0, 1, 1,                          \
                      "offer packed rings (virtio 1.1) beside split ones"),                        \
        VIV_OPT_NAMED(Struct, "EventIdx", member.event_idx, VIV_BOOL, 0, 1, 1,                     \
                      "offer event indices, which save notifications and interrupts"),             \
        VIV_OPT_NAMED(Struct, "IndirectDesc", member.indirect, VIV_BOOL, 0, 1, 1,                  \
                      "offer indirect descriptors"),                                               \
        VIV_OPT_NAMED(Struct, "QueueSize", member.queue_size, VIV_U32, 0, VIRTIO_QUEUE_SIZE, 0,    \
                      "entries of each queue, a power of two; 0: as is usual for the device"),     \
        VIV_OPT_NAMED(Struct, "Vectors", member.vectors, VIV_U32, 0, VIRTIO_VECTORS_AUTO,          \
                      VIRTIO_VECTORS_AUTO,                                                         \
                      "MSI-X vectors; 0: no MSI-X, 65535: one for each queue and one more")

/* For a device's state table. The queues and their elements are in the stream: virtio_save(). */
extern const viv_field_t virtio_fields[];
#define VIRTIO_STATE(Struct, member, since) VIV_FIELD_STRUCT(Struct, member, virtio_fields, since)

/* Construct, in this order: start, the queues, finish. features: of the device type; those of the
 * transport are added. All [main]. */
viv_status_t virtio_start(Virtio *v, viv_dev_t *dev, void *self, const VirtioType *type,
                          uint64_t features);
VirtQueue *virtio_queue(Virtio *v, uint32_t size, virtio_queue_fn handler, const char *name);
viv_status_t virtio_finish(Virtio *v);
void virtio_free(Virtio *v); /* destruct */
void virtio_reset(Virtio *v);
viv_status_t virtio_save(Virtio *v, viv_stream_t *stream);
viv_status_t virtio_load(Virtio *v, viv_stream_t *stream);
viv_status_t virtio_post_load(Virtio *v);
/* One element of a device that keeps its own; load: of queue q, VIV_E_CORRUPT if it cannot be. */
viv_status_t virtio_elem_save(Virtio *v, viv_stream_t *stream, const VirtElem *elem);
viv_status_t virtio_elem_load(Virtio *v, viv_stream_t *stream, VirtQueue *q, VirtElem **ret_elem);

/* The device configuration has changed: tells the driver. */
void virtio_config_changed(Virtio *v);
/* Has the driver accepted the feature, and may the device run? */
int virtio_has(const Virtio *v, uint64_t feature);
int virtio_running(const Virtio *v);

static inline void virtio_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}
static inline void virtio_put32(uint8_t *at, uint32_t value)
{
    virtio_put16(at, value);
    virtio_put16(at + 2, value >> 16);
}
static inline void virtio_put64(uint8_t *at, uint64_t value)
{
    virtio_put32(at, (uint32_t)value);
    virtio_put32(at + 4, (uint32_t)(value >> 32));
}
static inline uint16_t virtio_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}
static inline uint32_t virtio_get32(const uint8_t *at)
{
    return virtio_get16(at) | (uint32_t)virtio_get16(at + 2) << 16;
}
static inline uint64_t virtio_get64(const uint8_t *at)
{
    return virtio_get32(at) | (uint64_t)virtio_get32(at + 4) << 32;
}

#endif
