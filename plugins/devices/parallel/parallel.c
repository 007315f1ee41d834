/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: a parallel port of a PC (LPT1, LPT2).
 * The guest sees the parallel port of an SMC FDC37C665GT: standard, bidirectional, EPP 1.7 or 1.9
 * and ECP, as configured; see parallel_regs.c and parallel_ecp.c. The plug is LUN#0: a driver with
 * "viv.parallel/1", or one with "viv.char/1", which makes it a plain printer (parallel_printer.c).
 * Not modelled: the time that bytes take on the wires; see docs/devices/parallel.md. */
#include "parallel.h"

#include <string.h>

#define PARALLEL_STATE_VERSION 1u

static const viv_option_t parallel_options[] = {
    VIV_OPT_NAMED(Parallel, "IOBase", io_base, VIV_U32, 0, 0xf800, 0,
                  "first I/O port, a multiple of 8; 0: 378h, 278h by instance number"),
    VIV_OPT_NAMED(Parallel, "IRQ", irq, VIV_U32, 0, 15, 0,
                  "interrupt line; 0: 7, 5 by instance number"),
    VIV_OPT_NAMED(Parallel, "DMA", dma, VIV_U32, 0, 4, 0,
                  "ISA DMA channel of the ECP FIFO, 1 to 3; 4: none; 0: 3 for the first port, none "
                  "for others"),
    VIV_OPT_STRING(Parallel, "Mode", mode, "ECP",
                   "SPP (output only), PS/2 (bidirectional), EPP, or ECP (all of them, by its mode "
                   "register at base + 402h)"),
    VIV_OPT_STRING(Parallel, "EPPVersion", epp_version, "1.9",
                   "1.7: a cycle ends at once if Busy is high, as it is without a peripheral; 1.9: "
                   "it times out"),
    {0},
};

static const viv_field_t parallel_state[] = {
    VIV_FIELD(Parallel, data, VIV_U8, 1),
    VIV_FIELD(Parallel, control, VIV_U8, 1),
    VIV_FIELD(Parallel, ecr, VIV_U8, 1),
    VIV_FIELD(Parallel, cnfgb, VIV_U8, 1),
    VIV_FIELD(Parallel, epp_timeout, VIV_U8, 1),
    VIV_FIELD(Parallel, irq_pending, VIV_U8, 1),
    VIV_FIELD(Parallel, lines, VIV_U8, 1),
    VIV_FIELD(Parallel, fifo_last, VIV_U8, 1),
    VIV_FIELD(Parallel, fifo_count, VIV_U32, 1),
    VIV_FIELD_BYTES(Parallel, fifo_data, 1),
    VIV_FIELD_BYTES(Parallel, fifo_command, 1),
    VIV_FIELD(Parallel, rle_left, VIV_U32, 1),
    VIV_FIELD(Parallel, rle_run, VIV_U8, 1),
    VIV_FIELD(Parallel, rle_value, VIV_U8, 1),
    VIV_FIELD(Parallel, rle_send, VIV_U32, 1),
    VIV_FIELD(Parallel, pr_busy, VIV_U8, 1),
    VIV_FIELD(Parallel, pr_ack, VIV_U8, 1),
    VIV_FIELD(Parallel, pr_full, VIV_U8, 1),
    VIV_FIELD(Parallel, pr_byte, VIV_U8, 1),
    VIV_FIELD(Parallel, pr_strobe, VIV_U8, 1),
    {0},
};

/* -- Ports ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t parallel_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return parallel_read(ctx, (uint32_t)off);
}

/* [emt, device lock held] */
static void parallel_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    (void)dev, (void)width;
    parallel_write(ctx, (uint32_t)off, (uint8_t)value);
}

/* [emt, device lock held] */
static uint64_t parallel_ecp_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return parallel_ecp_read(ctx, (uint32_t)off);
}

/* [emt, device lock held] */
static void parallel_ecp_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                    uint32_t width)
{
    (void)dev, (void)width;
    parallel_ecp_write(ctx, (uint32_t)off, (uint8_t)value);
}

static const viv_io_ops_t parallel_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = parallel_port_read,
    .write = parallel_port_write,
};
static const viv_io_ops_t parallel_ecp_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = parallel_ecp_port_read,
    .write = parallel_ecp_port_write,
};

/* -- The plug -------------------------------------------------------------------------------- */

/* [any, no lock] */
static void parallel_plug_changed(void *self, uint8_t status)
{
    Parallel *p = self;
    p->dev->api->lock(p->dev);
    parallel_lines(p, status);
    p->dev->api->unlock(p->dev);
}

/* [any, no lock] */
static void parallel_plug_ready(void *self)
{
    Parallel *p = self;
    p->dev->api->lock(p->dev);
    parallel_fifo_move(p);
    p->dev->api->unlock(p->dev);
}

static const viv_parallel_port_ops_t parallel_plug = {
    .size = sizeof(viv_parallel_port_ops_t),
    .status_changed = parallel_plug_changed,
    .ready = parallel_plug_ready,
};

/* A printer's back end has nothing to say that a printer could pass on. */
static uint32_t parallel_paper_receive(void *self, const void *buf, uint32_t len_bytes)
{
    (void)self, (void)buf;
    return len_bytes;
}

static void parallel_paper_break(void *self)
{
    (void)self;
}

static void parallel_paper_status(void *self, uint32_t lines)
{
    (void)self, (void)lines;
}

/* [any, no lock] */
static void parallel_paper_ready(void *self)
{
    Parallel *p = self;
    p->dev->api->lock(p->dev);
    parallel_printer_go_on(p);
    p->dev->api->unlock(p->dev);
}

static const viv_char_port_ops_t parallel_paper = {
    .size = offsetof(viv_char_port_ops_t, receive_marked),
    .receive = parallel_paper_receive,
    .send_break = parallel_paper_break,
    .set_status = parallel_paper_status,
    .write_ready = parallel_paper_ready,
};

/* [any] */
static viv_status_t parallel_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                             const char *id, viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun != 0)
        return VIV_E_NOT_FOUND;
    if (strcmp(id, VIV_PARALLEL_PORT_ID) == 0)
        ret_iface->ops = &parallel_plug;
    else if (strcmp(id, VIV_CHAR_PORT_ID) == 0)
        ret_iface->ops = &parallel_paper;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- Life ------------------------------------------------------------------------------------ */

/* [main or emt, lock held] */
static void parallel_reset(viv_dev_t *dev, void *self)
{
    Parallel *p = self;
    p->data = p->control = p->cnfgb = p->epp_timeout = p->irq_pending = p->fifo_last = 0;
    p->ecr = PARALLEL_ECR_NERR | PARALLEL_ECR_SERVICE;
    memset(p->fifo_data, 0, sizeof(p->fifo_data));
    memset(p->fifo_command, 0, sizeof(p->fifo_command));
    p->rle_value = p->pr_byte = p->pr_strobe = 0;
    parallel_fifo_reset(p);
    parallel_printer_reset(p);
    p->irq_level = p->dreq = 0; /* the host has lowered both */
    dev->api->irq_set(dev, p->irq, 0);
    parallel_drive(p);
    p->lines = parallel_plug_status(p);
}

/* [main, lock held] Every byte is hostile. */
static viv_status_t parallel_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Parallel *p = self;
    uint8_t *flags[] = {&p->epp_timeout, &p->pr_busy, &p->pr_ack, &p->pr_full};
    (void)version;
    if (p->fifo_count > PARALLEL_FIFO || p->rle_left > 128 || p->rle_run > 128 ||
        p->rle_send > p->fifo_count)
        return dev->api->fail(dev, VIV_E_CORRUPT, "the saved FIFO holds %u of %u bytes",
                              p->fifo_count, PARALLEL_FIFO);
    if (p->fifo_count && parallel_mode(p) <= PARALLEL_MODE_PS2)
        return dev->api->fail(dev, VIV_E_CORRUPT, "a saved FIFO holds bytes in mode %u",
                              parallel_mode(p));
    for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        *flags[i] = *flags[i] != 0;
    for (uint32_t i = 0; i < PARALLEL_FIFO; i++)
        p->fifo_command[i] = p->fifo_command[i] != 0;
    p->control &= p->kind == PARALLEL_SPP ? 0x1fu : 0x3fu;
    p->ecr &= PARALLEL_ECR_KEPT;
    p->cnfgb &= 0x80u;
    p->lines &= PARALLEL_DSR_LINES;
    p->pr_strobe &= PARALLEL_DCR_STROBE;
    p->irq_pending &= PARALLEL_IRQ_ACK | PARALLEL_IRQ_SERVICE | PARALLEL_IRQ_FAULT;
    p->irq_level = p->irq_pending != 0;
    dev->api->irq_set(dev, p->irq, p->irq_level);
    p->dreq = 0;
    parallel_dreq_update(p);
    if (p->plug && p->plug != &parallel_printer)
        parallel_drive(p); /* another peripheral than the one of the save, perhaps */
    return VIV_OK;
}

/* [main or emt, lock held] What the back end refused before a save may go now. */
static void parallel_resume(viv_dev_t *dev, void *self)
{
    (void)dev;
    parallel_printer_go_on(self);
    parallel_fifo_move(self);
}

static viv_status_t parallel_configure(viv_dev_t *dev, Parallel *p)
{
    static const uint16_t bases[2] = {0x378, 0x278};
    static const char *const modes[PARALLEL_KINDS] = {"SPP", "PS/2", "EPP", "ECP"};
    uint32_t number = dev->api->instance_number(dev);
    if (p->io_base == 0) {
        if (number >= 2)
            return dev->api->fail(dev, VIV_E_CONFIG, "IOBase has no default for instance %u",
                                  number);
        p->io_base = bases[number];
    }
    if (p->io_base & 7u)
        return dev->api->fail(dev, VIV_E_CONFIG, "IOBase %Xh is not a multiple of 8", p->io_base);
    if (p->irq == 0)
        p->irq = (number & 1u) ? 5 : 7;
    if (p->dma == 0)
        p->dma = number == 0 ? 3 : PARALLEL_NO_DMA;
    p->epp_17 = strcmp(p->epp_version, "1.7") == 0;
    if (!p->epp_17 && strcmp(p->epp_version, "1.9") != 0)
        return dev->api->fail(dev, VIV_E_CONFIG, "EPPVersion is '%s', not 1.7 or 1.9",
                              p->epp_version);
    for (uint32_t i = 0; i < PARALLEL_KINDS; i++) {
        if (strcmp(p->mode, modes[i]) == 0) {
            p->kind = (ParallelKind)i;
            return VIV_OK;
        }
    }
    return dev->api->fail(dev, VIV_E_CONFIG, "Mode is '%s', not SPP, PS/2, EPP or ECP", p->mode);
}

static viv_status_t parallel_map(viv_dev_t *dev, Parallel *p)
{
    const viv_dev_api_t *api = dev->api;
    uint32_t count = p->kind >= PARALLEL_EPP ? 8 : 3;
    viv_status_t st = api->pio_map(dev, p->io_base, count, &parallel_io, p, "parallel port", NULL);
    if (st >= 0 && p->kind == PARALLEL_ECP)
        st = api->pio_map(dev, p->io_base + 0x400u, 3, &parallel_ecp_io, p, "ECP", NULL);
    return st;
}

static viv_status_t parallel_attach(viv_dev_t *dev, Parallel *p)
{
    viv_iface_t iface;
    viv_status_t st = VIV_OK;
    const viv_lun_api_t *lun = viv_need(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &st);
    if (!lun)
        return st;
    st = lun->attach(dev, 0, "parallel port");
    if (st == VIV_E_NOT_FOUND)
        return VIV_OK; /* nothing is plugged in */
    if (st < 0)
        return st;
    if (lun->query(dev, 0, VIV_PARALLEL_ID, offsetof(viv_parallel_ops_t, epp_write), &iface) ==
        VIV_OK) {
        p->plug = iface.ops;
        p->plug_self = iface.self;
        return VIV_OK;
    }
    st = lun->query(dev, 0, VIV_CHAR_ID, offsetof(viv_char_ops_t, set_params), &iface);
    if (st < 0)
        return dev->api->fail(
            dev, st, "the driver at LUN#0 offers neither " VIV_PARALLEL_ID " nor " VIV_CHAR_ID);
    p->chr = iface.ops;
    p->chr_self = iface.self;
    p->plug = &parallel_printer;
    p->plug_self = p;
    return VIV_OK;
}

static viv_status_t parallel_dma_attach(viv_dev_t *dev, Parallel *p)
{
    viv_iface_t iface;
    if (p->kind != PARALLEL_ECP || p->dma == PARALLEL_NO_DMA)
        return VIV_OK;
    viv_status_t st = dev->api->get_interface(dev, VIV_ISADMA_ID, sizeof(viv_isadma_api_t), &iface);
    if (st == VIV_E_NOT_FOUND)
        return VIV_OK; /* programmed I/O is left */
    if (st < 0)
        return dev->api->fail(dev, st, VIV_ISADMA_ID " cannot be had");
    p->isadma = iface.ops;
    st = p->isadma->attach(dev, p->dma, parallel_dma_ready, p);
    return st < 0 ? dev->api->fail(dev, st, "DMA channel %u is taken", p->dma) : VIV_OK;
}

static viv_status_t parallel_counters(viv_dev_t *dev, Parallel *p)
{
    viv_iface_t iface;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) < 0)
        return VIV_OK;
    const viv_stam_api_t *stam = iface.ops;
    viv_status_t st = stam->counter(dev, &p->stat_epp_timeouts, "EPPTimeouts", "cycles",
                                    "EPP cycles that no peripheral answered");
    return st < 0 ? st
                  : stam->counter(dev, &p->stat_fifo_lost, "FIFOLost", "bytes",
                                  "bytes written to a full FIFO");
}

/* [main, lock held] */
static viv_status_t parallel_construct(viv_dev_t *dev, void *self)
{
    Parallel *p = self;
    p->dev = dev;
    viv_status_t st = parallel_configure(dev, p);
    if (st >= 0)
        st = dev->api->timer_create(dev, "printer", parallel_printer_due, p, &p->printer_timer);
    if (st >= 0)
        st = parallel_map(dev, p);
    if (st >= 0)
        st = parallel_dma_attach(dev, p);
    if (st >= 0)
        st = parallel_counters(dev, p);
    if (st >= 0)
        st = parallel_attach(dev, p);
    return st;
}

static const viv_device_class_t parallel_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "parallel",
    .summary = "parallel port (SPP, PS/2, EPP, ECP)",
    .instance_size = sizeof(Parallel),
    .state_version = PARALLEL_STATE_VERSION,
    .max_instances = 3,
    .order = VIV_ORDER_PARALLEL,
    .options = parallel_options,
    .state = parallel_state,
    .construct = parallel_construct,
    .reset = parallel_reset,
    .resume = parallel_resume,
    .post_load = parallel_post_load,
    .query_interface = parallel_query_interface,
};

VIV_PLUGIN("org.vivarium.parallel", "1.0", "LGPL-2.1-or-later", "parallel port", &parallel_class);
