/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: the bytes of the execution phase, by DMA or through the FIFO register. With Timing=exact
 * the disk gives and takes bytes at the data rate and a host that is late loses them (overrun);
 * with fast a sector is there at once, and only a host that does nothing for half a second is
 * late. */
#include "fdc.h"

#include <string.h>

#define FDC_PATIENCE_NS (500 * FDC_MS)
#define FDC_GAP_BYTES   22u /* between a sector's ID and its data */

/* Bytes between two looks at the FIFO, which are also those between two interrupts. */
static uint32_t fdc_chunk(const Fdc *f)
{
    return f->config & FDC_CFG_NO_FIFO ? 1 : (f->config & 15u) + 1;
}

static uint32_t fdc_fifo_room(const Fdc *f)
{
    return f->config & FDC_CFG_NO_FIFO ? 1 : FDC_FIFO;
}

/* Up to which byte the host may go now. */
static uint32_t fdc_limit(const Fdc *f)
{
    const FdcExec *x = &f->x;
    uint32_t ahead = x->to_host ? 0 : fdc_fifo_room(f);
    if (!f->exact)
        return x->len;
    return x->avail + ahead < x->len ? x->avail + ahead : x->len;
}

uint32_t fdc_xfer_wants_dma(const Fdc *f)
{
    return f->phase == FDC_EXECUTION && f->x.step == FDC_STEP_XFER && !fdc_non_dma(f) && !f->x.tc &&
           f->x.pos < fdc_limit(f);
}

uint32_t fdc_xfer_rqm(const Fdc *f)
{
    return f->phase == FDC_EXECUTION && f->x.step == FDC_STEP_XFER && fdc_non_dma(f) &&
           f->x.pos < fdc_limit(f);
}

static void fdc_overrun(Fdc *f)
{
    f->overruns++;
    fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_OVERRUN, 0);
}

/* DMA keeps to the disk's time, however late this timer comes; a program that fetches bytes itself
 * has the whole of it for each. */
static void fdc_arm(Fdc *f)
{
    FdcExec *x = &f->x;
    uint64_t byte_ns = fdc_byte_ns(f), at = fdc_now(f) + FDC_PATIENCE_NS;
    if (f->exact && fdc_non_dma(f) && x->avail)
        at = fdc_now(f) + fdc_chunk(f) * byte_ns;
    else if (f->exact)
        at = x->start_ns + (x->avail + fdc_chunk(f)) * byte_ns;
    f->dev->api->timer_arm(f->exec_timer, at);
}

/* Done with this transfer? */
static uint32_t fdc_xfer_ended(Fdc *f)
{
    FdcExec *x = &f->x;
    if ((x->pos < x->len && !x->tc) || (f->exact && x->avail < x->len))
        return 0;
    f->dev->api->timer_cancel(f->exec_timer);
    if (fdc_non_dma(f))
        fdc_interrupt_taken(f);
    fdc_exec_sector_done(f);
    return 1;
}

static void fdc_dma_move(Fdc *f)
{
    FdcExec *x = &f->x;
    uint8_t bytes[sizeof x->sector];
    uint32_t flags;
    fdc_dreq_update(f);
    while (fdc_xfer_wants_dma(f)) {
        uint32_t want = fdc_limit(f) - x->pos;
        /* A channel that is programmed the other way round must not reach the sector itself. */
        if (x->to_host)
            memcpy(bytes, x->sector + x->pos, want);
        else
            memset(bytes, 0xff, want);
        uint32_t n = f->dma_attached ? f->isadma->run(f->dev, f->dma, bytes, want, &flags) : 0;
        if (!n)
            break;
        if (!x->to_host)
            memcpy(x->sector + x->pos, bytes, n);
        x->pos = (uint16_t)(x->pos + n);
        x->tc = (flags & VIV_ISADMA_TC) != 0;
    }
    fdc_dreq_update(f);
}

static void fdc_pio_interrupt(Fdc *f)
{
    f->x.since_int = 0;
    fdc_interrupt(f, fdc_xfer_rqm(f));
}

void fdc_xfer_start(Fdc *f, uint32_t len, uint32_t to_host)
{
    FdcExec *x = &f->x;
    x->step = FDC_STEP_XFER;
    x->len = (uint16_t)len;
    x->pos = x->avail = 0;
    x->to_host = to_host != 0;
    x->start_ns = fdc_now(f) + FDC_GAP_BYTES * fdc_byte_ns(f);
    fdc_arm(f);
    if (fdc_non_dma(f)) {
        fdc_pio_interrupt(f);
        return;
    }
    fdc_dma_move(f);
    fdc_xfer_ended(f);
}

/* A chunk of bytes has passed under the head. Returns 0 when the transfer is over. */
static uint32_t fdc_xfer_chunk(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t next = x->avail + fdc_chunk(f), room = fdc_fifo_room(f);
    next = next < x->len ? next : x->len;
    if ((!x->to_host && !x->tc && x->pos < next) || /* the FIFO ran dry, or over at the end */
        (x->to_host && x->avail == x->len && x->pos < x->len && !x->tc)) {
        fdc_overrun(f);
        return 0;
    }
    x->avail = (uint16_t)next;
    if (fdc_non_dma(f))
        fdc_pio_interrupt(f);
    else
        fdc_dma_move(f);
    if (x->to_host && !x->tc && x->avail > x->pos + room) {
        fdc_overrun(f);
        return 0;
    }
    return !fdc_xfer_ended(f);
}

void fdc_xfer_tick(Fdc *f)
{
    if (!f->exact) {
        fdc_overrun(f);
        return;
    }
    do {
        if (!fdc_xfer_chunk(f))
            return;
        fdc_arm(f);
    } while (!fdc_non_dma(f) && f->dev->api->timer_deadline(f->exec_timer) <= fdc_now(f));
}

/* [emt, device lock held] */
void fdc_xfer_ready(viv_dev_t *dev, void *ctx, uint32_t channel)
{
    Fdc *f = ctx;
    (void)dev, (void)channel;
    if (!fdc_xfer_wants_dma(f))
        return;
    fdc_dma_move(f);
    fdc_xfer_ended(f);
}

/* -- the FIFO register ----------------------------------------------------------------------- */

static void fdc_pio_moved(Fdc *f)
{
    FdcExec *x = &f->x;
    if (!f->exact)
        fdc_arm(f);
    if (++x->since_int >= fdc_chunk(f) || !fdc_xfer_rqm(f)) {
        fdc_interrupt(f, 0);
        fdc_pio_interrupt(f);
    }
    fdc_xfer_ended(f);
}

uint8_t fdc_xfer_read(Fdc *f)
{
    FdcExec *x = &f->x;
    if (!fdc_xfer_rqm(f) || !x->to_host)
        return 0xff;
    uint8_t value = x->sector[x->pos++];
    fdc_pio_moved(f);
    return value;
}

void fdc_xfer_write(Fdc *f, uint8_t value)
{
    FdcExec *x = &f->x;
    if (!fdc_xfer_rqm(f) || x->to_host)
        return;
    x->sector[x->pos++] = value;
    fdc_pio_moved(f);
}
