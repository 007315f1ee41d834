/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: data, status, control, EPP, interrupts.
 * Follows: SMC FDC37C665GT data sheet, "Parallel Port": IBM XT/AT compatible, bi-directional and
 * EPP modes; IEEE Std 1284-1994 for the meaning of the lines.
 * The interrupt of nAck rises with nAck's trailing edge. On the bus it is an edge; here the level
 * stays until nAck falls again, the status is read or the interrupt is switched off. */
#include "parallel.h"

/* What the pull-ups of an open connector show: Busy high, which is 0 in the register. */
#define PARALLEL_OPEN_STATUS 0x78u

/* -- Interrupts ------------------------------------------------------------------------------ */

void parallel_irq_update(Parallel *p)
{
    uint32_t level = p->irq_pending != 0;
    if (level == p->irq_level)
        return;
    p->irq_level = level;
    p->dev->api->irq_set(p->dev, p->irq, level);
}

/* A reason that is there already has dropped and come again meanwhile: the bus sees an edge. */
void parallel_irq_raise(Parallel *p, uint32_t reason)
{
    if (p->irq_pending & reason) {
        p->irq_pending = 0;
        parallel_irq_update(p);
    }
    p->irq_pending |= (uint8_t)reason;
    parallel_irq_update(p);
}

static void parallel_irq_drop(Parallel *p, uint32_t reasons)
{
    p->irq_pending &= (uint8_t)~reasons;
    parallel_irq_update(p);
}

/* -- Lines ----------------------------------------------------------------------------------- */

uint32_t parallel_mode(const Parallel *p)
{
    static const uint8_t fixed[PARALLEL_KINDS] = {PARALLEL_MODE_SPP, PARALLEL_MODE_PS2,
                                                  PARALLEL_MODE_EPP, 0};
    return p->kind == PARALLEL_ECP ? p->ecr >> 5 : fixed[p->kind];
}

uint32_t parallel_input(const Parallel *p)
{
    uint32_t mode = parallel_mode(p);
    return mode != PARALLEL_MODE_SPP && mode != PARALLEL_MODE_CFIFO &&
           (p->control & PARALLEL_DCR_INPUT);
}

void parallel_drive(Parallel *p)
{
    if (!p->plug)
        return;
    p->plug->write_data(p->plug_self, p->data, !parallel_input(p));
    p->plug->write_control(p->plug_self, p->control & PARALLEL_DCR_LINES);
}

uint8_t parallel_plug_status(const Parallel *p)
{
    uint8_t status = p->plug ? p->plug->read_status(p->plug_self) : PARALLEL_OPEN_STATUS;
    return status & PARALLEL_DSR_LINES;
}

void parallel_lines(Parallel *p, uint8_t status)
{
    uint8_t rising = (uint8_t)(status & ~p->lines), falling = (uint8_t)(p->lines & ~status);
    p->lines = status & PARALLEL_DSR_LINES;
    if (falling & PARALLEL_DSR_NACK)
        parallel_irq_drop(p, PARALLEL_IRQ_ACK);
    if (rising & PARALLEL_DSR_NFAULT)
        parallel_irq_drop(p, PARALLEL_IRQ_FAULT);
    if ((rising & PARALLEL_DSR_NACK) && (p->control & PARALLEL_DCR_IRQ))
        parallel_irq_raise(p, PARALLEL_IRQ_ACK);
    if ((falling & PARALLEL_DSR_NFAULT) && parallel_mode(p) == PARALLEL_MODE_ECP &&
        !(p->ecr & PARALLEL_ECR_NERR))
        parallel_irq_raise(p, PARALLEL_IRQ_FAULT);
    parallel_fifo_move(p); /* Busy may have gone */
}

/* -- EPP ------------------------------------------------------------------------------------- */

/* Does an absent or silent peripheral end the cycle? Version 1.7 looks at nWait (Busy) only once
 * the strobe is out, and an open connector has it high, which is its end; 1.9 waits for it to be
 * low first. */
static uint32_t parallel_epp_ends(const Parallel *p)
{
    return p->epp_17 && !(parallel_plug_status(p) & PARALLEL_DSR_NBUSY);
}

static void parallel_epp_failed(Parallel *p)
{
    if (parallel_epp_ends(p))
        return;
    p->epp_timeout = 1;
    p->stat_epp_timeouts++;
}

static uint8_t parallel_epp_read(Parallel *p, uint32_t address)
{
    uint8_t value = 0xff;
    viv_status_t st = VIV_E_TIMEOUT;
    if (p->plug && VIV_HAS(p->plug, epp_read))
        st = p->plug->epp_read(p->plug_self, address, &value);
    if (st < 0) {
        parallel_epp_failed(p);
        return 0xff;
    }
    return value;
}

static void parallel_epp_write(Parallel *p, uint32_t address, uint8_t value)
{
    viv_status_t st = VIV_E_TIMEOUT;
    if (p->plug && VIV_HAS(p->plug, epp_write))
        st = p->plug->epp_write(p->plug_self, address, value);
    if (st < 0)
        parallel_epp_failed(p);
}

/* -- Registers ------------------------------------------------------------------------------- */

static uint8_t parallel_read_data(Parallel *p)
{
    if (!parallel_input(p))
        return p->data;
    return p->plug ? p->plug->read_data(p->plug_self) : 0xff;
}

static uint8_t parallel_read_status(Parallel *p)
{
    uint8_t value = parallel_plug_status(p);
    parallel_lines(p, value);
    parallel_irq_drop(p, PARALLEL_IRQ_ACK | PARALLEL_IRQ_FAULT);
    if (parallel_mode(p) == PARALLEL_MODE_EPP && p->epp_timeout)
        value |= PARALLEL_DSR_TIMEOUT;
    return value;
}

uint8_t parallel_read(Parallel *p, uint32_t reg)
{
    uint32_t epp = parallel_mode(p) == PARALLEL_MODE_EPP;
    switch (reg) {
    case PARALLEL_DATA: return parallel_read_data(p);
    case PARALLEL_DSR: return parallel_read_status(p);
    case PARALLEL_DCR: return p->control; /* bits 6 and 7 are no register bits */
    default: return epp ? parallel_epp_read(p, reg == PARALLEL_EPP_ADDR) : 0xff;
    }
}

static void parallel_write_control(Parallel *p, uint8_t value)
{
    p->control = value & 0x3fu;
    if (p->kind == PARALLEL_SPP)
        p->control &= (uint8_t)~PARALLEL_DCR_INPUT;
    if (!(value & PARALLEL_DCR_IRQ))
        parallel_irq_drop(p, PARALLEL_IRQ_ACK);
    parallel_drive(p);
    parallel_fifo_move(p); /* the direction may have turned */
}

void parallel_write(Parallel *p, uint32_t reg, uint8_t value)
{
    uint32_t mode = parallel_mode(p);
    switch (reg) {
    case PARALLEL_DATA:
        if (mode == PARALLEL_MODE_ECP) { /* ecpAFifo */
            if (!parallel_input(p))
                parallel_fifo_push(p, value, 1);
            break;
        }
        p->data = value;
        parallel_drive(p);
        break;
    case PARALLEL_DSR:
        if (value & PARALLEL_DSR_TIMEOUT)
            p->epp_timeout = 0;
        break;
    case PARALLEL_DCR: parallel_write_control(p, value); break;
    default:
        if (mode == PARALLEL_MODE_EPP)
            parallel_epp_write(p, reg == PARALLEL_EPP_ADDR, value);
        break;
    }
}
