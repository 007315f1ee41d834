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
    uint32_t mdma = 0x0007, udma = 0x003f;
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
    ide_identify_word(buf, 80, 0x007e);    /* ATA-1 to ATA/ATAPI-6 */
    ide_identify_word(buf, 88, udma);
    /* Result of the hardware reset: 80-conductor cable, number by jumper, diagnostics passed. */
    ide_identify_word(buf, 93, d->unit ? 0x6b00 : 0x600b);
}

static void ide_identify_checksum(uint8_t *buf)
{
    uint8_t sum = 0;
    buf[510] = 0xa5;
    for (uint32_t i = 0; i < 511; i++)
        sum = (uint8_t)(sum + buf[i]);
    buf[511] = (uint8_t)-sum;
}

void ide_identify_disk(IdeDrive *d, uint8_t *buf)
{
    uint64_t chs = (uint64_t)d->def_cylinders * d->def_heads * d->def_spt;
    uint64_t total28 = d->sectors < 0x0fffffffu ? d->sectors : 0x0fffffffu;
    uint64_t per_cylinder = (uint64_t)d->heads * d->spt;
    uint64_t cylinders = chs / per_cylinder;
    memset(buf, 0, IDE_SECTOR);
    ide_identify_common(d, buf);
    ide_identify_word(buf, 0, 0x0040); /* fixed disk */
    ide_identify_word(buf, 1, d->def_cylinders);
    ide_identify_word(buf, 3, d->def_heads);
    ide_identify_word(buf, 6, d->def_spt);
    ide_identify_word(buf, 20, 3);
    ide_identify_word(buf, 21, IDE_BUF_SECTORS);
    ide_identify_word(buf, 22, 4);
    ide_identify_word(buf, 47, 0x8000u | IDE_MULTIPLE_MAX);
    ide_identify_word(buf, 49, 0x2f00); /* standby timer values, IORDY, LBA, DMA */
    ide_identify_word(buf, 50, 0x4000);
    ide_identify_word(buf, 51, 0x0200);
    ide_identify_word(buf, 52, 0x0200);
    ide_identify_word(buf, 53, 0x0007);
    ide_identify_word(buf, 54, cylinders < 65535 ? (uint32_t)cylinders : 65535);
    ide_identify_word(buf, 55, d->heads);
    ide_identify_word(buf, 56, d->spt);
    ide_identify_dword(buf, 57, (uint32_t)(cylinders * per_cylinder));
    ide_identify_word(buf, 59, d->multiple ? 0x0100u | d->multiple : 0);
    ide_identify_dword(buf, 60, (uint32_t)total28);
    /* 82-87: NOP, READ and WRITE BUFFER, look-ahead, write cache, power management, SMART; FLUSH
     * (EXT), 48-bit; FUA, SMART self-test and error log. The second three say what is enabled. */
    ide_identify_word(buf, 82, 0x7069);
    ide_identify_word(buf, 83, 0x7400);
    ide_identify_word(buf, 84, 0x4043);
    ide_identify_word(buf, 85,
                      0x7008u | (d->look_ahead ? 0x40u : 0) | (d->write_cache ? 0x20u : 0) |
                          (d->smart_on ? 0x01u : 0));
    ide_identify_word(buf, 86, 0x3400);
    ide_identify_word(buf, 87, 0x4043);
    ide_identify_dword(buf, 100, (uint32_t)d->sectors);
    ide_identify_dword(buf, 102, (uint32_t)(d->sectors >> 32));
    if (!d->rotational) {
        ide_identify_word(buf, 105, 8); /* blocks of a TRIM list */
        ide_identify_word(buf, 169, 1); /* TRIM */
        ide_identify_word(buf, 217, 1); /* does not rotate */
    }
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
    ide_identify_word(buf, 71, 30);
    ide_identify_word(buf, 72, 30);
    ide_identify_word(buf, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    ide_identify_word(buf, 83, 0x4000);
    ide_identify_word(buf, 84, 0x4000);
    ide_identify_word(buf, 85, 0x4218);
    ide_identify_word(buf, 87, 0x4000);
    ide_identify_checksum(buf);
}
