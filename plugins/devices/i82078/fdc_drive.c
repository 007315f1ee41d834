/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: drives and media. An image's size says its format; sectors lie in it by cylinder, head,
 * sector. A raw image has no place for deleted data marks and for foreign formats: a drive remembers
 * them as long as the medium is in. */
#include "fdc.h"

#include <string.h>

/* Rates: 0 500 kbit/s, 1 300, 2 250, 3 1000. */
static const FdcFormat fdc_formats[] = {
    {163840, 40, 1, 8, 2, "360", "160K"},     {184320, 40, 1, 9, 2, "360", "180K"},
    {327680, 40, 2, 8, 2, "360", "320K"},     {368640, 40, 2, 9, 2, "360", "360K"},
    {737280, 80, 2, 9, 2, "720", "720K"},     {1228800, 80, 2, 15, 0, "1.20", "1.2M"},
    {1474560, 80, 2, 18, 0, "1.44", "1.44M"}, {1720320, 80, 2, 21, 0, "1.44", "1.68M"},
    {2949120, 80, 2, 36, 3, "2.88", "2.88M"},
};

/* 3 1/2-inch drives turn at 300 rpm, 1.2 MB drives at 360. Heads go a little further than media. */
static const FdcDriveType fdc_drive_types[] = {
    {"360", 42, 50000},  {"1.20", 84, 41667}, {"720", 84, 50000},
    {"1.44", 84, 50000}, {"2.88", 84, 50000},
};

#define FDC_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const FdcDriveType *fdc_drive_type(const char *name)
{
    for (size_t i = 0; i < FDC_LEN(fdc_drive_types); i++) {
        if (!strcmp(fdc_drive_types[i].name, name))
            return &fdc_drive_types[i];
    }
    return NULL;
}

static const FdcFormat *fdc_format_of(uint64_t bytes)
{
    for (size_t i = 0; i < FDC_LEN(fdc_formats); i++) {
        if (fdc_formats[i].bytes == bytes)
            return &fdc_formats[i];
    }
    return NULL;
}

#define FDC_FORMATS_TEXT "160K, 180K, 320K, 360K, 720K, 1200K, 1440K, 1680K and 2880K"

void fdc_drive_look(FdcDrive *d, uint32_t fresh)
{
    viv_dev_t *dev = d->fdc->dev;
    viv_media_info_t info = {.size = sizeof info};
    d->media->info(d->media_self, &info);
    d->format = info.present ? fdc_format_of(info.size_bytes) : NULL;
    d->read_only = info.read_only;
    if (info.present && !d->format)
        dev->api->log(dev, VIV_LOG_ERROR,
                      "a floppy image of %llu bytes has no format that a drive knows: the drive "
                      "stays empty; allowed are " FDC_FORMATS_TEXT " (truncate -s pads an image)",
                      (unsigned long long)info.size_bytes);
    if (fresh || d->identity != info.identity) {
        d->identity = info.identity;
        d->changed = 1;
        memset(d->deleted, 0, sizeof d->deleted);
        memset(d->alien, 0, sizeof d->alien);
    }
}

/* [any, no lock] */
static void fdc_media_changed(void *self)
{
    FdcDrive *d = self;
    viv_dev_t *dev = d->fdc->dev;
    dev->api->lock(dev);
    fdc_drive_look(d, 1);
    dev->api->unlock(dev);
}

const viv_media_port_ops_t fdc_media_port = {
    .size = sizeof(viv_media_port_ops_t),
    .changed = fdc_media_changed,
};

static viv_status_t fdc_drive_attach(Fdc *f, uint32_t number)
{
    viv_dev_t *dev = f->dev;
    FdcDrive *d = &f->drive[number];
    const char *name = f->type_name[number];
    viv_media_info_t info = {.size = sizeof info};
    viv_iface_t iface;
    viv_status_t st = f->lun->attach(dev, number, "floppy drive");
    if (st == VIV_E_NOT_FOUND)
        return VIV_OK;
    if (st || (st = f->lun->query(dev, number, VIV_MEDIA_ID, sizeof(viv_media_ops_t), &iface)))
        return st;
    d->media = iface.ops;
    d->media_self = iface.self;
    d->media->info(d->media_self, &info);
    if (info.type != VIV_MEDIA_FLOPPY)
        return dev->api->fail(dev, VIV_E_CONFIG, "LUN#%u is not a floppy drive", number);
    const FdcFormat *format = info.present ? fdc_format_of(info.size_bytes) : NULL;
    if (info.present && !format)
        return dev->api->fail(
            dev, VIV_E_CONFIG,
            "LUN#%u: %llu bytes is no floppy format; allowed are " FDC_FORMATS_TEXT
            " (truncate -s pads an image)",
            number, (unsigned long long)info.size_bytes);
    if (!strcmp(name, "auto"))
        name = format ? format->drive : "1.44";
    d->type = fdc_drive_type(name);
    if (!d->type)
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "DriveType%u is '%s', not auto, 360, 1.20, 720, 1.44 or 2.88", number,
                              name);
    d->model = (uint8_t)(1 + (d->type - fdc_drive_types));
    return VIV_OK;
}

/* The medium that made an "auto" drive what it is may have been changed before the save. */
viv_status_t fdc_drive_loaded(FdcDrive *d, uint32_t number)
{
    viv_dev_t *dev = d->fdc->dev;
    if (d->model > FDC_LEN(fdc_drive_types) || !d->model != !d->type)
        return dev->api->fail(dev, VIV_E_CORRUPT, "drive %u is there or is not", number);
    if (!d->model || d->type == &fdc_drive_types[d->model - 1])
        return VIV_OK;
    if (strcmp(d->fdc->type_name[number], "auto") != 0)
        return dev->api->fail(dev, VIV_E_CONFIG, "drive %u was a %s drive when saved, it is a %s",
                              number, fdc_drive_types[d->model - 1].name, d->type->name);
    d->type = &fdc_drive_types[d->model - 1];
    return VIV_OK;
}

viv_status_t fdc_drives_attach(Fdc *f)
{
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        f->drive[i].fdc = f;
        viv_status_t st = fdc_drive_attach(f, i);
        if (st)
            return st;
        if (f->drive[i].type)
            fdc_drive_look(&f->drive[i], 1);
    }
    return VIV_OK;
}

/* -- signals --------------------------------------------------------------------------------- */

/* Drive selects are gated by the motor enables. BOOTSEL (TDR bits 2-3) swaps drive 0 with 1 or
 * 2. */
uint32_t fdc_selected(const Fdc *f)
{
    uint32_t unit = f->dor & 3, boot = f->tdr >> 2 & 3;
    if (!(f->dor >> (4 + unit) & 1))
        return FDC_NO_DRIVE;
    if (boot == 1 || boot == 2)
        unit = unit == 0 ? boot : unit == boot ? 0 : unit;
    return f->drive[unit].type ? unit : FDC_NO_DRIVE;
}

/* DRIVE SPECIFICATION's rate table: with DRT 1 the third rate is 500 kbit/s, with 2 it is 2
 * Mbit/s. */
static uint32_t fdc_kbit(const Fdc *f)
{
    static const uint16_t kbit[4] = {500, 300, 250, 1000};
    uint32_t table = f->unit[f->dor & 3].spec >> 2 & 3;
    if (f->rate == 1 && table == 1)
        return 500;
    return f->rate == 1 && table == 2 ? 2000 : kbit[f->rate & 3];
}

/* A 250 kbit/s medium in a 1.2 MB drive turns faster, and gives 300. */
uint32_t fdc_rate_matches(const Fdc *f, const FdcDrive *d)
{
    static const uint16_t kbit[4] = {500, 300, 250, 1000};
    uint32_t wanted = kbit[d->format->rate];
    if (wanted == 250 && d->type->rev_us < 50000)
        wanted = 300;
    return fdc_kbit(f) == wanted;
}

uint64_t fdc_byte_ns(const Fdc *f)
{
    return 8 * FDC_MS / fdc_kbit(f);
}

uint64_t fdc_rev_ns(const Fdc *f, uint32_t drive)
{
    const FdcDriveType *type = drive < FDC_UNITS ? f->drive[drive].type : NULL;
    return (type ? type->rev_us : 50000) * 4 * FDC_US;
}

uint32_t fdc_map_get(const uint8_t *map, uint32_t bit)
{
    return map[bit / 8] >> (bit % 8) & 1;
}

void fdc_map_set(uint8_t *map, uint32_t bit, uint32_t value)
{
    uint8_t mask = (uint8_t)(1u << (bit % 8));
    map[bit / 8] = (uint8_t)(value ? map[bit / 8] | mask : map[bit / 8] & ~mask);
}

uint32_t fdc_sector_index(const FdcDrive *d, uint32_t cyl, uint32_t head, uint32_t r)
{
    return (cyl * d->format->heads + head) * d->format->sectors + r - 1;
}

/* A 40-cylinder medium in a 1.2 MB drive lies on every second track. */
int fdc_drive_track(const Fdc *f, uint32_t drive, uint32_t head, uint32_t mfm)
{
    if (drive >= FDC_UNITS || !f->drive[drive].format || !mfm)
        return -1;
    const FdcDrive *d = &f->drive[drive];
    uint32_t cyl = d->cylinder;
    if (d->format->cylinders == 40 && !strcmp(d->type->name, "1.20")) {
        if (cyl & 1)
            return -1;
        cyl /= 2;
    }
    if (cyl >= d->format->cylinders || head >= d->format->heads || !fdc_rate_matches(f, d) ||
        fdc_map_get(d->alien, d->cylinder * 2u + head))
        return -1;
    return (int)cyl;
}

void fdc_drive_step(FdcDrive *d, int steps)
{
    int to = (int)d->cylinder + steps, last = d->type->cylinders - 1;
    d->cylinder = (uint8_t)(to < 0 ? 0 : to > last ? last : to);
    if (steps && d->format)
        d->changed = 0; /* a step with a medium in lets go of the line */
}
