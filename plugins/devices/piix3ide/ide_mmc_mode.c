/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: mode pages of a CD/DVD drive. MMC-3 (T10 1363D) section 5.2.3, SPC-2. */
#include "ide.h"

#include <string.h>

/* Pages that are kept, one behind the other, with default and changeable bits. */
#define IDE_MODE_FIRST 36u /* in mode_pages, the rest in mode_more */
#define IDE_MODE_BYTES 58u
static const uint8_t ide_mode_defaults[IDE_MODE_BYTES] = {
    0x01, 0x0a, 0, 5, 0, 0,  0, 0,  0, 0,   0, 0,               /* read error recovery */
    0x0d, 0x06, 0, 5, 0, 60, 0, 75,                             /* CD parameters */
    0x0e, 0x0e, 4, 0, 0, 0,  0, 75, 1, 255, 2, 255, 0, 0, 0, 0, /* audio control */
    0x1a, 0x0a, 0, 0, 0, 0,  0, 0,  0, 0,   0, 0,               /* power condition */
    0x1d, 0x08, 0, 0, 0, 0,  0, 60, 0, 100,                     /* timeout and protect */
};
static const uint8_t ide_mode_changeable[IDE_MODE_BYTES] = {
    0x01, 0x0a, 0xff, 0xff, 0,    0,    0,    0,    0,    0,    0,    0, /**/
    0x0d, 0x06, 0,    0x0f, 0,    0,    0,    0,                         /**/
    0x0e, 0x0e, 0x02, 0,    0,    0,    0,    0,    0x0f, 0xff, 0x0f, 0xff,
    0x0f, 0xff, 0x0f, 0xff,                                                 /**/
    0x1a, 0x0a, 0,    0x03, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /**/
    0x1d, 0x08, 0,    0,    0x04, 0,    0xff, 0xff, 0xff, 0xff,
};

static uint8_t *ide_mode_at(IdeDrive *d, uint32_t at)
{
    return at < IDE_MODE_FIRST ? &d->mode_pages[at] : &d->mode_more[at - IDE_MODE_FIRST];
}

static uint32_t ide_mode_len(uint32_t at)
{
    return ide_mode_defaults[at + 1] + 2u;
}

void ide_mmc_mode_reset(IdeDrive *d)
{
    for (uint32_t at = 0; at < IDE_MODE_BYTES; at++)
        *ide_mode_at(d, at) = ide_mode_defaults[at];
}

void ide_mmc_mode_mend(IdeDrive *d)
{
    for (uint32_t at = 0; at < IDE_MODE_BYTES; at += ide_mode_len(at)) {
        *ide_mode_at(d, at) = ide_mode_defaults[at];
        *ide_mode_at(d, at + 1) = ide_mode_defaults[at + 1];
    }
}

/* Capabilities and mechanical status: reads CD-R, CD-RW, method 2, DVD-ROM; mode 2 forms,
 * multisession; a tray that locks and ejects, 24x. */
static uint32_t ide_mode_capabilities(const IdeDrive *d, uint8_t *p)
{
    static const uint8_t page[20] = {0x2a, 18, 0x3b, 0, 0x70, 0x00, 0x29, 0, 0, 0, 0, 0, 2};
    memcpy(p, page, sizeof(page));
    p[6] |= d->prevent ? 0x02u : 0u;
    ide_put_be16(p + 8, IDE_CD_SPEED_KB);
    ide_put_be16(p + 14, d->speed_kb);
    return sizeof(page);
}

/* control: 0 current, 1 changeable, 2 default. Returns the bytes put. */
static uint32_t ide_mode_put(IdeDrive *d, uint8_t code, uint32_t control, uint8_t *p)
{
    uint32_t len = 0;
    for (uint32_t at = 0; at < IDE_MODE_BYTES; at += ide_mode_len(at)) {
        if (code != 0x3f && code != ide_mode_defaults[at])
            continue;
        for (uint32_t i = at; i < at + ide_mode_len(at); i++)
            p[len++] = control == 0   ? *ide_mode_at(d, i)
                       : control == 1 ? ide_mode_changeable[i]
                                      : ide_mode_defaults[i];
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
    for (uint32_t at = 0; at < IDE_MODE_BYTES; at += ide_mode_len(at)) {
        if ((page[0] & 0x3fu) != ide_mode_defaults[at])
            continue;
        if (len != ide_mode_len(at))
            return 0;
        for (uint32_t i = 2; i < len; i++) {
            uint8_t mask = ide_mode_changeable[at + i], *to = ide_mode_at(d, at + i);
            *to = (uint8_t)((*to & ~mask) | (page[i] & mask));
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
