/* SPDX-License-Identifier: MIT */
/* worker: a test device with a queue and a thread. Ports: E0h write: post and wake, read: queued
 * calls; E1h read: wake-ups; E2h read (4 bytes): turns of the thread. */
#include <viv/device.h>

typedef struct Worker {
    const viv_queue_api_t *queue;
    const viv_thread_api_t *threads;
    viv_thread_t *thread;
    uint32_t posted, woken, turns;
} Worker;

static void worker_posted(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    ((Worker *)ctx)->posted++;
}

static void worker_turn(viv_dev_t *dev, void *ctx)
{
    Worker *w = ctx;
    (void)dev;
    __atomic_add_fetch(&w->turns, 1, __ATOMIC_RELAXED);
    if (w->threads->wait(w->thread, UINT64_MAX)) {
        __atomic_add_fetch(&w->woken, 1, __ATOMIC_RELAXED);
    }
}

static uint64_t worker_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Worker *w = ctx;
    (void)dev, (void)width;
    return off == 0   ? w->posted
           : off == 1 ? __atomic_load_n(&w->woken, __ATOMIC_RELAXED)
                      : __atomic_load_n(&w->turns, __ATOMIC_RELAXED) >> ((off - 2) * 8);
}

static void worker_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Worker *w = ctx;
    (void)off, (void)value, (void)width;
    w->queue->post(dev, worker_posted, w);
    w->threads->wake(w->thread);
}

static const viv_io_ops_t worker_io = {
    .size = sizeof worker_io, .widths = VIV_W8, .read = worker_read, .write = worker_write};

static viv_status_t worker_construct(viv_dev_t *dev, void *self)
{
    Worker *w = self;
    viv_iface_t iface;
    viv_status_t st = dev->api->get_interface(dev, VIV_QUEUE_ID, sizeof(viv_queue_api_t), &iface);
    if (st) {
        return st;
    }
    w->queue = iface.ops;
    if ((st = dev->api->get_interface(dev, VIV_THREAD_ID, sizeof(viv_thread_api_t), &iface))) {
        return st;
    }
    w->threads = iface.ops;
    if ((st = w->threads->create(dev, "worker", worker_turn, w, &w->thread))) {
        return st;
    }
    return dev->api->pio_map(dev, 0xe0, 6, &worker_io, w, "worker", NULL);
}

static const viv_device_class_t worker_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "worker",
    .summary = "test device with a queue and a thread",
    .instance_size = sizeof(Worker),
    .order = VIV_ORDER_MISC,
    .construct = worker_construct,
};
VIV_PLUGIN("org.vivarium.test.worker", "1", "MIT", "test device", &worker_class);
