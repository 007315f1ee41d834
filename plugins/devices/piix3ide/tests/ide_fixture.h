/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: what its tests share - a machine with a disk and an optical drive on the primary
 * channel, short names for the registers, commands, the bus master. */
#ifndef IDE_FIXTURE_H
#define IDE_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../ide.h"
#include "harness.h"

#define CMD 0x1f0u
#define CTL 0x3f6u
#define BM  0xc000u
#define PRD 0x10000u
#define BUF 0x100000u

#define DISK_SECTORS 20000u
#define CD_SECTORS   1000u
#define CD_UNIT      0x10u

static Harness *h;

static inline void begin(void)
{
    harness_pci_map_bar(h, 0, 4, BM);
}

/* Primary: disk and CD. Secondary: nothing as device 0, a disk as device 1. */
static inline void start(const char *options)
{
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DISK, DISK_SECTORS * 512ull, 0);
    harness_lun_media(h, 1, VIV_MEDIA_DVD, CD_SECTORS * 2048ull, 1);
    harness_lun_media(h, 3, VIV_MEDIA_DISK, 4096 * 512ull, 0);
    for (unsigned s = 0; s < 2000; s++) {
        uint32_t words[128];
        for (unsigned i = 0; i < 128; i++)
            words[i] = s << 8 | i;
        harness_media_poke(h, 0, s * 512ull, words, 512);
        harness_media_poke(h, 1, s * 512ull, words, 512);
    }
    ck_assert_msg(harness_start(h, "piix3ide", options) == VIV_OK, "%s", harness_error());
    begin();
}

static inline void setup(void)
{
    start("");
}

static inline void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static inline uint8_t in(uint32_t reg)
{
    return harness_in8(h, CMD + reg);
}

static inline void out(uint32_t reg, uint32_t value)
{
    harness_out8(h, CMD + reg, (uint8_t)value);
}

static inline uint8_t alt(void)
{
    return harness_in8(h, CTL);
}

static inline uint32_t irq(void)
{
    return harness_irq_level(h, 14);
}

static inline void regs(uint32_t feature, uint32_t nsect, uint32_t lba, uint32_t device)
{
    out(6, device | ((device & 0x40) ? lba >> 24 & 0xf : 0));
    out(1, feature);
    out(2, nsect);
    out(3, lba & 0xff);
    out(4, lba >> 8 & 0xff);
    out(5, lba >> 16 & 0xff);
}

static inline void command(uint32_t feature, uint32_t nsect, uint32_t lba, uint32_t device,
                           uint32_t cmd)
{
    regs(feature, nsect, lba, device);
    out(7, cmd);
}

static inline void command48(uint32_t nsect, uint64_t lba, uint32_t cmd)
{
    out(6, 0x40);
    out(2, nsect >> 8);
    out(3, (uint32_t)(lba >> 24) & 0xff);
    out(4, (uint32_t)(lba >> 32) & 0xff);
    out(5, (uint32_t)(lba >> 40) & 0xff);
    out(2, nsect & 0xff);
    out(3, (uint32_t)lba & 0xff);
    out(4, (uint32_t)(lba >> 8) & 0xff);
    out(5, (uint32_t)(lba >> 16) & 0xff);
    out(7, cmd);
}

static inline void check_sector(const uint8_t *buf, unsigned s)
{
    for (unsigned i = 0; i < 128; i++) {
        uint32_t word;
        memcpy(&word, buf + 4 * i, 4);
        ck_assert_uint_eq(word, s << 8 | i);
    }
}

static inline uint16_t word(const uint8_t *buf, unsigned n)
{
    return (uint16_t)(buf[2 * n] | buf[2 * n + 1] << 8);
}

static inline void expect(uint8_t status, uint8_t error)
{
    ck_assert_uint_eq(alt(), status);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(1), error);
    ck_assert_uint_eq(in(7), status);
    ck_assert_uint_eq(irq(), 0);
}

/* -- bus master ------------------------------------------------------------------------------ */

static inline void prd(unsigned index, uint32_t addr, uint32_t len, int last)
{
    harness_ram_put32(h, PRD + 8 * index, addr);
    harness_ram_put32(h, PRD + 8 * index + 4, (len & 0xffff) | (last ? 0x80000000u : 0));
}

static inline void bm_start(int to_memory)
{
    harness_out32(h, BM + 4, PRD);
    harness_out8(h, BM + 2, 6);
    harness_out8(h, BM, (uint8_t)(to_memory ? 9 : 1));
}

#endif
