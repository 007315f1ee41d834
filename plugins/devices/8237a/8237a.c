/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 8237A: the ISA DMA controllers of a PC.
 * The guest sees two 8237A: the first at ports 00h-0Fh (again at 10h-1Fh) for channels 0-3 of 8
 * bits, the second at C0h-DFh, each register on two ports, for channels 4-7 of 16 bits, of which 4
 * carries the first; and the page registers at 80h-8Fh, the unused ones being memory of 8 bits.
 * Follows: Intel 8237A datasheet (231466); 82371SB (290550), section 2.4, for ports and pages.
 * Not modelled: time (cycles take none), hence compressed timing and extended write, which are
 * bits only; EOP as an input. */
#include "8237a.h"

#define DMA_STATE_VERSION 1

static const viv_field_t dma_channel_fields[] = {
    VIV_FIELD(DmaChannel, base_address, VIV_U16, 1), VIV_FIELD(DmaChannel, base_count, VIV_U16, 1),
    VIV_FIELD(DmaChannel, address, VIV_U16, 1),      VIV_FIELD(DmaChannel, count, VIV_U16, 1),
    VIV_FIELD(DmaChannel, mode, VIV_U8, 1),          {0},
};

static const viv_field_t dma_chip_fields[] = {
    VIV_FIELD_STRUCTS(DmaChip, channel, dma_channel_fields, 1),
    VIV_FIELD(DmaChip, command, VIV_U8, 1),
    VIV_FIELD(DmaChip, mask, VIV_U8, 1),
    VIV_FIELD(DmaChip, request, VIV_U8, 1),
    VIV_FIELD(DmaChip, tc, VIV_U8, 1),
    VIV_FIELD(DmaChip, block, VIV_U8, 1),
    VIV_FIELD(DmaChip, high_byte, VIV_U8, 1),
    VIV_FIELD(DmaChip, temporary, VIV_U8, 1),
    VIV_FIELD(DmaChip, lowest, VIV_U8, 1),
    {0},
};

static const viv_field_t dma_state[] = {
    VIV_FIELD_STRUCTS(Dma, chip, dma_chip_fields, 1),
    VIV_FIELD_BYTES(Dma, page, 1),
    {0},
};

/* -- ports ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t dma_first_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return dma_chip_read(ctx, 0, (uint32_t)off & 15);
}

static void dma_first_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    (void)dev, (void)width;
    dma_chip_write(ctx, 0, (uint32_t)off & 15, (uint8_t)value);
}

/* A0 is not decoded. */
static uint64_t dma_second_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return dma_chip_read(ctx, 1, (uint32_t)off >> 1);
}

static void dma_second_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    (void)dev, (void)width;
    dma_chip_write(ctx, 1, (uint32_t)off >> 1, (uint8_t)value);
}

static uint64_t dma_page_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Dma *d = ctx;
    (void)dev, (void)width;
    return d->page[off];
}

static void dma_page_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Dma *d = ctx;
    (void)dev, (void)width;
    d->page[off] = (uint8_t)value;
}

static const viv_io_ops_t dma_first_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = dma_first_read,
    .write = dma_first_write,
};

static const viv_io_ops_t dma_second_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = dma_second_read,
    .write = dma_second_write,
};

static const viv_io_ops_t dma_page_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = dma_page_read,
    .write = dma_page_write,
};

/* -- the role -------------------------------------------------------------------------------- */

/* [any, device lock held] */
static void dma_role_dreq(viv_dev_t *dev, void *self, uint32_t channel, uint32_t level)
{
    Dma *d = self;
    uint8_t bit = (uint8_t)(1u << channel);
    (void)dev;
    d->dreq = (uint8_t)(level ? d->dreq | bit : d->dreq & ~bit);
    dma_notify(d);
}

static uint32_t dma_role_mode(viv_dev_t *dev, void *self, uint32_t channel)
{
    (void)dev;
    return dma_mode(self, channel);
}

static uint32_t dma_role_run(viv_dev_t *dev, void *self, uint32_t channel, void *buf,
                             uint32_t len_bytes, uint32_t *ret_flags)
{
    (void)dev;
    return dma_run(self, channel, buf, len_bytes, ret_flags);
}

static const viv_isadma_ops_t dma_role = {
    .size = sizeof(viv_isadma_ops_t),
    .dreq = dma_role_dreq,
    .mode = dma_role_mode,
    .run = dma_role_run,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] */
static void dma_reset(viv_dev_t *dev, void *self)
{
    Dma *d = self;
    (void)dev;
    for (uint32_t i = 0; i < DMA_CHIPS; i++) {
        d->chip[i] = (DmaChip){0};
        dma_chip_clear(&d->chip[i]);
    }
    for (uint32_t i = 0; i < DMA_PAGES; i++)
        d->page[i] = 0;
    d->dreq = d->ready = 0;
}

/* [main, device lock held] Whatever stands in the file, it is a state that a guest could have
 * made, once the bits that do not exist are gone. */
static viv_status_t dma_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Dma *d = self;
    (void)dev, (void)version;
    for (uint32_t i = 0; i < DMA_CHIPS; i++) {
        DmaChip *chip = &d->chip[i];
        chip->mask &= 0x0f;
        chip->request &= 0x0f;
        chip->tc &= 0x0f;
        chip->block &= 0x0f;
        chip->high_byte &= 1;
        chip->lowest %= DMA_PER;
        for (uint32_t k = 0; k < DMA_PER; k++)
            chip->channel[k].mode &= 0xfc;
    }
    d->dreq = d->ready = 0;
    return VIV_OK;
}

/* [main, device lock held] */
static viv_status_t dma_construct(viv_dev_t *dev, void *self)
{
    const viv_dev_api_t *api = dev->api;
    Dma *d = self;
    viv_status_t st = VIV_OK;
    d->dev = dev;
    d->isadma = viv_need(dev, VIV_ISADMA_ID, sizeof(viv_isadma_api_t), &st);
    d->stam = viv_need(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &st);
    if (st || (st = api->pio_map(dev, 0x00, 0x20, &dma_first_ops, d, "channels 0-3", NULL)) ||
        (st = api->pio_map(dev, 0xc0, 0x20, &dma_second_ops, d, "channels 4-7", NULL)) ||
        (st = api->pio_map(dev, 0x80, DMA_PAGES, &dma_page_ops, d, "pages", NULL)) ||
        (st = d->stam->counter(dev, &d->bytes_to_memory, "ToMemory", "bytes",
                               "moved from devices to memory")) ||
        (st = d->stam->counter(dev, &d->bytes_from_memory, "FromMemory", "bytes",
                               "moved from memory to devices")) ||
        (st = d->stam->counter(dev, &d->terminal_counts, "TerminalCounts", "",
                               "transfers that ran to their end")))
        return st;
    return d->isadma->provide(dev, &dma_role, d);
}

static const viv_device_class_t dma_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "8237A",
    .summary = "ISA DMA controllers (two 8237A) and page registers",
    .instance_size = sizeof(Dma),
    .state_version = DMA_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_DMA,
    .state = dma_state,
    .construct = dma_construct,
    .reset = dma_reset,
    .post_load = dma_post_load,
};

VIV_PLUGIN("org.vivarium.8237A", "1.0", "LGPL-2.1-or-later",
           "ISA DMA controllers (two 8237A) and page registers", &dma_class);
