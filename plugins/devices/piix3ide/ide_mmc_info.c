/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: packet commands that tell what drive and medium are - configuration, events, mode
 * pages, disc, track and DVD structures. MMC-3 (T10 1363D), Mt. Fuji 3 for DVD structures. */
#include "ide.h"

#include <string.h>

#define IDE_PROFILE_CD  0x0008u
#define IDE_PROFILE_DVD 0x0010u

/* -- GET CONFIGURATION ----------------------------------------------------------------------- */

typedef struct IdeMmcFeature {
    uint16_t code;
    uint8_t flags; /* version << 2 | persistent << 1 | current */
    uint8_t len;
    uint8_t data[8];
} IdeMmcFeature;

#define IDE_FEATURE_CD  0x40u /* current while a CD is in */
#define IDE_FEATURE_DVD 0x80u

static const IdeMmcFeature ide_mmc_features[] = {
    {0x0001, 0x03, 4, {0, 0, 0, 2}},    /* core: ATAPI */
    {0x0002, 0x03, 4, {0x02, 0, 0, 0}}, /* morphing: polled events */
    {0x0003, 0x03, 4, {0x29, 0, 0, 0}}, /* removable: tray, ejects, locks */
    {0x0010,
     IDE_FEATURE_CD | IDE_FEATURE_DVD,
     8,
     {0, 0, 8, 0, 0, 1, 0, 0}},              /* random readable, 2048 */
    {0x001e, 0x08 | IDE_FEATURE_CD, 4, {0}}, /* CD read */
    {0x001f, IDE_FEATURE_DVD, 4, {0}},       /* DVD read */
    {0x0100, 0x03, 0, {0}},                  /* power management */
    {0x0105, 0x03, 0, {0}},                  /* timeout */
};

static uint32_t ide_mmc_profile(const IdeDrive *d)
{
    if (!d->cd_present)
        return 0;
    return ide_mmc_is_dvd(d) ? IDE_PROFILE_DVD : IDE_PROFILE_CD;
}

static uint32_t ide_mmc_put_profiles(const IdeDrive *d, uint8_t *p)
{
    static const uint16_t profiles[2] = {IDE_PROFILE_DVD, IDE_PROFILE_CD};
    p[2] = 0x03;
    p[3] = 8;
    for (uint32_t i = 0; i < 2; i++) {
        ide_put_be16(p + 4 + 4 * (size_t)i, profiles[i]);
        p[6 + 4 * i] = ide_mmc_profile(d) == profiles[i];
    }
    return 12;
}

static uint32_t ide_mmc_put_feature(const IdeMmcFeature *f, uint32_t current, uint8_t *p)
{
    ide_put_be16(p, f->code);
    p[2] = (uint8_t)((f->flags & 0x3eu) | (current ? 1u : 0u));
    p[3] = f->len;
    memcpy(p + 4, f->data, f->len);
    return 4u + f->len;
}

void ide_mmc_get_configuration(IdeDrive *d)
{
    uint32_t which = d->packet[1] & 3u, start = ide_get_be16(d->packet + 2);
    uint32_t profile = ide_mmc_profile(d), len = 8;
    if (which == 3) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(d->buf, 0, 128);
    if (start == 0)
        len += ide_mmc_put_profiles(d, d->buf + len);
    for (uint32_t i = 0; i < sizeof(ide_mmc_features) / sizeof(ide_mmc_features[0]); i++) {
        const IdeMmcFeature *f = &ide_mmc_features[i];
        uint32_t current = f->flags & 1u;
        current |= (f->flags & IDE_FEATURE_CD) && profile == IDE_PROFILE_CD;
        current |= (f->flags & IDE_FEATURE_DVD) && profile == IDE_PROFILE_DVD;
        if (f->code < start || (which == 1 && !current) || (which == 2 && f->code != start))
            continue;
        len += ide_mmc_put_feature(f, current, d->buf + len);
    }
    ide_put_be32(d->buf, len - 4);
    ide_put_be16(d->buf + 6, profile);
    ide_atapi_reply(d, len, ide_get_be16(d->packet + 7));
}

/* -- GET EVENT STATUS NOTIFICATION, polled only ---------------------------------------------- */

void ide_mmc_get_event(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t allocation = ide_get_be16(d->packet + 7);
    if (!(d->packet[1] & 1u)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 8);
    p[3] = 0x10; /* classes: media */
    if (!(d->packet[4] & 0x10u)) {
        ide_put_be16(p, 2);
        p[2] = 0x80; /* no event available */
        ide_atapi_reply(d, 4, allocation);
        return;
    }
    ide_put_be16(p, 6);
    p[2] = 4;
    p[4] = d->event;
    p[5] = (uint8_t)((d->cd_tray_open ? 1u : 0u) | (d->cd_present ? 2u : 0u));
    if (allocation > 4)
        d->event = 0;
    ide_atapi_reply(d, 8, allocation);
}

/* -- Mode pages ------------------------------------------------------------------------------ */

/* Pages that are kept in mode_pages, one behind the other, with default and changeable bits. */
static const uint8_t ide_mode_defaults[36] = {
    0x01, 0x0a, 0, 5, 0, 0,  0, 0,  0, 0,   0, 0,               /* read error recovery */
    0x0d, 0x06, 0, 5, 0, 60, 0, 75,                             /* CD parameters */
    0x0e, 0x0e, 4, 0, 0, 0,  0, 75, 1, 255, 2, 255, 0, 0, 0, 0, /* audio control */
};
static const uint8_t ide_mode_changeable[36] = {
    0x01, 0x0a, 0xff, 0xff, 0,    0, 0, 0, 0, 0, 0,    0,    0x0d, 0x06, 0,    0x0f, 0,    0,
    0,    0,    0x0e, 0x0e, 0x02, 0, 0, 0, 0, 0, 0x0f, 0xff, 0x0f, 0xff, 0x0f, 0xff, 0x0f, 0xff,
};

/* Capabilities and mechanical status: reads nearly everything, tray that locks and ejects, 24x
 * (4234 kB/s). */
static uint32_t ide_mode_capabilities(const IdeDrive *d, uint8_t *p)
{
    static const uint8_t page[20] = {0x2a, 18,   0x3b, 0, 0x70, 0x00, 0x29, 0,
                                     0x10, 0x8a, 0,    0, 2,    0,    0x10, 0x8a};
    memcpy(p, page, sizeof(page));
    p[6] |= d->prevent ? 0x02u : 0u;
    return sizeof(page);
}

void ide_mmc_mode_reset(IdeDrive *d)
{
    memcpy(d->mode_pages, ide_mode_defaults, sizeof(d->mode_pages));
}

/* control: 0 current, 1 changeable, 2 default. Returns the bytes put. */
static uint32_t ide_mode_put(IdeDrive *d, uint8_t code, uint32_t control, uint8_t *p)
{
    const uint8_t *from = control == 0   ? d->mode_pages
                          : control == 1 ? ide_mode_changeable
                                         : ide_mode_defaults;
    uint32_t len = 0;
    for (uint32_t at = 0; at < sizeof(ide_mode_defaults); at += ide_mode_defaults[at + 1] + 2u) {
        uint32_t n = ide_mode_defaults[at + 1] + 2u;
        if (code != 0x3f && code != ide_mode_defaults[at])
            continue;
        memcpy(p + len, from + at, n);
        len += n;
    }
    if (code == 0x3f || code == 0x2a) {
        uint32_t n = ide_mode_capabilities(d, p + len);
        if (control == 1)
            memset(p + len + 2, 0, n - 2);
        len += n;
    }
    return len;
}

/* Medium type: of the old kind, which MMC-3 calls obsolete and which hosts still look at. */
static uint8_t ide_mode_medium(const IdeDrive *d)
{
    if (d->cd_tray_open)
        return 0x71;
    return d->cd_present ? 0x01 : 0x70;
}

void ide_mmc_mode_sense(IdeDrive *d)
{
    uint32_t ten = d->packet[0] == 0x5a, head = ten ? 8 : 4;
    uint32_t allocation = ten ? ide_get_be16(d->packet + 7) : d->packet[4];
    uint32_t control = d->packet[2] >> 6;
    if (control == 3) { /* saved values */
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x39, 0);
        return;
    }
    memset(d->buf, 0, 128);
    uint32_t len = ide_mode_put(d, d->packet[2] & 0x3fu, control, d->buf + head);
    if (len == 0) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    len += head;
    if (ten) {
        ide_put_be16(d->buf, len - 2);
        d->buf[2] = ide_mode_medium(d);
    } else {
        d->buf[0] = (uint8_t)(len - 1);
        d->buf[1] = ide_mode_medium(d);
    }
    ide_atapi_reply(d, len, allocation);
}

void ide_mmc_mode_select(IdeDrive *d)
{
    uint32_t len = d->packet[0] == 0x55 ? ide_get_be16(d->packet + 7) : d->packet[4];
    if (d->packet[1] & 1u) /* nothing can be saved */
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
    else
        ide_atapi_receive(d, len);
}

/* Changes the changeable bits of one page. 0: there is no such page, or not of that length. */
static uint32_t ide_mode_take(IdeDrive *d, const uint8_t *page, uint32_t len)
{
    for (uint32_t at = 0; at < sizeof(ide_mode_defaults); at += ide_mode_defaults[at + 1] + 2u) {
        if ((page[0] & 0x3fu) != ide_mode_defaults[at])
            continue;
        if (len != ide_mode_defaults[at + 1] + 2u)
            return 0;
        for (uint32_t i = 2; i < len; i++) {
            uint8_t mask = ide_mode_changeable[at + i];
            d->mode_pages[at + i] = (uint8_t)((d->mode_pages[at + i] & ~mask) | (page[i] & mask));
        }
        return 1;
    }
    return 0;
}

void ide_mmc_mode_select_data(IdeDrive *d)
{
    uint32_t ten = d->packet[0] == 0x55, at = ten ? 8 : 4;
    uint32_t descriptors = 0;
    if (d->buf_len >= at)
        descriptors = ten ? ide_get_be16(d->buf + 6) : d->buf[3];
    if (d->buf_len < at || descriptors > d->buf_len - at) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x1a, 0);
        return;
    }
    at += descriptors;
    while (at < d->buf_len) {
        if (d->buf_len - at < 2 || d->buf[at + 1] + 2u > d->buf_len - at) {
            ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x1a, 0);
            return;
        }
        uint32_t len = d->buf[at + 1] + 2u;
        if (!ide_mode_take(d, d->buf + at, len)) {
            ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x26, 0);
            return;
        }
        at += len;
    }
    ide_atapi_ok(d);
}

/* -- Disc, track, DVD ------------------------------------------------------------------------ */

void ide_mmc_read_disc_info(IdeDrive *d)
{
    uint8_t *p = d->buf;
    if (d->packet[1] & 7u) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 34);
    ide_put_be16(p, 32);
    p[2] = 0x0e; /* complete disc, complete session */
    p[3] = p[4] = p[5] = p[6] = 1;
    p[7] = 0x20;             /* unrestricted use */
    memset(p + 16, 0xff, 8); /* no further session */
    ide_atapi_reply(d, 34, ide_get_be16(d->packet + 7));
}

void ide_mmc_read_track_info(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t type = d->packet[1] & 3u, number = ide_get_be32(d->packet + 2);
    if ((type == 0 && number >= d->cd_sectors) || (type != 0 && number != 1) || type == 3) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 36);
    ide_put_be16(p, 34);
    p[2] = p[3] = 1;
    p[5] = 0x04; /* data, uninterrupted */
    p[6] = 0x01; /* mode 1 */
    ide_put_be32(p + 24, d->cd_sectors);
    ide_atapi_reply(d, 36, ide_get_be16(d->packet + 7));
}

/* Physical format, copyright and manufacturing information of a single-layer DVD-ROM. */
void ide_mmc_read_dvd_structure(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t len;
    if (!ide_mmc_is_dvd(d)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x30, 2); /* incompatible medium */
        return;
    }
    memset(p, 0, 2052);
    switch (d->packet[7]) {
    case 0x00:
        if (d->packet[6]) {
            ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
            return;
        }
        len = 2052;
        p[4] = 0x01; /* DVD-ROM */
        p[5] = 0x0f; /* 120 mm, no maximum rate */
        p[6] = 0x01; /* one layer, embossed */
        ide_put_be24(p + 9, 0x30000);
        ide_put_be24(p + 13, 0x30000u + d->cd_sectors - 1u);
        break;
    case 0x01: /* no copy protection, all regions */ len = 8; break;
    case 0x04: len = 2052; break;
    default: ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0); return;
    }
    ide_put_be16(p, len - 2);
    ide_atapi_reply(d, len, ide_get_be16(d->packet + 8));
}

void ide_mmc_read_format_capacities(IdeDrive *d)
{
    uint8_t *p = d->buf;
    memset(p, 0, 12);
    p[3] = 8;
    ide_put_be32(p + 4, d->cd_present ? d->cd_sectors : 0);
    p[8] = d->cd_present ? 2 : 3; /* formatted; none */
    ide_put_be24(p + 9, IDE_CD_SECTOR);
    ide_atapi_reply(d, 12, ide_get_be16(d->packet + 7));
}

void ide_mmc_mechanism_status(IdeDrive *d)
{
    memset(d->buf, 0, 8);
    d->buf[1] = d->cd_tray_open ? 0x10 : 0; /* door */
    d->buf[5] = 1; /* slots; no slot table, as for a drive without a changer */
    ide_atapi_reply(d, 8, ide_get_be16(d->packet + 8));
}

/* Nominal performance: one descriptor over the medium. */
void ide_mmc_get_performance(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t end = d->cd_present ? d->cd_sectors - 1u : 0;
    if (d->packet[10]) { /* types other than performance */
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 24);
    ide_put_be32(p, 20);
    ide_put_be32(p + 12, 4234);
    ide_put_be32(p + 16, end);
    ide_put_be32(p + 20, 4234);
    ide_atapi_reply(d, ide_get_be16(d->packet + 8) ? 24 : 8, 24);
}
