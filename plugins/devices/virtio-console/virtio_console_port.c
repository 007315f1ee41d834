/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console: bytes between a port's queues and the character driver on its LUN. Nothing is
 * buffered here: output waits in the guest's buffers until the driver takes it, input in the driver
 * until the guest has buffers. */
#include "virtio_console.h"

int console_port_live(const ConsolePort *p)
{
    const Virtio *v = &p->console->virtio;
    return virtio_has(v, CONSOLE_F_MULTIPORT) ? p->ready && p->plugged : p->number == 0;
}

static ConsolePort *console_port_of(VirtioConsole *c, const VirtQueue *q)
{
    uint32_t number = q->index < CONSOLE_QUEUE_CONTROL_RX ? 0 : q->index / 2u - 1;
    return &c->ports[number];
}

/* -- output ---------------------------------------------------------------------------------- */

/* A piece of the oldest buffer. 0: not now. */
static int console_port_write(ConsolePort *p, VirtElem *elem)
{
    VirtioConsole *c = p->console;
    uint8_t bytes[4096];
    uint64_t left = elem->done < elem->out_bytes ? elem->out_bytes - elem->done : 0;
    if (!p->chr || !p->plugged) {
        c->stat_unplugged += left;
        left = 0;
    }
    if (left) {
        uint64_t part = virtq_budget(p->tx, left < sizeof(bytes) ? left : sizeof(bytes));
        if (!part) {
            return 0;
        }
        virtio_elem_read(&c->virtio, elem, elem->done, bytes, part);
        uint32_t taken = p->chr->write(p->chr_self, bytes, (uint32_t)part);
        taken = taken < part ? taken : (uint32_t)part;
        elem->done += taken;
        left -= taken;
        c->stat_out += taken;
        if (!taken) {
            return 0; /* write_ready() comes */
        }
    }
    if (!left) {
        virtq_complete(p->tx, 0);
    }
    return 1;
}

/* The driver's write() may call write_ready(): not again from within. */
static void console_port_pump(ConsolePort *p)
{
    VirtElem *elem;
    if (p->busy) {
        return;
    }
    p->busy = 1;
    while ((elem = virtq_peek(p->tx)) && console_port_write(p, elem)) {
    }
    p->busy = 0;
    virtq_notify(p->tx);
}

void console_port_out(void *self, VirtQueue *q)
{
    console_port_pump(console_port_of(self, q));
}

/* -- input ----------------------------------------------------------------------------------- */

void console_port_offer(ConsolePort *p)
{
    if (p->refused && p->chr && p->chr->input_ready) {
        p->refused = 0;
        p->chr->input_ready(p->chr_self);
    }
}

void console_port_in(void *self, VirtQueue *q)
{
    console_port_offer(console_port_of(self, q));
}

/* A port of many takes input while the guest has it open, a lone one whenever there are buffers. */
static int console_port_listens(const ConsolePort *p)
{
    return console_port_live(p) &&
           (p->guest_open || !virtio_has(&p->console->virtio, CONSOLE_F_MULTIPORT));
}

static uint32_t console_port_receive(ConsolePort *p, const uint8_t *bytes, uint32_t len)
{
    Virtio *v = &p->console->virtio;
    uint32_t taken = 0;
    VirtElem *elem;
    virtio_turn(v);
    while (taken < len && console_port_listens(p) && (elem = virtq_peek(p->rx))) {
        uint64_t part = virtio_elem_write(v, elem, 0, bytes + taken, len - taken);
        virtq_complete(p->rx, part);
        taken += (uint32_t)part;
    }
    virtq_notify(p->rx);
    p->refused = taken < len;
    p->console->stat_in += taken;
    return taken;
}

/* -- viv.char-port/1 ------------------------------------------------------------------------- */

static void console_lock(const ConsolePort *p)
{
    p->console->dev->api->lock(p->console->dev);
}

static void console_unlock(const ConsolePort *p)
{
    p->console->dev->api->unlock(p->console->dev);
}

/* [io, no lock] */
static uint32_t console_plug_receive(void *self, const void *buf, uint32_t len_bytes)
{
    ConsolePort *p = self;
    console_lock(p);
    uint32_t taken = console_port_receive(p, buf, len_bytes);
    console_unlock(p);
    return taken;
}

/* [any, no lock] A console knows no breaks. */
static void console_plug_break(void *self)
{
    (void)self;
}

/* [any, no lock] */
static void console_plug_status(void *self, uint32_t lines)
{
    ConsolePort *p = self;
    console_lock(p);
    console_host_open(p, lines >> 3 & 1);
    console_unlock(p);
}

/* [any, no lock] */
static void console_plug_write_ready(void *self)
{
    ConsolePort *p = self;
    console_lock(p);
    if (p->tx) { /* it may come while the driver is being attached */
        virtio_turn(&p->console->virtio);
        console_port_pump(p);
    }
    console_unlock(p);
}

const viv_char_port_ops_t console_char_port = {
    .size = sizeof(viv_char_port_ops_t),
    .receive = console_plug_receive,
    .send_break = console_plug_break,
    .set_status = console_plug_status,
    .write_ready = console_plug_write_ready,
};
