/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* debugcon: a one-byte port that firmware and kernels write messages to.
 *
 * The guest sees one port: every byte written goes to the character driver on LUN#0, a read gives
 * E9h, by which a guest knows that somebody listens. SeaBIOS and OVMF write to 402h; for the older
 * port E9h configure a second instance.
 * Follows: the convention of Bochs' port E9h.
 * Not modelled: input. */
#include <string.h>

#include <viv/device.h>
#include <viv/interfaces.h>

#define DEBUGCON_READBACK 0xe9u
#define DEBUGCON_BUFFER   4096u

typedef struct DebugCon {
    /* config */
    uint16_t port;
    uint8_t readback;
    /* host */
    viv_dev_t *dev;
    const viv_char_ops_t *out; /* NULL: nothing is attached */
    void *out_self;
    uint8_t buffer[DEBUGCON_BUFFER]; /* what the driver had no room for */
    uint32_t buffered;
    /* stats */
    uint64_t written, lost;
} DebugCon;

static const viv_option_t debugcon_options[] = {
    VIV_OPT_NAMED(DebugCon, "Port", port, VIV_U16, 0, 0xffff, 0x402,
                  "I/O port; a second instance may take 0xe9"),
    VIV_OPT_NAMED(DebugCon, "ReadBack", readback, VIV_U8, 0, 0xff, DEBUGCON_READBACK,
                  "Value of a read"),
    {0},
};

/* [device lock held] */
static void debugcon_flush(DebugCon *con)
{
    while (con->buffered) {
        uint32_t n = con->out->write(con->out_self, con->buffer, con->buffered);
        if (n == 0) {
            return;
        }
        n = n < con->buffered ? n : con->buffered;
        con->buffered -= n;
        for (uint32_t i = 0; i < con->buffered; i++) {
            con->buffer[i] = con->buffer[n + i];
        }
    }
}

/* [emt, device lock held] Messages are worth little to the guest: what finds no room is dropped. */
static void debugcon_put(DebugCon *con, const uint8_t *bytes, uint32_t count)
{
    con->written += count;
    if (!con->out) {
        return;
    }
    if (con->buffered) {
        debugcon_flush(con);
    }
    while (count && !con->buffered) {
        uint32_t n = con->out->write(con->out_self, bytes, count);
        if (n == 0) {
            break;
        }
        n = n < count ? n : count;
        bytes += n;
        count -= n;
    }
    for (; count && con->buffered < DEBUGCON_BUFFER; count--) {
        con->buffer[con->buffered++] = *bytes++;
    }
    con->lost += count;
}

/* [emt, device lock held] */
static uint64_t debugcon_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const DebugCon *con = ctx;
    (void)dev, (void)off, (void)width;
    return con->readback;
}

/* [emt, device lock held] */
static void debugcon_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    uint8_t byte = (uint8_t)value;
    (void)dev, (void)off, (void)width;
    debugcon_put(ctx, &byte, 1);
}

/* [emt, device lock held] */
static uint32_t debugcon_write_string(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width,
                                      const void *buf, uint32_t count)
{
    (void)dev, (void)off;
    if (width != 1) {
        return 0;
    }
    debugcon_put(ctx, buf, count);
    return count;
}

static const viv_io_ops_t debugcon_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = debugcon_read,
    .write = debugcon_write,
    .write_string = debugcon_write_string,
};

/* -- what the driver sees -------------------------------------------------------------------- */

/* [io] There is no input: it is taken and forgotten, so that a pipe does not fill up. */
static uint32_t debugcon_receive(void *self, const void *buf, uint32_t len_bytes)
{
    (void)self, (void)buf;
    return len_bytes;
}

/* [io] */
static void debugcon_send_break(void *self)
{
    (void)self;
}

/* [io] */
static void debugcon_set_status(void *self, uint32_t lines)
{
    (void)self, (void)lines;
}

/* [io] */
static void debugcon_write_ready(void *self)
{
    DebugCon *con = self;
    con->dev->api->lock(con->dev);
    if (con->out) {
        debugcon_flush(con);
    }
    con->dev->api->unlock(con->dev);
}

static const viv_char_port_ops_t debugcon_port = {
    .size = sizeof(viv_char_port_ops_t),
    .receive = debugcon_receive,
    .send_break = debugcon_send_break,
    .set_status = debugcon_set_status,
    .write_ready = debugcon_write_ready,
};

/* [any] */
static viv_status_t debugcon_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                             const char *id, viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun != 0 || strcmp(id, VIV_CHAR_PORT_ID) != 0) {
        return VIV_E_NOT_FOUND;
    }
    ret_iface->ops = &debugcon_port;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- life ------------------------------------------------------------------------------------ */

/* [main, device lock held] */
static viv_status_t debugcon_attach(viv_dev_t *dev, DebugCon *con)
{
    viv_iface_t lun, out;
    viv_status_t st = dev->api->get_interface(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &lun);
    if (st != VIV_OK) {
        return dev->api->fail(dev, st, "the host has no " VIV_LUN_ID);
    }
    const viv_lun_api_t *luns = lun.ops;
    st = luns->attach(dev, 0, "Debug console output");
    if (st == VIV_E_NOT_FOUND) {
        return VIV_OK;
    }
    if (st == VIV_OK) {
        st = luns->query(dev, 0, VIV_CHAR_ID, offsetof(viv_char_ops_t, set_params), &out);
        if (st == VIV_E_NOT_FOUND) {
            return dev->api->fail(dev, st, "the driver on LUN#0 is not for characters");
        }
    }
    if (st != VIV_OK) {
        return st;
    }
    con->out = out.ops;
    con->out_self = out.self;
    return VIV_OK;
}

/* [main, device lock held] */
static viv_status_t debugcon_construct(viv_dev_t *dev, void *self)
{
    DebugCon *con = self;
    viv_iface_t iface;
    con->dev = dev;
    viv_status_t st =
        dev->api->pio_map(dev, con->port, 1, &debugcon_io, con, "debug console", NULL);
    if (st != VIV_OK) {
        return st;
    }
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) == VIV_OK) {
        const viv_stam_api_t *stam = iface.ops;
        stam->counter(dev, &con->written, "Written", "bytes", "Bytes that the guest has written");
        stam->counter(dev, &con->lost, "Lost", "bytes", "Bytes that the driver had no room for");
    }
    return debugcon_attach(dev, con);
}

static const viv_device_class_t debugcon_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "debugcon",
    .summary = "Debug console port of firmware",
    .instance_size = sizeof(DebugCon),
    .order = VIV_ORDER_MISC,
    .options = debugcon_options,
    .construct = debugcon_construct,
    .query_interface = debugcon_query_interface,
};

VIV_PLUGIN("org.vivarium.debugcon", "1.0", "LGPL-2.1-or-later", "Debug console port",
           &debugcon_class);
