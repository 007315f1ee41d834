/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the IDE controller of the PIIX3, PIIX4 and ICH6 south bridges, two channels of two
 * drives.
 * The guest sees PCI function 1 of device 1 in compatibility mode: ports 1F0h-1F7h and 3F6h with
 * IRQ 14, 170h-177h and 376h with IRQ 15, and the bus master in BAR 4. LUN 0-3 (primary master,
 * primary slave, secondary master, secondary slave) take drivers with viv.media/1; a hard disk or
 * an optical drive shows by the medium's type.
 * Follows Intel's PIIX3 (290550) and PIIX4 (290562) data sheets, sections on IDE.
 * Differs: both channels are decoded from reset on (IDETIM = 8000h), for a machine that boots
 * without firmware.
 * Not modelled: the effect of timing registers (kept only), native mode, drives' cables and
 * jumpers. */
#include "ide.h"

#include <stdio.h>
#include <string.h>

#define PIIX3IDE_STATE_VERSION 1u
#define PIIX3IDE_LUNS          4u

#define PIIX3IDE_CFG_IDETIM  0x40u
#define PIIX3IDE_CFG_SIDETIM 0x44u
#define PIIX3IDE_CFG_UDMACTL 0x48u
#define PIIX3IDE_CFG_UDMATIM 0x4au
#define PIIX3IDE_CFG_IDECONF 0x54u

static const struct {
    const char *name;
    uint16_t device_id;
    uint8_t revision;
    uint8_t has_udma, has_conf;
} piix3ide_models[] = {
    {"PIIX3", 0x7010, 0x00, 0, 0},
    {"PIIX4", 0x7111, 0x01, 1, 0},
    {"ICH6", 0x269e, 0x09, 1, 1},
};

static const viv_option_t piix3ide_options[] = {
    VIV_OPT_STRING(Piix3Ide, "Type", type, "PIIX3", "PIIX3, PIIX4 or ICH6"),
    VIV_OPT_NAMED(Piix3Ide, "ChannelPreset", channel_preset, VIV_BOOL, 0, 1, 1,
                  "both channels decode after reset, without firmware that switches them on"),
    {0},
};

static const viv_field_t piix3ide_drive_state[] = {
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
    {0},
};

static const viv_field_t piix3ide_channel_state[] = {
    VIV_FIELD(IdeChannel, device, VIV_U8, 1),
    VIV_FIELD(IdeChannel, control, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_command, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_status, VIV_U8, 1),
    VIV_FIELD(IdeChannel, bm_table, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_next, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_addr, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_left, VIV_U32, 1),
    VIV_FIELD(IdeChannel, bm_last, VIV_U8, 1),
    VIV_FIELD_STRUCTS(IdeChannel, drives, piix3ide_drive_state, 1),
    {0},
};

static const viv_field_t piix3ide_state[] = {
    VIV_FIELD_STRUCTS(Piix3Ide, channels, piix3ide_channel_state, 1),
    {0},
};

static IdeDrive *piix3ide_drive(Piix3Ide *ide, uint32_t lun)
{
    return &ide->channels[lun >> 1].drives[lun & 1u];
}

/* -- viv.media-port/1 ------------------------------------------------------------------------ */

/* [any, no lock] */
static void piix3ide_media_changed(void *self)
{
    IdeDrive *d = self;
    viv_dev_t *dev = d->channel->ide->dev;
    dev->api->lock(dev);
    if (d->kind == IDE_CD)
        ide_atapi_medium(d, 0);
    dev->api->unlock(dev);
}

static const viv_media_port_ops_t piix3ide_media_port = {
    .size = sizeof(viv_media_port_ops_t),
    .changed = piix3ide_media_changed,
};

/* [any] */
static viv_status_t piix3ide_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                             const char *id, viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun >= PIIX3IDE_LUNS || strcmp(id, VIV_MEDIA_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &piix3ide_media_port;
    ret_iface->self = piix3ide_drive(self, lun);
    return VIV_OK;
}

/* -- Reset ----------------------------------------------------------------------------------- */

/* [main or emt, lock held] */
static void piix3ide_reset(viv_dev_t *dev, void *self)
{
    Piix3Ide *ide = self;
    const viv_pci_api_t *pci = ide->pci;
    /* A real chip starts with its decode enable bits off, and firmware switches the channels on. */
    pci->config_set(ide->fn, PIIX3IDE_CFG_IDETIM, ide->channel_preset ? 0x80008000u : 0, 4);
    pci->config_set(ide->fn, PIIX3IDE_CFG_SIDETIM, 0, 1);
    pci->config_set(ide->fn, PIIX3IDE_CFG_UDMACTL, 0, 1);
    pci->config_set(ide->fn, PIIX3IDE_CFG_UDMATIM, 0, 2);
    /* All cables have 80 conductors. */
    pci->config_set(ide->fn, PIIX3IDE_CFG_IDECONF, piix3ide_models[ide->model].has_conf ? 0xf0u : 0,
                    4);
    for (uint32_t c = 0; c < 2; c++) {
        IdeChannel *ch = &ide->channels[c];
        ch->device = ch->control = 0;
        ide_bm_reset(ch);
        for (uint32_t u = 0; u < 2; u++)
            ide_drive_reset(&ch->drives[u], 1, 0);
        ch->irq_level = 0;
        dev->api->irq_set(dev, ch->irq, 0);
    }
}

/* -- Saved state ----------------------------------------------------------------------------- */

/* The buffer matters while the guest or the bus master is about to touch it. */
static uint32_t piix3ide_buffer_live(const IdeDrive *d)
{
    return d->kind != IDE_NONE && d->phase >= IDE_PH_PIO_IN && d->phase <= IDE_PH_DMA_OUT
               ? d->buf_len
               : 0;
}

/* [main, lock held] The host has drained all requests. */
static viv_status_t piix3ide_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    Piix3Ide *ide = self;
    for (uint32_t lun = 0; lun < PIIX3IDE_LUNS; lun++) {
        const IdeDrive *d = piix3ide_drive(ide, lun);
        if (d->in_flight)
            return dev->api->fail(dev, VIV_E_MISUSE, "LUN#%u has a request in flight", lun);
        uint32_t live = piix3ide_buffer_live(d);
        viv_status_t st = ide->stream->put_u64(stream, live);
        if (st >= 0 && live)
            st = ide->stream->put(stream, d->buf, live);
        if (st < 0)
            return st;
    }
    return VIV_OK;
}

/* [main, lock held] */
static viv_status_t piix3ide_load(viv_dev_t *dev, void *self, viv_stream_t *stream,
                                  uint32_t version)
{
    Piix3Ide *ide = self;
    (void)version;
    for (uint32_t lun = 0; lun < PIIX3IDE_LUNS; lun++) {
        IdeDrive *d = piix3ide_drive(ide, lun);
        uint64_t live = 0;
        viv_status_t st = ide->stream->get_u64(stream, &live);
        if (st >= 0 &&
            (live > IDE_BUF_BYTES || live != piix3ide_buffer_live(d) || (live && !d->buf)))
            return dev->api->fail(dev, VIV_E_CORRUPT, "LUN#%u has a buffer of %llu bytes", lun,
                                  (unsigned long long)live);
        if (st >= 0 && live)
            st = ide->stream->get(stream, d->buf, live);
        if (st < 0)
            return st;
    }
    return VIV_OK;
}

static uint32_t piix3ide_op_fits(const IdeDrive *d)
{
    uint32_t packet = d->op >= IDE_OP_PACKET;
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
        return d->op == IDE_OP_WRITE || d->op == IDE_OP_WRITE_BUFFER || d->op == IDE_OP_TRIM_LIST;
    default: /* a request in flight is never saved */ return 0;
    }
}

static uint32_t piix3ide_buffer_fits(const IdeDrive *d)
{
    uint32_t waiting = piix3ide_buffer_live(d);
    if (d->phase == IDE_PH_IDLE || d->phase == IDE_PH_RESET)
        return 1; /* set anew before they are used */
    /* A drive that waits waits for something. */
    if (waiting > IDE_BUF_BYTES || d->buf_pos >= d->buf_len || d->block_bytes == 0 ||
        d->block_end > d->buf_len || (d->phase <= IDE_PH_PIO_OUT && d->block_end <= d->buf_pos))
        return 0;
    switch (d->op) {
    case IDE_OP_WRITE:
        return d->chunk <= IDE_BUF_SECTORS && d->buf_len == d->chunk * IDE_SECTOR && !d->read_only;
    case IDE_OP_WRITE_BUFFER: return d->buf_len == IDE_SECTOR;
    case IDE_OP_TRIM_LIST: return d->buf_len % IDE_SECTOR == 0;
    case IDE_OP_PACKET: return d->buf_len == IDE_PACKET_BYTES;
    default: return 1;
    }
}

/* The sectors of the present transfer lie on the disk. A CD may have been changed meanwhile; its
 * driver checks. */
static uint32_t piix3ide_transfer_fits(const IdeDrive *d)
{
    if (d->chunk > IDE_BUF_SECTORS || (d->kind == IDE_DISK && d->left > 65536u))
        return 0;
    if (d->lba > (1ull << 48))
        return 0;
    if (d->kind != IDE_DISK || (d->op != IDE_OP_READ && d->op != IDE_OP_WRITE))
        return 1;
    return d->lba < d->sectors && (uint64_t)d->chunk + d->left <= d->sectors - d->lba;
}

static uint32_t piix3ide_modes_fit(const IdeDrive *d)
{
    uint32_t pio = d->xfer_pio >= 0x08 && d->xfer_pio <= 0x0c;
    uint32_t dma = (d->xfer_dma >= 0x20 && d->xfer_dma <= 0x22) ||
                   (d->xfer_dma >= 0x40 && d->xfer_dma <= 0x45);
    return pio && dma && d->multiple <= IDE_MULTIPLE_MAX && !(d->multiple & (d->multiple - 1)) &&
           (d->kind != IDE_DISK ||
            (d->heads >= 1 && d->heads <= 16 && d->spt >= 1 && d->spt <= 255));
}

/* Mode pages carry their own codes and lengths. */
static void piix3ide_mode_pages_mend(IdeDrive *d)
{
    static const uint8_t at[] = {0, 1, 12, 13, 20, 21},
                         value[] = {0x01, 0x0a, 0x0d, 0x06, 0x0e, 0x0e};
    for (uint32_t i = 0; i < sizeof(at); i++)
        d->mode_pages[at[i]] = value[i];
}

static void piix3ide_medium_after_load(IdeDrive *d)
{
    uint32_t sectors = d->cd_sectors;
    ide_atapi_medium(d, 1);
    if (d->cd_sectors != sectors) {
        d->attention_asc = d->cd_present ? 0x28 : 0;
        d->event = d->cd_present ? 2 : 3;
    }
    if (VIV_HAS(d->media, lock))
        d->media->lock(d->media_self, d->prevent);
}

/* [main, lock held] Every loaded byte is hostile. */
static viv_status_t piix3ide_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Piix3Ide *ide = self;
    (void)version;
    for (uint32_t lun = 0; lun < PIIX3IDE_LUNS; lun++) {
        IdeDrive *d = piix3ide_drive(ide, lun);
        uint32_t have = d->media ? (d->serial && d->vendor ? IDE_CD : IDE_DISK) : IDE_NONE;
        if (d->kind != have) {
            d->kind = have;
            return dev->api->fail(dev, VIV_E_CONFIG, "LUN#%u is not the drive that was saved", lun);
        }
        if (d->kind == IDE_NONE)
            continue;
        if (d->phase >= IDE_PH_COUNT || d->op >= IDE_OP_COUNT || !piix3ide_op_fits(d) ||
            !piix3ide_buffer_fits(d) || !piix3ide_transfer_fits(d) || !piix3ide_modes_fit(d))
            return dev->api->fail(dev, VIV_E_CORRUPT,
                                  "LUN#%u: phase %u of operation %u, %u/%u/%u bytes", lun, d->phase,
                                  d->op, d->buf_pos, d->block_end, d->buf_len);
        if (d->kind == IDE_CD) {
            piix3ide_mode_pages_mend(d);
            piix3ide_medium_after_load(d);
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

/* -- Construction ---------------------------------------------------------------------------- */

/* The drives' texts, under VirtualBox's names. */
static viv_status_t piix3ide_strings(viv_dev_t *dev, IdeDrive *d, uint32_t lun, uint32_t cd)
{
    static const char *const drives[PIIX3IDE_LUNS] = {"PrimaryMaster", "PrimarySlave",
                                                      "SecondaryMaster", "SecondarySlave"};
    static const char *const serials[PIIX3IDE_LUNS] = {"VIVIDE00", "VIVIDE01", "VIVIDE10",
                                                       "VIVIDE11"};
    const struct {
        const char *key, *text;
        const char **to;
        uint32_t len, cd_only;
    } texts[] = {
        {"SerialNumber", serials[lun], &d->serial, 20, 0},
        {"FirmwareRevision", "1.0", &d->firmware, 8, 0},
        {"ModelNumber", cd ? "VIVARIUM CD-ROM" : "VIVARIUM HARDDISK", &d->model, 40, 0},
        {"ATAPIVendorId", "VIVARIUM", &d->vendor, 8, 1},
        {"ATAPIProductId", "CD-ROM", &d->product, 16, 1},
        {"ATAPIRevision", "1.0", &d->revision, 4, 1},
    };
    const viv_cfg_api_t *cfg = NULL;
    viv_iface_t iface;
    if (dev->api->get_interface(dev, VIV_CFG_ID, sizeof(viv_cfg_api_t), &iface) >= 0)
        cfg = iface.ops;
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char path[64];
        *texts[i].to = NULL;
        if (texts[i].cd_only && !cd)
            continue;
        *texts[i].to = texts[i].text;
        if (!cfg)
            continue;
        snprintf(path, sizeof(path), "%s/%s", drives[lun], texts[i].key);
        viv_status_t st = cfg->get_string(dev, path, texts[i].text, texts[i].to);
        if (st < 0)
            return st;
        if (strlen(*texts[i].to) > texts[i].len)
            return dev->api->fail(dev, VIV_E_CONFIG, "%s has more than %u characters", path,
                                  texts[i].len);
    }
    return VIV_OK;
}

/* 16 heads and 63 sectors, as every disk beyond 504 MiB claims; the cylinders end at 16383. */
static void piix3ide_geometry(IdeDrive *d)
{
    uint64_t cylinders = d->sectors / 1008u;
    d->def_heads = 16;
    d->def_spt = 63;
    d->def_cylinders = cylinders > 16383 ? 16383 : cylinders ? (uint32_t)cylinders : 1;
}

static viv_status_t piix3ide_attach(viv_dev_t *dev, Piix3Ide *ide, const viv_lun_api_t *luns,
                                    uint32_t lun)
{
    IdeDrive *d = piix3ide_drive(ide, lun);
    viv_media_info_t info = {.size = sizeof(info)};
    viv_iface_t iface;
    viv_status_t st = luns->attach(dev, lun, "IDE drive");
    if (st == VIV_E_NOT_FOUND)
        return VIV_OK;
    if (st < 0)
        return st;
    st = luns->query(dev, lun, VIV_MEDIA_ID, offsetof(viv_media_ops_t, eject), &iface);
    if (st < 0)
        return dev->api->fail(dev, st, "the driver at LUN#%u does not offer " VIV_MEDIA_ID, lun);
    d->media = iface.ops;
    d->media_self = iface.self;
    d->media->info(d->media_self, &info);
    if (info.type != VIV_MEDIA_DISK && info.type != VIV_MEDIA_DVD)
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "LUN#%u is neither a hard disk nor an optical drive", lun);
    st = piix3ide_strings(dev, d, lun, info.type == VIV_MEDIA_DVD);
    if (st < 0)
        return st;
    d->buf = ide->buffers[lun];
    if (info.type == VIV_MEDIA_DVD) {
        d->kind = IDE_CD;
        ide_atapi_medium(d, 1);
        return VIV_OK;
    }
    d->sectors = info.size_bytes / IDE_SECTOR;
    if (!info.present || d->sectors == 0)
        return dev->api->fail(dev, VIV_E_CONFIG, "LUN#%u: a hard disk needs a medium", lun);
    if (d->sectors > 1ull << 48)
        d->sectors = 1ull << 48;
    d->read_only = info.read_only;
    d->rotational = !info.non_rotational;
    piix3ide_geometry(d);
    d->kind = IDE_DISK;
    return VIV_OK;
}

static viv_status_t piix3ide_add_function(viv_dev_t *dev, Piix3Ide *ide)
{
    viv_iface_t iface;
    viv_status_t st = dev->api->get_interface(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &iface);
    if (st < 0)
        return dev->api->fail(dev, st, "the host has no " VIV_PCI_ID);
    ide->pci = iface.ops;
    const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = piix3ide_models[ide->model].device_id,
        .class_code = 0x010180, /* IDE, bus master, compatibility mode only */
        .revision = piix3ide_models[ide->model].revision,
        .device = 1,
        .function = 1,
    };
    st = ide->pci->add(dev, 0, &desc, &ide->fn);
    if (st < 0)
        return st;
    ide->pci->config_wmask(ide->fn, PIIX3IDE_CFG_IDETIM, 0xf3fff3ffu, 4);
    ide->pci->config_wmask(ide->fn, PIIX3IDE_CFG_SIDETIM, 0xff, 1);
    if (piix3ide_models[ide->model].has_udma) {
        ide->pci->config_wmask(ide->fn, PIIX3IDE_CFG_UDMACTL, 0x0f, 1);
        ide->pci->config_wmask(ide->fn, PIIX3IDE_CFG_UDMATIM, 0x3333, 2);
    }
    if (piix3ide_models[ide->model].has_conf)
        ide->pci->config_wmask(ide->fn, PIIX3IDE_CFG_IDECONF, 0x000ff4ffu, 4);
    return ide->pci->bar_pio(ide->fn, 4, 16, &ide_bm_io, ide, "bus master");
}

/* The ports are mapped for good; the handlers see whether the channel is switched on. */
static viv_status_t piix3ide_map(viv_dev_t *dev, Piix3Ide *ide)
{
    static const uint16_t command_base[2] = {0x1f0, 0x170}, control_port[2] = {0x3f6, 0x376};
    for (uint32_t c = 0; c < 2; c++) {
        IdeChannel *ch = &ide->channels[c];
        viv_status_t st =
            dev->api->pio_map(dev, command_base[c], 8, &ide_command_io, ch, "task file", NULL);
        if (st < 0)
            return st;
        st =
            dev->api->pio_map(dev, control_port[c], 1, &ide_control_io, ch, "device control", NULL);
        if (st < 0)
            return st;
    }
    return VIV_OK;
}

static void piix3ide_link(Piix3Ide *ide)
{
    for (uint32_t c = 0; c < 2; c++) {
        IdeChannel *ch = &ide->channels[c];
        ch->ide = ide;
        ch->index = c;
        ch->irq = 14u + c;
        for (uint32_t u = 0; u < 2; u++) {
            ch->drives[u].channel = ch;
            ch->drives[u].unit = u;
        }
    }
}

/* [main, lock held] */
static viv_status_t piix3ide_construct(viv_dev_t *dev, void *self)
{
    Piix3Ide *ide = self;
    viv_iface_t iface;
    viv_status_t st;
    ide->dev = dev;
    ide->model = UINT32_MAX;
    for (uint32_t i = 0; i < sizeof(piix3ide_models) / sizeof(piix3ide_models[0]); i++) {
        if (strcmp(ide->type, piix3ide_models[i].name) == 0)
            ide->model = i;
    }
    if (ide->model == UINT32_MAX)
        return dev->api->fail(dev, VIV_E_CONFIG, "Type is '%s', not PIIX3, PIIX4 or ICH6",
                              ide->type);
    piix3ide_link(ide);
    st = dev->api->get_interface(dev, VIV_STREAM_ID, sizeof(viv_stream_api_t), &iface);
    if (st < 0)
        return dev->api->fail(dev, st, "the host has no " VIV_STREAM_ID);
    ide->stream = iface.ops;
    st = dev->api->get_interface(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &iface);
    if (st < 0)
        return dev->api->fail(dev, st, "the host has no " VIV_LUN_ID);
    const viv_lun_api_t *luns = iface.ops;
    st = piix3ide_add_function(dev, ide);
    if (st < 0)
        return st;
    st = piix3ide_map(dev, ide);
    for (uint32_t lun = 0; st >= 0 && lun < PIIX3IDE_LUNS; lun++)
        st = piix3ide_attach(dev, ide, luns, lun);
    return st;
}

static const viv_device_class_t piix3ide_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "piix3ide",
    .summary = "IDE controller (PIIX3, PIIX4, ICH6)",
    .instance_size = sizeof(Piix3Ide),
    .state_version = PIIX3IDE_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_STORAGE,
    .options = piix3ide_options,
    .state = piix3ide_state,
    .construct = piix3ide_construct,
    .reset = piix3ide_reset,
    .save = piix3ide_save,
    .load = piix3ide_load,
    .post_load = piix3ide_post_load,
    .query_interface = piix3ide_query_interface,
};

VIV_PLUGIN("org.vivarium.piix3ide", "1.0", "LGPL-2.1-or-later", "IDE controller", &piix3ide_class);
