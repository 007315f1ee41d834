/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: disk commands.
 * Follows ATA/ATAPI-6 (T13 1410D rev 3b), section 8; WRITE ... FUA as in ATA/ATAPI-7, DATA SET
 * MANAGEMENT as in ATA8-ACS.
 * Data moves in chunks of up to IDE_BUF_SECTORS sectors: a chunk is read before its first block is
 * offered, and written after its last block has come. A chunk that cannot be read is read again
 * sector by sector, so that a failure is reported where it is; a failed write is reported at the
 * first sector of its chunk.
 * Aborted, as a drive without these feature sets does: queued and overlapped commands, streaming,
 * CompactFlash, media status notification, microcode. */
#include "ide.h"

#include <string.h>

#define IDE_CMD_EXT      0x01u
#define IDE_CMD_DMA      0x02u
#define IDE_CMD_MULTIPLE 0x04u
#define IDE_CMD_WRITE    0x08u
#define IDE_CMD_FUA      0x10u
#define IDE_CMD_VERIFY   0x20u
#define IDE_CMD_LOCKED   0x40u /* aborted while a password locks the disk */

#define IDE_TRIM_BLOCKS 8u /* IDENTIFY word 105 */

/* -- Addresses ------------------------------------------------------------------------------- */

/* The address in the registers: 1 and *ret_lba, or 0 for a CHS address that does not exist. */
uint32_t ide_ata_address(const IdeDrive *d, uint64_t *ret_lba)
{
    uint32_t top = d->channel->device & 0x0fu;
    if (d->ext) {
        *ret_lba = (uint64_t)d->hob_lbah << 40 | (uint64_t)d->hob_lbam << 32 |
                   (uint64_t)d->hob_lbal << 24 | (uint64_t)d->lbah << 16 | (uint64_t)d->lbam << 8 |
                   d->lbal;
        return 1;
    }
    if (d->lba_mode) {
        *ret_lba = (uint64_t)top << 24 | (uint64_t)d->lbah << 16 | (uint64_t)d->lbam << 8 | d->lbal;
        return 1;
    }
    uint64_t cylinder = (uint64_t)d->lbah << 8 | d->lbam;
    if (d->lbal == 0 || d->lbal > d->spt || top >= d->heads)
        return 0;
    *ret_lba = (cylinder * d->heads + top) * d->spt + d->lbal - 1u;
    return 1;
}

/* Leaves an address in the registers, in the form that the command came in. */
void ide_ata_show(IdeDrive *d, uint64_t lba)
{
    IdeChannel *ch = d->channel;
    if (d->ext) {
        d->hob_lbah = (uint8_t)(lba >> 40);
        d->hob_lbam = (uint8_t)(lba >> 32);
        d->hob_lbal = (uint8_t)(lba >> 24);
    } else if (d->lba_mode) {
        ch->device = (uint8_t)((ch->device & 0xf0u) | ((lba >> 24) & 0x0fu));
    } else {
        uint64_t track = lba / d->spt;
        uint64_t cylinder = track / d->heads;
        ch->device = (uint8_t)((ch->device & 0xf0u) | (track % d->heads));
        d->lbal = (uint8_t)(lba % d->spt + 1u);
        d->lbam = (uint8_t)cylinder;
        d->lbah = (uint8_t)(cylinder >> 8);
        return;
    }
    d->lbal = (uint8_t)lba;
    d->lbam = (uint8_t)(lba >> 8);
    d->lbah = (uint8_t)(lba >> 16);
}

static void ide_ata_show_count(IdeDrive *d, uint32_t sectors)
{
    d->nsect = (uint8_t)sectors;
    if (d->ext)
        d->hob_nsect = (uint8_t)(sectors >> 8);
}

/* A failure at the chunk in the buffer. */
static void ide_ata_fail_at(IdeDrive *d, uint8_t error)
{
    ide_ata_show(d, d->lba);
    ide_ata_show_count(d, d->chunk + d->left);
    ide_abort(d, error);
    ide_log_error(d);
}

/* -- Sectors that WRITE UNCORRECTABLE EXT has spoilt ----------------------------------------- */

/* How many sectors from lba on can be read, of count. */
static uint32_t ide_bad_before(const IdeDrive *d, uint64_t lba, uint32_t count)
{
    for (uint32_t i = 0; i < IDE_BAD_RANGES; i++) {
        uint64_t bad = d->bad.lba[i], end = bad + d->bad.count[i];
        if (end <= lba || bad >= lba + count)
            continue;
        count = bad <= lba ? 0 : (uint32_t)(bad - lba);
    }
    return count;
}

static uint32_t ide_bad_add(IdeDrive *d, uint64_t lba, uint32_t count)
{
    for (uint32_t i = 0; i < IDE_BAD_RANGES; i++) {
        if (d->bad.count[i] == 0) {
            d->bad.lba[i] = lba;
            d->bad.count[i] = count;
            return 1;
        }
    }
    return 0;
}

/* Sectors have been written. What is left of a range behind them is a range of its own, if there is
 * room. */
static void ide_bad_heal(IdeDrive *d, uint64_t lba, uint32_t count)
{
    uint64_t end = lba + count;
    for (uint32_t i = 0; i < IDE_BAD_RANGES; i++) {
        uint64_t from = d->bad.lba[i], to = from + d->bad.count[i];
        if (to <= lba || from >= end)
            continue;
        d->bad.count[i] = from < lba ? (uint32_t)(lba - from) : 0;
        if (to > end)
            ide_bad_add(d, end, (uint32_t)(to - end));
    }
}

/* WRITE UNCORRECTABLE EXT: 55h and AAh spoil, with and without an entry in the log; 5Ah and A5h
 * only flag, which comes to the same here. ATA8-ACS 7.77. */
static void ide_ata_write_uncorrectable(IdeDrive *d, uint32_t flags)
{
    uint32_t count = (uint32_t)d->hob_nsect << 8 | d->nsect;
    uint64_t lba;
    (void)flags;
    d->ext = 1;
    count = count ? count : 65536u;
    if ((d->feature != 0x55 && d->feature != 0xaa && d->feature != 0x5a && d->feature != 0xa5) ||
        !d->lba_mode || d->read_only || !ide_has(d, IDE_HAS_LBA48)) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    ide_ata_address(d, &lba);
    if (lba >= d->capacity.visible || count > d->capacity.visible - lba) {
        ide_abort(d, IDE_ER_IDNF);
        return;
    }
    ide_bad_heal(d, lba, count);
    if (ide_bad_add(d, lba, count))
        ide_finish(d, 1);
    else
        ide_abort(d, IDE_ER_ABRT);
}

/* -- Reading and writing --------------------------------------------------------------------- */

static void ide_ata_take_chunk(IdeDrive *d, uint32_t most)
{
    d->chunk = d->left < most ? d->left : most;
    d->left -= d->chunk;
    d->buf_pos = 0;
    d->buf_len = d->chunk * IDE_SECTOR;
}

static void ide_ata_fetch(IdeDrive *d)
{
    uint32_t most = d->slow ? 1 : IDE_BUF_SECTORS;
    uint32_t good = ide_bad_before(d, d->lba, d->left < most ? d->left : most);
    ide_ata_take_chunk(d, good ? good : 1);
    if (good == 0) {
        ide_ata_fail_at(d, IDE_ER_UNC);
        return;
    }
    ide_media(d, VIV_MEDIA_OP_READ, d->lba * IDE_SECTOR, d->buf_len, d->buf);
}

/* first: no interrupt asks for the first block. */
static void ide_ata_collect(IdeDrive *d, uint32_t first)
{
    ide_ata_take_chunk(d, IDE_BUF_SECTORS);
    if (d->dma)
        ide_bm_begin(d, IDE_PH_DMA_OUT);
    else
        ide_block_begin(d, IDE_PH_PIO_OUT, !first);
}

static void ide_ata_transferred(IdeDrive *d, uint32_t interrupt)
{
    ide_ata_show(d, d->lba ? d->lba - 1u : 0);
    ide_ata_show_count(d, 0);
    ide_finish(d, interrupt);
}

/* A chunk has arrived where it belongs. */
static void ide_ata_advance(IdeDrive *d)
{
    if (d->op == IDE_OP_WRITE)
        ide_bad_heal(d, d->lba, d->chunk);
    d->lba += d->chunk;
    d->chunk = 0;
    if (d->op == IDE_OP_WRITE) {
        if (d->left) {
            ide_ata_collect(d, 0);
        } else if (d->fua || !d->write_cache) {
            d->op = IDE_OP_FLUSH;
            ide_media(d, VIV_MEDIA_OP_FLUSH, 0, 0, NULL);
        } else {
            ide_ata_transferred(d, 1);
        }
    } else if (d->left) {
        ide_ata_fetch(d);
    } else {
        /* The last block of a PIO read has had its interrupt before it was read. */
        ide_ata_transferred(d, d->dma || d->op == IDE_OP_VERIFY);
    }
}

/* READ and WRITE in all their forms, and READ VERIFY. */
static void ide_ata_transfer(IdeDrive *d, uint32_t flags)
{
    uint64_t lba;
    uint32_t count = d->nsect ? d->nsect : 256u;
    d->ext = (flags & IDE_CMD_EXT) != 0;
    if (d->ext) {
        count = (uint32_t)d->hob_nsect << 8 | d->nsect;
        count = count ? count : 65536u;
    }
    if ((d->ext && (!d->lba_mode || !ide_has(d, IDE_HAS_LBA48))) ||
        ((flags & IDE_CMD_MULTIPLE) && !d->multiple) || ((flags & IDE_CMD_WRITE) && d->read_only)) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    if (!ide_ata_address(d, &lba) || lba >= d->capacity.visible ||
        count > d->capacity.visible - lba) {
        ide_abort(d, IDE_ER_IDNF);
        ide_log_error(d);
        return;
    }
    d->standby = d->slow = 0;
    d->dma = (flags & IDE_CMD_DMA) != 0;
    d->fua = (flags & IDE_CMD_FUA) != 0;
    d->block_bytes = ((flags & IDE_CMD_MULTIPLE) ? d->multiple : 1u) * IDE_SECTOR;
    d->lba = lba;
    d->left = count;
    if (flags & IDE_CMD_WRITE) {
        d->op = IDE_OP_WRITE;
        ide_ata_collect(d, 1);
    } else {
        d->op = (flags & IDE_CMD_VERIFY) ? IDE_OP_VERIFY : IDE_OP_READ;
        ide_ata_fetch(d);
    }
}

static void ide_ata_flush(IdeDrive *d, uint32_t flags)
{
    d->ext = (flags & IDE_CMD_EXT) != 0;
    d->op = IDE_OP_FLUSH;
    d->lba = 0;
    ide_media(d, VIV_MEDIA_OP_FLUSH, 0, 0, NULL);
}

/* -- DATA SET MANAGEMENT (TRIM) -------------------------------------------------------------- */

static void ide_ata_trim(IdeDrive *d, uint32_t flags)
{
    uint32_t blocks = (uint32_t)d->hob_nsect << 8 | d->nsect;
    (void)flags;
    if (d->rotational || d->read_only || !(d->feature & 1u) || blocks == 0 ||
        blocks > IDE_TRIM_BLOCKS) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    d->dma = 1;
    d->op = IDE_OP_TRIM_LIST;
    d->buf_len = blocks * IDE_SECTOR;
    ide_bm_begin(d, IDE_PH_DMA_OUT);
}

/* Hands on the ranges from buf_pos on, one at a time. */
static void ide_ata_trim_next(IdeDrive *d)
{
    d->op = IDE_OP_TRIM;
    while (d->buf_pos < d->buf_len) {
        const uint8_t *entry = d->buf + d->buf_pos;
        uint64_t lba = 0, count = (uint64_t)entry[6] | (uint64_t)entry[7] << 8;
        for (uint32_t i = 6; i-- > 0;)
            lba = lba << 8 | entry[i];
        d->buf_pos += 8;
        if (count == 0)
            continue;
        if (lba >= d->capacity.visible || count > d->capacity.visible - lba) {
            ide_abort(d, IDE_ER_IDNF | IDE_ER_ABRT);
            return;
        }
        ide_media(d, VIV_MEDIA_OP_DISCARD, lba * IDE_SECTOR, count * IDE_SECTOR, NULL);
        return;
    }
    ide_finish(d, 1);
}

/* -- What buffers and requests come to ------------------------------------------------------- */

void ide_ata_buffer_done(IdeDrive *d)
{
    switch (d->op) {
    case IDE_OP_READ: ide_ata_advance(d); break;
    case IDE_OP_WRITE:
        ide_media(d, VIV_MEDIA_OP_WRITE, d->lba * IDE_SECTOR, d->buf_len, d->buf);
        break;
    case IDE_OP_WRITE_BUFFER:
        memcpy(d->sector_buffer, d->buf, IDE_SECTOR);
        ide_finish(d, 1);
        break;
    case IDE_OP_TRIM_LIST:
        d->buf_pos = 0;
        ide_ata_trim_next(d);
        break;
    case IDE_OP_PASSWORD: ide_security_data(d); break;
    case IDE_OP_MAX_PASSWORD: ide_set_max_data(d); break;
    case IDE_OP_OVERLAY: ide_overlay_data(d); break;
    case IDE_OP_LOG_WRITE: ide_log_data(d); break;
    default: /* IDE_OP_DATA_IN */ ide_finish(d, 0); break;
    }
}

/* A chunk cannot be read: it is tried again in single sectors, or that was one. */
static void ide_ata_unreadable(IdeDrive *d)
{
    if (d->chunk == 1) {
        ide_ata_fail_at(d, IDE_ER_UNC);
        return;
    }
    d->slow = 1;
    d->left += d->chunk;
    ide_ata_fetch(d);
}

void ide_ata_media_done(IdeDrive *d, viv_status_t status)
{
    switch (d->op) {
    case IDE_OP_READ:
        if (status < 0) {
            ide_ata_unreadable(d);
        } else if (d->dma) {
            ide_bm_begin(d, IDE_PH_DMA_IN);
        } else {
            ide_block_begin(d, IDE_PH_PIO_IN, 1);
        }
        break;
    case IDE_OP_VERIFY:
        if (status < 0)
            ide_ata_unreadable(d);
        else
            ide_ata_advance(d);
        break;
    case IDE_OP_WRITE:
        if (status < 0)
            ide_ata_fail_at(d, IDE_ER_ABRT);
        else
            ide_ata_advance(d);
        break;
    case IDE_OP_ERASE: ide_security_erase_next(d, status); break;
    case IDE_OP_TRIM: /* a hint: a medium that cannot is no failure */ ide_ata_trim_next(d); break;
    default: /* IDE_OP_FLUSH, alone or at the end of a write */
        if (status < 0)
            ide_abort(d, IDE_ER_ABRT);
        else if (d->lba)
            ide_ata_transferred(d, 1);
        else
            ide_finish(d, 1);
        break;
    }
}

void ide_ata_receive(IdeDrive *d, uint32_t op, uint32_t len_bytes)
{
    d->op = (uint8_t)op;
    d->block_bytes = IDE_SECTOR;
    d->buf_pos = 0;
    d->buf_len = len_bytes;
    ide_block_begin(d, IDE_PH_PIO_OUT, 0);
}

void ide_wait(IdeDrive *d, uint32_t op, uint64_t ns)
{
    viv_dev_t *dev = d->channel->ide->dev;
    d->op = (uint8_t)op;
    d->phase = IDE_PH_WAIT;
    d->status = IDE_ST_BSY;
    dev->api->timer_arm(d->wait_timer, dev->api->time_ns(dev) + ns);
}

void ide_waited(IdeDrive *d)
{
    if (d->phase == IDE_PH_WAIT && d->op == IDE_OP_ERASE)
        ide_security_erase_next(d, VIV_OK);
}

void ide_ata_reply(IdeDrive *d, uint32_t len_bytes)
{
    d->op = IDE_OP_DATA_IN;
    d->block_bytes = IDE_SECTOR;
    d->buf_pos = 0;
    d->buf_len = len_bytes;
    ide_block_begin(d, IDE_PH_PIO_IN, 1);
}

/* -- Commands without sectors ---------------------------------------------------------------- */

static void ide_ata_done(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_finish(d, 1);
}

static void ide_ata_identify(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_identify_disk(d, d->buf);
    ide_ata_reply(d, IDE_SECTOR);
}

static void ide_ata_seek(IdeDrive *d, uint32_t flags)
{
    uint64_t lba;
    (void)flags;
    if (!ide_ata_address(d, &lba) || lba >= d->capacity.visible)
        ide_abort(d, IDE_ER_IDNF);
    else
        ide_finish(d, 1);
}

/* Sectors per track and heads of the translation; what does not fit the disk leaves the old one. */
static void ide_ata_set_params(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    if (d->nsect == 0) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    d->spt = d->nsect;
    d->heads = (d->channel->device & 0x0fu) + 1u;
    ide_finish(d, 1);
}

static void ide_ata_set_multiple(IdeDrive *d, uint32_t flags)
{
    uint32_t n = d->nsect;
    (void)flags;
    if (n > IDE_MULTIPLE_MAX || (n & (n - 1u))) {
        d->multiple = 0;
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    d->multiple = (uint8_t)n;
    ide_finish(d, 1);
}

static void ide_ata_read_buffer(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    memcpy(d->buf, d->sector_buffer, IDE_SECTOR);
    ide_ata_reply(d, IDE_SECTOR);
}

static void ide_ata_write_buffer(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_ata_receive(d, IDE_OP_WRITE_BUFFER, IDE_SECTOR);
}

/* Families of commands that look at their code themselves. */
static void ide_ata_power(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_power_command(d);
}

static void ide_ata_smart(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_smart(d);
}

static void ide_ata_security(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_security(d);
}

static void ide_ata_native_max(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_native_max(d);
}

static void ide_ata_set_max(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_set_max(d);
}

static void ide_ata_overlay(IdeDrive *d, uint32_t flags)
{
    (void)flags;
    ide_overlay(d);
}

static void ide_ata_log(IdeDrive *d, uint32_t flags)
{
    d->ext = 1;
    if (!ide_has(d, IDE_HAS_LBA48))
        ide_abort(d, IDE_ER_ABRT);
    else if (flags & IDE_CMD_WRITE)
        ide_log_write(d, 1);
    else
        ide_log_read(d, 1);
}

static void ide_ata_features(IdeDrive *d, uint32_t flags)
{
    uint32_t cache = d->write_cache;
    (void)flags;
    if (!ide_set_features(d))
        ide_abort(d, IDE_ER_ABRT);
    else if (cache && !d->write_cache)
        ide_ata_flush(d, 0);
    else
        ide_finish(d, 1);
}

typedef struct IdeAtaCommand {
    void (*run)(IdeDrive *d, uint32_t flags);
    uint32_t flags;
} IdeAtaCommand;

/* clang-format off */
#define IDE_ROW4(first, fn) \
    [(first)] = { fn, 0 }, [(first) + 1] = { fn, 0 }, \
    [(first) + 2] = { fn, 0 }, [(first) + 3] = { fn, 0 }
#define IDE_ROW16(first, fn) \
    IDE_ROW4(first, fn), IDE_ROW4((first) + 4, fn), \
    IDE_ROW4((first) + 8, fn), IDE_ROW4((first) + 12, fn)

/* What is not here is aborted: NOP (00h) by definition, DEVICE RESET and PACKET for want of the
 * feature. */
static const IdeAtaCommand ide_ata_commands[256] = {
    [0x06] = { ide_ata_trim, IDE_CMD_LOCKED },
    IDE_ROW16(0x10, ide_ata_done), /* RECALIBRATE */
    [0x20] = { ide_ata_transfer, IDE_CMD_LOCKED },
    [0x21] = { ide_ata_transfer, IDE_CMD_LOCKED },
    [0x24] = { ide_ata_transfer, IDE_CMD_EXT | IDE_CMD_LOCKED },
    [0x25] = { ide_ata_transfer, IDE_CMD_EXT | IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0x27] = { ide_ata_native_max, 0 },
    [0x29] = { ide_ata_transfer, IDE_CMD_EXT | IDE_CMD_MULTIPLE | IDE_CMD_LOCKED },
    [0x2f] = { ide_ata_log, 0 },
    [0x30] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_LOCKED },
    [0x31] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_LOCKED },
    [0x34] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_EXT | IDE_CMD_LOCKED },
    [0x35] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_EXT | IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0x37] = { ide_ata_set_max, IDE_CMD_LOCKED },
    [0x39] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_EXT | IDE_CMD_MULTIPLE | IDE_CMD_LOCKED },
    [0x3d] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_EXT | IDE_CMD_DMA | IDE_CMD_FUA | IDE_CMD_LOCKED },
    [0x3f] = { ide_ata_log, IDE_CMD_WRITE | IDE_CMD_LOCKED },
    [0x40] = { ide_ata_transfer, IDE_CMD_VERIFY | IDE_CMD_LOCKED },
    [0x41] = { ide_ata_transfer, IDE_CMD_VERIFY | IDE_CMD_LOCKED },
    [0x42] = { ide_ata_transfer, IDE_CMD_VERIFY | IDE_CMD_EXT | IDE_CMD_LOCKED },
    [0x45] = { ide_ata_write_uncorrectable, IDE_CMD_LOCKED },
    IDE_ROW16(0x70, ide_ata_seek),
    [0x91] = { ide_ata_set_params, 0 },
    [0x94] = { ide_ata_power, 0 },
    [0x95] = { ide_ata_power, 0 },
    [0x96] = { ide_ata_power, 0 },
    [0x97] = { ide_ata_power, 0 },
    [0x98] = { ide_ata_power, 0 },
    [0x99] = { ide_ata_power, 0 },
    [0xb0] = { ide_ata_smart, 0 },
    [0xb1] = { ide_ata_overlay, IDE_CMD_LOCKED },
    [0xc4] = { ide_ata_transfer, IDE_CMD_MULTIPLE | IDE_CMD_LOCKED },
    [0xc5] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_MULTIPLE | IDE_CMD_LOCKED },
    [0xc6] = { ide_ata_set_multiple, 0 },
    [0xc8] = { ide_ata_transfer, IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0xc9] = { ide_ata_transfer, IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0xca] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0xcb] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_DMA | IDE_CMD_LOCKED },
    [0xce] = { ide_ata_transfer, IDE_CMD_WRITE | IDE_CMD_EXT | IDE_CMD_MULTIPLE | IDE_CMD_FUA | IDE_CMD_LOCKED },
    [0xe0] = { ide_ata_power, 0 },
    [0xe1] = { ide_ata_power, 0 },
    [0xe2] = { ide_ata_power, 0 },
    [0xe3] = { ide_ata_power, 0 },
    [0xe4] = { ide_ata_read_buffer, 0 },
    [0xe5] = { ide_ata_power, 0 },
    [0xe6] = { ide_ata_power, 0 },
    [0xe7] = { ide_ata_flush, IDE_CMD_LOCKED },
    [0xe8] = { ide_ata_write_buffer, 0 },
    [0xea] = { ide_ata_flush, IDE_CMD_EXT | IDE_CMD_LOCKED },
    [0xec] = { ide_ata_identify, 0 },
    [0xef] = { ide_ata_features, 0 },
    [0xf1] = { ide_ata_security, 0 },
    [0xf2] = { ide_ata_security, 0 },
    [0xf3] = { ide_ata_security, 0 },
    [0xf4] = { ide_ata_security, 0 },
    [0xf5] = { ide_ata_security, 0 },
    [0xf6] = { ide_ata_security, 0 },
    [0xf8] = { ide_ata_native_max, 0 },
    [0xf9] = { ide_ata_set_max, IDE_CMD_LOCKED },
};
/* clang-format on */

void ide_ata_command(IdeDrive *d, uint8_t command)
{
    const IdeAtaCommand *c = &ide_ata_commands[command];
    d->status = IDE_ST_DRDY | IDE_ST_DSC;
    d->lba_mode = (d->channel->device & IDE_DEV_LBA) != 0;
    ide_log_command(d, command);
    ide_standby_arm(d);
    if (c->run && !((c->flags & IDE_CMD_LOCKED) && d->security.locked))
        c->run(d, c->flags);
    else
        ide_abort(d, IDE_ER_ABRT);
}

/* Power-on, or a hardware reset. */
void ide_ata_reset(IdeDrive *d)
{
    d->feature = 0;
    d->command = d->previous = 0;
    d->ext = d->lba_mode = d->fua = d->slow = 0;
    d->lba = 0;
    d->chunk = d->left = 0;
    d->block_bytes = IDE_SECTOR;
    d->buf_pos = d->block_end = d->buf_len = 0;
    memset(d->sector_buffer, 0, sizeof(d->sector_buffer));
    ide_features_reset(d, 1);
    if (d->kind != IDE_DISK)
        return;
    d->smart.starts++;
    ide_security_reset(d);
    ide_capacity_reset(d);
}
