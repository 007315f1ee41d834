/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: the root complex register block (16 KiB at RCBA) and the GPIO ports (64 at GPIOBASE).
 * Follows: ICH9 datasheet (316972), chapters 10 and 13.10. Of the block the chipset configuration
 * registers at 3100h-3420h are there; the route registers D31IR-D25IR act, HPTC and the others
 * store what is written. GPIO inputs read as high, outputs as they were written. Not modelled:
 * virtual channels and root complex topology (below 3000h: zero), GPIO blinking. */
#include "lpc_priv.h"

#include <string.h>

#define LPC_RCRB_LEN  0x4000u
#define LPC_D31IR     0x3140u
#define LPC_D25IR     0x3150u
#define LPC_GP_IO_SEL 0x04u
#define LPC_GP_LVL    0x0cu

typedef struct LpcReg {
    uint16_t off;
    uint16_t width;
    uint32_t reset, wmask;
} LpcReg;

static const LpcReg lpc_rcrb_regs[] = {
    {0x3100, 4, 0x03243200, 0xffffffff}, /* D31IP */
    {0x3104, 4, 0x00000000, 0x00000000}, /* D30IP */
    {0x3108, 4, 0x10004321, 0xf000ffff}, /* D29IP */
    {0x310c, 4, 0x00214321, 0x00ffffff}, /* D28IP */
    {0x3110, 4, 0x00000001, 0x0000000f}, /* D27IP */
    {0x3114, 4, 0x30000321, 0xf0000fff}, /* D26IP */
    {0x3118, 4, 0x00000001, 0x0000000f}, /* D25IP */
    {LPC_D31IR, 2, 0x3210, 0x7777},
    {0x3142, 2, 0x0000, 0x0000}, /* D30IR */
    {0x3144, 2, 0x3210, 0x7777}, /* D29IR */
    {0x3146, 2, 0x3210, 0x7777}, /* D28IR */
    {0x3148, 2, 0x3210, 0x7777}, /* D27IR */
    {0x314c, 2, 0x3210, 0x7777}, /* D26IR */
    {LPC_D25IR, 2, 0x3210, 0x7777},
    {0x31fe, 2, 0x0000, 0x03ff},         /* OIC */
    {0x3400, 4, 0x00000000, 0x0000001f}, /* RC */
    {0x3404, 4, 0x00000000, 0x00000083}, /* HPTC */
    {0x3410, 4, 0x00000000, 0x00001fe7}, /* GCS */
    {0x3414, 1, 0x00, 0x21},             /* BUC */
    {0x3418, 4, 0x00000000, 0x07ffffff}, /* FD */
    {0x341c, 4, 0x00000000, 0xffffffff}, /* CG */
    {0x3420, 1, 0x00, 0x03},             /* PDSW */
    {0},
};

static const LpcReg lpc_gpio_regs[] = {
    {0x00, 4, 0x197fffff, 0xffffffff},          /* GPIO_USE_SEL */
    {LPC_GP_IO_SEL, 4, 0xe0ea6fff, 0xffffffff}, /* 1: input */
    {LPC_GP_LVL, 4, 0x02feffff, 0xffffffff},
    {0x18, 4, 0x00040000, 0xffffffff}, /* GPO_BLINK */
    {0x2c, 4, 0x00000000, 0x0000ffff}, /* GPI_INV */
    {0x30, 4, 0x000000ff, 0x00ff0fff}, /* GPIO_USE_SEL2 */
    {0x34, 4, 0x000000f0, 0x00ff0fff}, /* GP_IO_SEL2 */
    {0x38, 4, 0x000300ff, 0x00ff0fff}, /* GP_LVL2 */
    {0},
};

/* -- registers in bytes ---------------------------------------------------------------------- */

/* The mask of the byte at off, 0 where there is no register. */
static uint8_t lpc_byte_mask(const LpcReg *regs, uint32_t off)
{
    for (const LpcReg *r = regs; r->width; r++) {
        if (off >= r->off && off < (uint32_t)r->off + r->width)
            return (uint8_t)(r->wmask >> (8 * (off - r->off)));
    }
    return 0;
}

static void lpc_bytes_reset(const LpcReg *regs, uint32_t first, uint8_t *bytes)
{
    for (const LpcReg *r = regs; r->width; r++) {
        for (uint32_t i = 0; i < r->width; i++)
            bytes[r->off - first + i] = (uint8_t)(r->reset >> (8 * i));
    }
}

/* Bits that nobody can write have their reset values whatever a saved state says. */
static void lpc_bytes_check(const LpcReg *regs, uint32_t first, uint8_t *bytes, uint32_t count,
                            uint8_t *fresh)
{
    memset(fresh, 0, count);
    lpc_bytes_reset(regs, first, fresh);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t mask = lpc_byte_mask(regs, first + i);
        bytes[i] = (uint8_t)((fresh[i] & ~mask) | (bytes[i] & mask));
    }
}

/* -- the block at RCBA ----------------------------------------------------------------------- */

uint32_t lpc_device_route(const Lpc *lpc, uint32_t slot)
{
    static const uint16_t at[] = {LPC_D25IR, 0x314c, 0x3148, 0x3146, 0x3144, 0x3142, LPC_D31IR};
    uint32_t off = at[slot - 25] - LPC_RCRB_FIRST;
    return (uint32_t)lpc->rcrb[off] | (uint32_t)lpc->rcrb[off + 1] << 8;
}

/* [emt, device lock held] */
static uint64_t lpc_rcrb_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Lpc *lpc = ctx;
    (void)dev, (void)width;
    return off >= LPC_RCRB_FIRST && off < LPC_RCRB_FIRST + LPC_RCRB_BYTES
               ? lpc->rcrb[off - LPC_RCRB_FIRST]
               : 0;
}

static void lpc_rcrb_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Lpc *lpc = ctx;
    uint8_t mask = lpc_byte_mask(lpc_rcrb_regs, (uint32_t)off);
    (void)dev, (void)width;

    if (!mask)
        return;
    uint8_t *byte = &lpc->rcrb[off - LPC_RCRB_FIRST];
    *byte = (uint8_t)((*byte & ~mask) | (value & mask));
    if (off >= LPC_D31IR && off < LPC_D25IR + 2)
        lpc_irq_update(lpc);
}

static const viv_io_ops_t lpc_rcrb_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = lpc_rcrb_read,
    .write = lpc_rcrb_write,
};

/* -- GPIO ------------------------------------------------------------------------------------ */

static uint64_t lpc_gpio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Lpc *lpc = ctx;
    uint32_t sel = off >= 0x30 ? 0x34 : LPC_GP_IO_SEL, level = off >= 0x30 ? 0x38 : LPC_GP_LVL;
    (void)dev, (void)width;

    if (off >= level && off < level + 4)
        return lpc->gpio[off] | lpc->gpio[sel + off - level];
    return lpc->gpio[off];
}

static void lpc_gpio_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Lpc *lpc = ctx;
    uint8_t mask = lpc_byte_mask(lpc_gpio_regs, (uint32_t)off);
    (void)dev, (void)width;
    lpc->gpio[off] = (uint8_t)((lpc->gpio[off] & ~mask) | (value & mask));
}

static const viv_io_ops_t lpc_gpio_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = lpc_gpio_read,
    .write = lpc_gpio_write,
};

/* -- where they are -------------------------------------------------------------------------- */

static void lpc_rcrb_move(Lpc *lpc)
{
    const viv_dev_api_t *api = lpc->dev->api;
    uint32_t rcba = lpc->pci->config_get(lpc->fn, LPC_RCBA, 4);
    uint32_t at = rcba & 1u ? rcba & ~(LPC_RCRB_LEN - 1) : 0;

    if (at == lpc->rcrb_at)
        return;
    api->range_unmap(lpc->dev, lpc->rcrb_range);
    lpc->rcrb_range = NULL;
    lpc->rcrb_at = 0;
    if (at && api->mmio_map(lpc->dev, at, LPC_RCRB_LEN, &lpc_rcrb_ops, lpc, "RCRB",
                            &lpc->rcrb_range) == VIV_OK)
        lpc->rcrb_at = at;
}

static void lpc_gpio_move(Lpc *lpc)
{
    const viv_dev_api_t *api = lpc->dev->api;
    uint32_t base = lpc->pci->config_get(lpc->fn, LPC_GPIOBASE, 2) & 0xff80u;
    uint32_t at = lpc->pci->config_get(lpc->fn, LPC_GC, 1) & 0x10u ? base : 0;

    if (at == lpc->gpio_at)
        return;
    api->range_unmap(lpc->dev, lpc->gpio_range);
    lpc->gpio_range = NULL;
    lpc->gpio_at = 0;
    if (at && api->pio_map(lpc->dev, at, LPC_GPIO_BYTES, &lpc_gpio_ops, lpc, "ICH9 GPIO",
                           &lpc->gpio_range) == VIV_OK)
        lpc->gpio_at = at;
}

void lpc_blocks_update(Lpc *lpc)
{
    lpc_rcrb_move(lpc);
    lpc_gpio_move(lpc);
}

void lpc_blocks_reset(Lpc *lpc)
{
    memset(lpc->rcrb, 0, sizeof(lpc->rcrb));
    memset(lpc->gpio, 0, sizeof(lpc->gpio));
    lpc_bytes_reset(lpc_rcrb_regs, LPC_RCRB_FIRST, lpc->rcrb);
    lpc_bytes_reset(lpc_gpio_regs, 0, lpc->gpio);
    lpc_blocks_update(lpc);
}

void lpc_blocks_post_load(Lpc *lpc)
{
    uint8_t fresh[LPC_RCRB_BYTES];

    lpc_bytes_check(lpc_rcrb_regs, LPC_RCRB_FIRST, lpc->rcrb, sizeof(lpc->rcrb), fresh);
    lpc_bytes_check(lpc_gpio_regs, 0, lpc->gpio, sizeof(lpc->gpio), fresh);
    lpc_blocks_update(lpc);
}
