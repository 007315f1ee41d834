/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: status, features, turns, DMA and interrupts (virtio 1.2, chapters 2 and 3). */
#include "virtio_internal.h"

#include <string.h>

#define VIRTIO_TRANSPORT_FEATURES                                                                  \
    (VIRTIO_F_VERSION_1 | VIRTIO_F_ORDER_PLATFORM | VIRTIO_F_NOTIFICATION_DATA |                   \
     VIRTIO_F_RING_RESET)
#define VIRTIO_LEGACY_FEATURES (VIRTIO_F_NOTIFY_ON_EMPTY | VIRTIO_F_ANY_LAYOUT)

/* -- guest memory and interrupts ------------------------------------------------------------- */

int virtio_dma_read(Virtio *v, uint64_t gpa, void *buf, uint64_t len)
{
    v->dma_depth++;
    viv_status_t st = v->pci->dma_read(v->fn, gpa, buf, len);
    v->dma_depth--;
    return st == VIV_OK;
}

int virtio_dma_write(Virtio *v, uint64_t gpa, const void *buf, uint64_t len)
{
    v->dma_depth++;
    viv_status_t st = v->pci->dma_write(v->fn, gpa, buf, len);
    v->dma_depth--;
    return st == VIV_OK;
}

void virtio_raise(Virtio *v, uint32_t isr, uint16_t vector)
{
    v->stat_interrupts++;
    if (v->pci->msix_enabled(v->fn)) {
        if (vector != VIRTIO_NO_VECTOR) {
            v->dma_depth++; /* the message may be addressed to the device itself */
            v->pci->msi_send(v->fn, vector);
            v->dma_depth--;
        }
        return;
    }
    v->isr |= (uint8_t)isr;
    v->pci->intx_set(v->fn, 1);
}

void virtio_config_changed(Virtio *v)
{
    v->config_generation++;
    if (v->status & VIRTIO_STATUS_DRIVER_OK) {
        virtio_raise(v, VIRTIO_ISR_CONFIG, v->config_vector);
    }
}

void virtio_broken(Virtio *v, const char *why)
{
    v->dev->api->log(v->dev, VIV_LOG_TRACE, "the driver broke the rules: %s", why);
    if (v->status & VIRTIO_STATUS_NEEDS_RESET) {
        return;
    }
    v->stat_broken++;
    v->status |= VIRTIO_STATUS_NEEDS_RESET;
    virtio_config_changed(v);
}

/* -- features and status --------------------------------------------------------------------- */

uint64_t virtio_offered(const Virtio *v, int legacy)
{
    uint64_t rings =
        (v->indirect ? VIRTIO_F_INDIRECT_DESC : 0) | (v->event_idx ? VIRTIO_F_EVENT_IDX : 0);
    if (legacy) {
        return (v->offered & 0xffffffffu) | rings | VIRTIO_LEGACY_FEATURES;
    }
    return v->offered | rings | VIRTIO_TRANSPORT_FEATURES | (v->packed ? VIRTIO_F_RING_PACKED : 0);
}

int virtio_has(const Virtio *v, uint64_t feature)
{
    return (v->features & feature) && (v->was_legacy || (v->status & VIRTIO_STATUS_FEATURES_OK));
}

int virtio_running(const Virtio *v)
{
    return (v->status & VIRTIO_STATUS_DRIVER_OK) && !(v->status & VIRTIO_STATUS_NEEDS_RESET);
}

void virtio_set_features(Virtio *v, uint64_t features)
{
    if (!(v->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK))) {
        v->features = features;
    }
}

static int virtio_features_fit(const Virtio *v)
{
    return !(v->features & ~virtio_offered(v, 0)) && (v->features & VIRTIO_F_VERSION_1) &&
           (!v->type->features_ok || v->type->features_ok(v->self, v->features));
}

/* 3.1.1: FEATURES_OK stays clear if the features are not acceptable, and DRIVER_OK without it means
 * nothing; a legacy driver does without. */
void virtio_set_status(Virtio *v, uint8_t value)
{
    uint8_t old = v->status;
    if (!value) {
        virtio_reset(v);
        return;
    }
    value = (uint8_t)((value & ~VIRTIO_STATUS_NEEDS_RESET) | (old & VIRTIO_STATUS_NEEDS_RESET));
    if (!v->was_legacy) {
        value |= old & VIRTIO_STATUS_FEATURES_OK;
        if (!(old & VIRTIO_STATUS_FEATURES_OK) && !virtio_features_fit(v)) {
            value &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
        }
        if (!(value & VIRTIO_STATUS_FEATURES_OK)) {
            value &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
        }
    }
    v->status = value;
    if ((value & ~old) & VIRTIO_STATUS_DRIVER_OK) {
        if (v->type->driver_ok) {
            v->type->driver_ok(v->self);
        }
        virtio_run_all(v);
    }
}

/* -- turns ----------------------------------------------------------------------------------- */

int virtq_ready(const VirtQueue *q)
{
    const Virtio *v = q->virtio;
    return q->enabled && !(v->status & VIRTIO_STATUS_NEEDS_RESET) &&
           (v->was_legacy || (v->status & VIRTIO_STATUS_DRIVER_OK));
}

void virtio_turn(Virtio *v)
{
    v->budget = VIRTIO_TURN_UNITS;
}

void virtq_kick(VirtQueue *q)
{
    Virtio *v = q->virtio;
    const viv_dev_api_t *api = v->dev->api;
    q->pending = 1;
    if (api->timer_deadline(v->timer) == UINT64_MAX) {
        v->stat_deferred++;
        api->timer_arm(v->timer, api->time_ns(v->dev) + VIRTIO_TURN_DELAY_NS);
    }
}

uint64_t virtq_budget(VirtQueue *q, uint64_t wanted)
{
    Virtio *v = q->virtio;
    uint64_t granted = wanted < v->budget ? wanted : v->budget;
    v->budget -= granted;
    if (wanted && !granted) {
        virtq_kick(q);
    }
    return granted;
}

void virtio_queue_run(Virtio *v, uint32_t index)
{
    if (index >= v->queue_count || !virtq_ready(&v->queues[index])) {
        return;
    }
    VirtQueue *q = &v->queues[index];
    virtio_turn(v);
    q->pending = 0;
    q->handler(v->self, q);
    virtq_notify(q);
}

void virtio_run_all(Virtio *v)
{
    for (uint32_t i = 0; i < v->queue_count; i++) {
        virtio_queue_run(v, i);
    }
}

/* [emt, device lock held] */
static void virtio_left_over(viv_dev_t *dev, void *ctx)
{
    Virtio *v = ctx;
    (void)dev;
    for (uint32_t i = 0; i < v->queue_count; i++) {
        if (v->queues[i].pending) {
            v->queues[i].pending = 0;
            virtio_queue_run(v, i);
        }
    }
}

/* -- life ------------------------------------------------------------------------------------ */

static viv_status_t virtio_configured(Virtio *v)
{
    viv_dev_t *dev = v->dev;
    if (v->queue_size & (v->queue_size - 1)) {
        return dev->api->fail(dev, VIV_E_CONFIG, "QueueSize %u is not a power of two",
                              v->queue_size);
    }
    if (v->legacy && !v->type->pci_id) {
        v->legacy = 0;
    }
    if (!v->legacy && !v->modern) {
        return dev->api->fail(dev, VIV_E_CONFIG, "Legacy or Modern must be on");
    }
    return VIV_OK;
}

viv_status_t virtio_start(Virtio *v, viv_dev_t *dev, void *self, const VirtioType *type,
                          uint64_t features)
{
    viv_iface_t iface;
    viv_status_t st = VIV_OK;
    v->dev = dev;
    v->self = self;
    v->type = type;
    v->offered = features;
    v->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    if (st != VIV_OK || (st = virtio_configured(v)) != VIV_OK) {
        return st;
    }
    if ((st = dev->api->get_interface(dev, VIV_STREAM_ID, sizeof(viv_stream_api_t), &iface)) !=
        VIV_OK) {
        return dev->api->fail(dev, st, "the host does not offer " VIV_STREAM_ID);
    }
    v->stream = iface.ops;
    return dev->api->timer_create(dev, "virtqueues", virtio_left_over, v, &v->timer);
}

VirtQueue *virtio_queue(Virtio *v, uint32_t size, virtio_queue_fn handler, const char *name)
{
    VirtQueue *q = &v->queues[v->queue_count];
    q->virtio = v;
    q->handler = handler;
    q->name = name;
    q->index = (uint16_t)v->queue_count++;
    q->max_size = (uint16_t)(v->queue_size ? v->queue_size : size);
    return q;
}

static viv_status_t virtio_counters(Virtio *v)
{
    const struct {
        const uint64_t *value;
        const char *name, *unit, *help;
    } counters[] = {
        {&v->stat_notifications, "Notifications", "times", "Notifications by the driver"},
        {&v->stat_elements, "Elements", "buffers", "Buffers taken from the driver"},
        {&v->stat_interrupts, "Interrupts", "times", "Interrupts sent to the driver"},
        {&v->stat_deferred, "Deferred", "times", "Turns that left work for another one"},
        {&v->stat_broken, "Broken", "times", "Rings that broke the rules"},
    };
    viv_iface_t iface;
    viv_dev_t *dev = v->dev;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    viv_status_t st = VIV_OK;
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]) && st == VIV_OK; i++) {
        st = stam->counter(dev, counters[i].value, counters[i].name, counters[i].unit,
                           counters[i].help);
    }
    return st;
}

viv_status_t virtio_finish(Virtio *v)
{
    if (v->vectors == VIRTIO_VECTORS_AUTO || v->vectors > 2048) {
        v->vectors = v->queue_count + 1;
    }
    viv_status_t st = virtio_pci_add(v);
    return st == VIV_OK ? virtio_counters(v) : st;
}

void virtio_free(Virtio *v)
{
    for (uint32_t i = 0; i < v->queue_count; i++) {
        virtio_elem_free(v->queues[i].current);
        v->queues[i].current = NULL;
    }
}

void virtio_reset(Virtio *v)
{
    v->features = 0;
    v->device_feature_select = v->driver_feature_select = 0;
    v->queue_select = 0;
    v->config_vector = VIRTIO_NO_VECTOR;
    v->status = v->isr = v->was_legacy = 0;
    for (uint32_t i = 0; i < v->queue_count; i++) {
        virtio_queue_clear(&v->queues[i]);
    }
    v->pci->intx_set(v->fn, 0);
    v->dev->api->timer_cancel(v->timer);
    v->bus_master = v->pci->config_get(v->fn, 4, 2) & 4;
    if (v->type->reset) {
        v->type->reset(v->self);
    }
}
