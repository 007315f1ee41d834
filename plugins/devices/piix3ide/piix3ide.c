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
#include <stdlib.h>
#include <string.h>

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

/* [any, no lock] */
static void piix3ide_eject_request(void *self)
{
    IdeDrive *d = self;
    viv_dev_t *dev = d->channel->ide->dev;
    dev->api->lock(dev);
    if (d->kind == IDE_CD)
        ide_atapi_eject_request(d);
    dev->api->unlock(dev);
}

static const viv_media_port_ops_t piix3ide_media_port = {
    .size = sizeof(viv_media_port_ops_t),
    .changed = piix3ide_media_changed,
    .eject_request = piix3ide_eject_request,
};

/* [any] */
static viv_status_t piix3ide_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                             const char *id, viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun >= IDE_LUNS || strcmp(id, VIV_MEDIA_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &piix3ide_media_port;
    ret_iface->self = ide_drive(self, lun);
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

/* -- Construction ---------------------------------------------------------------------------- */

/* The drives' texts, under VirtualBox's names. */
static viv_status_t piix3ide_strings(viv_dev_t *dev, IdeDrive *d, uint32_t lun, uint32_t cd)
{
    static const char *const drives[IDE_LUNS] = {"PrimaryMaster", "PrimarySlave", "SecondaryMaster",
                                                 "SecondarySlave"};
    static const char *const serials[IDE_LUNS] = {"VIVIDE00", "VIVIDE01", "VIVIDE10", "VIVIDE11"};
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
    IdeDrive *d = ide_drive(ide, lun);
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
    ide_security_init(d);
    ide_capacity_init(d);
    ide_smart_init(d);
    return VIV_OK;
}

/* -- Timers ---------------------------------------------------------------------------------- */

/* [emt, lock held] */
static void piix3ide_on_standby(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    ide_standby_expired(ctx);
}

/* [emt, lock held] */
static void piix3ide_on_test(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    ide_smart_test_done(ctx);
}

/* [emt, lock held] */
static void piix3ide_on_wait(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    ide_waited(ctx);
}

static viv_status_t piix3ide_timers(viv_dev_t *dev, Piix3Ide *ide)
{
    viv_status_t st = VIV_OK;
    for (uint32_t lun = 0; lun < IDE_LUNS && st >= 0; lun++) {
        IdeDrive *d = ide_drive(ide, lun);
        const struct {
            const char *name;
            viv_timer_fn fn;
            viv_timer_t **to;
        } timers[] = {{"standby", piix3ide_on_standby, &d->standby_timer},
                      {"self-test", piix3ide_on_test, &d->test_timer},
                      {"busy", piix3ide_on_wait, &d->wait_timer}};
        for (uint32_t i = 0; i < sizeof(timers) / sizeof(timers[0]) && st >= 0; i++) {
            char name[24];
            snprintf(name, sizeof(name), "%s %u", timers[i].name, lun);
            st = dev->api->timer_create(dev, name, timers[i].fn, d, timers[i].to);
        }
    }
    return st;
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
    st = piix3ide_timers(dev, ide);
    if (st < 0)
        return dev->api->fail(dev, st, "no timers");
    st = piix3ide_map(dev, ide);
    for (uint32_t lun = 0; st >= 0 && lun < IDE_LUNS; lun++)
        st = piix3ide_attach(dev, ide, luns, lun);
    return st;
}

/* [main, lock held] */
static void piix3ide_destruct(viv_dev_t *dev, void *self)
{
    (void)dev;
    for (uint32_t lun = 0; lun < IDE_LUNS; lun++) {
        free(ide_drive(self, lun)->host_logs);
        ide_drive(self, lun)->host_logs = NULL;
    }
}

static const viv_device_class_t piix3ide_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "piix3ide",
    .summary = "IDE controller (PIIX3, PIIX4, ICH6)",
    .instance_size = sizeof(Piix3Ide),
    .state_version = IDE_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_STORAGE,
    .options = piix3ide_options,
    .state = ide_state,
    .construct = piix3ide_construct,
    .destruct = piix3ide_destruct,
    .reset = piix3ide_reset,
    .save = ide_state_save,
    .load = ide_state_load,
    .post_load = ide_state_post_load,
    .query_interface = piix3ide_query_interface,
};

VIV_PLUGIN("org.vivarium.piix3ide", "1.0", "LGPL-2.1-or-later", "IDE controller", &piix3ide_class);
