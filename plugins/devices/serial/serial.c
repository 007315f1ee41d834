/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serial: an asynchronous serial port of a PC (COM1-COM4).
 * The guest sees a 16450, 16550A or 16750 at eight ports and one ISA interrupt line; see
 * serial_uart.c for the chip. This file wires it up: options, ports, timers, and the plug, which is
 * LUN#0 ("viv.char/1" below, "viv.char-port/1" offered to it).
 * Not modelled: the DMA handshake pins (no PC wires them). */
#include "serial_internal.h"

#include <sched.h>
#include <string.h>

#define SERIAL_STATE_VERSION 2u

static const viv_option_t serial_options[] = {
    VIV_OPT_NAMED(Serial, "IOBase", io_base, VIV_U32, 0, 0xfff8, 0,
                  "first I/O port; 0: 3F8h, 2F8h, 3E8h, 2E8h by instance number"),
    VIV_OPT_NAMED(Serial, "IRQ", irq, VIV_U32, 0, 15, 0,
                  "interrupt line; 0: 4, 3, 4, 3 by instance number"),
    VIV_OPT_STRING(Serial, "UartType", uart_type, "16550A", "16450, 16550A or 16750"),
    VIV_OPT_NAMED(Serial, "RealBaud", real_baud, VIV_BOOL, 0, 1, 0,
                  "characters take the time that the programmed rate gives them, in both "
                  "directions, instead of none"),
    VIV_OPT_NAMED(Serial, "YieldOnLSRRead", yield_on_lsr, VIV_BOOL, 0, 1, 0,
                  "give up the time slice when the guest polls LSR in vain"),
    {0},
};

static const viv_field_t serial_state[] = {
    VIV_FIELD(Serial, ier, VIV_U8, 1),
    VIV_FIELD(Serial, fcr, VIV_U8, 1),
    VIV_FIELD(Serial, lcr, VIV_U8, 1),
    VIV_FIELD(Serial, mcr, VIV_U8, 1),
    VIV_FIELD(Serial, scr, VIV_U8, 1),
    VIV_FIELD(Serial, dll, VIV_U8, 1),
    VIV_FIELD(Serial, dlm, VIV_U8, 1),
    VIV_FIELD(Serial, lsr_errors, VIV_U8, 1),
    VIV_FIELD(Serial, msr, VIV_U8, 1),
    VIV_FIELD(Serial, thre_pending, VIV_U8, 1),
    VIV_FIELD(Serial, timeout_pending, VIV_U8, 1),
    VIV_FIELD(Serial, lines_in, VIV_U8, 1),
    VIV_FIELD(Serial, tsr, VIV_U8, 1),
    VIV_FIELD(Serial, tsr_full, VIV_U8, 1),
    VIV_FIELD(Serial, rx_count, VIV_U32, 1),
    VIV_FIELD(Serial, tx_count, VIV_U32, 1),
    VIV_FIELD_BYTES(Serial, rx_data, 1),
    VIV_FIELD_BYTES(Serial, rx_flags, 1),
    VIV_FIELD_BYTES(Serial, tx_data, 1),
    VIV_FIELD(Serial, tx_two, VIV_U8, 2),
    VIV_FIELD(Serial, thre_late, VIV_U8, 2),
    VIV_FIELD(Serial, rts_held, VIV_U8, 2),
    {0},
};

/* -- Ports and timers ------------------------------------------------------------------------ */

/* [emt, device lock held] */
static uint64_t serial_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Serial *s = ctx;
    (void)dev, (void)width;
    uint8_t value = serial_uart_read(s, (uint32_t)off & 7u);
    if (off == SERIAL_LSR && s->yield_on_lsr && !(value & (SERIAL_LSR_DR | SERIAL_LSR_THRE)))
        sched_yield();
    return value;
}

/* [emt, device lock held] */
static void serial_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                              uint32_t width)
{
    (void)dev, (void)width;
    serial_uart_write(ctx, (uint32_t)off & 7u, (uint8_t)value);
}

static const viv_io_ops_t serial_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = serial_port_read,
    .write = serial_port_write,
};

/* [emt, device lock held] */
static void serial_tx_timer(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    serial_uart_tx_expired(ctx);
}

/* [emt, device lock held] */
static void serial_timeout_timer(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    serial_uart_timeout_expired(ctx);
}

/* [emt, device lock held] */
static void serial_rx_timer(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    serial_uart_rx_expired(ctx);
}

/* -- viv.char-port/1 ------------------------------------------------------------------------- */

/* [io, no lock] */
static uint32_t serial_plug_receive(void *self, const void *buf, uint32_t len_bytes)
{
    Serial *s = self;
    s->dev->api->lock(s->dev);
    uint32_t taken = serial_uart_receive(s, buf, len_bytes);
    s->dev->api->unlock(s->dev);
    return taken;
}

/* [any, no lock] */
static void serial_plug_marked(void *self, uint8_t value, uint32_t marks)
{
    Serial *s = self;
    s->dev->api->lock(s->dev);
    serial_uart_receive_marked(s, value, marks);
    s->dev->api->unlock(s->dev);
}

/* [any, no lock] */
static void serial_plug_break(void *self)
{
    serial_plug_marked(self, 0, VIV_CHAR_MARK_BREAK);
}

/* [any, no lock] */
static void serial_plug_status(void *self, uint32_t lines)
{
    Serial *s = self;
    s->dev->api->lock(s->dev);
    serial_uart_set_plug_lines(s, (uint8_t)((lines & 0x0fu) << 4));
    s->dev->api->unlock(s->dev);
}

/* [any, no lock] */
static void serial_plug_write_ready(void *self)
{
    Serial *s = self;
    s->dev->api->lock(s->dev);
    serial_uart_tx_expired(s);
    s->dev->api->unlock(s->dev);
}

static const viv_char_port_ops_t serial_plug = {
    .size = sizeof(viv_char_port_ops_t),
    .receive = serial_plug_receive,
    .send_break = serial_plug_break,
    .set_status = serial_plug_status,
    .write_ready = serial_plug_write_ready,
    .receive_marked = serial_plug_marked,
};

/* [any] */
static viv_status_t serial_query_interface(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                                           viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun != 0 || strcmp(id, VIV_CHAR_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &serial_plug;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- Life ------------------------------------------------------------------------------------ */

/* [main, lock held] */
static void serial_reset(viv_dev_t *dev, void *self)
{
    (void)dev;
    serial_uart_reset(self);
}

/* [main, lock held] Every loaded byte is hostile: counts index arrays, the rest is masked to what
 * the chip can hold. */
static viv_status_t serial_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Serial *s = self;
    (void)version;
    uint32_t depth = serial_uart_fifo_depth(s);
    if (s->model != SERIAL_16750 && (s->fcr & SERIAL_FCR_FIFO64))
        return dev->api->fail(dev, VIV_E_CORRUPT, "FCR %02Xh does not fit a %s", s->fcr,
                              s->uart_type);
    if (s->model == SERIAL_16450 && s->fcr)
        return dev->api->fail(dev, VIV_E_CORRUPT, "FCR %02Xh does not fit a %s", s->fcr,
                              s->uart_type);
    if (s->rx_count > depth || s->tx_count > depth)
        return dev->api->fail(dev, VIV_E_CORRUPT, "FIFOs hold %u and %u of %u bytes", s->rx_count,
                              s->tx_count, depth);
    s->ier &= s->model == SERIAL_16750 ? 0x3fu : 0x0fu;
    s->mcr &= s->model == SERIAL_16750 ? 0x3fu : 0x1fu;
    s->lsr_errors &= SERIAL_LSR_ERRORS;
    s->lines_in &= 0xf0u;
    s->thre_pending = s->thre_pending != 0;
    s->timeout_pending = s->timeout_pending && s->rx_count && (s->fcr & SERIAL_FCR_ENABLE);
    s->tsr_full = s->tsr_full != 0;
    s->tx_two = s->tx_two != 0;
    s->thre_late = s->thre_late && s->tsr_full;
    s->rts_held = s->rts_held && s->rx_count;
    for (uint32_t i = 0; i < SERIAL_FIFO_MAX; i++)
        s->rx_flags[i] &= SERIAL_LSR_PE | SERIAL_LSR_FE | SERIAL_LSR_BI;
    serial_uart_resync(s);
    return VIV_OK;
}

/* [main or emt, lock held] What the driver refused before a save may go now; its write_ready() went
 * to another process. */
static void serial_resume(viv_dev_t *dev, void *self)
{
    (void)dev;
    serial_uart_tx_expired(self);
}

static viv_status_t serial_configure(viv_dev_t *dev, Serial *s)
{
    static const uint16_t bases[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const char *const models[] = {"16450", "16550A", "16750"};
    uint32_t number = dev->api->instance_number(dev);

    if (s->io_base == 0) {
        if (number >= 4)
            return dev->api->fail(dev, VIV_E_CONFIG, "IOBase has no default for instance %u",
                                  number);
        s->io_base = bases[number];
    }
    if (s->io_base & 7u)
        return dev->api->fail(dev, VIV_E_CONFIG, "IOBase %Xh is not a multiple of 8", s->io_base);
    if (s->irq == 0)
        s->irq = (number & 1u) ? 3 : 4;
    for (uint32_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        if (strcmp(s->uart_type, models[i]) == 0) {
            s->model = (SerialModel)i;
            return VIV_OK;
        }
    }
    return dev->api->fail(dev, VIV_E_CONFIG, "UartType is '%s', not 16450, 16550A or 16750",
                          s->uart_type);
}

static viv_status_t serial_attach(viv_dev_t *dev, Serial *s)
{
    viv_iface_t lun, chr;
    viv_status_t st = dev->api->get_interface(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &lun);
    if (st < 0)
        return dev->api->fail(dev, st, "the host has no " VIV_LUN_ID);
    const viv_lun_api_t *luns = lun.ops;
    st = luns->attach(dev, 0, "serial port");
    if (st == VIV_E_NOT_FOUND)
        return VIV_OK; /* nothing is plugged in: output goes nowhere, all lines are low */
    if (st < 0)
        return st;
    st = luns->query(dev, 0, VIV_CHAR_ID, offsetof(viv_char_ops_t, set_params), &chr);
    if (st < 0)
        return dev->api->fail(dev, st, "the driver at LUN#0 does not offer " VIV_CHAR_ID);
    s->chr = chr.ops;
    s->chr_self = chr.self;
    return VIV_OK;
}

static viv_status_t serial_counters(viv_dev_t *dev, Serial *s)
{
    viv_iface_t iface;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) < 0)
        return VIV_OK;
    const viv_stam_api_t *stam = iface.ops;
    viv_status_t st = stam->counter(dev, &s->stat_overruns, "Overruns", "characters",
                                    "characters that found the receiver full");
    return st < 0 ? st
                  : stam->counter(dev, &s->stat_marked, "Marked", "characters",
                                  "breaks and characters with a parity or framing error");
}

/* [main, lock held] */
static viv_status_t serial_construct(viv_dev_t *dev, void *self)
{
    Serial *s = self;
    const viv_dev_api_t *api = dev->api;
    s->dev = dev;
    s->sent_lines = UINT32_MAX;
    viv_status_t st = serial_configure(dev, s);
    if (st < 0)
        return st;
    st = api->timer_create(dev, "transmit", serial_tx_timer, s, &s->tx_timer);
    if (st < 0)
        return st;
    st = api->timer_create(dev, "timeout", serial_timeout_timer, s, &s->timeout_timer);
    if (st < 0)
        return st;
    st = api->timer_create(dev, "receive", serial_rx_timer, s, &s->rx_timer);
    if (st < 0)
        return st;
    st = serial_counters(dev, s);
    if (st < 0)
        return st;
    st = api->pio_map(dev, s->io_base, 8, &serial_io, s, "UART", NULL);
    if (st < 0)
        return st;
    /* A driver may set the lines itself while it is being attached; a plain one leaves them
     * high. */
    s->lines_in = SERIAL_MSR_CTS | SERIAL_MSR_DSR | SERIAL_MSR_DCD;
    st = serial_attach(dev, s);
    if (!s->chr)
        s->lines_in = 0;
    return st;
}

static const viv_device_class_t serial_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "serial",
    .summary = "serial port (16450, 16550A, 16750)",
    .instance_size = sizeof(Serial),
    .state_version = SERIAL_STATE_VERSION,
    .order = VIV_ORDER_SERIAL,
    .options = serial_options,
    .state = serial_state,
    .construct = serial_construct,
    .reset = serial_reset,
    .resume = serial_resume,
    .post_load = serial_post_load,
    .query_interface = serial_query_interface,
};

VIV_PLUGIN("org.vivarium.serial", "1.0", "LGPL-2.1-or-later", "serial port", &serial_class);
