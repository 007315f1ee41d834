/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: how much of itself a disk shows - the host protected area (READ NATIVE MAX, SET MAX with
 * its password, lock and freeze) and the device configuration overlay. ATA/ATAPI-6 (T13 1410D rev
 * 3b), sections 6.9, 6.18, 8.9, 8.32, 8.33, 8.47, 8.48.
 * Like passwords, what is set lives in the machine's state, not in the image. */
#include "ide.h"

#include <string.h>

#define IDE_MAX_ATTEMPTS 5u
#define IDE_LBA28_LAST   0x0fffffffu

void ide_capacity_init(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    memset(c, 0, sizeof(*c));
    c->visible = c->kept = c->native = d->sectors;
    c->mwdma = 0x07;
    c->udma = 0x3f;
    c->features = IDE_HAS_ALL;
    c->attempts = IDE_MAX_ATTEMPTS;
}

/* Power-on or hardware reset. */
void ide_capacity_reset(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    c->visible = c->kept;
    c->set_once = c->locked = c->frozen = c->has_password = c->overlay_frozen = 0;
    if (c->visible == c->native)
        c->form = 0;
    c->attempts = IDE_MAX_ATTEMPTS;
}

uint32_t ide_capacity_fits(const IdeDrive *d)
{
    const IdeCapacity *c = &d->capacity;
    return c->native >= 1 && c->native <= d->sectors && c->visible >= 1 &&
           c->visible <= c->native && c->kept >= 1 && c->kept <= c->native && c->form <= 2 &&
           !(c->features & ~IDE_HAS_ALL) && !(c->mwdma & ~0x07u) && !(c->udma & ~0x3fu);
}

/* -- The host protected area ----------------------------------------------------------------- */

/* F8h, and 27h in 48 bits */
void ide_native_max(IdeDrive *d)
{
    d->ext = d->command == 0x27;
    if (!ide_has(d, IDE_HAS_HPA) || (d->ext && !ide_has(d, IDE_HAS_LBA48)) || !d->lba_mode) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    uint64_t last = d->capacity.native - 1u;
    ide_ata_show(d, d->ext || last < IDE_LBA28_LAST ? last : IDE_LBA28_LAST);
    ide_finish(d, 1);
}

/* SET MAX ADDRESS, F9h and 37h. Bit 0 of the sector count: it outlives a hardware reset. */
static void ide_set_max_address(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    uint32_t lasting = d->nsect & 1u, form = d->ext ? 2u : 1u;
    uint64_t last;
    if (!d->lba_mode || c->locked || c->frozen || (c->form && c->form != form) ||
        d->previous != (d->ext ? 0x27u : 0xf8u)) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    if (!ide_ata_address(d, &last) || last >= c->native || (lasting && c->set_once)) {
        ide_abort(d, IDE_ER_IDNF);
        return;
    }
    c->visible = last + 1u;
    if (lasting) {
        c->kept = c->visible;
        c->set_once = 1;
    }
    c->form = (uint8_t)(c->visible == c->native && c->kept == c->native ? 0 : form);
    ide_finish(d, 1);
}

void ide_set_max(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    d->ext = d->command == 0x37;
    if (!ide_has(d, IDE_HAS_HPA) || (d->ext && !ide_has(d, IDE_HAS_LBA48))) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    /* Right after READ NATIVE MAX it is the address that is set, whatever the features say. */
    if (d->ext || d->previous == 0xf8 || d->feature == 0) {
        ide_set_max_address(d);
        return;
    }
    switch (d->feature) {
    case 1: /* SET PASSWORD */
        if (c->frozen || c->locked)
            break;
        ide_ata_receive(d, IDE_OP_MAX_PASSWORD, IDE_SECTOR);
        return;
    case 2: /* LOCK */
        if (c->frozen || !c->has_password)
            break;
        c->locked = 1;
        ide_finish(d, 1);
        return;
    case 3: /* UNLOCK */
        if (c->frozen || !c->has_password || c->attempts == 0)
            break;
        ide_ata_receive(d, IDE_OP_MAX_PASSWORD, IDE_SECTOR);
        return;
    case 4: /* FREEZE LOCK */
        c->frozen = 1;
        ide_finish(d, 1);
        return;
    default: break;
    }
    ide_abort(d, IDE_ER_ABRT);
}

void ide_set_max_data(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    if (d->feature == 1) {
        memcpy(c->password, d->buf + 2, IDE_PASSWORD_BYTES);
        c->has_password = 1;
    } else if (memcmp(c->password, d->buf + 2, IDE_PASSWORD_BYTES) == 0) {
        c->locked = 0;
        c->attempts = IDE_MAX_ATTEMPTS;
    } else {
        if (c->attempts > 0)
            c->attempts--;
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    ide_finish(d, 1);
}

/* -- DEVICE CONFIGURATION, B1h --------------------------------------------------------------- */

/* What the drive could be, whatever has been taken away. */
static void ide_overlay_identify(IdeDrive *d)
{
    uint64_t last = d->sectors - 1u;
    memset(d->buf, 0, IDE_SECTOR);
    ide_put_le16(d->buf, 1);
    ide_put_le16(d->buf + 2, 0x07);
    ide_put_le16(d->buf + 4, 0x3f);
    for (uint32_t i = 0; i < 4; i++)
        ide_put_le16(d->buf + 6 + 2 * (size_t)i, (uint32_t)(last >> (16 * i)) & 0xffffu);
    ide_put_le16(d->buf + 14, IDE_HAS_ALL);
    ide_identify_checksum(d->buf);
    ide_ata_reply(d, IDE_SECTOR);
}

void ide_overlay(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    uint32_t area = c->visible != c->native || c->kept != c->native;
    switch (d->feature) {
    case 0xc0: /* RESTORE */
        if (c->overlay_frozen || area)
            break;
        c->visible = c->kept = c->native = d->sectors;
        c->mwdma = 0x07;
        c->udma = 0x3f;
        c->features = IDE_HAS_ALL;
        c->overlay_set = 0;
        ide_finish(d, 1);
        return;
    case 0xc1: /* FREEZE LOCK */
        if (c->overlay_frozen)
            break;
        c->overlay_frozen = 1;
        ide_finish(d, 1);
        return;
    case 0xc2: /* IDENTIFY */
        if (c->overlay_frozen)
            break;
        ide_overlay_identify(d);
        return;
    case 0xc3: /* SET */
        if (c->overlay_frozen || c->overlay_set || area)
            break;
        ide_ata_receive(d, IDE_OP_OVERLAY, IDE_SECTOR);
        return;
    default: break;
    }
    ide_abort(d, IDE_ER_ABRT);
}

/* Where the data asks for too much: its word, and the bits of it. */
static void ide_overlay_refuse(IdeDrive *d, uint32_t word, uint32_t bits)
{
    d->lbah = (uint8_t)word;
    d->lbam = (uint8_t)(bits >> 8);
    d->lbal = (uint8_t)bits;
    ide_abort(d, IDE_ER_ABRT);
}

void ide_overlay_data(IdeDrive *d)
{
    IdeCapacity *c = &d->capacity;
    static const uint16_t allowed[8] = {0, 0x07, 0x3f, 0, 0, 0, 0, IDE_HAS_ALL};
    uint8_t sum = 0;
    uint64_t last = 0;
    for (uint32_t i = 0; i < IDE_SECTOR; i++)
        sum = (uint8_t)(sum + d->buf[i]);
    if (ide_get_le16(d->buf) != 1 || d->buf[510] != 0xa5 || sum != 0) {
        ide_overlay_refuse(d, d->buf[510] != 0xa5 || sum != 0 ? 255 : 0, 0);
        return;
    }
    for (uint32_t word = 1; word <= 7; word++) {
        uint32_t beyond = ide_get_le16(d->buf + 2 * (size_t)word) & ~(uint32_t)allowed[word];
        if (word >= 3 && word <= 6)
            last |= (uint64_t)ide_get_le16(d->buf + 2 * (size_t)word) << (16 * (word - 3));
        else if (beyond) {
            ide_overlay_refuse(d, word, beyond);
            return;
        }
    }
    if (d->security.enabled && !(ide_get_le16(d->buf + 14) & IDE_HAS_SECURITY)) {
        ide_overlay_refuse(d, 7, IDE_HAS_SECURITY);
        return;
    }
    if (last >= d->sectors) {
        ide_overlay_refuse(d, 3, 0);
        return;
    }
    c->visible = c->kept = c->native = last + 1u;
    c->mwdma = (uint8_t)(d->buf[2] & 0x07u);
    c->udma = (uint8_t)(d->buf[4] & 0x3fu);
    c->features = (uint16_t)ide_get_le16(d->buf + 14);
    c->overlay_set = 1;
    ide_finish(d, 1);
}
