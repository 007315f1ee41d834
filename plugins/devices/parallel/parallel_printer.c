/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: a plain printer with the Centronics interface, whose paper is a character back end.
 * Follows: IEEE Std 1284-1994, "Compatibility Mode": nStrobe latches the byte and raises Busy; when
 * the byte is done nAck goes low, and with its end Busy is low again. A back end that takes nothing
 * keeps Busy high. */
#include "parallel.h"

#define PARALLEL_PRINTER_BUSY_NS 1000u
#define PARALLEL_PRINTER_ACK_NS  1000u

static uint8_t parallel_printer_status(const Parallel *p)
{
    uint8_t status = PARALLEL_DSR_NFAULT | PARALLEL_DSR_SELECT;
    if (!p->pr_busy)
        status |= PARALLEL_DSR_NBUSY;
    if (!p->pr_ack)
        status |= PARALLEL_DSR_NACK;
    return status;
}

static void parallel_printer_arm(Parallel *p, uint64_t ns)
{
    const viv_dev_api_t *api = p->dev->api;
    api->timer_arm(p->printer_timer, api->time_ns(p->dev) + ns);
}

void parallel_printer_reset(Parallel *p)
{
    p->dev->api->timer_cancel(p->printer_timer);
    p->pr_busy = p->pr_ack = p->pr_full = 0;
}

/* The byte goes onto the paper, if that takes it. */
static void parallel_printer_print(Parallel *p)
{
    if (!p->pr_full || (p->chr && !p->chr->write(p->chr_self, &p->pr_byte, 1)))
        return;
    p->pr_full = 0;
    p->pr_ack = 1;
    parallel_printer_arm(p, PARALLEL_PRINTER_ACK_NS);
    parallel_lines(p, parallel_printer_status(p));
}

/* [emt, device lock held] */
void parallel_printer_due(viv_dev_t *dev, void *ctx)
{
    Parallel *p = ctx;
    (void)dev;
    if (p->pr_full) {
        parallel_printer_print(p);
    } else if (p->pr_ack) {
        p->pr_ack = p->pr_busy = 0;
        parallel_lines(p, parallel_printer_status(p));
    }
}

void parallel_printer_go_on(Parallel *p)
{
    if (p->dev->api->timer_deadline(p->printer_timer) == UINT64_MAX)
        parallel_printer_print(p);
}

/* -- viv.parallel/1 as the port calls it ----------------------------------------------------- */

static void parallel_printer_write_data(void *self, uint8_t value, uint32_t output)
{
    (void)self, (void)value, (void)output; /* the port's latch has it when nStrobe comes */
}

static uint8_t parallel_printer_read_data(void *self)
{
    (void)self;
    return 0xff; /* it never drives them */
}

static void parallel_printer_write_control(void *self, uint8_t value)
{
    Parallel *p = self;
    uint8_t strobe = value & PARALLEL_DCR_STROBE, before = p->pr_strobe;
    p->pr_strobe = strobe;
    if (!(value & PARALLEL_DCR_NINIT)) {
        parallel_printer_reset(p);
        return;
    }
    if (!strobe || before || p->pr_busy)
        return;
    p->pr_byte = p->data;
    p->pr_busy = p->pr_full = 1;
    parallel_printer_arm(p, PARALLEL_PRINTER_BUSY_NS);
}

static uint8_t parallel_printer_read_status(void *self)
{
    return parallel_printer_status(self);
}

const viv_parallel_ops_t parallel_printer = {
    .size = sizeof(viv_parallel_ops_t),
    .write_data = parallel_printer_write_data,
    .read_data = parallel_printer_read_data,
    .write_control = parallel_printer_write_control,
    .read_status = parallel_printer_read_status,
};
