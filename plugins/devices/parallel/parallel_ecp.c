/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: the extended capabilities port.
 * Follows: Microsoft, "The IEEE 1284 Extended Capabilities Port Protocol and ISA Interface
 * Standard", revision 1.14; SMC FDC37C665GT data sheet, "Extended Capabilities Parallel Port". The
 * chip expands run lengths on the way in; compressing on the way out (cnfgB bit 7), which the
 * standard leaves open, is there too.
 * A byte takes no time on the wires: the FIFO fills only when the peripheral holds back. */
#include "parallel.h"

#include <string.h>

#define PARALLEL_RUN_MAX      128u
#define PARALLEL_COMMANDS_MAX 64u /* of a peripheral that has nothing else to say */

/* -- The FIFO -------------------------------------------------------------------------------- */

void parallel_fifo_reset(Parallel *p)
{
    p->fifo_count = p->rle_left = p->rle_send = 0;
    p->rle_run = 0;
}

static void parallel_fifo_put(Parallel *p, uint8_t value, uint32_t command)
{
    if (p->fifo_count == PARALLEL_FIFO) {
        p->stat_fifo_lost++;
        return;
    }
    p->fifo_data[p->fifo_count] = value;
    p->fifo_command[p->fifo_count++] = (uint8_t)command;
}

static uint8_t parallel_fifo_get(Parallel *p)
{
    if (p->fifo_count == 0)
        return p->fifo_last;
    p->fifo_last = p->fifo_data[0];
    p->fifo_count--;
    memmove(p->fifo_data, p->fifo_data + 1, p->fifo_count);
    memmove(p->fifo_command, p->fifo_command + 1, p->fifo_count);
    return p->fifo_last;
}

/* -- Service --------------------------------------------------------------------------------- */

/* Is the FIFO one that processor or DMA serve now? */
static uint32_t parallel_fifo_used(const Parallel *p)
{
    uint32_t mode = parallel_mode(p);
    return p->kind == PARALLEL_ECP &&
           (mode == PARALLEL_MODE_CFIFO || mode == PARALLEL_MODE_ECP || mode == PARALLEL_MODE_TEST);
}

/* With programmed I/O: the FIFO has room, or bytes, for PARALLEL_THRESHOLD. */
static void parallel_service(Parallel *p)
{
    if (!parallel_fifo_used(p) || (p->ecr & (PARALLEL_ECR_SERVICE | PARALLEL_ECR_DMA)))
        return;
    uint32_t ready = parallel_input(p) ? p->fifo_count : PARALLEL_FIFO - p->fifo_count;
    if (ready < PARALLEL_THRESHOLD)
        return;
    p->ecr |= PARALLEL_ECR_SERVICE;
    parallel_irq_raise(p, PARALLEL_IRQ_SERVICE);
}

/* -- DMA ------------------------------------------------------------------------------------- */

void parallel_dreq_update(Parallel *p)
{
    if (!p->isadma || p->dma == PARALLEL_NO_DMA)
        return;
    uint32_t level = parallel_fifo_used(p) && (p->ecr & PARALLEL_ECR_DMA) &&
                     !(p->ecr & PARALLEL_ECR_SERVICE) &&
                     (parallel_input(p) ? p->fifo_count > 0 : p->fifo_count < PARALLEL_FIFO);
    if (level == p->dreq)
        return;
    p->dreq = level;
    p->isadma->dreq_set(p->dev, p->dma, level);
}

/* As many bytes as the FIFO has, or has room for. Returns how many were moved. */
static uint32_t parallel_dma(Parallel *p)
{
    uint8_t buf[PARALLEL_FIFO] = {0};
    uint32_t flags = 0, input = parallel_input(p);
    parallel_dreq_update(p);
    if (!p->dreq || !(p->isadma->mode(p->dev, p->dma) & VIV_ISADMA_READY))
        return 0;
    uint32_t most = input ? p->fifo_count : PARALLEL_FIFO - p->fifo_count;
    if (input)
        memcpy(buf, p->fifo_data, most);
    uint32_t moved = p->isadma->run(p->dev, p->dma, buf, most, &flags);
    for (uint32_t i = 0; i < moved && i < most; i++) {
        if (input)
            parallel_fifo_get(p);
        else
            parallel_fifo_put(p, buf[i], 0);
    }
    if (flags & VIV_ISADMA_TC) {
        p->ecr |= PARALLEL_ECR_SERVICE;
        parallel_irq_raise(p, PARALLEL_IRQ_SERVICE);
    }
    parallel_dreq_update(p);
    return moved;
}

/* [emt, device lock held] */
void parallel_dma_ready(viv_dev_t *dev, void *ctx, uint32_t channel)
{
    (void)dev, (void)channel;
    parallel_fifo_move(ctx);
}

/* -- Transfers ------------------------------------------------------------------------------- */

/* One byte by the handshake of nStrobe and Busy. 0: the peripheral is busy. */
static uint32_t parallel_strobe(Parallel *p)
{
    if (!p->plug || !(parallel_plug_status(p) & PARALLEL_DSR_NBUSY))
        return 0;
    uint8_t lines = p->control & PARALLEL_DCR_LINES;
    p->data = parallel_fifo_get(p);
    p->plug->write_data(p->plug_self, p->data, 1);
    p->plug->write_control(p->plug_self, lines | PARALLEL_DCR_STROBE);
    p->plug->write_control(p->plug_self, lines & (uint8_t)~PARALLEL_DCR_STROBE);
    p->lines = parallel_plug_status(p);
    return 1;
}

/* Equal data bytes at the head of the FIFO. */
static uint32_t parallel_run(const Parallel *p)
{
    uint32_t n = 1;
    while (n < p->fifo_count && n < PARALLEL_RUN_MAX && !p->fifo_command[n] &&
           p->fifo_data[n] == p->fifo_data[0])
        n++;
    return n;
}

/* One byte, or a run, forward. 0: not taken. */
static uint32_t parallel_forward(Parallel *p)
{
    if (!p->plug || !VIV_HAS(p->plug, ecp_write))
        return 0;
    if (!p->rle_send && (p->cnfgb & 0x80u) && !p->fifo_command[0] && parallel_run(p) > 1) {
        uint32_t run = parallel_run(p);
        if (!p->plug->ecp_write(p->plug_self, (uint8_t)(run - 1u), 1))
            return 0;
        p->rle_send = run;
    }
    if (!p->plug->ecp_write(p->plug_self, p->fifo_data[0], p->fifo_command[0]))
        return 0;
    for (uint32_t n = p->rle_send ? p->rle_send : 1; n; n--)
        parallel_fifo_get(p);
    p->rle_send = 0;
    return 1;
}

/* One byte of the peripheral into the FIFO. 0: it has none, or there is no room. */
static uint32_t parallel_reverse(Parallel *p)
{
    uint8_t value = 0;
    uint32_t command = 1;
    if (p->fifo_count == PARALLEL_FIFO)
        return 0;
    if (p->rle_left) {
        p->rle_left--;
        parallel_fifo_put(p, p->rle_value, 0);
        return 1;
    }
    for (uint32_t n = 0; command; n++) {
        if (n == PARALLEL_COMMANDS_MAX || !p->plug || !VIV_HAS(p->plug, ecp_read) ||
            !p->plug->ecp_read(p->plug_self, &value, &command))
            return 0;
        if (command && !(value & 0x80u)) /* a channel address has no place to go in reverse */
            p->rle_run = (uint8_t)(value + 1u);
    }
    p->rle_left = p->rle_run ? p->rle_run : 1u;
    p->rle_run = 0;
    p->rle_value = value;
    return 1;
}

void parallel_fifo_move(Parallel *p)
{
    if (p->kind != PARALLEL_ECP || p->moving)
        return;
    p->moving = 1; /* the peripheral may answer at once */
    uint32_t mode = parallel_mode(p);
    for (;;) { /* ends with the FIFO, or with DMA's count */
        uint32_t moved = 0;
        if (mode == PARALLEL_MODE_CFIFO && p->fifo_count)
            moved = parallel_strobe(p);
        else if (mode == PARALLEL_MODE_ECP && parallel_input(p))
            moved = parallel_reverse(p);
        else if (mode == PARALLEL_MODE_ECP && p->fifo_count)
            moved = parallel_forward(p);
        if (!moved && !parallel_dma(p))
            break;
    }
    p->moving = 0;
    parallel_service(p);
}

/* A byte of the guest's for cFifo, ecpDFifo or ecpAFifo. */
void parallel_fifo_push(Parallel *p, uint8_t value, uint32_t command)
{
    parallel_fifo_put(p, value, command);
    parallel_fifo_move(p);
}

/* -- Registers ------------------------------------------------------------------------------- */

static uint8_t parallel_fifo_reg_read(Parallel *p)
{
    uint8_t value;
    switch (parallel_mode(p)) {
    case PARALLEL_MODE_ECP:
        if (!parallel_input(p))
            return p->fifo_last;
        break;
    case PARALLEL_MODE_TEST: break;
    case PARALLEL_MODE_CONFIG: return 0x10; /* cnfgA: eight bits wide, interrupts are edges */
    default: return 0xff;
    }
    value = parallel_fifo_get(p);
    parallel_fifo_move(p);
    return value;
}

static void parallel_fifo_reg_write(Parallel *p, uint8_t value)
{
    switch (parallel_mode(p)) {
    case PARALLEL_MODE_CFIFO: parallel_fifo_push(p, value, 0); break;
    case PARALLEL_MODE_ECP:
        if (!parallel_input(p))
            parallel_fifo_push(p, value, 0);
        break;
    case PARALLEL_MODE_TEST: parallel_fifo_push(p, value, 0); break;
    default: break; /* cnfgA cannot be changed */
    }
}

/* Codes of lines in cnfgB; 0: none of them. */
static uint8_t parallel_cnfgb(const Parallel *p)
{
    static const uint8_t irqs[16] = {
        [5] = 7, [7] = 1, [9] = 2, [10] = 3, [11] = 4, [14] = 5, [15] = 6};
    uint32_t dma = p->dma >= 1 && p->dma <= 3 ? p->dma : 0;
    uint32_t irq = irqs[p->irq & 15u];
    return (uint8_t)((p->cnfgb & 0x80u) | (p->irq_level ? 0x40u : 0u) | irq << 3 | dma);
}

static uint8_t parallel_ecr_read(const Parallel *p)
{
    uint8_t value = p->ecr & PARALLEL_ECR_KEPT;
    if (p->fifo_count == 0)
        value |= PARALLEL_ECR_EMPTY;
    if (p->fifo_count == PARALLEL_FIFO)
        value |= PARALLEL_ECR_FULL;
    return value;
}

static void parallel_ecr_write(Parallel *p, uint8_t value)
{
    uint8_t old = p->ecr;
    p->ecr = value & PARALLEL_ECR_KEPT;
    p->irq_pending &= (uint8_t) ~(PARALLEL_IRQ_SERVICE | PARALLEL_IRQ_FAULT);
    parallel_irq_update(p);
    if (parallel_mode(p) <= PARALLEL_MODE_PS2)
        parallel_fifo_reset(p);
    parallel_dreq_update(p);
    if (parallel_mode(p) != PARALLEL_MODE_EPP)
        p->epp_timeout = 0;
    parallel_drive(p); /* the mode decides on the direction */
    p->lines = parallel_plug_status(p);
    /* Switching the interrupt on while nFault is low is an edge too. */
    if ((old & ~value & PARALLEL_ECR_NERR) && parallel_mode(p) == PARALLEL_MODE_ECP &&
        !(p->lines & PARALLEL_DSR_NFAULT))
        parallel_irq_raise(p, PARALLEL_IRQ_FAULT);
    parallel_fifo_move(p);
}

uint8_t parallel_ecp_read(Parallel *p, uint32_t reg)
{
    switch (reg) {
    case PARALLEL_FIFO_REG: return parallel_fifo_reg_read(p);
    case PARALLEL_CNFGB: return parallel_mode(p) == PARALLEL_MODE_CONFIG ? parallel_cnfgb(p) : 0xff;
    default: return parallel_ecr_read(p);
    }
}

void parallel_ecp_write(Parallel *p, uint32_t reg, uint8_t value)
{
    switch (reg) {
    case PARALLEL_FIFO_REG: parallel_fifo_reg_write(p, value); break;
    case PARALLEL_CNFGB:
        if (parallel_mode(p) == PARALLEL_MODE_CONFIG)
            p->cnfgb = value & 0x80u;
        break;
    default: parallel_ecr_write(p, value); break;
    }
}
