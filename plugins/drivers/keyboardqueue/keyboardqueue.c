/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyboardqueue: key events between whoever types and the keyboard. An event is a whole key code
 * with its prefix, so that a code is never torn apart. */
#include "../inputqueue/inputqueue.h"

#include <string.h>

typedef struct KeyboardQueue {
    InputQueue queue; /* its size is config */
    viv_drv_t *drv;
    const viv_keyboard_port_ops_t *port;
    void *port_self;
} KeyboardQueue;

static const viv_option_t keyboardqueue_options[] = {
    VIV_OPT_NAMED(KeyboardQueue, "QueueSize", queue.size, VIV_U32, 1, 65536, 64,
                  "key codes that may wait"),
    {0},
};

/* [any, no lock] */
static uint32_t keyboardqueue_give(void *ctx, const InputEvent *event)
{
    KeyboardQueue *k = ctx;
    return k->port->put_scancodes(k->port_self, event->codes, event->count);
}

/* -- viv.keyboard-port/1, for the one below -------------------------------------------------- */

/* The codes as events; an unfinished prefix at the end is an event too. At most `room` of them;
 * returns how many there are. */
static uint32_t keyboardqueue_split(const uint8_t *codes, uint32_t count, InputEvent *events,
                                    uint32_t room)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; n++) {
        uint32_t len = codes[i] == 0xe1 ? 3 : codes[i] == 0xe0 ? 2 : 1;
        if (len > count - i)
            len = count - i;
        if (n < room) {
            events[n] = (InputEvent){.count = len};
            memcpy(events[n].codes, codes + i, len);
        }
        i += len;
    }
    return n;
}

/* [any] */
static uint32_t keyboardqueue_put(void *self, const uint8_t *codes, uint32_t count)
{
    KeyboardQueue *k = self;
    InputEvent events[64];
    uint32_t n = keyboardqueue_split(codes, count, events, 64);
    return n <= 64 ? inputqueue_put(&k->queue, events, n, NULL) : 0;
}

/* [any] */
static uint32_t keyboardqueue_leds(void *self)
{
    KeyboardQueue *k = self;
    return k->port->leds(k->port_self);
}

/* [any] */
static uint32_t keyboardqueue_enabled(void *self)
{
    KeyboardQueue *k = self;
    return VIV_HAS(k->port, enabled) ? k->port->enabled(k->port_self) : 1;
}

static const viv_keyboard_port_ops_t keyboardqueue_port = {
    .size = sizeof(viv_keyboard_port_ops_t),
    .put_scancodes = keyboardqueue_put,
    .leds = keyboardqueue_leds,
    .enabled = keyboardqueue_enabled,
};

/* -- viv.keyboard/1, for the device ---------------------------------------------------------- */

/* The driver below that wants to know, if there is one. */
static const viv_keyboard_ops_t *keyboardqueue_below(KeyboardQueue *k, void **ret_self)
{
    viv_iface_t below;
    if (k->drv->api->query_below(k->drv, VIV_KEYBOARD_ID, sizeof(viv_keyboard_ops_t), &below) < 0)
        return NULL;
    *ret_self = below.self;
    return below.ops;
}

/* [any, device lock held] */
static void keyboardqueue_ready(void *self)
{
    inputqueue_ready(&((KeyboardQueue *)self)->queue);
}

/* [any, device lock held] */
static void keyboardqueue_leds_changed(void *self, uint32_t leds)
{
    void *to;
    const viv_keyboard_ops_t *below = keyboardqueue_below(self, &to);
    if (below && below->leds_changed)
        below->leds_changed(to, leds);
}

/* [any, device lock held] */
static void keyboardqueue_enabled_changed(void *self, uint32_t enabled)
{
    void *to;
    const viv_keyboard_ops_t *below = keyboardqueue_below(self, &to);
    if (below && below->enabled_changed)
        below->enabled_changed(to, enabled);
}

static const viv_keyboard_ops_t keyboardqueue_driver = {
    .size = sizeof(viv_keyboard_ops_t),
    .port_ready = keyboardqueue_ready,
    .leds_changed = keyboardqueue_leds_changed,
    .enabled_changed = keyboardqueue_enabled_changed,
};

/* -- Life ------------------------------------------------------------------------------------ */

/* [main] */
static viv_status_t keyboardqueue_prepare(viv_drv_t *drv, void *self)
{
    KeyboardQueue *k = self;
    viv_iface_t above;
    viv_status_t st = drv->api->query_above(drv, VIV_KEYBOARD_PORT_ID,
                                            offsetof(viv_keyboard_port_ops_t, enabled), &above);
    if (st < 0)
        return drv->api->fail(drv, st, "nothing above offers " VIV_KEYBOARD_PORT_ID);
    k->drv = drv;
    k->port = above.ops;
    k->port_self = above.self;
    return inputqueue_init(&k->queue, drv, keyboardqueue_give, k);
}

/* [main] */
static viv_status_t keyboardqueue_construct(viv_drv_t *drv, void *self)
{
    (void)drv, (void)self;
    return VIV_OK;
}

/* [main] */
static void keyboardqueue_destruct(viv_drv_t *drv, void *self)
{
    (void)drv;
    inputqueue_finish(&((KeyboardQueue *)self)->queue);
}

/* [main] What the device still takes is saved with it. */
static void keyboardqueue_suspend(viv_drv_t *drv, void *self)
{
    (void)drv;
    inputqueue_drain(&((KeyboardQueue *)self)->queue);
}

/* [main] */
static viv_status_t keyboardqueue_query_interface(viv_drv_t *drv, void *self, const char *id,
                                                  viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_KEYBOARD_ID) == 0)
        ret_iface->ops = &keyboardqueue_driver;
    else if (strcmp(id, VIV_KEYBOARD_PORT_ID) == 0)
        ret_iface->ops = &keyboardqueue_port;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

static const viv_driver_class_t keyboardqueue_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "KeyboardQueue",
    .summary = "queue of key events",
    .instance_size = sizeof(KeyboardQueue),
    .options = keyboardqueue_options,
    .construct = keyboardqueue_construct,
    .destruct = keyboardqueue_destruct,
    .query_interface = keyboardqueue_query_interface,
    .suspend = keyboardqueue_suspend,
    .prepare = keyboardqueue_prepare,
};

VIV_PLUGIN("org.vivarium.keyboardqueue", "1.0", "LGPL-2.1-or-later", "queue of key events",
           &keyboardqueue_class);
