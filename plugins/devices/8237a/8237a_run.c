/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 8237A: who may use the bus, and the cycles. Addresses count within 64 KiB (128 KiB on the 16-bit
 * channels): no carry goes into the page register. */
#include <string.h>

#include "8237a.h"

/* Page registers of channels 0-7; channel 4's place is the refresh page. */
static const uint8_t dma_page_index[VIV_ISADMA_CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

/* -- requests -------------------------------------------------------------------------------- */

/* The controller answers requests: the first one is behind channel 4 of the second, which must be
 * in cascade mode. */
static int dma_alive(const Dma *d, uint32_t index)
{
    const DmaChip *second = &d->chip[1];
    if (d->chip[index].command & (DMA_CMD_DISABLE | DMA_CMD_DACK_HIGH))
        return 0;
    return index == 1 ||
           (!(second->command & (DMA_CMD_DISABLE | DMA_CMD_DACK_HIGH)) && !(second->mask & 1) &&
            (second->channel[0].mode & DMA_MODE_TRANSFER) == DMA_MODE_CASCADE);
}

/* Which channels of a controller are to be served, one bit each. Software requests pass the
 * mask. */
static uint32_t dma_wanted(const Dma *d, uint32_t index)
{
    const DmaChip *chip = &d->chip[index];
    uint32_t lines = (uint32_t)d->dreq >> (DMA_PER * index) & 0x0f;
    if (chip->command & DMA_CMD_DREQ_LOW)
        lines ^= 0x0f;
    uint32_t wanted = ((lines | chip->block) & ~(uint32_t)chip->mask) | chip->request;
    if (index == 1)
        wanted &= ~1u; /* its DREQ0 is the first controller's HRQ */
    return dma_alive(d, index) ? wanted : 0;
}

/* The channel of the highest priority; the others follow, modulo 4. */
static uint32_t dma_highest(const DmaChip *chip)
{
    return chip->command & DMA_CMD_ROTATE ? (chip->lowest + 1u) % DMA_PER : 0;
}

static int dma_cascades(const DmaChannel *channel)
{
    return (channel->mode & DMA_MODE_TRANSFER) == DMA_MODE_CASCADE;
}

uint32_t dma_mode(const Dma *d, uint32_t number)
{
    const DmaChip *chip = &d->chip[number / DMA_PER];
    const DmaChannel *channel = &chip->channel[number % DMA_PER];
    uint32_t bit = 1u << number % DMA_PER;
    uint32_t mode = (channel->mode >> DMA_MODE_TYPE_SHIFT) & VIV_ISADMA_TYPE_MASK;
    if (dma_cascades(channel))
        mode = VIV_ISADMA_CASCADE;
    else if (mode == VIV_ISADMA_CASCADE)
        mode = VIV_ISADMA_VERIFY; /* "illegal": no strobes */
    if (!dma_cascades(channel))
        mode |= (uint32_t)(channel->mode & DMA_MODE_TRANSFER) >> 2;
    if (channel->mode & DMA_MODE_AUTO_INIT)
        mode |= VIV_ISADMA_AUTO_INIT;
    if (number >= DMA_PER)
        mode |= VIV_ISADMA_16BIT;
    if ((chip->mask & bit && !(chip->request & bit)) || !dma_alive(d, number / DMA_PER))
        mode |= VIV_ISADMA_MASKED;
    if (dma_wanted(d, number / DMA_PER) & bit)
        mode |= VIV_ISADMA_READY;
    return mode;
}

/* -- cycles ---------------------------------------------------------------------------------- */

static uint64_t dma_address(const Dma *d, uint32_t number, uint16_t address)
{
    uint64_t page = d->page[dma_page_index[number]];
    return number < DMA_PER ? page << 16 | address : (page & 0xfe) << 16 | (uint64_t)address << 1;
}

static void dma_memory(Dma *d, uint64_t gpa, uint8_t *buf, uint32_t len, uint32_t type)
{
    if (type == VIV_ISADMA_TO_MEMORY)
        d->dev->api->mem_write(d->dev, gpa, buf, len);
    else if (type == VIV_ISADMA_FROM_MEMORY)
        d->dev->api->mem_read(d->dev, gpa, buf, len);
}

/* `units` transfers upwards, split where the address wraps. */
static void dma_move_up(Dma *d, uint32_t number, uint8_t *buf, uint32_t units, uint32_t type)
{
    DmaChannel *channel = &d->chip[number / DMA_PER].channel[number % DMA_PER];
    uint32_t width = number < DMA_PER ? 1 : 2;
    while (units) {
        uint32_t n = 0x10000u - channel->address;
        n = n < units ? n : units;
        if (type != VIV_ISADMA_VERIFY)
            dma_memory(d, dma_address(d, number, channel->address), buf, n * width, type);
        buf += type != VIV_ISADMA_VERIFY ? n * width : 0;
        channel->address = (uint16_t)(channel->address + n);
        units -= n;
    }
}

static void dma_move_down(Dma *d, uint32_t number, uint8_t *buf, uint32_t units, uint32_t type)
{
    DmaChannel *channel = &d->chip[number / DMA_PER].channel[number % DMA_PER];
    uint32_t width = number < DMA_PER ? 1 : 2;
    for (; units && type != VIV_ISADMA_VERIFY; units--, buf += width)
        dma_memory(d, dma_address(d, number, channel->address--), buf, width, type);
    channel->address = (uint16_t)(channel->address - units);
}

/* Count down; returns 1 at terminal count. */
static int dma_count(Dma *d, uint32_t number, uint32_t units)
{
    DmaChip *chip = &d->chip[number / DMA_PER];
    DmaChannel *channel = &chip->channel[number % DMA_PER];
    uint8_t bit = (uint8_t)(1u << number % DMA_PER);
    int done = units == channel->count + 1u;
    channel->count = (uint16_t)(channel->count - units);
    chip->lowest = (uint8_t)(number % DMA_PER);
    if (!done)
        return 0;
    chip->tc |= bit;
    chip->request &= (uint8_t)~bit;
    chip->block &= (uint8_t)~bit;
    d->terminal_counts++;
    if (channel->mode & DMA_MODE_AUTO_INIT) {
        channel->address = channel->base_address;
        channel->count = channel->base_count;
    } else {
        chip->mask |= bit;
    }
    return 1;
}

uint32_t dma_run(Dma *d, uint32_t number, void *buf, uint32_t len_bytes, uint32_t *ret_flags)
{
    DmaChip *chip = &d->chip[number / DMA_PER];
    DmaChannel *channel = &chip->channel[number % DMA_PER];
    uint32_t mode = dma_mode(d, number), type = mode & VIV_ISADMA_TYPE_MASK;
    uint32_t width = number < DMA_PER ? 1 : 2;
    uint32_t units = len_bytes / width;
    *ret_flags = mode;
    if (!(mode & VIV_ISADMA_READY) || type == VIV_ISADMA_CASCADE || !units)
        return 0;
    units = units < channel->count + 1u ? units : channel->count + 1u;
    if ((channel->mode & DMA_MODE_TRANSFER) >> 2 == VIV_ISADMA_MODE_BLOCK)
        chip->block |= (uint8_t)(1u << number % DMA_PER);
    if (channel->mode & DMA_MODE_DECREMENT)
        dma_move_down(d, number, buf, units, type);
    else
        dma_move_up(d, number, buf, units, type);
    d->bytes_to_memory += type == VIV_ISADMA_TO_MEMORY ? units * width : 0;
    d->bytes_from_memory += type == VIV_ISADMA_FROM_MEMORY ? units * width : 0;
    if (dma_count(d, number, units))
        *ret_flags |= VIV_ISADMA_TC;
    d->ready &= (uint8_t)(dma_wanted(d, 0) | dma_wanted(d, 1) << DMA_PER);
    return units * width;
}

/* -- without a device ------------------------------------------------------------------------ */

/* Memory to memory (231466, "Memory-to-Memory"): bytes from channel 0's address through the
 * temporary register to channel 1's, until channel 1's count is through. */
static void dma_mem_to_mem(Dma *d)
{
    DmaChip *chip = &d->chip[0];
    DmaChannel *from = &chip->channel[0], *to = &chip->channel[1];
    uint32_t units = to->count + 1u;
    for (uint32_t i = 0; i < units; i++) {
        dma_memory(d, dma_address(d, 0, from->address), &chip->temporary, 1,
                   VIV_ISADMA_FROM_MEMORY);
        dma_memory(d, dma_address(d, 1, to->address), &chip->temporary, 1, VIV_ISADMA_TO_MEMORY);
        if (!(chip->command & DMA_CMD_HOLD))
            from->address = (uint16_t)(from->address + (from->mode & DMA_MODE_DECREMENT ? -1 : 1));
        to->address = (uint16_t)(to->address + (to->mode & DMA_MODE_DECREMENT ? -1 : 1));
    }
    from->count = (uint16_t)(from->count - units);
    d->bytes_from_memory += units;
    d->bytes_to_memory += units;
    dma_count(d, 1, units);
    chip->request &= (uint8_t)~1u;
    if (from->mode & DMA_MODE_AUTO_INIT) {
        from->address = from->base_address;
        from->count = from->base_count;
    }
}

/* A software request where no device answers: cycles to terminal count on a floating bus. */
static void dma_float(Dma *d, uint32_t number)
{
    uint8_t bus[256];
    uint32_t flags;
    do {
        memset(bus, 0xff, sizeof bus);
        if (!dma_run(d, number, bus, sizeof bus, &flags))
            return; /* cascade: a DACK and nothing else */
    } while (!(flags & VIV_ISADMA_TC));
}

static void dma_software(Dma *d, uint32_t index)
{
    const DmaChip *chip = &d->chip[index];
    uint32_t highest = dma_highest(chip); /* changes as channels are served */
    for (uint32_t n = 0; n < DMA_PER && chip->request; n++) {
        uint32_t at = (highest + n) % DMA_PER, number = index * DMA_PER + at;
        if (!(chip->request & dma_wanted(d, index) & 1u << at))
            continue;
        if (number == 0 && chip->command & DMA_CMD_MEM_TO_MEM)
            dma_mem_to_mem(d);
        else if (number != DMA_CASCADE && !(d->dreq & 1u << number))
            dma_float(d, number);
    }
}

void dma_notify(Dma *d)
{
    uint32_t ready = dma_wanted(d, 0) | dma_wanted(d, 1) << DMA_PER;
    uint32_t risen = ready & ~(uint32_t)d->ready;
    d->ready = (uint8_t)ready;
    for (uint32_t i = 0; i < DMA_CHIPS && risen; i++) {
        for (uint32_t n = 0; n < DMA_PER; n++) {
            uint32_t number = i * DMA_PER + (dma_highest(&d->chip[i]) + n) % DMA_PER;
            if (risen >> number & 1 && number != DMA_CASCADE)
                d->isadma->ready(d->dev, number);
        }
    }
}

void dma_update(Dma *d)
{
    for (uint32_t i = 0; i < DMA_CHIPS; i++)
        dma_software(d, i);
    dma_notify(d);
}
