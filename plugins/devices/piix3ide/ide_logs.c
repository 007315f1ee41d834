/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the logs of a disk, by SMART READ/WRITE LOG and by READ/WRITE LOG EXT. ATA/ATAPI-6 (T13
 * 1410D rev 3b), sections 8.29, 8.55.6, 8.55.8 and 8.63.
 * Commands and errors are kept in the form of the extended comprehensive error log, the longest one;
 * the other forms are made from it. */
#include "ide.h"

#include <stdlib.h>
#include <string.h>

#define IDE_MS_NS 1000000u

#define IDE_LOG_DIRECTORY     0x00u
#define IDE_LOG_SUMMARY       0x01u
#define IDE_LOG_COMPREHENSIVE 0x02u
#define IDE_LOG_EXT_ERRORS    0x03u /* general purpose only */
#define IDE_LOG_SELF_TEST     0x06u /* SMART only */
#define IDE_LOG_EXT_SELF_TEST 0x07u /* general purpose only */
#define IDE_LOG_HOST          0x80u

/* -- Keeping --------------------------------------------------------------------------------- */

/* Registers in the order of the extended log, from the sector count on: current and previous. */
static void ide_log_registers(const IdeDrive *d, uint8_t *p)
{
    const uint8_t regs[8] = {d->nsect, d->hob_nsect, d->lbal, d->hob_lbal,
                             d->lbam,  d->hob_lbam,  d->lbah, d->hob_lbah};
    memcpy(p, regs, sizeof(regs));
}

void ide_log_command(IdeDrive *d, uint8_t command)
{
    viv_dev_t *dev = d->channel->ide->dev;
    uint8_t *all = d->smart.commands;
    uint8_t *p = all + (size_t)(IDE_LOG_COMMANDS - 1) * IDE_LOG_COMMAND_BYTES;
    uint32_t ms = (uint32_t)(dev->api->time_ns(dev) / IDE_MS_NS);
    memmove(all, all + IDE_LOG_COMMAND_BYTES,
            (size_t)(IDE_LOG_COMMANDS - 1) * IDE_LOG_COMMAND_BYTES);
    memset(p, 0, IDE_LOG_COMMAND_BYTES);
    p[0] = d->channel->control;
    p[1] = d->feature;
    p[2] = d->hob_feature;
    ide_log_registers(d, p + 3);
    p[11] = d->channel->device;
    p[12] = command;
    ide_put_le16(p + 14, ms & 0xffffu);
    ide_put_le16(p + 16, ms >> 16);
}

void ide_log_error(IdeDrive *d)
{
    uint8_t *p =
        d->smart.error_log + (size_t)(d->smart.errors % IDE_LOG_ERRORS) * IDE_LOG_ERROR_BYTES;
    memcpy(p, d->smart.commands, sizeof(d->smart.commands));
    p += sizeof(d->smart.commands);
    memset(p, 0, 34);
    p[1] = d->error;
    ide_log_registers(d, p + 2);
    p[10] = d->channel->device;
    p[11] = d->status;
    p[31] = d->smart.test ? 0x04 : d->standby ? 0x02 : 0x03; /* self-test, standby, active */
    ide_put_le16(p + 32, ide_hours(d));
    d->smart.errors++;
}

void ide_log_test(IdeDrive *d, uint8_t test, uint8_t status)
{
    uint8_t *p = d->smart.test_log + (size_t)(d->smart.tests % IDE_LOG_TESTS) * 4u;
    p[0] = test;
    p[1] = status;
    ide_put_le16(p + 2, ide_hours(d));
    d->smart.tests++;
}

/* -- Making ---------------------------------------------------------------------------------- */

/* Where entry number `total` of a ring of n stands, from 1; 0: there is none. */
static uint32_t ide_log_newest(uint32_t total, uint32_t n)
{
    return total ? (total - 1u) % n + 1u : 0;
}

/* The number (from 0) of what stands at `slot` in a ring of n; UINT32_MAX: nothing. */
static uint32_t ide_log_number(uint32_t total, uint32_t n, uint32_t slot)
{
    if (slot >= total)
        return UINT32_MAX;
    return (total - 1u - slot) / n * n + slot;
}

/* 90 bytes of the 28-bit form. */
static void ide_log_summarize(const uint8_t *from, uint8_t *to)
{
    static const uint8_t command_from[8] = {0, 1, 3, 5, 7, 9, 11, 12};
    static const uint8_t error_from[8] = {0, 1, 2, 4, 6, 8, 10, 11};
    for (uint32_t c = 0; c < IDE_LOG_COMMANDS; c++) {
        for (uint32_t i = 0; i < 8; i++)
            to[12 * c + i] = from[IDE_LOG_COMMAND_BYTES * c + command_from[i]];
        memcpy(to + 12 * (size_t)c + 8, from + IDE_LOG_COMMAND_BYTES * (size_t)c + 14, 4);
    }
    from += (size_t)IDE_LOG_COMMANDS * IDE_LOG_COMMAND_BYTES;
    for (uint32_t i = 0; i < 8; i++)
        to[60 + i] = from[error_from[i]];
    to[60 + 27] = from[31];
    memcpy(to + 60 + 28, from + 32, 2);
}

static void ide_log_summary(const IdeDrive *d, uint8_t *page)
{
    uint32_t total = d->smart.errors;
    page[0] = 1;
    page[1] = (uint8_t)ide_log_newest(total, 5);
    for (uint32_t slot = 0; slot < 5; slot++) {
        uint32_t number = ide_log_number(total, 5, slot);
        if (number != UINT32_MAX)
            ide_log_summarize(d->smart.error_log +
                                  (size_t)(number % IDE_LOG_ERRORS) * IDE_LOG_ERROR_BYTES,
                              page + 2 + 90 * (size_t)slot);
    }
    ide_put_le16(page + 452, total < 0xffffu ? total : 0xffffu);
    ide_smart_checksum(page);
}

/* Two sectors of four entries. */
static void ide_log_ext_errors(const IdeDrive *d, uint8_t *page, uint32_t sector)
{
    uint32_t total = d->smart.errors;
    page[0] = 1;
    ide_put_le16(page + 2, ide_log_newest(total, IDE_LOG_ERRORS));
    memcpy(page + 4, d->smart.error_log + (size_t)sector * 4u * IDE_LOG_ERROR_BYTES,
           4u * IDE_LOG_ERROR_BYTES);
    ide_put_le16(page + 500, total < 0xffffu ? total : 0xffffu);
    ide_smart_checksum(page);
}

/* Both forms of the self-test log differ in the length of an entry and where things stand. */
static void ide_log_tests(const IdeDrive *d, uint8_t *page, uint32_t ext)
{
    uint32_t slots = ext ? 19 : IDE_LOG_TESTS, total = d->smart.tests;
    uint32_t newest = ide_log_newest(total, slots);
    ide_put_le16(page, 1);
    if (ext)
        ide_put_le16(page + 2, newest);
    else
        page[508] = (uint8_t)newest;
    for (uint32_t slot = 0; slot < slots; slot++) {
        uint32_t number = ide_log_number(total, slots, slot);
        uint8_t *to = page + (ext ? 4 + 26 * (size_t)slot : 2 + 24 * (size_t)slot);
        if (number != UINT32_MAX)
            memcpy(to, d->smart.test_log + 4 * (size_t)(number % IDE_LOG_TESTS), 4);
    }
    ide_smart_checksum(page);
}

/* How many sectors a log has; 0: there is no such log. */
static uint32_t ide_log_sectors(const IdeDrive *d, uint32_t log, uint32_t general)
{
    uint32_t errors = ide_has(d, IDE_HAS_SMART | IDE_HAS_ERROR_LOG);
    uint32_t tests = ide_has(d, IDE_HAS_SMART | IDE_HAS_SELF_TEST);
    if (log >= IDE_LOG_HOST && log < IDE_LOG_HOST + IDE_HOST_LOGS)
        return IDE_HOST_LOG_SECTORS;
    switch (log) {
    case IDE_LOG_DIRECTORY: return 1;
    case IDE_LOG_SUMMARY:
    case IDE_LOG_COMPREHENSIVE: return errors ? 1 : 0;
    case IDE_LOG_EXT_ERRORS: return errors && general ? 2 : 0;
    case IDE_LOG_SELF_TEST: return tests && !general ? 1 : 0;
    case IDE_LOG_EXT_SELF_TEST: return tests && general ? 1 : 0;
    default: return 0;
    }
}

static void ide_log_directory(const IdeDrive *d, uint8_t *page, uint32_t general)
{
    ide_put_le16(page, 1);
    for (uint32_t log = 1; log < 256; log++)
        ide_put_le16(page + 2 * (size_t)log, ide_log_sectors(d, log, general));
}

static void ide_log_page(IdeDrive *d, uint32_t log, uint32_t sector, uint32_t general,
                         uint8_t *page)
{
    memset(page, 0, IDE_SECTOR);
    switch (log) {
    case IDE_LOG_DIRECTORY: ide_log_directory(d, page, general); break;
    case IDE_LOG_SUMMARY:
    case IDE_LOG_COMPREHENSIVE: ide_log_summary(d, page); break;
    case IDE_LOG_EXT_ERRORS: ide_log_ext_errors(d, page, sector); break;
    case IDE_LOG_SELF_TEST: ide_log_tests(d, page, 0); break;
    case IDE_LOG_EXT_SELF_TEST: ide_log_tests(d, page, 1); break;
    default: /* a host's own */
        if (!d->host_logs)
            break;
        memcpy(page,
               d->host_logs +
                   (size_t)((log - IDE_LOG_HOST) * IDE_HOST_LOG_SECTORS + sector) * IDE_SECTOR,
               IDE_SECTOR);
        break;
    }
}

/* -- Commands -------------------------------------------------------------------------------- */

/* Log, first sector and count in the registers: 0, or 1 with all three in range. */
static uint32_t ide_log_place(const IdeDrive *d, uint32_t general, uint32_t *ret_first,
                              uint32_t *ret_count)
{
    uint32_t have = ide_log_sectors(d, d->lbal, general);
    *ret_first = general ? (uint32_t)d->hob_lbam << 8 | d->lbam : 0;
    *ret_count = general ? (uint32_t)d->hob_nsect << 8 | d->nsect : d->nsect;
    return *ret_count && *ret_first < have && *ret_count <= have - *ret_first;
}

void ide_log_read(IdeDrive *d, uint32_t general)
{
    uint32_t first, count;
    if (!ide_log_place(d, general, &first, &count)) {
        ide_abort(d, general ? IDE_ER_IDNF | IDE_ER_ABRT : IDE_ER_ABRT);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        ide_log_page(d, d->lbal, first + i, general, d->buf + (size_t)i * IDE_SECTOR);
    ide_ata_reply(d, count * IDE_SECTOR);
}

uint32_t ide_log_host(IdeDrive *d)
{
    if (!d->host_logs)
        d->host_logs = calloc(1, IDE_HOST_LOG_BYTES);
    return d->host_logs != NULL;
}

void ide_log_write(IdeDrive *d, uint32_t general)
{
    uint32_t first, count;
    if (d->lbal < IDE_LOG_HOST || !ide_log_place(d, general, &first, &count) || !ide_log_host(d)) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    d->lba = (uint64_t)(d->lbal - IDE_LOG_HOST) * IDE_HOST_LOG_SECTORS + first;
    ide_ata_receive(d, IDE_OP_LOG_WRITE, count * IDE_SECTOR);
}

void ide_log_data(IdeDrive *d)
{
    memcpy(d->host_logs + d->lba * IDE_SECTOR, d->buf, d->buf_len);
    ide_finish(d, 1);
}
