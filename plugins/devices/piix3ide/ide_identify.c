/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: IDENTIFY DEVICE and IDENTIFY PACKET DEVICE. ATA/ATAPI-6 sections 8.15 and 8.16. */
#include "ide.h"

#include <string.h>

static void ide_identify_word(uint8_t *buf, uint32_t word, uint32_t value)
{
    ide_put_le16(buf + 2 * (size_t)word, value);
}

static void ide_identify_dword(uint8_t *buf, uint32_t word, uint32_t value)
{
    ide_identify_word(buf, word, value & 0xffffu);
    ide_identify_word(buf, word + 1, value >> 16);
}

/* The first character of each pair is the high byte; padded with blanks. */
static void ide_identify_string(uint8_t *buf, uint32_t word, uint32_t words, const char *text)
{
    uint8_t *p = buf + 2 * (size_t)word;
    size_t len = strlen(text);
    for (uint32_t i = 0; i < 2 * words; i++) {
        uint8_t c = i < len ? (uint8_t)text[i] : ' ';
        p[i ^ 1u] = c >= 0x20 && c < 0x7f ? c : '?';
    }
}

/* Words that disks and packet devices have in common. */
static void ide_identify_common(const IdeDrive *d, uint8_t *buf)
{
    uint32_t mdma = ide_modes_mwdma(d), udma = ide_modes_udma(d);
    if (d->xfer_dma >= 0x40)
        udma |= 0x100u << (d->xfer_dma & 7u);
    else
        mdma |= 0x100u << (d->xfer_dma & 7u);
    ide_identify_string(buf, 10, 10, d->serial);
    ide_identify_string(buf, 23, 4, d->firmware);
    ide_identify_string(buf, 27, 20, d->model);
    ide_identify_word(buf, 63, mdma);
    ide_identify_word(buf, 64, 0x0003); /* PIO 3 and 4 */
    for (uint32_t word = 65; word <= 68; word++)
        ide_identify_word(buf, word, 120); /* cycle times in ns */
    ide_identify_word(buf, 88, udma);
    /* Result of the hardware reset: 80-conductor cable, number by jumper, diagnostics passed. */
    ide_identify_word(buf, 93, d->unit ? 0x6b00 : 0x600b);
}

void ide_identify_checksum(uint8_t *buf)
{
    uint8_t sum = 0;
    buf[510] = 0xa5;
    for (uint32_t i = 0; i < 511; i++)
        sum = (uint8_t)(sum + buf[i]);
    buf[511] = (uint8_t)-sum;
}

/* CHS addresses are for the first 16383 cylinders of what is visible. */
static void ide_identify_geometry(const IdeDrive *d, uint8_t *buf)
{
    uint64_t defaults = (uint64_t)d->def_heads * d->def_spt;
    uint64_t per_cylinder = (uint64_t)d->heads * d->spt;
    uint64_t most = d->capacity.visible / defaults;
    most = most < d->def_cylinders ? most : d->def_cylinders;
    uint64_t cylinders = most * defaults / per_cylinder;
    cylinders = cylinders < 65535 ? cylinders : 65535;
    ide_identify_word(buf, 1, (uint32_t)most);
    ide_identify_word(buf, 3, d->def_heads);
    ide_identify_word(buf, 6, d->def_spt);
    ide_identify_word(buf, 54, (uint32_t)cylinders);
    ide_identify_word(buf, 55, d->heads);
    ide_identify_word(buf, 56, d->spt);
    ide_identify_dword(buf, 57, (uint32_t)(cylinders * per_cylinder));
}

/* Words 82-84: what there is; 85-87: what is switched on. */
static void ide_identify_sets(const IdeDrive *d, uint8_t *buf)
{
    uint32_t smart = ide_has(d, IDE_HAS_SMART), lba48 = ide_has(d, IDE_HAS_LBA48);
    uint32_t errors = smart && ide_has(d, IDE_HAS_ERROR_LOG);
    uint32_t tests = smart && ide_has(d, IDE_HAS_SELF_TEST);
    uint32_t security = ide_has(d, IDE_HAS_SECURITY), hpa = ide_has(d, IDE_HAS_HPA);
    /* NOP, READ and WRITE BUFFER, look-ahead, write cache, power management */
    uint32_t w82 = 0x7068u | (hpa ? 0x0400u : 0) | (security ? 2u : 0) | (smart ? 1u : 0);
    /* FLUSH CACHE (EXT), overlay, acoustic, SET MAX passwords, power-up in standby, APM */
    uint32_t w83 = 0x5808u | (lba48 ? 0x2400u : 0) | (ide_has(d, IDE_HAS_AAM) ? 0x0200u : 0) |
                   (hpa ? 0x0100u : 0) | (ide_has(d, IDE_HAS_PUIS) ? 0x20u : 0);
    /* FUA and general purpose logs need 48 bits */
    uint32_t w84 = 0x4000u | (lba48 ? 0x0060u : 0) | (tests ? 0x02u : 0) | (errors ? 0x01u : 0);
    uint32_t w85 = w82 & ~0x0063u, w86 = w83 & ~0xc328u;
    w85 |= (d->look_ahead ? 0x40u : 0) | (d->write_cache ? 0x20u : 0) |
           (d->security.enabled ? 2u : 0) | (smart && d->smart_on ? 1u : 0);
    w86 |= (d->aam ? 0x0200u : 0) | (d->capacity.has_password ? 0x0100u : 0) |
           (d->puis ? 0x20u : 0) | (d->apm ? 0x08u : 0);
    ide_identify_word(buf, 82, w82);
    ide_identify_word(buf, 83, w83);
    ide_identify_word(buf, 84, w84);
    ide_identify_word(buf, 85, w85);
    ide_identify_word(buf, 86, w86 | 0x8000u); /* words 119 and 120 are valid */
    ide_identify_word(buf, 87, w84);
    ide_identify_word(buf, 91, d->apm ? 0x4000u | d->apm : 0);
    if (ide_has(d, IDE_HAS_AAM))
        ide_identify_word(buf, 94, 0x8000u | (d->aam ? d->aam : 0xfeu));
    ide_identify_word(buf, 119, lba48 ? 0x4004u : 0x4000u); /* WRITE UNCORRECTABLE EXT */
    ide_identify_word(buf, 120, lba48 ? 0x4004u : 0x4000u);
}

void ide_identify_disk(IdeDrive *d, uint8_t *buf)
{
    uint64_t visible = d->capacity.visible;
    memset(buf, 0, IDE_SECTOR);
    ide_identify_common(d, buf);
    ide_identify_geometry(d, buf);
    ide_identify_word(buf, 0, 0x0040); /* fixed disk */
    ide_identify_word(buf, 2, 0xc837); /* spins up by itself, all of this data is there */
    ide_identify_word(buf, 20, 3);
    ide_identify_word(buf, 21, IDE_BUF_SECTORS);
    ide_identify_word(buf, 22, 4);
    ide_identify_word(buf, 47, 0x8000u | IDE_MULTIPLE_MAX);
    ide_identify_word(buf, 49, 0x2f00); /* standby timer values, IORDY, LBA, DMA */
    ide_identify_word(buf, 50, 0x4000);
    ide_identify_word(buf, 51, 0x0200);
    ide_identify_word(buf, 52, 0x0200);
    ide_identify_word(buf, 53, 0x0007);
    ide_identify_word(buf, 59, d->multiple ? 0x0100u | d->multiple : 0);
    ide_identify_dword(buf, 60, (uint32_t)(visible < 0x0fffffffu ? visible : 0x0fffffffu));
    ide_identify_word(buf, 80, 0x01fe); /* ATA-1 to ATA8-ACS, for what it has of that */
    ide_identify_sets(d, buf);
    if (ide_has(d, IDE_HAS_LBA48)) {
        ide_identify_dword(buf, 100, (uint32_t)visible);
        ide_identify_dword(buf, 102, (uint32_t)(visible >> 32));
    }
    ide_security_identify(d, buf);
    if (!d->rotational) {
        ide_identify_word(buf, 105, 8); /* blocks of a TRIM list */
        ide_identify_word(buf, 169, 1); /* TRIM */
    }
    ide_identify_word(buf, 217, d->rotational ? 7200 : 1); /* 1: does not rotate */
    ide_identify_checksum(buf);
}

void ide_identify_cd(IdeDrive *d, uint8_t *buf)
{
    memset(buf, 0, IDE_SECTOR);
    ide_identify_common(d, buf);
    ide_identify_word(
        buf, 0, 0x85c0); /* packet device, CD-ROM, removable, DRQ within 50 us, 12-byte packets */
    ide_identify_word(buf, 49, 0x0f00);
    ide_identify_word(buf, 50, 0x4000);
    ide_identify_word(buf, 53, 0x0006);
    ide_identify_word(buf, 80, 0x007e); /* ATA-1 to ATA/ATAPI-6 */
    ide_identify_word(buf, 71, 30);
    ide_identify_word(buf, 72, 30);
    ide_identify_word(buf, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    ide_identify_word(buf, 83, 0x4000);
    ide_identify_word(buf, 84, 0x4000);
    ide_identify_word(buf, 85, 0x4218);
    ide_identify_word(buf, 87, 0x4000);
    ide_identify_checksum(buf);
}
