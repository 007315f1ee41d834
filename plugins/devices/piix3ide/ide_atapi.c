/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the packet protocol of a CD/DVD drive, its medium, and the commands that are about the
 * drive itself.
 * Follows ATA/ATAPI-6 (T13 1410D rev 3b) sections 8.23 and 9.7-9.8, MMC-3 (T10 1363D) and SPC-2.
 * Not modelled: overlap and queuing, audio, writing, changers, DVD regions. */
#include "ide.h"

#include <string.h>

/* -- Ends of packet commands ----------------------------------------------------------------- */

/* Interrupt reason "completion": both bits. */
static void ide_atapi_end(IdeDrive *d, uint8_t status)
{
    uint32_t dma = d->dma;
    d->phase = IDE_PH_IDLE;
    d->op = IDE_OP_NONE;
    d->dma = 0;
    d->nsect = IDE_IR_CD | IDE_IR_IO;
    d->status = status;
    if (dma)
        ide_bm_drive_done(d->channel);
    ide_raise(d);
}

void ide_atapi_ok(IdeDrive *d)
{
    ide_atapi_end(d, IDE_ST_DRDY | IDE_ST_DSC);
}

void ide_atapi_fail(IdeDrive *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
    d->sense_key = key;
    d->asc = asc;
    d->ascq = ascq;
    d->error = (uint8_t)(key << 4 | (key == IDE_SENSE_ILLEGAL ? IDE_ER_ABRT : 0u));
    ide_atapi_end(d, IDE_ST_DRDY | IDE_ST_DSC | IDE_ST_ERR);
}

/* -- Data ------------------------------------------------------------------------------------ */

/* A block is what the guest's byte count limit allows, always even except at the end. */
void ide_atapi_block(IdeDrive *d)
{
    uint32_t n = d->block_end - d->buf_pos;
    d->lbam = (uint8_t)n;
    d->lbah = (uint8_t)(n >> 8);
    d->nsect = d->phase == IDE_PH_PIO_IN ? IDE_IR_IO : 0;
}

static void ide_atapi_send(IdeDrive *d)
{
    d->buf_pos = 0;
    if (d->dma)
        ide_bm_begin(d, IDE_PH_DMA_IN);
    else
        ide_block_begin(d, IDE_PH_PIO_IN, 1);
}

void ide_atapi_reply(IdeDrive *d, uint32_t len_bytes, uint32_t allocation)
{
    d->buf_len = len_bytes < allocation ? len_bytes : allocation;
    if (d->buf_len == 0) {
        ide_atapi_ok(d);
        return;
    }
    d->op = IDE_OP_PACKET_IN;
    ide_atapi_send(d);
}

void ide_atapi_receive(IdeDrive *d, uint32_t len_bytes)
{
    if (len_bytes == 0) {
        ide_atapi_ok(d);
        return;
    }
    d->op = IDE_OP_PACKET_OUT;
    d->buf_pos = 0;
    d->buf_len = len_bytes;
    if (d->dma)
        ide_bm_begin(d, IDE_PH_DMA_OUT);
    else
        ide_block_begin(d, IDE_PH_PIO_OUT, 1);
}

/* -- The medium ------------------------------------------------------------------------------ */

void ide_atapi_medium(IdeDrive *d, uint32_t first)
{
    viv_media_info_t info = {.size = sizeof(info)};
    d->media->info(d->media_self, &info);
    uint32_t present = info.present && info.size_bytes >= IDE_CD_SECTOR;
    if (!first && info.generation == d->cd_generation && present == d->cd_present)
        return;
    uint64_t sectors = present ? info.size_bytes / IDE_CD_SECTOR : 0;
    d->cd_sectors = sectors < UINT32_MAX ? (uint32_t)sectors : UINT32_MAX;
    d->cd_present = present;
    d->cd_generation = info.generation;
    if (first)
        return;
    /* A new medium is announced once it is there; its removal shows as "not present". */
    d->attention_asc = present ? 0x28 : 0;
    d->event = present ? 2 : 3;
    if (present)
        d->cd_tray_open = 0;
}

/* -- Running a packet ------------------------------------------------------------------------ */

static void ide_atapi_packet(IdeDrive *d)
{
    memcpy(d->packet, d->buf, IDE_PACKET_BYTES);
    const IdeMmcCommand *c = &ide_mmc_commands[d->packet[0]];
    d->op = IDE_OP_NONE;
    d->status = IDE_ST_BSY;
    d->standby = 0;
    if (!c->run) {
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x20, 0);
        return;
    }
    if (d->attention_asc && !(c->flags & IDE_MMC_ATTENTION)) {
        uint8_t asc = d->attention_asc;
        d->attention_asc = 0;
        ide_atapi_fail(d, IDE_SENSE_ATTENTION, asc, 0);
        return;
    }
    if (!d->cd_present && (c->flags & IDE_MMC_MEDIUM)) {
        ide_atapi_fail(d, IDE_SENSE_NOT_READY, 0x3a, d->cd_tray_open ? 2 : 1);
        return;
    }
    /* Sense data lives until the next command other than REQUEST SENSE. */
    if (d->packet[0] != 0x03)
        d->sense_key = d->asc = d->ascq = 0;
    c->run(d);
}

void ide_atapi_buffer_done(IdeDrive *d)
{
    switch (d->op) {
    case IDE_OP_PACKET: ide_atapi_packet(d); break;
    case IDE_OP_PACKET_OUT: ide_mmc_mode_select_data(d); break;
    case IDE_OP_PACKET_READ:
    case IDE_OP_PACKET_RAW:
        d->lba += d->chunk;
        if (d->left)
            ide_mmc_next_chunk(d);
        else
            ide_atapi_ok(d);
        break;
    case IDE_OP_DATA_IN: /* IDENTIFY PACKET DEVICE */ ide_finish(d, 0); break;
    default: ide_atapi_ok(d); break;
    }
}

void ide_atapi_media_done(IdeDrive *d, viv_status_t status)
{
    if (status < 0) {
        if (status == VIV_E_NOT_FOUND)
            ide_atapi_fail(d, IDE_SENSE_NOT_READY, 0x3a, 1);
        else
            ide_atapi_fail(d, IDE_SENSE_MEDIUM_ERROR, 0x11, 0);
        return;
    }
    if (d->op == IDE_OP_PACKET_VERIFY) {
        d->lba += d->chunk;
        if (d->left)
            ide_mmc_next_chunk(d);
        else
            ide_atapi_ok(d);
        return;
    }
    ide_mmc_chunk_ready(d);
    ide_atapi_send(d);
}

/* -- ATA commands of a packet device --------------------------------------------------------- */

static void ide_atapi_begin_packet(IdeDrive *d)
{
    uint32_t limit = (uint32_t)d->lbah << 8 | d->lbam;
    if (d->feature & 2u) { /* overlap */
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    d->dma = d->feature & 1u;
    /* An odd limit is one less, none at all is the largest. */
    limit &= ~1u;
    d->byte_limit = limit ? limit : 0xfffe;
    d->op = IDE_OP_PACKET;
    d->buf_pos = 0;
    d->buf_len = d->block_bytes = IDE_PACKET_BYTES;
    ide_block_begin(d, IDE_PH_PIO_OUT, 0);
    d->block_bytes = d->byte_limit;
    d->nsect = IDE_IR_CD;
}

void ide_atapi_command(IdeDrive *d, uint8_t command)
{
    d->status = IDE_ST_DRDY | IDE_ST_DSC;
    switch (command) {
    case 0xa0: ide_atapi_begin_packet(d); return;
    case 0xa1:
        ide_identify_cd(d, d->buf);
        ide_ata_reply(d, IDE_SECTOR);
        return;
    case 0x20: /* hosts find packet devices by these two: aborted with the signature in place */
    case 0xec:
        ide_signature(d);
        d->channel->device = d->unit ? IDE_DEV_UNIT : 0;
        break;
    case 0xef:
        if (!ide_set_features(d))
            break;
        ide_finish(d, 1);
        return;
    default:
        if (command >= 0xe0 && command <= 0xe6 && command != 0xe4 && ide_power_command(d))
            return;
        break;
    }
    ide_abort(d, IDE_ER_ABRT);
}

void ide_atapi_reset(IdeDrive *d)
{
    memset(d->packet, 0, sizeof(d->packet));
    d->sense_key = d->asc = d->ascq = 0;
    d->attention_asc = 0x29; /* power on, reset */
    d->event = 0;
    d->raw_flags = 0;
    d->byte_limit = 0xfffe;
    if (d->prevent && VIV_HAS(d->media, lock))
        d->media->lock(d->media_self, 0);
    d->prevent = 0;
    ide_mmc_mode_reset(d);
}

/* -- Commands about the drive ---------------------------------------------------------------- */

static void ide_mmc_test_unit_ready(IdeDrive *d)
{
    ide_atapi_ok(d);
}

/* Fixed format. A waiting unit attention is reported here if there is nothing else. */
static void ide_mmc_request_sense(IdeDrive *d)
{
    uint8_t *p = d->buf;
    if (!d->sense_key && d->attention_asc) {
        d->sense_key = IDE_SENSE_ATTENTION;
        d->asc = d->attention_asc;
        d->ascq = 0;
        d->attention_asc = 0;
    }
    memset(p, 0, 18);
    p[0] = 0x70;
    p[2] = d->sense_key;
    p[7] = 10;
    p[12] = d->asc;
    p[13] = d->ascq;
    d->sense_key = d->asc = d->ascq = 0;
    ide_atapi_reply(d, 18, d->packet[4]);
}

static void ide_mmc_text(uint8_t *p, uint32_t len, const char *text)
{
    memset(p, ' ', len);
    for (uint32_t i = 0; i < len && text[i]; i++)
        p[i] = text[i] >= 0x20 && text[i] < 0x7f ? (uint8_t)text[i] : '?';
}

static void ide_mmc_inquiry(IdeDrive *d)
{
    uint8_t *p = d->buf;
    uint32_t allocation = ide_get_be16(d->packet + 3);
    if ((d->packet[1] & 3u) || d->packet[2]) { /* vital product data, command support: none */
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x24, 0);
        return;
    }
    memset(p, 0, 36);
    p[0] = 0x05; /* CD/DVD */
    p[1] = 0x80; /* removable */
    p[2] = 0x00;
    p[3] = 0x21; /* ATAPI, response format 1 */
    p[4] = 31;
    ide_mmc_text(p + 8, 8, d->vendor);
    ide_mmc_text(p + 16, 16, d->product);
    ide_mmc_text(p + 32, 4, d->revision);
    ide_atapi_reply(d, 36, allocation);
}

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
        d->cd_tray_open = eject;
        ide_atapi_medium(d, 0);
    }
    ide_atapi_ok(d);
}

/* LoEj and Start: 00 stop, 01 start, 10 eject, 11 load. */
static void ide_mmc_start_stop(IdeDrive *d)
{
    uint8_t what = d->packet[4] & 3u;
    if (d->packet[4] & 0xf0u) { /* power conditions */
        ide_atapi_ok(d);
        return;
    }
    if (what == 2 && d->prevent)
        ide_atapi_fail(d, IDE_SENSE_ILLEGAL, 0x53, 2);
    else if (what >= 2)
        ide_mmc_eject(d, what == 2);
    else if (what == 1 && !d->cd_present)
        ide_atapi_fail(d, IDE_SENSE_NOT_READY, 0x3a, d->cd_tray_open ? 2 : 1);
    else
        ide_atapi_ok(d);
}

static void ide_mmc_prevent(IdeDrive *d)
{
    d->prevent = d->packet[4] & 1u;
    if (VIV_HAS(d->media, lock))
        d->media->lock(d->media_self, d->prevent);
    ide_atapi_ok(d);
}

static void ide_mmc_nothing(IdeDrive *d)
{
    ide_atapi_ok(d);
}

const IdeMmcCommand ide_mmc_commands[256] = {
    [0x00] = {ide_mmc_test_unit_ready, IDE_MMC_MEDIUM},
    [0x03] = {ide_mmc_request_sense, IDE_MMC_ATTENTION},
    [0x12] = {ide_mmc_inquiry, IDE_MMC_ATTENTION},
    [0x15] = {ide_mmc_mode_select, 0},
    [0x1a] = {ide_mmc_mode_sense, 0},
    [0x1b] = {ide_mmc_start_stop, 0},
    [0x1e] = {ide_mmc_prevent, 0},
    [0x23] = {ide_mmc_read_format_capacities, 0},
    [0x25] = {ide_mmc_read_capacity, IDE_MMC_MEDIUM},
    [0x28] = {ide_mmc_read, IDE_MMC_MEDIUM},
    [0x2b] = {ide_mmc_seek, IDE_MMC_MEDIUM},
    [0x2f] = {ide_mmc_verify, IDE_MMC_MEDIUM},
    [0x35] = {ide_mmc_nothing, 0}, /* SYNCHRONIZE CACHE */
    [0x42] = {ide_mmc_read_subchannel, IDE_MMC_MEDIUM},
    [0x43] = {ide_mmc_read_toc, IDE_MMC_MEDIUM},
    [0x44] = {ide_mmc_read_header, IDE_MMC_MEDIUM},
    [0x46] = {ide_mmc_get_configuration, IDE_MMC_ATTENTION},
    [0x4a] = {ide_mmc_get_event, IDE_MMC_ATTENTION},
    [0x4e] = {ide_mmc_nothing, 0}, /* STOP PLAY/SCAN */
    [0x51] = {ide_mmc_read_disc_info, IDE_MMC_MEDIUM},
    [0x52] = {ide_mmc_read_track_info, IDE_MMC_MEDIUM},
    [0x55] = {ide_mmc_mode_select, 0},
    [0x5a] = {ide_mmc_mode_sense, 0},
    [0xa7] = {ide_mmc_nothing, 0}, /* SET READ AHEAD */
    [0xa8] = {ide_mmc_read, IDE_MMC_MEDIUM},
    [0xac] = {ide_mmc_get_performance, 0},
    [0xad] = {ide_mmc_read_dvd_structure, IDE_MMC_MEDIUM},
    [0xb9] = {ide_mmc_read_cd_msf, IDE_MMC_MEDIUM},
    [0xbb] = {ide_mmc_nothing, 0}, /* SET CD SPEED */
    [0xbd] = {ide_mmc_mechanism_status, 0},
    [0xbe] = {ide_mmc_read_cd, IDE_MMC_MEDIUM},
};
