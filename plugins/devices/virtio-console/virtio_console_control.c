/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console: control messages (virtio 1.2, 5.3.6.2). What the driver is to be told is kept as
 * one bit a kind and port, and becomes a message when there is a buffer for it: however slowly a
 * driver reads, nothing piles up. */
#include "virtio_console.h"

#include <string.h>

#define CONSOLE_MESSAGE  8u
#define CONSOLE_NAME_MAX 256u

/* -- to the driver --------------------------------------------------------------------------- */

static const struct {
    uint8_t bit, event;
} console_messages[] = {
    {CONSOLE_TELL_REMOVE, CONSOLE_DEVICE_DEL},    {CONSOLE_TELL_ADD, CONSOLE_DEVICE_ADD},
    {CONSOLE_TELL_CONSOLE, CONSOLE_CONSOLE_PORT}, {CONSOLE_TELL_RESIZE, CONSOLE_RESIZE},
    {CONSOLE_TELL_NAME, CONSOLE_PORT_NAME},       {CONSOLE_TELL_OPEN, CONSOLE_PORT_OPEN},
};
#define CONSOLE_MESSAGES (sizeof(console_messages) / sizeof(console_messages[0]))

static uint32_t console_compose(ConsolePort *p, uint32_t event, uint8_t *bytes)
{
    uint32_t len = CONSOLE_MESSAGE, value = 1;
    if (event == CONSOLE_RESIZE) {
        virtio_put16(bytes + 8, p->columns);
        virtio_put16(bytes + 10, p->rows);
        len += 4;
        value = 0;
    } else if (event == CONSOLE_PORT_NAME) {
        uint32_t name = (uint32_t)strnlen(p->name, CONSOLE_NAME_MAX);
        memcpy(bytes + CONSOLE_MESSAGE, p->name, name);
        len += name;
    } else if (event == CONSOLE_PORT_OPEN) {
        value = p->told_open = p->host_open;
    }
    virtio_put32(bytes, p->number);
    virtio_put16(bytes + 4, event);
    virtio_put16(bytes + 6, value);
    return len;
}

/* The first message that waits. 0: there is none. */
static uint32_t console_next(VirtioConsole *c, uint8_t *bytes)
{
    for (uint32_t i = 0; i < c->port_count; i++) {
        ConsolePort *p = &c->ports[i];
        for (size_t k = 0; p->tell && k < CONSOLE_MESSAGES; k++) {
            if (p->tell & console_messages[k].bit) {
                p->tell &= (uint8_t)~console_messages[k].bit;
                return console_compose(p, console_messages[k].event, bytes);
            }
        }
    }
    return 0;
}

static int console_waits(const VirtioConsole *c)
{
    uint32_t tell = 0;
    for (uint32_t i = 0; i < c->port_count; i++) {
        tell |= c->ports[i].tell;
    }
    return tell != 0;
}

void console_control_in(void *self, VirtQueue *q)
{
    VirtioConsole *c = self;
    uint8_t bytes[CONSOLE_MESSAGE + CONSOLE_NAME_MAX];
    VirtElem *elem;
    while (console_waits(c) && (elem = virtq_peek(q))) {
        uint32_t len = console_next(c, bytes);
        virtq_complete(q, virtio_elem_write(&c->virtio, elem, 0, bytes, len));
    }
    virtq_notify(q);
}

static void console_flush(VirtioConsole *c)
{
    if (c->control_rx && virtio_has(&c->virtio, CONSOLE_F_MULTIPORT)) {
        console_control_in(c, c->control_rx);
    }
}

void console_tell(ConsolePort *p, uint32_t what)
{
    p->tell |= (uint8_t)what;
    console_flush(p->console);
}

void console_host_open(ConsolePort *p, uint32_t open)
{
    p->host_open = open != 0;
    if (p->ready && p->told_open != p->host_open) {
        console_tell(p, CONSOLE_TELL_OPEN);
    }
}

/* -- from the driver ------------------------------------------------------------------------- */

static void console_forget(ConsolePort *p)
{
    p->ready = p->guest_open = p->told_open = 0;
    p->tell = 0;
}

static void console_device_ready(VirtioConsole *c, uint32_t value)
{
    for (uint32_t i = 0; i < c->port_count; i++) {
        console_forget(&c->ports[i]);
        c->ports[i].tell = value && c->ports[i].plugged ? CONSOLE_TELL_ADD : 0;
    }
}

static void console_port_ready(ConsolePort *p, uint32_t value)
{
    p->ready = value != 0;
    if (!value) {
        p->console->dev->api->log(p->console->dev, VIV_LOG_TRACE, "the guest cannot use port %u",
                                  p->number);
        return;
    }
    p->tell |=
        (uint8_t)((p->is_console ? CONSOLE_TELL_CONSOLE : 0) |
                  (p->is_console && p->columns && p->rows ? CONSOLE_TELL_RESIZE : 0) |
                  (p->name[0] ? CONSOLE_TELL_NAME : 0) | (p->host_open ? CONSOLE_TELL_OPEN : 0));
}

static void console_guest_open(ConsolePort *p, uint32_t value)
{
    p->guest_open = value != 0;
    if (p->chr && p->chr->set_lines) {
        p->chr->set_lines(p->chr_self, value ? 3 : 0);
    }
    if (value) {
        console_port_offer(p);
    }
}

static void console_message(VirtioConsole *c, uint32_t port, uint32_t event, uint32_t value)
{
    ConsolePort *p = port < c->port_count ? &c->ports[port] : NULL;
    if (event == CONSOLE_DEVICE_READY) {
        console_device_ready(c, value);
    } else if (p && p->plugged && event == CONSOLE_PORT_READY) {
        console_port_ready(p, value);
    } else if (p && p->plugged && event == CONSOLE_PORT_OPEN) {
        console_guest_open(p, value);
    }
}

void console_control_out(void *self, VirtQueue *q)
{
    VirtioConsole *c = self;
    VirtElem *elem;
    while ((elem = virtq_peek(q))) {
        uint8_t bytes[CONSOLE_MESSAGE];
        uint64_t len = virtio_elem_read(&c->virtio, elem, 0, bytes, sizeof(bytes));
        virtq_complete(q, 0);
        if (len == CONSOLE_MESSAGE) {
            console_message(c, virtio_get32(bytes), virtio_get16(bytes + 4),
                            virtio_get16(bytes + 6));
        }
    }
    virtq_notify(q);
    console_flush(c);
}

/* -- viv.console-port/1 ---------------------------------------------------------------------- */

/* [any, no lock] */
static void console_resize(void *self, uint32_t columns, uint32_t rows)
{
    ConsolePort *p = self;
    VirtioConsole *c = p->console;
    c->dev->api->lock(c->dev);
    p->columns = (uint16_t)(columns < 0xffff ? columns : 0xffff);
    p->rows = (uint16_t)(rows < 0xffff ? rows : 0xffff);
    if (p->number == 0 && virtio_has(&c->virtio, CONSOLE_F_SIZE)) {
        virtio_config_changed(&c->virtio);
    }
    if (p->ready && p->is_console) {
        console_tell(p, CONSOLE_TELL_RESIZE);
    }
    c->dev->api->unlock(c->dev);
}

/* [any, no lock] A port whose coming the driver has not heard of goes without a word. */
static void console_plug(void *self, uint32_t plugged)
{
    ConsolePort *p = self;
    VirtioConsole *c = p->console;
    c->dev->api->lock(c->dev);
    int known = !(p->tell & CONSOLE_TELL_ADD);
    if (!plugged != !p->plugged) {
        p->plugged = plugged != 0;
        if (plugged) {
            console_tell(p, CONSOLE_TELL_ADD);
        } else {
            uint32_t removing = p->tell & CONSOLE_TELL_REMOVE;
            console_forget(p);
            console_tell(p, known ? CONSOLE_TELL_REMOVE : removing);
        }
    }
    c->dev->api->unlock(c->dev);
}

const viv_console_port_ops_t console_size_port = {
    .size = sizeof(viv_console_port_ops_t),
    .resize = console_resize,
    .plug = console_plug,
};
