/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: SMART of a disk that never ages, but whose failures are counted. ATA/ATAPI-6 (T13 1410D
 * rev 3b), sections 6.14 and 8.55; the layout of the attributes is the common vendor one.
 * Self-tests take virtual time. They read nothing, and fail if the disk has sectors that it could
 * not read (WRITE UNCORRECTABLE EXT makes such). */
#include "ide.h"

#include <string.h>

#define IDE_SMART_ATTRIBUTES_AT   2u
#define IDE_SMART_ATTRIBUTE_BYTES 12u
#define IDE_HOUR_NS               3600000000000ull
#define IDE_TEST_SHORT_NS         20000000000ull
#define IDE_TEST_EXTENDED_NS      60000000000ull

#define IDE_TEST_CAPTIVE     0x80u
#define IDE_TEST_OK          0x0u /* execution status, high nibble */
#define IDE_TEST_ABORTED     0x1u
#define IDE_TEST_RESET       0x2u
#define IDE_TEST_READ_FAILED 0x7u
#define IDE_TEST_RUNNING     0xfu

enum { RAW_ZERO, RAW_HOURS, RAW_STARTS, RAW_BAD, RAW_CELSIUS };

static const struct {
    uint8_t id, flags, value, threshold, raw;
} ide_smart_attributes[] = {
    {1, 0x03, 100, 16, RAW_ZERO},     /* raw read error rate */
    {3, 0x03, 100, 24, RAW_ZERO},     /* spin-up time */
    {4, 0x12, 100, 0, RAW_STARTS},    /* start/stop count */
    {5, 0x33, 100, 5, RAW_ZERO},      /* reallocated sectors */
    {9, 0x12, 100, 0, RAW_HOURS},     /* power-on hours */
    {12, 0x12, 100, 0, RAW_STARTS},   /* power cycles */
    {194, 0x22, 100, 0, RAW_CELSIUS}, /* temperature */
    {197, 0x22, 100, 0, RAW_BAD},     /* pending sectors */
    {198, 0x10, 100, 0, RAW_BAD},     /* uncorrectable sectors */
    {199, 0x22, 200, 0, RAW_ZERO},    /* CRC errors on the cable */
};
#define IDE_SMART_COUNT (sizeof(ide_smart_attributes) / sizeof(ide_smart_attributes[0]))

void ide_smart_init(IdeDrive *d)
{
    memset(&d->smart, 0, sizeof(d->smart));
    d->smart_on = d->smart_autosave = 1;
}

uint32_t ide_hours(const IdeDrive *d)
{
    viv_dev_t *dev = d->channel->ide->dev;
    return (uint32_t)(dev->api->time_ns(dev) / IDE_HOUR_NS) & 0xffffu;
}

void ide_smart_checksum(uint8_t *page)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < IDE_SECTOR - 1; i++)
        sum = (uint8_t)(sum + page[i]);
    page[IDE_SECTOR - 1] = (uint8_t)-sum;
}

static uint32_t ide_smart_bad(const IdeDrive *d)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < IDE_BAD_RANGES; i++)
        n += d->bad.count[i];
    return n < 0xffffffffu ? (uint32_t)n : 0xffffffffu;
}

static uint32_t ide_smart_raw(const IdeDrive *d, uint8_t what)
{
    switch (what) {
    case RAW_HOURS: return ide_hours(d);
    case RAW_STARTS: return d->smart.starts;
    case RAW_BAD: return ide_smart_bad(d);
    case RAW_CELSIUS: return 30;
    default: return 0;
    }
}

/* -- Self-tests ------------------------------------------------------------------------------ */

static uint64_t ide_test_ns(uint8_t test)
{
    return (test & 0x7fu) == 1 ? IDE_TEST_SHORT_NS : IDE_TEST_EXTENDED_NS;
}

/* Byte 363: result or "runs", and how many tenths are left. */
static uint8_t ide_test_status(const IdeDrive *d)
{
    const viv_dev_t *dev = d->channel->ide->dev;
    if (!d->smart.test || !d->test_timer)
        return (uint8_t)(d->smart.test_result << 4);
    uint64_t now = dev->api->time_ns(d->channel->ide->dev);
    uint64_t end = dev->api->timer_deadline(d->test_timer);
    uint64_t left = end > now && end != UINT64_MAX ? end - now : 0;
    uint64_t tenths = (left * 10u + ide_test_ns(d->smart.test) - 1u) / ide_test_ns(d->smart.test);
    return (uint8_t)(IDE_TEST_RUNNING << 4 | (tenths < 9 ? tenths : 9));
}

static void ide_test_end(IdeDrive *d, uint8_t result)
{
    uint8_t test = d->smart.test;
    if (!test)
        return;
    uint8_t status = (uint8_t)(result << 4 | (ide_test_status(d) & 0x0fu));
    d->smart.test = 0;
    d->smart.test_result = result;
    d->channel->ide->dev->api->timer_cancel(d->test_timer);
    ide_log_test(d, test, status);
}

/* Its time is up. A failed captive test says so in the registers. */
void ide_smart_test_done(IdeDrive *d)
{
    uint32_t captive = d->phase == IDE_PH_WAIT && d->op == IDE_OP_SELF_TEST;
    uint32_t failed = ide_smart_bad(d) != 0;
    ide_test_end(d, failed ? IDE_TEST_READ_FAILED : IDE_TEST_OK);
    if (!captive)
        return;
    d->lbam = failed ? 0xf4 : 0x4f;
    d->lbah = failed ? 0x2c : 0xc2;
    if (failed)
        ide_abort(d, IDE_ER_ABRT);
    else
        ide_finish(d, 1);
}

/* A reset ends a captive test, and one off-line too. */
void ide_smart_test_reset(IdeDrive *d)
{
    ide_test_end(d, IDE_TEST_RESET);
}

/* EXECUTE OFF-LINE IMMEDIATE: 0 the off-line routine, which has nothing to do; 1 short, 2 extended,
 * 7Fh abort; with 80h captive. */
static uint32_t ide_smart_execute(IdeDrive *d)
{
    uint8_t test = d->lbal;
    viv_dev_t *dev = d->channel->ide->dev;
    if (test == 0) {
        ide_finish(d, 1);
        return 1;
    }
    if (!ide_has(d, IDE_HAS_SELF_TEST))
        return 0;
    if (test == 0x7f) {
        ide_test_end(d, IDE_TEST_ABORTED);
        ide_finish(d, 1);
        return 1;
    }
    if ((test & 0x7fu) != 1 && (test & 0x7fu) != 2)
        return 0;
    ide_test_end(d, IDE_TEST_ABORTED); /* a new one ends the old */
    d->smart.test = test;
    dev->api->timer_arm(d->test_timer, dev->api->time_ns(dev) + ide_test_ns(test));
    if (test & IDE_TEST_CAPTIVE) {
        d->op = IDE_OP_SELF_TEST;
        d->phase = IDE_PH_WAIT;
        d->status = IDE_ST_BSY;
    } else {
        ide_finish(d, 1);
    }
    return 1;
}

/* -- Data ------------------------------------------------------------------------------------ */

static void ide_smart_data(IdeDrive *d, uint8_t *page)
{
    memset(page, 0, IDE_SECTOR);
    ide_put_le16(page, 16);
    for (uint32_t i = 0; i < IDE_SMART_COUNT; i++) {
        uint8_t *a = page + IDE_SMART_ATTRIBUTES_AT + (size_t)i * IDE_SMART_ATTRIBUTE_BYTES;
        uint32_t raw = ide_smart_raw(d, ide_smart_attributes[i].raw);
        a[0] = ide_smart_attributes[i].id;
        a[1] = ide_smart_attributes[i].flags;
        a[3] = a[4] = ide_smart_attributes[i].value;
        ide_put_le16(a + 5, raw & 0xffffu);
        ide_put_le16(a + 7, raw >> 16);
    }
    page[362] = d->smart.auto_offline ? 0x82 : 0x02; /* off-line collection was completed */
    page[363] = ide_test_status(d);
    ide_put_le16(page + 364, 1); /* seconds that off-line collection takes */
    page[367] = ide_has(d, IDE_HAS_SELF_TEST) ? 0x13 : 0x03;
    ide_put_le16(page + 368, 0x0003); /* saves attributes, autosave */
    page[370] = ide_has(d, IDE_HAS_ERROR_LOG) ? 0x01 : 0x00;
    page[372] = page[373] = 1; /* minutes that self-tests take */
    ide_smart_checksum(page);
}

static void ide_smart_thresholds(uint8_t *page)
{
    memset(page, 0, IDE_SECTOR);
    ide_put_le16(page, 16);
    for (uint32_t i = 0; i < IDE_SMART_COUNT; i++) {
        uint8_t *a = page + IDE_SMART_ATTRIBUTES_AT + (size_t)i * IDE_SMART_ATTRIBUTE_BYTES;
        a[0] = ide_smart_attributes[i].id;
        a[1] = ide_smart_attributes[i].threshold;
    }
    ide_smart_checksum(page);
}

/* Values of the sector count that switch something off and on: 0 and `on`. */
static uint32_t ide_smart_switch(IdeDrive *d, uint8_t *what, uint8_t on)
{
    if (d->nsect != 0 && d->nsect != on)
        return 0;
    *what = d->nsect != 0;
    ide_finish(d, 1);
    return 1;
}

static uint32_t ide_smart_run(IdeDrive *d, uint8_t sub)
{
    switch (sub) {
    case 0xd0: /* READ DATA */
        ide_smart_data(d, d->buf);
        ide_ata_reply(d, IDE_SECTOR);
        return 1;
    case 0xd1: /* READ ATTRIBUTE THRESHOLDS */
        ide_smart_thresholds(d->buf);
        ide_ata_reply(d, IDE_SECTOR);
        return 1;
    case 0xd2: /* ATTRIBUTE AUTOSAVE */ return ide_smart_switch(d, &d->smart_autosave, 0xf1);
    case 0xd3: /* SAVE ATTRIBUTE VALUES */ ide_finish(d, 1); return 1;
    case 0xd4: return ide_smart_execute(d);
    case 0xd5: ide_log_read(d, 0); return 1;
    case 0xd6: ide_log_write(d, 0); return 1;
    case 0xd8: /* ENABLE, DISABLE OPERATIONS */
    case 0xd9:
        d->smart_on = sub == 0xd8;
        ide_finish(d, 1);
        return 1;
    case 0xda: /* RETURN STATUS: the signature as it came, no threshold is exceeded */
        ide_finish(d, 1);
        return 1;
    case 0xdb: /* AUTO OFF-LINE */ return ide_smart_switch(d, &d->smart.auto_offline, 0xf8);
    default: return 0;
    }
}

void ide_smart(IdeDrive *d)
{
    uint8_t sub = d->feature;
    if (!ide_has(d, IDE_HAS_SMART) || d->lbam != 0x4f || d->lbah != 0xc2 ||
        (!d->smart_on && sub != 0xd8) || !ide_smart_run(d, sub))
        ide_abort(d, IDE_ER_ABRT);
}
