/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of character drivers: a device's viv.char-port/1 that keeps what it gets, with room for so
 * many bytes. */
#ifndef CHARFD_FAKE_PORT_H
#define CHARFD_FAKE_PORT_H

#include <check.h>
#include <string.h>

#include "harness.h"

typedef struct FakePort {
    char got[8192];
    uint32_t len, room;
    unsigned breaks, ready;
} FakePort;

static FakePort port;

static uint32_t port_receive(void *self, const void *buf, uint32_t len)
{
    FakePort *p = self;
    uint32_t n = len < p->room ? len : p->room;
    ck_assert_uint_le(p->len + n, sizeof(p->got) - 1);
    memcpy(p->got + p->len, buf, n);
    p->len += n;
    p->got[p->len] = 0;
    p->room -= n;
    return n;
}

static void port_break(void *self)
{
    ((FakePort *)self)->breaks++;
}

static void port_status(void *self, uint32_t lines)
{
    (void)self, (void)lines;
}

static void port_ready(void *self)
{
    ((FakePort *)self)->ready++;
}

static const viv_char_port_ops_t port_ops = {
    .size = sizeof(viv_char_port_ops_t),
    .receive = port_receive,
    .send_break = port_break,
    .set_status = port_status,
    .write_ready = port_ready,
};

static Harness *h;

static void port_above(Harness *harness)
{
    memset(&port, 0, sizeof(port));
    port.room = 4096;
    harness_drv_above(harness, VIV_CHAR_PORT_ID, &port_ops, &port);
}

static inline viv_status_t port_try(const char *cls, const char *options)
{
    h = harness_create();
    port_above(h);
    return harness_start(h, cls, options);
}

static inline void port_start(const char *cls, const char *options)
{
    viv_status_t st = port_try(cls, options);
    ck_assert_msg(st == VIV_OK, "%s", harness_error());
}

static inline uint32_t port_write(const void *buf, uint32_t len)
{
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    const viv_char_ops_t *ops = chr.ops;
    return ops->write(chr.self, buf, len);
}

static inline void port_input_ready(uint32_t room)
{
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    const viv_char_ops_t *ops = chr.ops;
    port.room = room;
    ops->input_ready(chr.self);
}

/* Runs the I/O thread until it has nothing to do. */
static inline void port_pump(void)
{
    for (unsigned i = 0; i < 100 && harness_pump(h, 0); i++)
        ;
}

#endif
