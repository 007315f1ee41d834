/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng: the entropy device of virtio 1.2, 5.4. One queue; each buffer gets random bytes of
 * the host, up to a page of them, at no more than a configured rate. */
#include "virtio.h"

#define RNG_STATE_VERSION 1u
#define RNG_QUEUE_SIZE    64u
#define RNG_CHUNK         4096u /* most that one buffer gets */
#define RNG_RETRY_NS      10000000u
#define RNG_NS_PER_MS     UINT64_C(1000000)

typedef struct VirtioRng {
    /* configuration */
    uint64_t max_bytes;
    uint32_t period_ms;
    uint32_t reserved0;

    viv_dev_t *dev;
    const viv_vm_api_t *vm;
    viv_timer_t *timer;
    VirtQueue *queue;

    /* saved */
    uint64_t spent;      /* bytes of this period */
    uint64_t period_end; /* in virtual time */

    uint64_t stat_bytes, stat_throttled, stat_failed;
    Virtio virtio;
} VirtioRng;

static const viv_option_t rng_options[] = {
    VIV_OPT_NAMED(VirtioRng, "MaxBytes", max_bytes, VIV_U64, 0, UINT64_MAX, 0,
                  "bytes that the guest may draw in a period; 0: any number"),
    VIV_OPT_NAMED(VirtioRng, "PeriodMs", period_ms, VIV_U32, 1, 86400000, 1000,
                  "the period of MaxBytes, in ms of the machine's time"),
    VIRTIO_OPTIONS(VirtioRng, virtio),
    {0},
};

static const viv_field_t rng_state[] = {
    VIV_FIELD(VirtioRng, spent, VIV_U64, 1),
    VIV_FIELD(VirtioRng, period_end, VIV_U64, 1),
    VIRTIO_STATE(VirtioRng, virtio, 1),
    {0},
};

/* How many of `wanted` bytes the rate allows now. */
static uint64_t rng_allowed(VirtioRng *rng, uint64_t wanted)
{
    uint64_t now = rng->dev->api->time_ns(rng->dev);
    if (!rng->max_bytes) {
        return wanted;
    }
    if (now >= rng->period_end) {
        rng->period_end = now + rng->period_ms * RNG_NS_PER_MS;
        rng->spent = 0;
    }
    uint64_t left = rng->max_bytes - rng->spent;
    return wanted < left ? wanted : left;
}

/* The oldest buffer. 0: not now. */
static int rng_serve(VirtioRng *rng, VirtQueue *q, VirtElem *elem)
{
    uint8_t bytes[RNG_CHUNK];
    uint64_t wanted = elem->in_bytes < RNG_CHUNK ? elem->in_bytes : RNG_CHUNK;
    uint64_t len = rng_allowed(rng, wanted);
    if (wanted && !len) {
        rng->stat_throttled++;
        rng->dev->api->timer_arm(rng->timer, rng->period_end);
        return 0;
    }
    if (wanted && !(len = virtq_budget(q, len))) {
        return 0;
    }
    if (len && rng->vm->random(rng->dev, bytes, len) != VIV_OK) {
        rng->stat_failed++;
        rng->dev->api->timer_arm(rng->timer, rng->dev->api->time_ns(rng->dev) + RNG_RETRY_NS);
        return 0;
    }
    virtio_elem_write(&rng->virtio, elem, 0, bytes, len);
    rng->spent += rng->max_bytes ? len : 0;
    rng->stat_bytes += len;
    virtq_complete(q, len);
    return 1;
}

static void rng_handle(void *self, VirtQueue *q)
{
    VirtElem *elem;
    while ((elem = virtq_peek(q)) && rng_serve(self, q, elem)) {
    }
}

/* [emt, device lock held] */
static void rng_timer(viv_dev_t *dev, void *ctx)
{
    VirtioRng *rng = ctx;
    (void)dev;
    virtio_turn(&rng->virtio);
    rng_handle(rng, rng->queue);
    virtq_notify(rng->queue);
}

static void rng_idle(void *self)
{
    VirtioRng *rng = self;
    rng->dev->api->timer_cancel(rng->timer);
}

static const VirtioType rng_type = {
    .device_id = VIRTIO_ID_RNG,
    .pci_id = 0x1005,
    .class_code = 0x00ff00,
    .reset = rng_idle,
};

static viv_status_t rng_counters(viv_dev_t *dev, VirtioRng *rng)
{
    viv_iface_t iface;
    viv_status_t st;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    if ((st = stam->counter(dev, &rng->stat_bytes, "Bytes", "bytes", "Random bytes given")) !=
            VIV_OK ||
        (st = stam->counter(dev, &rng->stat_throttled, "Throttled", "times",
                            "Buffers that waited for the next period")) != VIV_OK) {
        return st;
    }
    return stam->counter(dev, &rng->stat_failed, "Failed", "times",
                         "Draws for which the host had no random bytes");
}

/* -- life ------------------------------------------------------------------------------------ */

/* [main, device lock held] */
static viv_status_t rng_construct(viv_dev_t *dev, void *self)
{
    VirtioRng *rng = self;
    viv_status_t st = VIV_OK;
    rng->dev = dev;
    rng->vm =
        viv_need(dev, VIV_VM_ID, offsetof(viv_vm_api_t, random) + sizeof(rng->vm->random), &st);
    if (st != VIV_OK || (st = virtio_start(&rng->virtio, dev, rng, &rng_type, 0)) != VIV_OK ||
        (st = dev->api->timer_create(dev, "rate", rng_timer, rng, &rng->timer)) != VIV_OK) {
        return st;
    }
    rng->queue = virtio_queue(&rng->virtio, RNG_QUEUE_SIZE, rng_handle, "requestq");
    st = virtio_finish(&rng->virtio);
    return st == VIV_OK ? rng_counters(dev, rng) : st;
}

static void rng_destruct(viv_dev_t *dev, void *self)
{
    VirtioRng *rng = self;
    (void)dev;
    virtio_free(&rng->virtio);
}

static void rng_reset(viv_dev_t *dev, void *self)
{
    VirtioRng *rng = self;
    (void)dev;
    rng->spent = rng->period_end = 0;
    virtio_reset(&rng->virtio);
}

static viv_status_t rng_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    VirtioRng *rng = self;
    (void)dev;
    return virtio_save(&rng->virtio, stream);
}

static viv_status_t rng_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version)
{
    VirtioRng *rng = self;
    (void)dev, (void)version;
    return virtio_load(&rng->virtio, stream);
}

/* A period that would never end is another machine's, or nobody's. */
static viv_status_t rng_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    VirtioRng *rng = self;
    uint64_t latest = dev->api->time_ns(dev) + rng->period_ms * RNG_NS_PER_MS;
    (void)version;
    rng->period_end = rng->period_end < latest ? rng->period_end : latest;
    rng->spent = rng->spent < rng->max_bytes ? rng->spent : rng->max_bytes;
    return virtio_post_load(&rng->virtio);
}

static const viv_device_class_t rng_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "virtio-rng",
    .summary = "virtio entropy device",
    .instance_size = sizeof(VirtioRng),
    .state_version = RNG_STATE_VERSION,
    .order = VIV_ORDER_MISC,
    .options = rng_options,
    .state = rng_state,
    .construct = rng_construct,
    .destruct = rng_destruct,
    .reset = rng_reset,
    .save = rng_save,
    .load = rng_load,
    .post_load = rng_post_load,
};

VIV_PLUGIN("org.vivarium.virtio-rng", "1.0", "LGPL-2.1-or-later", "virtio entropy device",
           &rng_class);
