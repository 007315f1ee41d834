/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mousequeue: motion and buttons between whoever moves the mouse and the mouse. When it is full,
 * motion with the buttons of the last event that waits is added to that event: no way is lost, and
 * no click. */
#include "../inputqueue/inputqueue.h"

#include <string.h>

typedef struct MouseQueue {
    InputQueue queue; /* its size is config */
    viv_drv_t *drv;
    const viv_mouse_port_ops_t *port;
    void *port_self;
} MouseQueue;

static const viv_option_t mousequeue_options[] = {
    VIV_OPT_NAMED(MouseQueue, "QueueSize", queue.size, VIV_U32, 1, 65536, 128,
                  "events that may wait"),
    {0},
};

/* [any, no lock] */
static uint32_t mousequeue_give(void *ctx, const InputEvent *event)
{
    MouseQueue *m = ctx;
    return m->port->put_event(m->port_self, event->dx, event->dy, event->dz, event->buttons);
}

static uint32_t mousequeue_add(int32_t a, int32_t b, int32_t *ret_sum)
{
    return !__builtin_add_overflow(a, b, ret_sum);
}

static uint32_t mousequeue_merge(InputEvent *last, const InputEvent *event)
{
    InputEvent sum = *last;
    if (last->buttons != event->buttons || !mousequeue_add(last->dx, event->dx, &sum.dx) ||
        !mousequeue_add(last->dy, event->dy, &sum.dy) ||
        !mousequeue_add(last->dz, event->dz, &sum.dz))
        return 0;
    *last = sum;
    return 1;
}

/* [any] viv.mouse-port/1, for the one below */
static uint32_t mousequeue_put(void *self, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    MouseQueue *m = self;
    const InputEvent event = {.dx = dx, .dy = dy, .dz = dz, .buttons = buttons};
    return inputqueue_put(&m->queue, &event, 1, mousequeue_merge);
}

static const viv_mouse_port_ops_t mousequeue_port = {
    .size = sizeof(viv_mouse_port_ops_t),
    .put_event = mousequeue_put,
};

/* [any, device lock held] viv.mouse/1, for the device */
static void mousequeue_ready(void *self)
{
    inputqueue_ready(&((MouseQueue *)self)->queue);
}

static const viv_mouse_ops_t mousequeue_driver = {
    .size = sizeof(viv_mouse_ops_t),
    .port_ready = mousequeue_ready,
};

/* [main] */
static viv_status_t mousequeue_prepare(viv_drv_t *drv, void *self)
{
    MouseQueue *m = self;
    viv_iface_t above;
    viv_status_t st =
        drv->api->query_above(drv, VIV_MOUSE_PORT_ID, 2u * (uint32_t)sizeof(uint32_t), &above);
    if (st < 0)
        return drv->api->fail(drv, st, "nothing above offers " VIV_MOUSE_PORT_ID);
    m->drv = drv;
    m->port = above.ops;
    m->port_self = above.self;
    return inputqueue_init(&m->queue, drv, mousequeue_give, m);
}

/* [main] */
static viv_status_t mousequeue_construct(viv_drv_t *drv, void *self)
{
    (void)drv, (void)self;
    return VIV_OK;
}

/* [main] */
static void mousequeue_destruct(viv_drv_t *drv, void *self)
{
    (void)drv;
    inputqueue_finish(&((MouseQueue *)self)->queue);
}

/* [main] What the device still takes is saved with it. */
static void mousequeue_suspend(viv_drv_t *drv, void *self)
{
    (void)drv;
    inputqueue_drain(&((MouseQueue *)self)->queue);
}

/* [main] */
static viv_status_t mousequeue_query_interface(viv_drv_t *drv, void *self, const char *id,
                                               viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_MOUSE_ID) == 0)
        ret_iface->ops = &mousequeue_driver;
    else if (strcmp(id, VIV_MOUSE_PORT_ID) == 0)
        ret_iface->ops = &mousequeue_port;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

static const viv_driver_class_t mousequeue_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "MouseQueue",
    .summary = "queue of mouse events",
    .instance_size = sizeof(MouseQueue),
    .options = mousequeue_options,
    .construct = mousequeue_construct,
    .destruct = mousequeue_destruct,
    .query_interface = mousequeue_query_interface,
    .suspend = mousequeue_suspend,
    .prepare = mousequeue_prepare,
};

VIV_PLUGIN("org.vivarium.mousequeue", "1.0", "LGPL-2.1-or-later", "queue of mouse events",
           &mousequeue_class);
