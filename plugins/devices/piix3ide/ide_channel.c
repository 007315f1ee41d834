/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: a channel - task file registers, selection of a drive, reset, interrupt, data port.
 * Follows ATA/ATAPI-6 (T13 1410D rev 3b): sections 7 (registers), 9.16 (single device
 * configurations), 9.2-9.4 (resets). */
#include "ide.h"

#include <string.h>

#define IDE_REG_DATA   0u
#define IDE_REG_ERROR  1u
#define IDE_REG_NSECT  2u
#define IDE_REG_LBAL   3u
#define IDE_REG_LBAM   4u
#define IDE_REG_LBAH   5u
#define IDE_REG_DEVICE 6u
#define IDE_REG_STATUS 7u

#define IDE_COMMAND_DEVICE_RESET 0x08u
#define IDE_COMMAND_DIAGNOSTIC   0x90u

/* Nobody drives the bus: pull-ups everywhere but on DD7, so that BSY reads as 0. */
#define IDE_BUS_FLOATS 0x7fu

/* -- Interrupt ------------------------------------------------------------------------------- */

/* Only the selected drive drives INTRQ, and only while nIEN is 0. */
void ide_update_irq(IdeChannel *ch)
{
    const IdeDrive *d = ide_selected(ch);
    uint32_t level = d->kind != IDE_NONE && d->intrq && !(ch->control & IDE_CTL_NIEN);
    if (level == ch->irq_level)
        return;
    ch->irq_level = level;
    if (level)
        ch->bm_status |= IDE_BM_INT;
    ch->ide->dev->api->irq_set(ch->ide->dev, ch->irq, level);
}

void ide_raise(IdeDrive *d)
{
    d->intrq = 1;
    ide_update_irq(d->channel);
}

/* -- Ends of commands and resets ------------------------------------------------------------- */

void ide_finish(IdeDrive *d, uint32_t interrupt)
{
    uint32_t dma = d->dma;
    d->phase = IDE_PH_IDLE;
    d->op = IDE_OP_NONE;
    d->status = IDE_ST_DRDY | IDE_ST_DSC;
    d->dma = 0;
    if (dma)
        ide_bm_drive_done(d->channel);
    if (interrupt)
        ide_raise(d);
}

void ide_abort(IdeDrive *d, uint8_t error)
{
    d->error = error;
    d->phase = IDE_PH_IDLE;
    d->op = IDE_OP_NONE;
    d->dma = 0;
    d->status = IDE_ST_DRDY | IDE_ST_DSC | IDE_ST_ERR;
    ide_raise(d);
}

void ide_signature(IdeDrive *d)
{
    d->nsect = d->lbal = 1;
    d->lbam = d->kind == IDE_CD ? 0x14 : 0;
    d->lbah = d->kind == IDE_CD ? 0xeb : 0;
    d->hob_nsect = d->hob_lbal = d->hob_lbam = d->hob_lbah = d->hob_feature = 0;
    d->channel->device &= IDE_DEV_UNIT;
}

static void ide_drive_reset_finish(IdeDrive *d)
{
    d->phase = IDE_PH_IDLE;
    d->error = 1; /* diagnostic code: passed */
    d->status = d->kind == IDE_CD ? 0 : IDE_ST_DRDY | IDE_ST_DSC;
    if (d->reset_intr) {
        d->reset_intr = 0;
        ide_raise(d);
    }
}

void ide_drive_reset(IdeDrive *d, uint32_t hard, uint32_t interrupt)
{
    if (d->kind == IDE_NONE)
        return;
    d->intrq = 0;
    d->op = IDE_OP_NONE;
    d->dma = 0;
    d->asleep = d->standby = 0;
    d->reset_intr = interrupt != 0;
    d->previous = 0;
    d->channel->ide->dev->api->timer_cancel(d->wait_timer);
    ide_smart_test_reset(d);
    ide_signature(d);
    if (hard) {
        ide_ata_reset(d);
        if (d->kind == IDE_CD)
            ide_atapi_reset(d);
    } else {
        ide_features_reset(d, 0);
    }
    ide_standby_arm(d);
    d->phase = IDE_PH_RESET;
    d->status = IDE_ST_BSY;
    ide_update_irq(d->channel);
    if (!d->in_flight && !(d->channel->control & IDE_CTL_SRST))
        ide_drive_reset_finish(d);
}

/* Both drives run it; device 1 reports to device 0 through PDIAG-. */
static void ide_diagnostic(IdeChannel *ch)
{
    uint32_t reporter = ch->drives[0].kind != IDE_NONE ? 0 : 1;
    if (ide_selected(ch)->status & IDE_ST_BSY)
        return;
    ch->device = 0;
    for (uint32_t i = 0; i < 2; i++)
        ide_drive_reset(&ch->drives[i], 0, i == reporter);
    ide_update_irq(ch);
}

/* -- Media requests -------------------------------------------------------------------------- */

static void ide_media_finished(IdeDrive *d, viv_status_t status)
{
    if (d->phase == IDE_PH_RESET) {
        if (!(d->channel->control & IDE_CTL_SRST))
            ide_drive_reset_finish(d);
    } else if (d->kind == IDE_CD) {
        ide_atapi_media_done(d, status);
    } else {
        ide_ata_media_done(d, status);
    }
}

/* [emt 0] or [main], no locks */
static void ide_media_done(viv_media_req_t *req, viv_status_t status)
{
    IdeDrive *d = req->ctx;
    viv_dev_t *dev = d->channel->ide->dev;
    dev->api->lock(dev);
    d->in_flight = 0;
    ide_media_finished(d, status);
    dev->api->unlock(dev);
}

void ide_media(IdeDrive *d, uint32_t op, uint64_t off, uint64_t len_bytes, void *buf)
{
    d->phase = IDE_PH_MEDIA;
    d->status = IDE_ST_BSY;
    memset(&d->req, 0, sizeof(d->req));
    d->req.size = sizeof(d->req);
    d->req.op = op;
    d->req.off = off;
    d->req.len_bytes = len_bytes;
    d->req.buf = buf;
    d->req.done = ide_media_done;
    d->req.ctx = d;
    d->in_flight = 1;
    viv_status_t st = d->media->submit(d->media_self, &d->req);
    if (st < 0) {
        d->in_flight = 0;
        ide_media_finished(d, st);
    }
}

/* -- Data port ------------------------------------------------------------------------------- */

void ide_block_begin(IdeDrive *d, uint32_t phase, uint32_t interrupt)
{
    d->phase = (uint8_t)phase;
    uint32_t left = d->buf_len - d->buf_pos;
    d->block_end = d->buf_pos + (left < d->block_bytes ? left : d->block_bytes);
    if (ide_is_packet(d->op) && d->op != IDE_OP_PACKET)
        ide_atapi_block(d);
    d->status = IDE_ST_DRDY | IDE_ST_DSC | IDE_ST_DRQ;
    if (interrupt)
        ide_raise(d);
}

void ide_buffer_done(IdeDrive *d)
{
    d->status = IDE_ST_BSY;
    if (d->kind == IDE_CD)
        ide_atapi_buffer_done(d);
    else
        ide_ata_buffer_done(d);
}

static void ide_block_done(IdeDrive *d)
{
    if (d->buf_pos < d->buf_len)
        ide_block_begin(d, d->phase, 1);
    else
        ide_buffer_done(d);
}

/* One cycle on the bus. The second byte of a block with an odd length is padding. */
static uint32_t ide_data_read(IdeChannel *ch)
{
    IdeDrive *d = ide_selected(ch);
    if (d->kind == IDE_NONE || d->phase != IDE_PH_PIO_IN)
        return 0xffff;
    uint32_t value = d->buf[d->buf_pos++];
    if (d->buf_pos < d->block_end)
        value |= (uint32_t)d->buf[d->buf_pos++] << 8;
    if (d->buf_pos >= d->block_end)
        ide_block_done(d);
    return value;
}

static void ide_data_write(IdeChannel *ch, uint32_t value)
{
    IdeDrive *d = ide_selected(ch);
    if (d->kind == IDE_NONE || d->phase != IDE_PH_PIO_OUT)
        return;
    d->buf[d->buf_pos++] = (uint8_t)value;
    if (d->buf_pos < d->block_end)
        d->buf[d->buf_pos++] = (uint8_t)(value >> 8);
    if (d->buf_pos >= d->block_end)
        ide_block_done(d);
}

/* How many elements of a string the present block has; 0: single cycles, please. */
static uint32_t ide_string_count(const IdeDrive *d, uint64_t off, uint32_t width, uint32_t phase,
                                 uint32_t count)
{
    if (off != IDE_REG_DATA || width < 2 || d->kind == IDE_NONE || d->phase != phase)
        return 0;
    uint32_t whole = (d->block_end - d->buf_pos) / width;
    return count < whole ? count : whole;
}

/* -- Task file ------------------------------------------------------------------------------- */

/* The channel answers while IDE Decode Enable and I/O Space Enable are set. */
static uint32_t ide_decodes(const IdeChannel *ch)
{
    const Piix3Ide *ide = ch->ide;
    return (ide->pci->config_get(ide->fn, 0x40u + 2u * ch->index, 2) & 0x8000u) &&
           (ide->pci->config_get(ide->fn, 0x04u, 2) & 1u);
}

/* Device 0 answers for a device 1 that is not there, with a status of 0. Nobody answers for device
 * 0. */
static IdeDrive *ide_answering(IdeChannel *ch)
{
    IdeDrive *d = ide_selected(ch);
    if (d->kind == IDE_NONE && d->unit == 1)
        d = &ch->drives[0];
    return d->kind == IDE_NONE ? NULL : d;
}

static uint8_t ide_status(IdeChannel *ch)
{
    const IdeDrive *d = ide_answering(ch);
    if (!d)
        return IDE_BUS_FLOATS;
    return d == ide_selected(ch) ? d->status : 0;
}

static uint8_t ide_register_read(IdeChannel *ch, uint32_t reg)
{
    IdeDrive *d = ide_answering(ch);
    uint32_t hob = ch->control & IDE_CTL_HOB;
    if (!d)
        return IDE_BUS_FLOATS;
    switch (reg) {
    case IDE_REG_ERROR: return hob ? d->hob_feature : d->error;
    case IDE_REG_NSECT: return hob ? d->hob_nsect : d->nsect;
    case IDE_REG_LBAL: return hob ? d->hob_lbal : d->lbal;
    case IDE_REG_LBAM: return hob ? d->hob_lbam : d->lbam;
    case IDE_REG_LBAH: return hob ? d->hob_lbah : d->lbah;
    case IDE_REG_DEVICE: return ch->device | 0xa0u; /* the obsolete bits read as ones */
    default:
        if (d == ide_selected(ch)) {
            d->intrq = 0;
            ide_update_irq(ch);
        }
        return ide_status(ch);
    }
}

static void ide_latch(uint8_t *current, uint8_t *previous, uint8_t value)
{
    *previous = *current;
    *current = value;
}

/* Both drives take every write; one that is BSY does not listen. */
static void ide_registers_write(IdeChannel *ch, uint32_t reg, uint8_t value)
{
    for (uint32_t i = 0; i < 2; i++) {
        IdeDrive *d = &ch->drives[i];
        if (d->kind == IDE_NONE || (d->status & IDE_ST_BSY))
            continue;
        switch (reg) {
        case IDE_REG_ERROR: ide_latch(&d->feature, &d->hob_feature, value); break;
        case IDE_REG_NSECT: ide_latch(&d->nsect, &d->hob_nsect, value); break;
        case IDE_REG_LBAL: ide_latch(&d->lbal, &d->hob_lbal, value); break;
        case IDE_REG_LBAM: ide_latch(&d->lbam, &d->hob_lbam, value); break;
        default: ide_latch(&d->lbah, &d->hob_lbah, value); break;
        }
    }
}

static void ide_command_write(IdeChannel *ch, uint8_t command)
{
    IdeDrive *d = ide_selected(ch);
    if (command == IDE_COMMAND_DIAGNOSTIC) {
        ide_diagnostic(ch);
        return;
    }
    if (d->kind == IDE_NONE)
        return;
    if (command == IDE_COMMAND_DEVICE_RESET && d->kind == IDE_CD) {
        uint8_t unit = ch->device & IDE_DEV_UNIT;
        ide_drive_reset(d, 0, 0);
        ch->device = unit;
        return;
    }
    /* A sleeping device wakes up by a reset only. */
    if ((d->status & IDE_ST_BSY) || d->asleep)
        return;
    d->intrq = 0;
    ide_update_irq(ch);
    d->previous = (d->status & IDE_ST_ERR) ? 0 : d->command;
    d->command = command;
    d->error = 0;
    d->phase = IDE_PH_IDLE;
    d->op = IDE_OP_NONE;
    d->dma = d->ext = d->fua = 0;
    if (d->kind == IDE_CD)
        ide_atapi_command(d, command);
    else
        ide_ata_command(d, command);
}

static void ide_register_write(IdeChannel *ch, uint32_t reg, uint8_t value)
{
    ch->control &= (uint8_t)~IDE_CTL_HOB;
    switch (reg) {
    case IDE_REG_DEVICE:
        ch->device = value;
        ide_update_irq(ch);
        break;
    case IDE_REG_STATUS: ide_command_write(ch, value); break;
    default: ide_registers_write(ch, reg, value); break;
    }
}

static void ide_control_set(IdeChannel *ch, uint8_t value)
{
    uint8_t old = ch->control;
    ch->control = value & (IDE_CTL_NIEN | IDE_CTL_SRST | IDE_CTL_HOB);
    if (value & ~old & IDE_CTL_SRST) {
        ch->device = 0;
        ide_drive_reset(&ch->drives[0], 0, 0);
        ide_drive_reset(&ch->drives[1], 0, 0);
    } else if (old & ~value & IDE_CTL_SRST) {
        for (uint32_t i = 0; i < 2; i++) {
            IdeDrive *d = &ch->drives[i];
            if (d->kind != IDE_NONE && d->phase == IDE_PH_RESET && !d->in_flight)
                ide_drive_reset_finish(d);
        }
    }
    ide_update_irq(ch);
}

/* -- Ports ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t ide_command_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    IdeChannel *ch = ctx;
    (void)dev;
    if (!ide_decodes(ch))
        return UINT64_MAX;
    if (off == IDE_REG_DATA) {
        uint32_t value = ide_data_read(ch);
        if (width == 4)
            value = (value & 0xffffu) | ide_data_read(ch) << 16;
        return value;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)ide_register_read(ch, (uint32_t)off + i) << (8 * i);
    return value;
}

/* [emt, device lock held] */
static void ide_command_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                   uint32_t width)
{
    IdeChannel *ch = ctx;
    (void)dev;
    if (!ide_decodes(ch))
        return;
    if (off == IDE_REG_DATA) {
        ide_data_write(ch, (uint32_t)value & 0xffffu);
        if (width == 4)
            ide_data_write(ch, (uint32_t)(value >> 16) & 0xffffu);
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        ide_register_write(ch, (uint32_t)off + i, (uint8_t)(value >> (8 * i)));
}

/* [emt, device lock held] */
static uint32_t ide_command_read_string(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width,
                                        void *buf, uint32_t count)
{
    IdeDrive *d = ide_selected(ctx);
    (void)dev;
    uint32_t n = ide_decodes(ctx) ? ide_string_count(d, off, width, IDE_PH_PIO_IN, count) : 0;
    if (n == 0)
        return 0;
    memcpy(buf, d->buf + d->buf_pos, (size_t)n * width);
    d->buf_pos += n * width;
    if (d->buf_pos >= d->block_end)
        ide_block_done(d);
    return n;
}

/* [emt, device lock held] */
static uint32_t ide_command_write_string(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width,
                                         const void *buf, uint32_t count)
{
    IdeDrive *d = ide_selected(ctx);
    (void)dev;
    uint32_t n = ide_decodes(ctx) ? ide_string_count(d, off, width, IDE_PH_PIO_OUT, count) : 0;
    if (n == 0)
        return 0;
    memcpy(d->buf + d->buf_pos, buf, (size_t)n * width);
    d->buf_pos += n * width;
    if (d->buf_pos >= d->block_end)
        ide_block_done(d);
    return n;
}

const viv_io_ops_t ide_command_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = ide_command_port_read,
    .write = ide_command_port_write,
    .read_string = ide_command_read_string,
    .write_string = ide_command_write_string,
};

/* [emt, device lock held] Alternate status: the same without an effect on INTRQ. */
static uint64_t ide_control_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)off, (void)width;
    return ide_decodes(ctx) ? ide_status(ctx) : 0xff;
}

/* [emt, device lock held] */
static void ide_control_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                   uint32_t width)
{
    (void)dev, (void)off, (void)width;
    if (ide_decodes(ctx))
        ide_control_set(ctx, (uint8_t)value);
}

const viv_io_ops_t ide_control_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = ide_control_port_read,
    .write = ide_control_port_write,
};
