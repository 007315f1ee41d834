/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: SET FEATURES and the power modes. ATA/ATAPI-6 (T13 1410D rev 3b), sections 6.10-6.14,
 * 8.46 and the power management commands. Transfer modes are those of drive and controller both:
 * the PIIX3 has no Ultra DMA, the PIIX4 modes 0 to 2, the ICH6 0 to 5. */
#include "ide.h"

#define IDE_SECOND 1000000000ull
#define IDE_MINUTE (60 * IDE_SECOND)

uint32_t ide_modes_mwdma(const IdeDrive *d)
{
    return d->kind == IDE_DISK ? d->capacity.mwdma : 0x07;
}

uint32_t ide_modes_udma(const IdeDrive *d)
{
    static const uint8_t of_model[3] = {0x00, 0x07, 0x3f};
    uint32_t modes = of_model[d->channel->ide->model];
    return d->kind == IDE_DISK ? modes & d->capacity.udma : modes;
}

/* -- SET FEATURES ---------------------------------------------------------------------------- */

/* PIO default (00h, 01h: without IORDY), PIO 0-4 with flow control (08h + n), multiword DMA (20h +
 * n), Ultra DMA (40h + n). Single word DMA (10h + n) went with ATA-3. */
static uint32_t ide_set_transfer_mode(IdeDrive *d)
{
    uint32_t mode = d->nsect & 7u, bit = 1u << mode;
    switch (d->nsect >> 3) {
    case 0:
        if (mode > 1)
            return 0;
        d->xfer_pio = 0x08;
        return 1;
    case 1:
        if (mode > 4)
            return 0;
        d->xfer_pio = d->nsect;
        return 1;
    case 4:
        if (!(ide_modes_mwdma(d) & bit))
            return 0;
        d->xfer_dma = d->nsect;
        return 1;
    case 8:
        if (!(ide_modes_udma(d) & bit))
            return 0;
        d->xfer_dma = d->nsect;
        return 1;
    default: return 0;
    }
}

static uint32_t ide_set_level(uint8_t *level, uint8_t value, uint32_t lo, uint32_t hi)
{
    if (value < lo || value > hi)
        return 0;
    *level = value;
    return 1;
}

static uint32_t ide_set_disk_features(IdeDrive *d)
{
    switch (d->feature) {
    case 0x02: /* write cache */
    case 0x82: d->write_cache = d->feature == 0x02; return 1;
    case 0x55: /* look-ahead */
    case 0xaa: d->look_ahead = d->feature == 0xaa; return 1;
    case 0x05: /* advanced power management */ return ide_set_level(&d->apm, d->nsect, 0x01, 0xfe);
    case 0x85: d->apm = 0; return 1;
    case 0x42: /* automatic acoustic management */
        return ide_has(d, IDE_HAS_AAM) && ide_set_level(&d->aam, d->nsect, 0x80, 0xfe);
    case 0xc2: d->aam = 0; return ide_has(d, IDE_HAS_AAM);
    case 0x06: /* power-up in standby */
    case 0x86:
        if (ide_has(d, IDE_HAS_PUIS))
            d->puis = d->feature == 0x06;
        return ide_has(d, IDE_HAS_PUIS);
    default: return 0;
    }
}

uint32_t ide_set_features(IdeDrive *d)
{
    switch (d->feature) {
    case 0x03: return ide_set_transfer_mode(d);
    case 0x66: /* what a software reset does to all this */
    case 0xcc: d->revert = d->feature == 0xcc; return 1;
    default: return d->kind == IDE_DISK ? ide_set_disk_features(d) : 0;
    }
}

/* Power-on values; a software reset restores some where SET FEATURES CCh wants it. */
void ide_features_reset(IdeDrive *d, uint32_t hard)
{
    if (!hard && !d->revert)
        return;
    d->write_cache = d->look_ahead = 1;
    d->apm = d->aam = 0;
    d->multiple = 0;
    if (!hard)
        return;
    d->revert = 0;
    d->xfer_pio = 0x0c;
    d->xfer_dma = 0x22;
    d->heads = d->def_heads;
    d->spt = d->def_spt;
    d->standby_ns = 0;
    d->standby = d->puis;
}

/* -- Power ----------------------------------------------------------------------------------- */

/* STANDBY and IDLE: the timer's period from the sector count (table 26). */
static uint64_t ide_standby_period(uint8_t n)
{
    if (n <= 240)
        return n * 5ull * IDE_SECOND;
    switch (n) {
    case 252: return 21 * IDE_MINUTE;
    case 253: /* between 8 and 12 hours */
    case 254: /* reserved */ return 8 * 60 * IDE_MINUTE;
    case 255: return 21 * IDE_MINUTE + 15 * IDE_SECOND;
    default: return (n - 240ull) * 30 * IDE_MINUTE;
    }
}

void ide_standby_arm(IdeDrive *d)
{
    const viv_dev_api_t *api = d->channel->ide->dev->api;
    if (!d->standby_timer)
        return;
    if (d->standby_ns && !d->standby)
        api->timer_arm(d->standby_timer, api->time_ns(d->channel->ide->dev) + d->standby_ns);
    else
        api->timer_cancel(d->standby_timer);
}

/* A drive that is at work starts the period again. */
void ide_standby_expired(IdeDrive *d)
{
    if (d->status & (IDE_ST_BSY | IDE_ST_DRQ))
        ide_standby_arm(d);
    else
        d->standby = d->standby_ns != 0;
}

uint32_t ide_power_command(IdeDrive *d)
{
    switch (d->command) {
    case 0x98: /* CHECK POWER MODE */
    case 0xe5: d->nsect = d->standby ? 0x00 : 0xff; break;
    case 0x99: /* SLEEP */
    case 0xe6: d->asleep = d->standby = 1; break;
    case 0x96: /* STANDBY */
    case 0xe2:
        d->standby_ns = ide_standby_period(d->nsect);
        d->standby = 1;
        break;
    case 0x94: /* STANDBY IMMEDIATE */
    case 0xe0: d->standby = 1; break;
    case 0x97: /* IDLE */
    case 0xe3:
        d->standby_ns = ide_standby_period(d->nsect);
        d->standby = 0;
        break;
    case 0x95: /* IDLE IMMEDIATE */
    case 0xe1: d->standby = 0; break;
    default: return 0;
    }
    ide_standby_arm(d);
    ide_finish(d, 1);
    return 1;
}
