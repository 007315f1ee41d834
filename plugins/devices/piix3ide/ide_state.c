/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: saved state - the tables, the buffers, and what must be true of a state that is
 * loaded. Version 2 has security, capacity, logs, self-tests and power of disks. */
#include "ide.h"

#include <string.h>

static const viv_field_t ide_state_security_state[] = {
    VIV_FIELD(IdeSecurity, enabled, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, locked, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, frozen, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, maximum, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, expired, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, attempts, VIV_U8, 2),
    VIV_FIELD(IdeSecurity, master_revision, VIV_U16, 2),
    VIV_FIELD_BYTES(IdeSecurity, user, 2),
    VIV_FIELD_BYTES(IdeSecurity, master, 2),
    {0},
};

static const viv_field_t ide_state_capacity_state[] = {
    VIV_FIELD(IdeCapacity, visible, VIV_U64, 2),
    VIV_FIELD(IdeCapacity, kept, VIV_U64, 2),
    VIV_FIELD(IdeCapacity, native, VIV_U64, 2),
    VIV_FIELD(IdeCapacity, set_once, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, form, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, locked, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, frozen, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, has_password, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, attempts, VIV_U8, 2),
    VIV_FIELD_BYTES(IdeCapacity, password, 2),
    VIV_FIELD(IdeCapacity, overlay_frozen, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, overlay_set, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, mwdma, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, udma, VIV_U8, 2),
    VIV_FIELD(IdeCapacity, features, VIV_U16, 2),
    {0},
};

static const viv_field_t ide_state_smart_state[] = {
    VIV_FIELD(IdeSmart, auto_offline, VIV_U8, 2), VIV_FIELD(IdeSmart, test, VIV_U8, 2),
    VIV_FIELD(IdeSmart, test_result, VIV_U8, 2),  VIV_FIELD(IdeSmart, tests, VIV_U32, 2),
    VIV_FIELD(IdeSmart, errors, VIV_U32, 2),      VIV_FIELD(IdeSmart, starts, VIV_U32, 2),
    VIV_FIELD_BYTES(IdeSmart, test_log, 2),       VIV_FIELD_BYTES(IdeSmart, error_log, 2),
    VIV_FIELD_BYTES(IdeSmart, commands, 2),       {0},
};

static const viv_field_t ide_state_bad_state[] = {
    VIV_FIELD_ARRAY(IdeBad, lba, VIV_U64, 2),
    VIV_FIELD_ARRAY(IdeBad, count, VIV_U32, 2),
    {0},
};

static const viv_field_t ide_state_drive_state[] = {
    VIV_FIELD(IdeDrive, kind, VIV_U32, 1),
    VIV_FIELD(IdeDrive, status, VIV_U8, 1),
    VIV_FIELD(IdeDrive, error, VIV_U8, 1),
    VIV_FIELD(IdeDrive, feature, VIV_U8, 1),
    VIV_FIELD(IdeDrive, nsect, VIV_U8, 1),
    VIV_FIELD(IdeDrive, lbal, VIV_U8, 1),
    VIV_FIELD(IdeDrive, lbam, VIV_U8, 1),
    VIV_FIELD(IdeDrive, lbah, VIV_U8, 1),
    VIV_FIELD(IdeDrive, hob_feature, VIV_U8, 1),
    VIV_FIELD(IdeDrive, hob_nsect, VIV_U8, 1),
    VIV_FIELD(IdeDrive, hob_lbal, VIV_U8, 1),
    VIV_FIELD(IdeDrive, hob_lbam, VIV_U8, 1),
    VIV_FIELD(IdeDrive, hob_lbah, VIV_U8, 1),
    VIV_FIELD(IdeDrive, command, VIV_U8, 1),
    VIV_FIELD(IdeDrive, intrq, VIV_U8, 1),
    VIV_FIELD(IdeDrive, phase, VIV_U8, 1),
    VIV_FIELD(IdeDrive, op, VIV_U8, 1),
    VIV_FIELD(IdeDrive, dma, VIV_U8, 1),
    VIV_FIELD(IdeDrive, ext, VIV_U8, 1),
    VIV_FIELD(IdeDrive, lba_mode, VIV_U8, 1),
    VIV_FIELD(IdeDrive, fua, VIV_U8, 1),
    VIV_FIELD(IdeDrive, reset_intr, VIV_U8, 1),
    VIV_FIELD(IdeDrive, asleep, VIV_U8, 1),
    VIV_FIELD(IdeDrive, standby, VIV_U8, 1),
    VIV_FIELD(IdeDrive, write_cache, VIV_U8, 1),
    VIV_FIELD(IdeDrive, look_ahead, VIV_U8, 1),
    VIV_FIELD(IdeDrive, smart_on, VIV_U8, 1),
    VIV_FIELD(IdeDrive, smart_autosave, VIV_U8, 1),
    VIV_FIELD(IdeDrive, xfer_pio, VIV_U8, 1),
    VIV_FIELD(IdeDrive, xfer_dma, VIV_U8, 1),
    VIV_FIELD(IdeDrive, multiple, VIV_U8, 1),
    VIV_FIELD(IdeDrive, heads, VIV_U32, 1),
    VIV_FIELD(IdeDrive, spt, VIV_U32, 1),
    VIV_FIELD(IdeDrive, lba, VIV_U64, 1),
    VIV_FIELD(IdeDrive, chunk, VIV_U32, 1),
    VIV_FIELD(IdeDrive, left, VIV_U32, 1),
    VIV_FIELD(IdeDrive, block_bytes, VIV_U32, 1),
    VIV_FIELD(IdeDrive, buf_pos, VIV_U32, 1),
    VIV_FIELD(IdeDrive, block_end, VIV_U32, 1),
    VIV_FIELD(IdeDrive, buf_len, VIV_U32, 1),
    VIV_FIELD_BYTES(IdeDrive, sector_buffer, 1),
    VIV_FIELD_BYTES(IdeDrive, packet, 1),
    VIV_FIELD(IdeDrive, sense_key, VIV_U8, 1),
    VIV_FIELD(IdeDrive, asc, VIV_U8, 1),
    VIV_FIELD(IdeDrive, ascq, VIV_U8, 1),
    VIV_FIELD(IdeDrive, attention_asc, VIV_U8, 1),
    VIV_FIELD(IdeDrive, event, VIV_U8, 1),
    VIV_FIELD(IdeDrive, prevent, VIV_U8, 1),
    VIV_FIELD(IdeDrive, raw_flags, VIV_U8, 1),
    VIV_FIELD_BYTES(IdeDrive, mode_pages, 1),
    VIV_FIELD(IdeDrive, byte_limit, VIV_U32, 1),
    VIV_FIELD(IdeDrive, cd_sectors, VIV_U32, 1),
    VIV_FIELD(IdeDrive, attention_next, VIV_U8, 2),
    VIV_FIELD(IdeDrive, events, VIV_U8, 2),
    VIV_FIELD(IdeDrive, power_event, VIV_U8, 2),
    VIV_FIELD(IdeDrive, stale, VIV_U8, 2),
    VIV_FIELD(IdeDrive, cd_tray_open, VIV_U8, 2),
    VIV_FIELD(IdeDrive, raw_sub, VIV_U8, 2),
    VIV_FIELD(IdeDrive, sense_valid, VIV_U8, 2),
    VIV_FIELD(IdeDrive, sense_info, VIV_U32, 2),
    VIV_FIELD(IdeDrive, speed_kb, VIV_U32, 2),
    VIV_FIELD(IdeDrive, cd_identity, VIV_U64, 2),
    VIV_FIELD_BYTES(IdeDrive, mode_more, 2),
    VIV_FIELD(IdeDrive, previous, VIV_U8, 2),
    VIV_FIELD(IdeDrive, slow, VIV_U8, 2),
    VIV_FIELD(IdeDrive, apm, VIV_U8, 2),
    VIV_FIELD(IdeDrive, aam, VIV_U8, 2),
    VIV_FIELD(IdeDrive, puis, VIV_U8, 2),
    VIV_FIELD(IdeDrive, revert, VIV_U8, 2),
    VIV_FIELD(IdeDrive, standby_ns, VIV_U64, 2),
    VIV_FIELD_STRUCT(IdeDrive, security, ide_state_security_state, 2),
    VIV_FIELD_STRUCT(IdeDrive, capacity, ide_state_capacity_state, 2),
    VIV_FIELD_STRUCT(IdeDrive, smart, ide_state_smart_state, 2),
    VIV_FIELD_STRUCT(IdeDrive, bad, ide_state_bad_state, 2),
    {0},
};

static const viv_field_t ide_state_channel_state[] = {
    VIV_FIELD(IdeChannel, device, VIV_U8, 1),
    VIV_FIELD(IdeChannel, control, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_command, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_status, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_table, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_next, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_addr, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_left, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_last, VIV_U8, 1),
    VIV_FIELD_STRUCTS(IdeChannel, drives, ide_state_drive_state, 1),
    {0},
};

const viv_field_t ide_state[] = {
    VIV_FIELD_STRUCTS(Piix3Ide, channels, ide_state_channel_state, 1),
    {0},
};

/* The buffer matters while the guest or the bus master is about to touch it. */
static uint32_t ide_state_buffer_live(const IdeDrive *d)
{
    return d->kind != IDE_NONE && d->phase >= IDE_PH_PIO_IN && d->phase <= IDE_PH_DMA_OUT
               ? d->buf_len
               : 0;
}

/* The sectors of a host's own logs that are not all zero: how many, then number and contents of
 * each. */
static uint32_t ide_state_log_used(const IdeDrive *d, uint32_t sector)
{
    static const uint8_t zeros[IDE_SECTOR];
    return d->host_logs &&
           memcmp(d->host_logs + (size_t)sector * IDE_SECTOR, zeros, IDE_SECTOR) != 0;
}

static viv_status_t ide_state_save_logs(const Piix3Ide *ide, const IdeDrive *d,
                                        viv_stream_t *stream)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < IDE_HOST_LOG_BYTES / IDE_SECTOR; i++)
        count += ide_state_log_used(d, i);
    viv_status_t st = ide->stream->put_u64(stream, count);
    for (uint32_t i = 0; st >= 0 && i < IDE_HOST_LOG_BYTES / IDE_SECTOR; i++) {
        if (!ide_state_log_used(d, i))
            continue;
        st = ide->stream->put_u64(stream, i);
        if (st >= 0)
            st = ide->stream->put(stream, d->host_logs + (size_t)i * IDE_SECTOR, IDE_SECTOR);
    }
    return st;
}

static viv_status_t ide_state_load_logs(Piix3Ide *ide, IdeDrive *d, viv_stream_t *stream)
{
    viv_dev_t *dev = ide->dev;
    uint64_t count = 0, at = 0;
    viv_status_t st = ide->stream->get_u64(stream, &count);
    if (st >= 0 && (count > IDE_HOST_LOG_BYTES / IDE_SECTOR || (count && d->kind != IDE_DISK)))
        return dev->api->fail(dev, VIV_E_CORRUPT, "a drive has %llu sectors of logs",
                              (unsigned long long)count);
    if (d->host_logs)
        memset(d->host_logs, 0, IDE_HOST_LOG_BYTES);
    if (st >= 0 && count && !ide_log_host(d))
        return VIV_E_NOMEM;
    while (st >= 0 && count--) {
        st = ide->stream->get_u64(stream, &at);
        if (st >= 0 && at >= IDE_HOST_LOG_BYTES / IDE_SECTOR)
            return dev->api->fail(dev, VIV_E_CORRUPT, "a drive has a log sector %llu",
                                  (unsigned long long)at);
        if (st >= 0)
            st = ide->stream->get(stream, d->host_logs + at * IDE_SECTOR, IDE_SECTOR);
    }
    return st;
}

/* [main, lock held] The host has drained all requests. */
viv_status_t ide_state_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    Piix3Ide *ide = self;
    for (uint32_t lun = 0; lun < IDE_LUNS; lun++) {
        const IdeDrive *d = ide_drive(ide, lun);
        if (d->in_flight)
            return dev->api->fail(dev, VIV_E_MISUSE, "LUN#%u has a request in flight", lun);
        uint32_t live = ide_state_buffer_live(d);
        viv_status_t st = ide->stream->put_u64(stream, live);
        if (st >= 0 && live)
            st = ide->stream->put(stream, d->buf, live);
        if (st >= 0)
            st = ide_state_save_logs(ide, d, stream);
        if (st < 0)
            return st;
    }
    return VIV_OK;
}

/* [main, lock held] */
viv_status_t ide_state_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version)
{
    Piix3Ide *ide = self;
    for (uint32_t lun = 0; lun < IDE_LUNS; lun++) {
        IdeDrive *d = ide_drive(ide, lun);
        uint64_t live = 0;
        viv_status_t st = ide->stream->get_u64(stream, &live);
        if (st >= 0 &&
            (live > IDE_BUF_BYTES || live != ide_state_buffer_live(d) || (live && !d->buf)))
            return dev->api->fail(dev, VIV_E_CORRUPT, "LUN#%u has a buffer of %llu bytes", lun,
                                  (unsigned long long)live);
        if (st >= 0 && live)
            st = ide->stream->get(stream, d->buf, live);
        if (st >= 0 && version >= 2)
            st = ide_state_load_logs(ide, d, stream);
        if (st < 0)
            return st;
    }
    return VIV_OK;
}

static uint32_t ide_state_op_fits(const IdeDrive *d)
{
    uint32_t packet = ide_is_packet(d->op);
    switch (d->phase) {
    case IDE_PH_IDLE:
    case IDE_PH_RESET: return d->op == IDE_OP_NONE;
    case IDE_PH_PIO_IN:
    case IDE_PH_DMA_IN:
        return d->op == IDE_OP_DATA_IN || (d->kind == IDE_DISK && d->op == IDE_OP_READ) ||
               (d->kind == IDE_CD && packet && d->op != IDE_OP_PACKET &&
                d->op != IDE_OP_PACKET_OUT && d->op != IDE_OP_PACKET_VERIFY);
    case IDE_PH_PIO_OUT:
    case IDE_PH_DMA_OUT:
        if (d->kind == IDE_CD)
            return d->op == IDE_OP_PACKET || d->op == IDE_OP_PACKET_OUT;
        return d->op == IDE_OP_WRITE || d->op == IDE_OP_WRITE_BUFFER || d->op == IDE_OP_TRIM_LIST ||
               (d->phase == IDE_PH_PIO_OUT &&
                (d->op == IDE_OP_PASSWORD || d->op == IDE_OP_MAX_PASSWORD ||
                 d->op == IDE_OP_OVERLAY || d->op == IDE_OP_LOG_WRITE));
    case IDE_PH_WAIT:
        return d->kind == IDE_DISK && ((d->op == IDE_OP_ERASE && d->lba < d->sectors) ||
                                       (d->op == IDE_OP_SELF_TEST && d->smart.test));
    default: /* a request in flight is never saved */ return 0;
    }
}

static uint32_t ide_state_buffer_fits(const IdeDrive *d)
{
    uint32_t waiting = ide_state_buffer_live(d);
    if (d->phase == IDE_PH_IDLE || d->phase == IDE_PH_RESET || d->phase == IDE_PH_WAIT)
        return 1; /* set anew before they are used */
    /* A drive that waits waits for something. */
    if (waiting > IDE_BUF_BYTES || d->buf_pos >= d->buf_len || d->block_bytes == 0 ||
        d->block_end > d->buf_len || (d->phase <= IDE_PH_PIO_OUT && d->block_end <= d->buf_pos))
        return 0;
    switch (d->op) {
    case IDE_OP_WRITE:
        return d->chunk <= IDE_BUF_SECTORS && d->buf_len == d->chunk * IDE_SECTOR && !d->read_only;
    case IDE_OP_WRITE_BUFFER:
    case IDE_OP_PASSWORD:
    case IDE_OP_MAX_PASSWORD:
    case IDE_OP_OVERLAY: return d->buf_len == IDE_SECTOR;
    case IDE_OP_LOG_WRITE:
        return d->host_logs && d->buf_len % IDE_SECTOR == 0 &&
               d->lba < IDE_HOST_LOG_BYTES / IDE_SECTOR &&
               d->buf_len <= IDE_HOST_LOG_BYTES - d->lba * IDE_SECTOR;
    case IDE_OP_TRIM_LIST: return d->buf_len % IDE_SECTOR == 0;
    case IDE_OP_PACKET: return d->buf_len == IDE_PACKET_BYTES;
    default: return 1;
    }
}

/* The sectors of the present transfer lie on the disk. A CD may have been changed meanwhile; its
 * driver checks. */
static uint32_t ide_state_transfer_fits(const IdeDrive *d)
{
    if (d->chunk > IDE_BUF_SECTORS || (d->kind == IDE_DISK && d->left > 65536u))
        return 0;
    if (d->lba > (1ull << 48))
        return 0;
    if (d->kind != IDE_DISK || (d->op != IDE_OP_READ && d->op != IDE_OP_WRITE))
        return 1;
    return d->lba < d->sectors && (uint64_t)d->chunk + d->left <= d->sectors - d->lba;
}

static uint32_t ide_state_modes_fit(const IdeDrive *d)
{
    uint32_t pio = d->xfer_pio >= 0x08 && d->xfer_pio <= 0x0c;
    uint32_t dma = (d->xfer_dma >= 0x20 && d->xfer_dma <= 0x22) ||
                   (d->xfer_dma >= 0x40 && d->xfer_dma <= 0x45);
    return pio && dma && d->multiple <= IDE_MULTIPLE_MAX && !(d->multiple & (d->multiple - 1)) &&
           (d->kind != IDE_DISK ||
            (d->heads >= 1 && d->heads <= 16 && d->spt >= 1 && d->spt <= 255));
}

/* What a disk of version 2 has beside its registers; flags become 0 or 1. */
static uint32_t ide_state_disk_fits(IdeDrive *d)
{
    IdeSecurity *s = &d->security;
    IdeCapacity *c = &d->capacity;
    uint8_t test = d->smart.test & 0x7fu;
    uint8_t *flags[] = {&s->enabled,      &s->locked,         &s->frozen,      &s->maximum,
                        &s->expired,      &c->set_once,       &c->locked,      &c->frozen,
                        &c->has_password, &c->overlay_frozen, &c->overlay_set, &d->puis,
                        &d->slow};
    for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        *flags[i] = *flags[i] != 0;
    d->smart.test_result &= 0x0fu;
    for (uint32_t i = 0; i < IDE_BAD_RANGES; i++) {
        if (d->bad.count[i] > 65536u || d->bad.lba[i] > d->sectors ||
            d->bad.count[i] > d->sectors - d->bad.lba[i])
            return 0;
    }
    return s->attempts <= 5 && c->attempts <= 5 && ide_capacity_fits(d) &&
           (d->smart.test == 0 || test == 1 || test == 2) &&
           d->standby_ns <= 24ull * 3600u * 1000000000u;
}

/* A drive that waits must wait for something, whatever the state says of its timers. */
static void ide_state_rearm(IdeDrive *d)
{
    viv_dev_t *dev = d->channel->ide->dev;
    uint64_t now = dev->api->time_ns(dev);
    if (d->phase == IDE_PH_WAIT && d->op == IDE_OP_ERASE &&
        dev->api->timer_deadline(d->wait_timer) == UINT64_MAX)
        dev->api->timer_arm(d->wait_timer, now);
    if (d->smart.test && dev->api->timer_deadline(d->test_timer) == UINT64_MAX)
        dev->api->timer_arm(d->test_timer, now);
}

/* [main, lock held] Every loaded byte is hostile. */
viv_status_t ide_state_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Piix3Ide *ide = self;
    for (uint32_t lun = 0; lun < IDE_LUNS; lun++) {
        IdeDrive *d = ide_drive(ide, lun);
        uint32_t have = d->media ? (d->serial && d->vendor ? IDE_CD : IDE_DISK) : IDE_NONE;
        if (d->kind != have) {
            d->kind = have;
            return dev->api->fail(dev, VIV_E_CONFIG, "LUN#%u is not the drive that was saved", lun);
        }
        if (d->kind == IDE_NONE)
            continue;
        if (d->op == IDE_OP_LOG_WRITE && !ide_log_host(d))
            return VIV_E_NOMEM;
        if (d->phase >= IDE_PH_COUNT || d->op >= IDE_OP_COUNT || !ide_state_op_fits(d) ||
            !ide_state_buffer_fits(d) || !ide_state_transfer_fits(d) || !ide_state_modes_fit(d) ||
            (d->kind == IDE_DISK && !ide_state_disk_fits(d)))
            return dev->api->fail(dev, VIV_E_CORRUPT,
                                  "LUN#%u: phase %u of operation %u, %u/%u/%u bytes", lun, d->phase,
                                  d->op, d->buf_pos, d->block_end, d->buf_len);
        ide_state_rearm(d);
        if (d->kind == IDE_CD) {
            ide_mmc_mode_mend(d);
            ide_atapi_medium_loaded(d, version);
        }
    }
    for (uint32_t c = 0; c < 2; c++) {
        IdeChannel *ch = &ide->channels[c];
        const IdeDrive *d = ide_selected(ch);
        if (ch->bm_left > 0x10000u)
            return dev->api->fail(dev, VIV_E_CORRUPT, "channel %u: a descriptor of %u bytes", c,
                                  ch->bm_left);
        ch->bm_table &= ~3u;
        ch->irq_level = d->kind != IDE_NONE && d->intrq && !(ch->control & IDE_CTL_NIEN);
        dev->api->irq_set(dev, ch->irq, ch->irq_level);
    }
    return VIV_OK;
}
