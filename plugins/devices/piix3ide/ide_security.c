/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the security mode feature set of a disk. ATA/ATAPI-6 (T13 1410D rev 3b), sections 6.13
 * and 8.41-8.46.
 * Passwords and modes live in the machine's state, not in the image. An erase writes zeros at
 * 100 MB/s of virtual time and can be saved at any moment; a reset ends it. */
#include "ide.h"

#include <string.h>

#define IDE_SECURITY_ATTEMPTS 5u
#define IDE_SECURITY_MASTER   0x0001u /* word 0 of the data: identifier */
#define IDE_SECURITY_ENHANCED 0x0002u
#define IDE_SECURITY_MAXIMUM  0x0100u
#define IDE_ERASE_NS          1300000u /* a full buffer at 100 MB/s */

void ide_security_init(IdeDrive *d)
{
    memset(&d->security, 0, sizeof(d->security));
    memset(d->security.master, ' ', IDE_PASSWORD_BYTES); /* the maker's: blanks */
    d->security.master_revision = 0xfffe;
}

/* Power-on or hardware reset. */
void ide_security_reset(IdeDrive *d)
{
    d->security.locked = d->security.enabled;
    d->security.frozen = d->security.expired = 0;
    d->security.attempts = IDE_SECURITY_ATTEMPTS;
}

void ide_security_identify(const IdeDrive *d, uint8_t *buf)
{
    const IdeSecurity *s = &d->security;
    uint32_t minutes = (uint32_t)(d->sectors / (60ull * 200000u)) + 1u; /* 100 MB/s */
    uint32_t pairs = minutes / 2u + 1u;
    pairs = pairs < 254 ? pairs : 255;
    if (!ide_has(d, IDE_HAS_SECURITY))
        return;
    ide_put_le16(buf + 178, pairs);
    ide_put_le16(buf + 180, pairs);
    ide_put_le16(buf + 184, s->master_revision);
    ide_put_le16(buf + 256, 0x21u | s->enabled * 2u | s->locked * 4u | s->frozen * 8u |
                                s->expired * 16u | (s->enabled ? s->maximum * 256u : 0u));
}

/* -- Commands -------------------------------------------------------------------------------- */

void ide_security(IdeDrive *d)
{
    IdeSecurity *s = &d->security;
    uint8_t c = d->command;
    uint32_t refused = s->frozen;
    switch (c) {
    case 0xf1: /* SET PASSWORD */
    case 0xf6: /* DISABLE PASSWORD */ refused |= s->locked; break;
    case 0xf2: /* UNLOCK */ refused |= s->expired; break;
    case 0xf4: /* ERASE UNIT */
        refused |= s->expired || !s->enabled || d->previous != 0xf3 || d->read_only;
        break;
    case 0xf5: /* FREEZE LOCK */ refused = s->locked; break;
    default: break;
    }
    if (!ide_has(d, IDE_HAS_SECURITY) || refused) {
        ide_abort(d, IDE_ER_ABRT);
    } else if (c == 0xf3) { /* ERASE PREPARE */
        ide_finish(d, 1);
    } else if (c == 0xf5) {
        s->frozen = 1;
        ide_finish(d, 1);
    } else {
        ide_ata_receive(d, IDE_OP_PASSWORD, IDE_SECTOR);
    }
}

static uint32_t ide_security_matches(const IdeDrive *d, uint32_t master)
{
    const uint8_t *want = master ? d->security.master : d->security.user;
    return memcmp(want, d->buf + 2, IDE_PASSWORD_BYTES) == 0;
}

static void ide_security_set(IdeDrive *d, uint32_t control)
{
    IdeSecurity *s = &d->security;
    uint32_t revision = ide_get_le16(d->buf + 34);
    if (control & IDE_SECURITY_MASTER) {
        memcpy(s->master, d->buf + 2, IDE_PASSWORD_BYTES);
        if (revision != 0 && revision != 0xffff)
            s->master_revision = (uint16_t)revision;
    } else {
        memcpy(s->user, d->buf + 2, IDE_PASSWORD_BYTES);
        s->enabled = 1;
        s->maximum = (control & IDE_SECURITY_MAXIMUM) != 0;
    }
    ide_finish(d, 1);
}

static void ide_security_unlock(IdeDrive *d, uint32_t control)
{
    IdeSecurity *s = &d->security;
    uint32_t master = control & IDE_SECURITY_MASTER;
    if (!s->locked) {
        ide_finish(d, 1);
        return;
    }
    if (!(master && s->maximum) && ide_security_matches(d, master)) {
        s->locked = 0;
        ide_finish(d, 1);
        return;
    }
    if (s->attempts > 0)
        s->attempts--;
    s->expired = s->attempts == 0;
    ide_abort(d, IDE_ER_ABRT);
}

static void ide_security_disable(IdeDrive *d, uint32_t control)
{
    uint32_t master = control & IDE_SECURITY_MASTER;
    IdeSecurity *s = &d->security;
    if (s->enabled && ((master && s->maximum) || !ide_security_matches(d, master))) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    s->enabled = s->maximum = 0;
    ide_finish(d, 1);
}

void ide_security_data(IdeDrive *d)
{
    uint32_t control = ide_get_le16(d->buf);
    switch (d->command) {
    case 0xf1: ide_security_set(d, control); break;
    case 0xf2: ide_security_unlock(d, control); break;
    case 0xf6: ide_security_disable(d, control); break;
    default: /* F4h */
        if (!ide_security_matches(d, control & IDE_SECURITY_MASTER)) {
            ide_abort(d, IDE_ER_ABRT);
            break;
        }
        d->op = IDE_OP_ERASE;
        d->lba = 0;
        d->chunk = 0;
        ide_security_erase_next(d, VIV_OK);
        break;
    }
}

/* A chunk has been written (or the first is due): after the last the disk has no password. */
void ide_security_erase_next(IdeDrive *d, viv_status_t status)
{
    if (status < 0) {
        ide_abort(d, IDE_ER_ABRT);
        return;
    }
    if (d->phase == IDE_PH_MEDIA) {
        d->lba += d->chunk;
        d->chunk = 0;
        if (d->lba < d->sectors) {
            ide_wait(d, IDE_OP_ERASE, IDE_ERASE_NS);
            return;
        }
        memset(&d->bad, 0, sizeof(d->bad));
        d->security.enabled = d->security.locked = d->security.maximum = 0;
        ide_finish(d, 1);
        return;
    }
    uint64_t left = d->sectors - d->lba;
    d->chunk = left < IDE_BUF_SECTORS ? (uint32_t)left : IDE_BUF_SECTORS;
    memset(d->buf, 0, (size_t)d->chunk * IDE_SECTOR);
    ide_media(d, VIV_MEDIA_OP_WRITE, d->lba * IDE_SECTOR, (uint64_t)d->chunk * IDE_SECTOR, d->buf);
}
