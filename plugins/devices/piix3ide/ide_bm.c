/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the bus master - eight registers a channel in BAR 4, and the descriptor tables in guest
 * memory.
 * Follows "Programming Interface for Bus Master IDE Controller", revision 1.0 (Intel, 1994), and
 * the PIIX3 data sheet (290550), section 2.7. */
#include "ide.h"

#define IDE_BM_COMMAND 0u
#define IDE_BM_STATUS  2u
#define IDE_BM_TABLE   4u

#define IDE_PRD_LAST 0x80000000u

void ide_bm_reset(IdeChannel *ch)
{
    ch->bm_command = ch->bm_status = 0;
    ch->bm_table = ch->bm_next = ch->bm_addr = ch->bm_left = 0;
    ch->bm_last = 0;
}

static void ide_bm_stop(IdeChannel *ch, uint8_t error)
{
    ch->bm_status &= (uint8_t)~IDE_BM_ACTIVE;
    ch->bm_status |= error;
}

/* Fetches a descriptor; 0: none, the transfer is over. Tables do not cross a 64 KiB boundary: the
 * address counter has 16 bits. */
static uint32_t ide_bm_fetch(IdeChannel *ch)
{
    const Piix3Ide *ide = ch->ide;
    uint8_t prd[8];
    if (ch->bm_last) {
        ide_bm_stop(ch, 0);
        return 0;
    }
    if (ide->pci->dma_read(ide->fn, ch->bm_next, prd, sizeof(prd)) < 0) {
        ide_bm_stop(ch, IDE_BM_ERROR);
        return 0;
    }
    ch->bm_addr = ((uint32_t)prd[0] | (uint32_t)prd[1] << 8 | (uint32_t)prd[2] << 16 |
                   (uint32_t)prd[3] << 24) &
                  ~1u;
    ch->bm_left = ((uint32_t)prd[4] | (uint32_t)prd[5] << 8) & ~1u;
    if (ch->bm_left == 0)
        ch->bm_left = 0x10000;
    ch->bm_last = prd[7] >> 7;
    ch->bm_next = (ch->bm_next & 0xffff0000u) | ((ch->bm_next + 8u) & 0xffffu);
    return 1;
}

static IdeDrive *ide_bm_partner(IdeChannel *ch, uint32_t *ret_to_memory)
{
    for (uint32_t i = 0; i < 2; i++) {
        IdeDrive *d = &ch->drives[i];
        if (d->phase == IDE_PH_DMA_IN || d->phase == IDE_PH_DMA_OUT) {
            *ret_to_memory = d->phase == IDE_PH_DMA_IN;
            return d;
        }
    }
    return NULL;
}

void ide_bm_run(IdeChannel *ch)
{
    const Piix3Ide *ide = ch->ide;
    uint32_t to_memory = 0;
    IdeDrive *d = ide_bm_partner(ch, &to_memory);
    if (!d || !(ch->bm_status & IDE_BM_ACTIVE))
        return;
    if (to_memory != ((ch->bm_command & IDE_BM_TO_MEMORY) != 0)) {
        ide_bm_stop(ch, IDE_BM_ERROR);
        return;
    }
    while (d->buf_pos < d->buf_len) {
        if (ch->bm_left == 0 && !ide_bm_fetch(ch))
            return; /* the drive goes on waiting, the guest will notice */
        uint32_t n = d->buf_len - d->buf_pos;
        if (n > ch->bm_left)
            n = ch->bm_left;
        viv_status_t st = to_memory
                              ? ide->pci->dma_write(ide->fn, ch->bm_addr, d->buf + d->buf_pos, n)
                              : ide->pci->dma_read(ide->fn, ch->bm_addr, d->buf + d->buf_pos, n);
        if (st < 0) {
            ide_bm_stop(ch, IDE_BM_ERROR);
            return;
        }
        ch->bm_addr += n;
        ch->bm_left -= n;
        d->buf_pos += n;
    }
    ide_buffer_done(d);
}

/* With the table used up exactly the bus master is idle again, otherwise it stays active until it
 * is stopped. */
void ide_bm_drive_done(IdeChannel *ch)
{
    if (ch->bm_left == 0 && ch->bm_last)
        ide_bm_stop(ch, 0);
}

void ide_bm_begin(IdeDrive *d, uint32_t phase)
{
    d->phase = (uint8_t)phase;
    d->buf_pos = 0;
    d->block_end = d->buf_len;
    d->status = IDE_ST_DRDY | IDE_ST_DSC | IDE_ST_DRQ;
    ide_bm_run(d->channel);
}

/* -- Registers ------------------------------------------------------------------------------- */

static void ide_bm_command(IdeChannel *ch, uint8_t value)
{
    uint8_t old = ch->bm_command;
    /* The direction holds while a transfer is active. */
    if (ch->bm_status & IDE_BM_ACTIVE)
        value = (uint8_t)((value & ~IDE_BM_TO_MEMORY) | (old & IDE_BM_TO_MEMORY));
    ch->bm_command = value & (IDE_BM_START | IDE_BM_TO_MEMORY);
    if (value & ~old & IDE_BM_START) {
        ch->bm_next = ch->bm_table;
        ch->bm_left = 0;
        ch->bm_last = 0;
        ch->bm_status |= IDE_BM_ACTIVE;
        ide_bm_run(ch);
    } else if (old & ~value & IDE_BM_START) {
        ide_bm_stop(ch, 0); /* what has been fetched is forgotten */
        ch->bm_left = 0;
        ch->bm_last = 0;
    }
}

/* [emt, device lock held] */
static uint64_t ide_bm_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Piix3Ide *ide = ctx;
    const IdeChannel *ch = &ide->channels[(off >> 3) & 1u];
    uint32_t reg = (uint32_t)off & 7u;
    (void)dev, (void)width;
    switch (reg) {
    case IDE_BM_COMMAND: return ch->bm_command;
    case IDE_BM_STATUS: return ch->bm_status;
    case IDE_BM_TABLE:
    case IDE_BM_TABLE + 1:
    case IDE_BM_TABLE + 2:
    case IDE_BM_TABLE + 3: return (uint8_t)(ch->bm_table >> (8u * (reg - IDE_BM_TABLE)));
    default: return 0;
    }
}

/* [emt, device lock held] */
static void ide_bm_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Piix3Ide *ide = ctx;
    IdeChannel *ch = &ide->channels[(off >> 3) & 1u];
    uint32_t reg = (uint32_t)off & 7u;
    uint32_t shift = 8u * (reg & 3u);
    uint8_t byte = (uint8_t)value;
    (void)dev, (void)width;
    switch (reg) {
    case IDE_BM_COMMAND: ide_bm_command(ch, byte); break;
    case IDE_BM_STATUS:
        ch->bm_status &= (uint8_t) ~(byte & (IDE_BM_ERROR | IDE_BM_INT));
        ch->bm_status = (uint8_t)((ch->bm_status & ~IDE_BM_CAPABLE) | (byte & IDE_BM_CAPABLE));
        break;
    case IDE_BM_TABLE:
    case IDE_BM_TABLE + 1:
    case IDE_BM_TABLE + 2:
    case IDE_BM_TABLE + 3:
        ch->bm_table = ((ch->bm_table & ~(0xffu << shift)) | (uint32_t)byte << shift) & ~3u;
        break;
    default: break;
    }
}

const viv_io_ops_t ide_bm_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = ide_bm_read,
    .write = ide_bm_write,
};
