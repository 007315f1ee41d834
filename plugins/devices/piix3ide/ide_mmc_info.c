/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: packet commands that tell what drive and medium are - configuration, disc, track and
 * DVD structures. MMC-3 (T10 1363D), Mt. Fuji 3 for DVD structures. */
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
     {0, 0, 8, 0, 0, 1, 0, 0}},               /* random readable, 2048 */
    {0x001d, IDE_FEATURE_CD, 0, {0}},         /* multi-read */
    {0x001e, 0x08 | IDE_FEATURE_CD, 4, {0}},  /* CD read */
    {0x001f, IDE_FEATURE_DVD, 4, {0}},        /* DVD read */
    {0x0100, 0x03, 0, {0}},                   /* power management */
    {0x0105, 0x03, 0, {0}},                   /* timeout */
    {0x0107, 0x01 | IDE_FEATURE_DVD, 4, {0}}, /* real-time streaming: SET STREAMING */
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

#define IDE_FEATURE_SERIAL 0x0108u

/* The drive's serial number, in whole dwords. */
static uint32_t ide_mmc_put_serial(const IdeDrive *d, uint8_t *p)
{
    size_t len = strlen(d->serial);
    len = len < 20 ? len : 20;
    ide_put_be16(p, IDE_FEATURE_SERIAL);
    p[2] = 0x03;
    p[3] = 20;
    memset(p + 4, ' ', 20);
    memcpy(p + 4, d->serial, len);
    return 24;
}

void ide_mmc_get_configuration(IdeDrive *d)
{
    uint32_t which = d->packet[1] & 3u, start = ide_get_be16(d->packet + 2);
    uint32_t profile = ide_mmc_profile(d), len = 8;
    if (which == 3) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(d->buf, 0, 256);
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
    if (start == IDE_FEATURE_SERIAL || (start < IDE_FEATURE_SERIAL && which != 2))
        len += ide_mmc_put_serial(d, d->buf + len);
    ide_put_be32(d->buf, len - 4);
    ide_put_be16(d->buf + 6, profile);
    ide_atapi_reply(d, len, ide_get_be16(d->packet + 7));
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

/* A single-layer DVD-ROM of 120 mm without copy protection. Returns the length, 0: not there. */
static uint32_t ide_mmc_dvd_structure(const IdeDrive *d, uint8_t format, uint8_t *p)
{
    static const uint8_t formats[] = {0x00, 0x01, 0x04, 0x05, 0xff};
    switch (format) {
    case 0x00:       /* physical format */
        p[4] = 0x01; /* DVD-ROM */
        p[5] = 0x0f; /* 120 mm, no maximum rate */
        p[6] = 0x01; /* one layer, embossed */
        ide_put_be24(p + 9, 0x30000);
        ide_put_be24(p + 13, 0x30000u + d->cd_sectors - 1u);
        return 2052;
    case 0x01: /* no copy protection, all regions */
    case 0x05: /* nor of a sector */ return 8;
    case 0x04: /* manufacturing */ return 2052;
    case 0xff: /* what there is: format, readable, length */
        for (uint32_t i = 0; i < sizeof(formats); i++) {
            p[4 + 4 * i] = formats[i];
            p[5 + 4 * i] = 0x40;
            ide_put_be16(p + 6 + 4 * (size_t)i, formats[i] == 0xff
                                                    ? 4u + 4u * (uint32_t)sizeof(formats)
                                                : (formats[i] & 1u) ? 8u
                                                                    : 2052u);
        }
        return 4u + 4u * (uint32_t)sizeof(formats);
    default: return 0;
    }
}

void ide_mmc_read_dvd_structure(IdeDrive *d)
{
    if (!ide_mmc_is_dvd(d)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x30, 2); /* incompatible medium */
        return;
    }
    memset(d->buf, 0, 2052);
    uint32_t len = d->packet[6] ? 0 : ide_mmc_dvd_structure(d, d->packet[7], d->buf);
    if (len == 0) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    ide_put_be16(d->buf, len - 2);
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
