/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: packet commands that read - sectors with and without their frames, table of contents,
 * capacity. MMC-3 (T10 1363D). The medium is one session with one data track (mode 1). */
#include "ide.h"

#include <string.h>

#define IDE_MMC_DVD_FROM 405000u /* sectors: more than any CD has (90 minutes) */

/* READ CD, byte 9 */
#define IDE_RAW_SYNC   0x80u
#define IDE_RAW_HEADER 0x20u
#define IDE_RAW_DATA   0x10u
#define IDE_RAW_EDC    0x08u

uint32_t ide_mmc_is_dvd(const IdeDrive *d)
{
    return d->cd_sectors > IDE_MMC_DVD_FROM;
}

/* -- Sectors --------------------------------------------------------------------------------- */

void ide_mmc_next_chunk(IdeDrive *d)
{
    if (d->stale) { /* what is in now is not what the command was for */
        ide_atapi_stale(d);
        return;
    }
    uint32_t most = d->op == IDE_OP_PACKET_RAW ? IDE_CD_RAW_CHUNK : IDE_CD_CHUNK;
    d->chunk = d->left < most ? d->left : most;
    d->left -= d->chunk;
    uint32_t len = d->chunk * IDE_CD_SECTOR;
    /* Raw sectors are put together from the data in the upper half, in place. */
    uint8_t *to = d->op == IDE_OP_PACKET_RAW ? d->buf + IDE_CD_RAW_DATA : d->buf;
    d->buf_len = len;
    ide_media(d, VIV_MEDIA_OP_READ, d->lba * IDE_CD_SECTOR, len, to);
}

/* Sub-channels of a sector: 1 raw P-W, 2 Q alone, 4 R-W (of which there is nothing). */
static uint32_t ide_mmc_subchannel(uint8_t what, uint32_t lba, uint8_t *to)
{
    uint8_t q[12];
    ide_cdsector_q(lba, q);
    if (what == 2) {
        memset(to, 0, 16);
        memcpy(to, q, 12);
        return 16;
    }
    memset(to, 0, 96);
    for (uint32_t bit = 0; what == 1 && bit < 96; bit++)
        to[bit] = (q[bit / 8] >> (7 - bit % 8) & 1u) ? 0x40 : 0;
    return 96;
}

/* The parts of a sector that READ CD asked for; returns their length. C2 pointers and the block
 * error byte before them are all good. */
static uint32_t ide_mmc_raw_parts(uint8_t flags, const uint8_t *sector, uint8_t *to)
{
    uint32_t len = 0;
    if (flags & IDE_RAW_SYNC) {
        memcpy(to, sector, 12);
        len += 12;
    }
    if (flags & IDE_RAW_HEADER) {
        memcpy(to + len, sector + 12, 4);
        len += 4;
    }
    if (flags & IDE_RAW_DATA) {
        memcpy(to + len, sector + 16, 2048);
        len += 2048;
    }
    if (flags & IDE_RAW_EDC) {
        memcpy(to + len, sector + 2064, 288);
        len += 288;
    }
    uint32_t c2 = (flags & 0x06u) == 0x02u ? 294 : (flags & 0x06u) == 0x04u ? 296 : 0;
    memset(to + len, 0, c2);
    return len + c2;
}

void ide_mmc_chunk_ready(IdeDrive *d)
{
    uint8_t sector[IDE_CD_RAW];
    const uint8_t *from = d->buf + IDE_CD_RAW_DATA;
    if (d->op != IDE_OP_PACKET_RAW)
        return;
    d->buf_len = 0;
    for (uint32_t i = 0; i < d->chunk; i++) {
        ide_cdsector_mode1((uint32_t)d->lba + i, from + (size_t)i * IDE_CD_SECTOR, sector);
        d->buf_len += ide_mmc_raw_parts(d->raw_flags, sector, d->buf + d->buf_len);
        if (d->raw_sub)
            d->buf_len += ide_mmc_subchannel(d->raw_sub, (uint32_t)d->lba + i, d->buf + d->buf_len);
    }
}

static void ide_mmc_transfer(IdeDrive *d, uint32_t lba, uint32_t count, uint32_t op)
{
    if (lba > d->cd_sectors || count > d->cd_sectors - lba) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x21, 0);
        return;
    }
    if (count == 0) {
        ide_atapi_ok(d);
        return;
    }
    d->op = (uint8_t)op;
    d->lba = lba;
    d->left = count;
    ide_mmc_next_chunk(d);
}

/* READ(10), READ(12) */
void ide_mmc_read(IdeDrive *d)
{
    uint32_t count =
        d->packet[0] == 0xa8 ? ide_get_be32(d->packet + 6) : ide_get_be16(d->packet + 7);
    ide_mmc_transfer(d, ide_get_be32(d->packet + 2), count, IDE_OP_PACKET_READ);
}

void ide_mmc_verify(IdeDrive *d)
{
    ide_mmc_transfer(d, ide_get_be32(d->packet + 2), ide_get_be16(d->packet + 7),
                     IDE_OP_PACKET_VERIFY);
}

void ide_mmc_seek(IdeDrive *d)
{
    if (ide_get_be32(d->packet + 2) >= d->cd_sectors)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x21, 0);
    else
        ide_atapi_ok(d);
}

/* Of a mode 1 sector; there are no others on the medium. */
static void ide_mmc_read_frames(IdeDrive *d, uint32_t lba, uint32_t count)
{
    uint8_t type = (d->packet[1] >> 2) & 7u, flags = d->packet[9] & 0xfeu;
    uint8_t sub = d->packet[10] & 7u;
    if (type != 0 && type != 2) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x64, 0); /* illegal mode for this track */
        return;
    }
    if ((flags & 0x06u) == 0x06u || (sub != 0 && sub != 1 && sub != 2 && sub != 4)) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    /* A sub-header is what mode 1 does not have: asked for alone, as nothing, there is nothing to
     * send. */
    if ((flags & 0xbeu) == 0 && sub == 0) {
        ide_mmc_transfer(d, lba, 0, IDE_OP_PACKET_READ);
        return;
    }
    d->raw_flags = flags;
    d->raw_sub = sub;
    ide_mmc_transfer(d, lba, count,
                     flags == IDE_RAW_DATA && sub == 0 ? IDE_OP_PACKET_READ : IDE_OP_PACKET_RAW);
}

void ide_mmc_read_cd(IdeDrive *d)
{
    ide_mmc_read_frames(d, ide_get_be32(d->packet + 2), ide_get_be32(d->packet + 5) & 0xffffffu);
}

static uint32_t ide_mmc_from_msf(const uint8_t *msf)
{
    return (msf[0] * 60u + msf[1]) * 75u + msf[2];
}

void ide_mmc_read_cd_msf(IdeDrive *d)
{
    uint32_t start = ide_mmc_from_msf(d->packet + 3), end = ide_mmc_from_msf(d->packet + 6);
    if (start < 150 || end < start)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
    else
        ide_mmc_read_frames(d, start - 150, end - start);
}

/* -- About the medium ------------------------------------------------------------------------ */

void ide_mmc_read_capacity(IdeDrive *d)
{
    ide_put_be32(d->buf, d->cd_sectors - 1u);
    ide_put_be32(d->buf + 4, IDE_CD_SECTOR);
    ide_atapi_reply(d, 8, 8);
}

/* An address as a number, or as minutes, seconds and frames. */
static void ide_mmc_put_address(uint8_t *p, uint32_t lba, uint32_t msf)
{
    if (msf) {
        p[0] = 0;
        ide_cdsector_msf(lba, p + 1);
    } else {
        ide_put_be32(p, lba);
    }
}

static uint32_t ide_mmc_toc_tracks(IdeDrive *d, uint8_t *p, uint32_t msf, uint8_t first)
{
    uint32_t len = 4;
    p[2] = p[3] = 1;
    if (first <= 1) {
        uint8_t track[8] = {0, 0x14, 1};
        ide_mmc_put_address(track + 4, 0, msf);
        memcpy(p + len, track, 8);
        len += 8;
    }
    uint8_t lead_out[8] = {0, 0x14, 0xaa};
    ide_mmc_put_address(lead_out + 4, d->cd_sectors, msf);
    memcpy(p + len, lead_out, 8);
    return len + 8;
}

static uint32_t ide_mmc_toc_sessions(uint8_t *p, uint32_t msf)
{
    uint8_t track[8] = {0, 0x14, 1};
    p[2] = p[3] = 1;
    ide_mmc_put_address(track + 4, 0, msf);
    memcpy(p + 4, track, 8);
    return 12;
}

/* Points A0 (first track), A1 (last track), A2 (lead-out) and the track; always minutes, seconds,
 * frames. */
static uint32_t ide_mmc_toc_full(IdeDrive *d, uint8_t *p)
{
    static const uint8_t points[4] = {0xa0, 0xa1, 0xa2, 1};
    uint32_t len = 4;
    p[2] = p[3] = 1;
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t entry[11] = {1, 0x14, 0, points[i]};
        if (points[i] == 0xa2)
            ide_cdsector_msf(d->cd_sectors, entry + 8);
        else if (points[i] == 1)
            ide_cdsector_msf(0, entry + 8);
        else
            entry[8] = 1;
        memcpy(p + len, entry, 11);
        len += 11;
    }
    return len;
}

void ide_mmc_read_toc(IdeDrive *d)
{
    uint32_t msf = d->packet[1] & 2u, len;
    uint32_t format = d->packet[2] & 0x0fu;
    if (format == 0)
        format = d->packet[9] >> 6; /* where SFF-8020i had it */
    memset(d->buf, 0, 64);
    if (format == 0 && d->packet[6] > 1 && d->packet[6] != 0xaa) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    if (format == 2 && d->packet[6] > 1) { /* sessions from there on: there are none */
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    switch (format) {
    case 0: len = ide_mmc_toc_tracks(d, d->buf, msf, d->packet[6]); break;
    case 1: len = ide_mmc_toc_sessions(d->buf, msf); break;
    case 2: len = ide_mmc_toc_full(d, d->buf); break;
    default: ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0); return;
    }
    ide_put_be16(d->buf, len - 2);
    ide_atapi_reply(d, len, ide_get_be16(d->packet + 7));
}

/* -- Audio ----------------------------------------------------------------------------------- */

/* PLAY AUDIO in its forms, PLAY CD and SCAN, over a disc without an audio track: where they would
 * begin is no place, or a data track. */
void ide_mmc_play(IdeDrive *d)
{
    const uint8_t *c = d->packet;
    uint32_t lba = ide_get_be32(c + 2), length = 1;
    switch (c[0]) {
    case 0x45: length = ide_get_be16(c + 7); break;
    case 0xa5: length = ide_get_be32(c + 6); break;
    case 0x47: /* MSF */
        lba = ide_mmc_from_msf(c + 3) - 150u;
        length = ide_mmc_from_msf(c + 6) - 150u - lba;
        if (length > 0x7fffffffu) {
            ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
            return;
        }
        break;
    case 0x48: /* track and index */
        if (c[4] != 1) {
            ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
            return;
        }
        lba = 0;
        break;
    default: break;
    }
    if (length == 0)
        ide_atapi_ok(d);
    else if (lba != UINT32_MAX && lba >= d->cd_sectors)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x21, 0);
    else
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x64, 0);
}

/* PAUSE/RESUME: nothing plays. */
void ide_mmc_pause(IdeDrive *d)
{
    ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x2c, 0);
}

/* No audio is ever playing; there is no catalogue number and no ISRC. */
void ide_mmc_read_subchannel(IdeDrive *d)
{
    uint32_t len = 4;
    memset(d->buf, 0, 24);
    d->buf[1] = 0x15; /* no status to report */
    if (d->packet[2] & 0x40u) {
        d->buf[4] = d->packet[3];
        switch (d->packet[3]) {
        case 1:
            d->buf[5] = 0x14;
            d->buf[6] = d->buf[7] = 1;
            len = 16;
            break;
        case 2:
        case 3: len = 24; break;
        default: ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0); return;
        }
    }
    ide_put_be16(d->buf + 2, len - 4);
    ide_atapi_reply(d, len, ide_get_be16(d->packet + 7));
}

void ide_mmc_read_header(IdeDrive *d)
{
    uint32_t lba = ide_get_be32(d->packet + 2);
    if (lba >= d->cd_sectors) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x21, 0);
        return;
    }
    memset(d->buf, 0, 8);
    d->buf[0] = 1; /* mode 1 */
    ide_mmc_put_address(d->buf + 4, lba, d->packet[1] & 2u);
    ide_atapi_reply(d, 8, ide_get_be16(d->packet + 7));
}
