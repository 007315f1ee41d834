/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: SMART of a disk that never ages. ATA/ATAPI-6 section 8.55; the attribute layout is the
 * common vendor one. The logs are empty, a self-test succeeds at once. */
#include "ide.h"

#include <string.h>

#define IDE_SMART_ATTRIBUTES_AT   2u
#define IDE_SMART_ATTRIBUTE_BYTES 12u

/* Id, flags, value, worst, threshold; raw values are 0. */
static const struct {
    uint8_t id, flags, value, threshold;
} ide_smart_attributes[] = {
    {1, 0x03, 100, 16},  /* raw read error rate */
    {3, 0x03, 100, 24},  /* spin-up time */
    {4, 0x12, 100, 0},   /* start/stop count */
    {5, 0x33, 100, 5},   /* reallocated sectors */
    {9, 0x12, 100, 0},   /* power-on hours */
    {12, 0x12, 100, 0},  /* power cycles */
    {197, 0x22, 100, 0}, /* pending sectors */
};

static void ide_smart_checksum(uint8_t *page)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < IDE_SECTOR - 1; i++)
        sum = (uint8_t)(sum + page[i]);
    page[IDE_SECTOR - 1] = (uint8_t)-sum;
}

static void ide_smart_data(uint8_t *page)
{
    memset(page, 0, IDE_SECTOR);
    ide_put_le16(page, 16);
    for (uint32_t i = 0; i < sizeof(ide_smart_attributes) / sizeof(ide_smart_attributes[0]); i++) {
        uint8_t *a = page + IDE_SMART_ATTRIBUTES_AT + (size_t)i * IDE_SMART_ATTRIBUTE_BYTES;
        a[0] = ide_smart_attributes[i].id;
        a[1] = ide_smart_attributes[i].flags;
        a[3] = a[4] = ide_smart_attributes[i].value;
    }
    page[362] = 0x02;                 /* off-line collection was completed */
    page[367] = 0x11;                 /* immediate off-line collection, self-tests */
    ide_put_le16(page + 368, 0x0003); /* saves attributes, autosave */
    page[370] = 0x01;                 /* error log */
    page[372] = page[373] = 1;        /* minutes that self-tests take */
    ide_smart_checksum(page);
}

static void ide_smart_thresholds(uint8_t *page)
{
    memset(page, 0, IDE_SECTOR);
    ide_put_le16(page, 16);
    for (uint32_t i = 0; i < sizeof(ide_smart_attributes) / sizeof(ide_smart_attributes[0]); i++) {
        uint8_t *a = page + IDE_SMART_ATTRIBUTES_AT + (size_t)i * IDE_SMART_ATTRIBUTE_BYTES;
        a[0] = ide_smart_attributes[i].id;
        a[1] = ide_smart_attributes[i].threshold;
    }
    ide_smart_checksum(page);
}

/* 0: no such log. */
static uint32_t ide_smart_log(uint8_t *page, uint8_t address)
{
    memset(page, 0, IDE_SECTOR);
    switch (address) {
    case 0x00: /* directory: version, then the sectors of each log */
        ide_put_le16(page, 1);
        ide_put_le16(page + 0x02, 1);
        ide_put_le16(page + 0x0c, 1);
        return 1;
    case 0x01: /* summary error log */ page[0] = 1; break;
    case 0x06: /* self-test log */ ide_put_le16(page, 1); break;
    default: return 0;
    }
    ide_smart_checksum(page);
    return 1;
}

void ide_smart(IdeDrive *d)
{
    uint8_t sub = d->feature;
    if (d->lbam != 0x4f || d->lbah != 0xc2 || (!d->smart_on && sub != 0xd8)) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    switch (sub) {
    case 0xd0:
        ide_smart_data(d->buf);
        ide_ata_reply(d, IDE_SECTOR);
        return;
    case 0xd1:
        ide_smart_thresholds(d->buf);
        ide_ata_reply(d, IDE_SECTOR);
        return;
    case 0xd2:
        if (d->nsect != 0 && d->nsect != 0xf1)
            break;
        d->smart_autosave = d->nsect != 0;
        ide_finish(d, 1);
        return;
    case 0xd3: /* save attributes */
    case 0xd4: /* off-line immediate */ ide_finish(d, 1); return;
    case 0xd5:
        if (d->nsect != 1 || !ide_smart_log(d->buf, d->lbal))
            break;
        ide_ata_reply(d, IDE_SECTOR);
        return;
    case 0xd8:
    case 0xd9:
        d->smart_on = sub == 0xd8;
        ide_finish(d, 1);
        return;
    case 0xda: /* the registers unchanged: no threshold exceeded */ ide_finish(d, 1); return;
    default: break;
    }
    ide_abort(d, IDE_ER_ABRT);
}
