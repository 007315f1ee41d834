/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: packet commands about the drive itself - INQUIRY, tray and lock, events, power, speed,
 * keys. MMC-3 (T10 1363D), SPC-3 for vital product data. */
#include "ide.h"

#include <string.h>

static void ide_mmc_text(uint8_t *p, uint32_t len, const char *text)
{
    memset(p, ' ', len);
    for (uint32_t i = 0; i < len && text[i]; i++)
        p[i] = text[i] >= 0x20 && text[i] < 0x7f ? (uint8_t)text[i] : '?';
}

/* -- INQUIRY --------------------------------------------------------------------------------- */

/* Vital product data; returns the length, 0: no such page. */
static uint32_t ide_mmc_vital(const IdeDrive *d, uint8_t page, uint8_t *p)
{
    p[0] = 0x05;
    p[1] = page;
    switch (page) {
    case 0x00: /* the pages */
        p[3] = 3;
        p[5] = 0x80;
        p[6] = 0x83;
        return 7;
    case 0x80: /* unit serial number */
        p[3] = 20;
        ide_mmc_text(p + 4, 20, d->serial);
        return 24;
    case 0x83: /* identification: vendor, product, serial number as text */
        p[3] = 4 + 44;
        p[4] = 0x02;
        p[5] = 0x01;
        p[7] = 44;
        ide_mmc_text(p + 8, 8, d->vendor);
        ide_mmc_text(p + 16, 16, d->product);
        ide_mmc_text(p + 32, 20, d->serial);
        return 52;
    default: return 0;
    }
}

void ide_mmc_inquiry(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t allocation = ide_get_be16(d->packet + 3), len = 36;
    memset(p, 0, 64);
    if (d->packet[1] & 1u) {
        len = ide_mmc_vital(d, d->packet[2], p);
    } else if ((d->packet[1] & 2u) || d->packet[2]) { /* command support, page without EVPD */
        len = 0;
    } else {
        p[0] = 0x05; /* CD/DVD */
        p[1] = 0x80; /* removable */
        p[3] = 0x21; /* ATAPI, response format 1 */
        p[4] = 31;
        ide_mmc_text(p + 8, 8, d->vendor);
        ide_mmc_text(p + 16, 16, d->product);
        ide_mmc_text(p + 32, 4, d->revision);
    }
    if (len)
        ide_atapi_reply(d, len, allocation);
    else
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
}

/* -- Tray, lock, power ----------------------------------------------------------------------- */

static void ide_mmc_eject(IdeDrive *d, uint32_t eject)
{
    viv_status_t st = VIV_E_UNSUPPORTED;
    if (VIV_HAS(d->media, eject))
        st = d->media->eject(d->media_self, eject);
    if (st < 0 && st != VIV_E_UNSUPPORTED) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x53, st == VIV_E_BUSY ? 2 : 0);
        return;
    }
    if (st >= 0) {
        d->cd_tray_open = eject != 0;
        ide_atapi_medium(d, 0);
    }
    ide_atapi_ok(d);
}

/* Power conditions 1 active, 2 idle, 3 standby, 5 sleep (which here is standby too). */
static void ide_mmc_power(IdeDrive *d, uint8_t condition)
{
    uint8_t standby = condition == 3 || condition == 5;
    if (condition > 5 || condition == 4) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    d->power_event = d->standby != standby;
    d->standby = standby;
    ide_atapi_ok(d);
}

/* LoEj and Start: 00 stop, 01 start, 10 eject, 11 load. */
void ide_mmc_start_stop(IdeDrive *d)
{
    uint8_t what = d->packet[4] & 3u;
    if (d->packet[4] & 0xf0u)
        ide_mmc_power(d, d->packet[4] >> 4);
    else if (what == 2 && d->prevent)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x53, 2);
    else if (what >= 2)
        ide_mmc_eject(d, what == 2);
    else if (what == 0 || !ide_atapi_not_ready(d))
        ide_atapi_ok(d);
}

/* Bit 0 as ever; with bit 1 the persistent kind, under which the button gives an event. Each is
 * taken back by itself. */
void ide_mmc_prevent(IdeDrive *d)
{
    uint8_t which = (d->packet[4] & 2u) ? 2u : 1u;
    if (d->packet[4] & 1u)
        d->prevent |= which;
    else
        d->prevent &= (uint8_t)~which;
    if (VIV_HAS(d->media, lock))
        d->media->lock(d->media_self, d->prevent != 0);
    ide_atapi_ok(d);
}

void ide_mmc_mechanism_status(IdeDrive *d)
{
    memset(d->buf, 0, 8);
    d->buf[1] = d->cd_tray_open ? 0x10 : 0; /* door */
    ide_put_be24(d->buf + 2, (uint32_t)d->lba & 0xffffffu);
    d->buf[5] = 1; /* slots; no slot table, as for a drive without a changer */
    ide_atapi_reply(d, 8, ide_get_be16(d->packet + 8));
}

/* -- GET EVENT STATUS NOTIFICATION, polled only ---------------------------------------------- */

#define IDE_CLASSES 0x5eu /* operational change, power, external request, media, busy */

/* The event that waits in a class and its state; 1 if there is one. */
static uint32_t ide_mmc_event(const IdeDrive *d, uint32_t class, uint8_t *p)
{
    memset(p, 0, 4);
    switch (class) {
    case 2:
        p[0] = d->power_event ? 1 : 0; /* changed as it should */
        p[1] = d->standby ? 3 : 1;
        break;
    case 4:
        p[0] = (d->events & IDE_EVENT_EJECT_REQUEST) ? 1
               : (d->events & IDE_EVENT_REMOVAL)     ? 3
               : (d->events & IDE_EVENT_NEW)         ? 2
                                                     : 0;
        p[1] = (uint8_t)((d->cd_tray_open ? 1u : 0u) | (d->cd_present ? 2u : 0u));
        break;
    default: break;
    }
    return p[0] != 0;
}

/* Of the classes asked for the first that has something to tell, else the first. */
static uint32_t ide_mmc_event_class(const IdeDrive *d, uint32_t wanted)
{
    uint8_t event[4];
    uint32_t first = 0;
    for (uint32_t class = 7; class > 0; class --) {
        if (wanted >> class & 1u)
            first = class;
    }
    for (uint32_t class = 1; class < 8; class ++) {
        if ((wanted >> class & 1u) && ide_mmc_event(d, class, event))
            return class;
    }
    return first;
}

void ide_mmc_get_event(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t allocation = ide_get_be16(d->packet + 7);
    uint32_t class = ide_mmc_event_class(d, d->packet[4] & IDE_CLASSES);
    if (!(d->packet[1] & 1u)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 8);
    p[3] = IDE_CLASSES;
    if (class == 0) {
        ide_put_be16(p, 2);
        p[2] = 0x80; /* no event available */
        ide_atapi_reply(d, 4, allocation);
        return;
    }
    ide_put_be16(p, 6);
    p[2] = (uint8_t) class;
    ide_mmc_event(d, class, p + 4);
    if (allocation > 4 && class == 4)
        d->events &= (uint8_t) ~(1u << p[4]);
    if (allocation > 4 && class == 2)
        d->power_event = 0;
    ide_atapi_reply(d, 8, allocation);
}

/* -- Speed ----------------------------------------------------------------------------------- */

void ide_mmc_set_cd_speed(IdeDrive *d)
{
    uint32_t speed = ide_get_be16(d->packet + 2);
    d->speed_kb = speed < 176 ? 176 : speed > IDE_CD_SPEED_KB ? IDE_CD_SPEED_KB : speed;
    ide_atapi_ok(d);
}

/* A performance descriptor of 28 bytes, or nothing. */
void ide_mmc_set_streaming(IdeDrive *d)
{
    uint32_t len = ide_get_be16(d->packet + 9);
    if (len != 0 && len != 28)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x1a, 0);
    else
        ide_atapi_receive(d, len);
}

/* Nominal performance: one descriptor over the medium. No exceptions, no write speeds. */
void ide_mmc_get_performance(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t end = d->cd_present ? d->cd_sectors - 1u : 0, most = ide_get_be16(d->packet + 8);
    uint32_t empty = d->packet[10] == 3 || (d->packet[1] & 7u) || most == 0;
    if (d->packet[10] != 0 && d->packet[10] != 3) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 24);
    p[4] = d->packet[1] & 7u;
    ide_put_be32(p, empty ? 4 : 20);
    ide_put_be32(p + 12, d->speed_kb);
    ide_put_be32(p + 16, end);
    ide_put_be32(p + 20, d->speed_kb);
    ide_atapi_reply(d, empty ? 8 : 24, 24);
}

/* -- Keys ------------------------------------------------------------------------------------ */

/* REPORT KEY: no medium has CSS. The region state is of a drive that was never set. */
void ide_mmc_report_key(IdeDrive *d)
{
    uint8_t format = d->packet[10] & 0x3fu;
    if (format == 0x3f) { /* give back a grant */
        ide_atapi_ok(d);
    } else if (format == 0x08) {
        memset(d->buf, 0, 8);
        d->buf[1] = 6;
        d->buf[4] = 4 << 3 | 5; /* four resets by the maker, five changes by the user are left */
        d->buf[5] = 0xff;       /* no region */
        ide_atapi_reply(d, 8, ide_get_be16(d->packet + 8));
    } else if (d->cd_present && ide_mmc_is_dvd(d)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x6f, 1); /* key not present */
    } else {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x30, 2);
    }
}
