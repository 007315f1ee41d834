/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: task file and selection, disk commands by PIO and DMA, packet commands, resets in flight, saved state. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../ide.h"
#include "harness.h"

#define CMD 0x1f0u
#define CTL 0x3f6u
#define BM 0xc000u
#define PRD 0x10000u
#define BUF 0x100000u

#define DISK_SECTORS 20000u
#define CD_SECTORS 1000u
#define CD_UNIT 0x10u

static Harness *h;

static void begin(void)
{
    harness_pci_map_bar(h, 0, 4, BM);
}

/* Primary: disk and CD. Secondary: nothing as device 0, a disk as device 1. */
static void start(const char *options)
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

static void setup(void)
{
    start("");
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static uint8_t in(uint32_t reg)
{
    return harness_in8(h, CMD + reg);
}

static void out(uint32_t reg, uint32_t value)
{
    harness_out8(h, CMD + reg, (uint8_t)value);
}

static uint8_t alt(void)
{
    return harness_in8(h, CTL);
}

static uint32_t irq(void)
{
    return harness_irq_level(h, 14);
}

static void regs(uint32_t feature, uint32_t nsect, uint32_t lba, uint32_t device)
{
    out(6, device | ((device & 0x40) ? lba >> 24 & 0xf : 0));
    out(1, feature);
    out(2, nsect);
    out(3, lba & 0xff);
    out(4, lba >> 8 & 0xff);
    out(5, lba >> 16 & 0xff);
}

static void command(uint32_t feature, uint32_t nsect, uint32_t lba, uint32_t device, uint32_t cmd)
{
    regs(feature, nsect, lba, device);
    out(7, cmd);
}

static void command48(uint32_t nsect, uint64_t lba, uint32_t cmd)
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

static void check_sector(const uint8_t *buf, unsigned s)
{
    for (unsigned i = 0; i < 128; i++) {
        uint32_t word;
        memcpy(&word, buf + 4 * i, 4);
        ck_assert_uint_eq(word, s << 8 | i);
    }
}

static uint16_t word(const uint8_t *buf, unsigned n)
{
    return (uint16_t)(buf[2 * n] | buf[2 * n + 1] << 8);
}

static void expect(uint8_t status, uint8_t error)
{
    ck_assert_uint_eq(alt(), status);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(1), error);
    ck_assert_uint_eq(in(7), status);
    ck_assert_uint_eq(irq(), 0);
}

/* -- bus master -- */

static void prd(unsigned index, uint32_t addr, uint32_t len, int last)
{
    harness_ram_put32(h, PRD + 8 * index, addr);
    harness_ram_put32(h, PRD + 8 * index + 4, (len & 0xffff) | (last ? 0x80000000u : 0));
}

static void bm_start(int to_memory)
{
    harness_out32(h, BM + 4, PRD);
    harness_out8(h, BM + 2, 6);
    harness_out8(h, BM, (uint8_t)(to_memory ? 9 : 1));
}

/* -- selection and reset -- */

START_TEST(signatures_after_reset)
{
    ck_assert_uint_eq(alt(), 0x50);
    ck_assert_uint_eq(in(1), 1);
    ck_assert_uint_eq(in(2), 1);
    ck_assert_uint_eq(in(3), 1);
    ck_assert_uint_eq(in(4), 0);
    ck_assert_uint_eq(in(5), 0);
    ck_assert_uint_eq(in(6), 0xa0);
    out(6, CD_UNIT);
    ck_assert_uint_eq(alt(), 0x00);
    ck_assert_uint_eq(in(2), 1);
    ck_assert_uint_eq(in(4), 0x14);
    ck_assert_uint_eq(in(5), 0xeb);
    ck_assert_uint_eq(in(6), 0xb0);
}
END_TEST

START_TEST(absent_drives)
{
    /* nobody is device 0 of the secondary channel, nobody answers for it */
    ck_assert_uint_eq(harness_in8(h, 0x177), 0x7f);
    harness_out8(h, 0x172, 0x55);
    ck_assert_uint_eq(harness_in8(h, 0x172), 0x7f);
    harness_out8(h, 0x176, 0x10);
    ck_assert_uint_eq(harness_in8(h, 0x177), 0x50);
    ck_assert_uint_eq(harness_in8(h, 0x172), 0x55); /* it had listened */
    teardown();
    /* a lone device 0 answers for device 1 with status 0 */
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DISK, 1 << 20, 0);
    ck_assert_int_eq(harness_start(h, "piix3ide", ""), VIV_OK);
    begin();
    out(6, 0x10);
    ck_assert_uint_eq(in(7), 0);
    out(2, 0xaa);
    ck_assert_uint_eq(in(2), 0xaa);
    out(7, 0xec);
    ck_assert_uint_eq(in(7), 0);
    ck_assert_uint_eq(irq(), 0);
    out(7, 0x90); /* the diagnostic runs anyway, and device 0 is selected */
    expect(0x50, 1);
    ck_assert_uint_eq(in(6), 0xa0);
    /* an empty channel floats */
    ck_assert_uint_eq(harness_in8(h, 0x177), 0x7f);
    ck_assert_uint_eq(harness_in8(h, 0x376), 0x7f);
}
END_TEST

START_TEST(decode_enable)
{
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 4), 0x80008000u);
    harness_cfg_write(h, 0, 0x40, 0x0000, 2);
    ck_assert_uint_eq(in(7), 0xff);
    ck_assert_uint_eq(alt(), 0xff);
    ck_assert_uint_eq(harness_in8(h, 0x177), 0x7f);
    harness_cfg_write(h, 0, 0x40, 0xa307, 2);
    ck_assert_uint_eq(in(7), 0x50);
    harness_cfg_write(h, 0, 0x04, 0x0004, 2);
    ck_assert_uint_eq(in(7), 0xff);
}
END_TEST

START_TEST(software_reset)
{
    command(0, 5, 100, 0x40, 0x20);
    ck_assert_uint_eq(alt(), 0x80);
    harness_out8(h, CTL, 4);
    ck_assert_uint_eq(alt(), 0x80);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(alt(), 0x80); /* the old read still owns the buffer */
    out(7, 0xec);
    ck_assert_uint_eq(harness_run_pending(h), 1);
    ck_assert_uint_eq(alt(), 0x50);
    ck_assert_uint_eq(irq(), 0);
    ck_assert_uint_eq(in(1), 1);
    ck_assert_uint_eq(in(2), 1);
    out(6, CD_UNIT);
    ck_assert_uint_eq(in(7), 0);
    /* while the request is in flight and SRST held, its end must not end the reset */
    command(0, 1, 100, 0x40, 0x20);
    harness_out8(h, CTL, 4);
    harness_run_pending(h);
    ck_assert_uint_eq(alt(), 0x80);
    harness_save_load(h);
    ck_assert_uint_eq(alt(), 0x80);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(alt(), 0x50);
    /* the machine's reset, too */
    command(0, 1, 100, 0x40, 0x20);
    harness_reset(h);
    harness_run_pending(h);
    begin();
    ck_assert_uint_eq(alt(), 0x50);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

START_TEST(interrupt_line)
{
    harness_out8(h, CTL, 2);
    command(0, 0, 0, 0, 0x91);
    ck_assert_uint_eq(irq(), 0);
    harness_out8(h, CTL, 0); /* still pending */
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(harness_in8(h, BM + 2) & 4, 4);
    out(6, CD_UNIT); /* the other device does not drive it */
    ck_assert_uint_eq(irq(), 0);
    out(6, 0);
    ck_assert_uint_eq(irq(), 1);
    harness_save_load(h);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(alt(), 0x51);
    ck_assert_uint_eq(irq(), 1);
    in(7);
    ck_assert_uint_eq(irq(), 0);
    harness_out8(h, BM + 2, 4);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 0);
}
END_TEST

/* -- disk, PIO -- */

START_TEST(identify)
{
    uint8_t buf[512], sum = 0;
    command(0, 0, 0, 0, 0xec);
    ck_assert_uint_eq(alt(), 0x58);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(7), 0x58);
    harness_ins(h, CMD, 2, buf, 256);
    ck_assert_uint_eq(in(7), 0x50);
    ck_assert_uint_eq(irq(), 0);
    ck_assert_uint_eq(word(buf, 0), 0x0040);
    ck_assert_uint_eq(word(buf, 1), 19);
    ck_assert_uint_eq(word(buf, 3), 16);
    ck_assert_uint_eq(word(buf, 6), 63);
    ck_assert_uint_eq(word(buf, 60), DISK_SECTORS);
    ck_assert_uint_eq(word(buf, 100), DISK_SECTORS);
    ck_assert_uint_eq(word(buf, 83) & 0xc400, 0x4400);
    ck_assert_mem_eq(buf + 54, "IVAVIRMUH RADDSI K", 18);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + buf[i]);
    ck_assert_uint_eq(sum, 0);
    teardown();
    start("PrimaryMaster/SerialNumber=string:AB12,PrimaryMaster/ModelNumber=Test");
    command(0, 0, 0, 0, 0xec);
    harness_ins(h, CMD, 4, buf, 128);
    ck_assert_mem_eq(buf + 20, "BA21    ", 8);
    ck_assert_mem_eq(buf + 54, "eTts    ", 8);
}
END_TEST

START_TEST(read_sectors)
{
    uint8_t buf[512 * 3];
    command(0, 3, 100, 0x40, 0x20);
    ck_assert_uint_eq(in(7), 0x80);
    ck_assert_uint_eq(irq(), 0);
    harness_run_pending(h);
    for (unsigned s = 0; s < 3; s++) {
        ck_assert_uint_eq(irq(), 1);
        ck_assert_uint_eq(in(7), 0x58);
        ck_assert_uint_eq(irq(), 0);
        if (s == 0) {
            harness_save_load(h);
            harness_ins(h, CMD, 2, buf, 256);
        } else if (s == 1) { /* no strings: single cycles of both widths */
            for (unsigned i = 0; i < 64; i++) {
                uint32_t v = harness_in32(h, CMD);
                memcpy(buf + 4 * i, &v, 4);
            }
            for (unsigned i = 128; i < 256; i++) {
                uint16_t v = harness_in16(h, CMD);
                memcpy(buf + 2 * i, &v, 2);
            }
        } else {
            harness_ins(h, CMD, 4, buf, 128);
        }
        check_sector(buf, 100 + s);
    }
    ck_assert_uint_eq(irq(), 0);
    ck_assert_uint_eq(in(7), 0x50);
    ck_assert_uint_eq(in(2), 0);
    ck_assert_uint_eq(in(3), 102);
    ck_assert_uint_eq(harness_in16(h, CMD), 0xffff);
    /* a string across blocks, more than one chunk of the buffer */
    uint8_t *big = malloc(300 * 512);
    command48(300, 50, 0x24);
    harness_media_auto(h, 0, 1);
    harness_run_pending(h);
    harness_ins(h, CMD, 4, big, 300 * 128);
    for (unsigned s = 0; s < 300; s++)
        check_sector(big + 512 * s, 50 + s);
    ck_assert_uint_eq(alt(), 0x50);
    free(big);
}
END_TEST

START_TEST(chs_translation)
{
    uint8_t buf[512];
    harness_media_auto(h, 0, 1);
    out(6, 0xa2); /* head 2 */
    out(2, 1);
    out(3, 5);
    out(4, 1);
    out(5, 0);
    out(7, 0x20);
    harness_ins(h, CMD, 2, buf, 256);
    check_sector(buf, (1 * 16 + 2) * 63 + 4);
    ck_assert_uint_eq(in(3), 5);
    ck_assert_uint_eq(in(6), 0xa2);
    in(7);
    command(0, 10, 0, 3, 0x91); /* 4 heads of 10 sectors */
    expect(0x50, 0);
    out(6, 3);
    out(2, 2);
    out(3, 10);
    out(4, 2);
    out(7, 0x20);
    harness_ins(h, CMD, 2, buf, 256);
    check_sector(buf, (2 * 4 + 3) * 10 + 9);
    harness_ins(h, CMD, 2, buf, 256);
    ck_assert_uint_eq(in(3), 1);
    ck_assert_uint_eq(in(4), 3);
    ck_assert_uint_eq(in(6), 0xa0);
    in(7);
    command(0, 1, 0, 0, 0x20); /* sector 0 */
    expect(0x51, IDE_ER_IDNF);
    out(6, 4); /* head 4 */
    out(3, 1);
    out(7, 0x20);
    expect(0x51, IDE_ER_IDNF);
    out(7, 0x70); /* seek */
    expect(0x51, IDE_ER_IDNF);
    command(0, 1, DISK_SECTORS - 1, 0x40, 0x70);
    expect(0x50, 0);
    command(0, 0, 0, 0, 0x10);
    expect(0x50, 0);
}
END_TEST

START_TEST(write_sectors)
{
    uint8_t buf[1024], back[512];
    memset(buf, 0x11, 512);
    memset(buf + 512, 0x22, 512);
    command(0, 2, 7, 0x40, 0x30);
    ck_assert_uint_eq(alt(), 0x58);
    ck_assert_uint_eq(irq(), 0); /* no interrupt for the first block */
    harness_outs(h, CMD, 2, buf, 200);
    harness_save_load(h);
    harness_outs(h, CMD, 2, buf + 400, 56);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(7), 0x58);
    harness_outs(h, CMD, 4, buf + 512, 128);
    ck_assert_uint_eq(in(7), 0x80);
    harness_run_pending(h);
    expect(0x50, 0);
    harness_media_peek(h, 0, 7 * 512, back, 512);
    ck_assert_mem_eq(back, buf, 512);
    harness_media_peek(h, 0, 8 * 512, back, 512);
    ck_assert_mem_eq(back, buf + 512, 512);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_FLUSH), 0);
    /* without write cache a write ends with a flush */
    command(0x82, 0, 0, 0, 0xef);
    harness_run_pending(h);
    expect(0x50, 0);
    command(0, 1, 9, 0x40, 0x30);
    for (unsigned i = 0; i < 256; i++)
        harness_out16(h, CMD, 0x3333);
    harness_run_pending(h);
    expect(0x50, 0);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_FLUSH), 2);
    ck_assert_uint_eq(in(3), 9);
}
END_TEST

START_TEST(multiple_mode)
{
    uint8_t buf[10 * 512];
    command(0, 2, 10, 0x40, 0xc4);
    expect(0x51, IDE_ER_ABRT); /* not set up */
    command(0, 3, 0, 0, 0xc6);
    expect(0x51, IDE_ER_ABRT);
    command(0, 4, 0, 0, 0xc6);
    expect(0x50, 0);
    harness_media_auto(h, 0, 1);
    command(0, 10, 10, 0x40, 0xc4);
    for (unsigned at = 0; at < 10; at += 4) {
        unsigned n = at + 4 <= 10 ? 4 : 10 - at;
        ck_assert_uint_eq(irq(), 1);
        ck_assert_uint_eq(in(7), 0x58);
        harness_ins(h, CMD, 2, buf + at * 512, n * 256);
    }
    ck_assert_uint_eq(alt(), 0x50);
    for (unsigned s = 0; s < 10; s++)
        check_sector(buf + 512 * s, 10 + s);
    command(0, 10, 50, 0x40, 0xc5);
    for (unsigned at = 0; at < 10; at += 4) {
        unsigned n = at + 4 <= 10 ? 4 : 10 - at;
        ck_assert_uint_eq(alt(), 0x58);
        ck_assert_uint_eq(irq(), at != 0);
        in(7);
        harness_outs(h, CMD, 2, buf + at * 512, n * 256);
    }
    expect(0x50, 0);
    uint8_t back[10 * 512];
    harness_media_peek(h, 0, 50 * 512, back, sizeof(back));
    ck_assert_mem_eq(back, buf, sizeof(back));
}
END_TEST

START_TEST(errors)
{
    command(0, 1, DISK_SECTORS, 0x40, 0x20);
    expect(0x51, IDE_ER_IDNF);
    command(0, 2, DISK_SECTORS - 1, 0x40, 0x20);
    expect(0x51, IDE_ER_IDNF);
    command48(1, 1ull << 40, 0x24);
    expect(0x51, IDE_ER_IDNF);
    command48(0, 0, 0x42); /* 65536 sectors */
    expect(0x51, IDE_ER_IDNF);
    command(0, 0, 0, 0, 0x00); /* NOP */
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xa1);
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xff);
    expect(0x51, IDE_ER_ABRT);
    command(0xff, 0, 0, 0, 0xef);
    expect(0x51, IDE_ER_ABRT);
    command(3, 0x46, 0, 0, 0xef); /* UDMA 6 */
    expect(0x51, IDE_ER_ABRT);
    command(3, 0x42, 0, 0, 0xef);
    expect(0x50, 0);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    command(0, 4, 0x123456 & 0xfff, 0x40, 0x20);
    harness_run_pending(h);
    expect(0x51, IDE_ER_UNC);
    ck_assert_uint_eq(in(3), 0x56);
    ck_assert_uint_eq(in(4), 0x04);
    ck_assert_uint_eq(in(2), 4);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    command(0, 4, 5, 0x40, 0x40);
    harness_run_pending(h);
    expect(0x51, IDE_ER_UNC);
    command(0, 4, 5, 0x40, 0x40);
    harness_run_pending(h);
    expect(0x50, 0);
    ck_assert_uint_eq(in(2), 0);
    command(0, 0, 0, 0, 0xe7);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    harness_run_pending(h);
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xea);
    harness_run_pending(h);
    expect(0x50, 0);
}
END_TEST

START_TEST(hob_registers)
{
    command48(0x1234, 0xffeeddccbbaaull, 0x00);
    in(7);
    ck_assert_uint_eq(in(3), 0xaa);
    harness_out8(h, CTL, 0x80);
    ck_assert_uint_eq(in(2), 0x12);
    ck_assert_uint_eq(in(3), 0xdd);
    ck_assert_uint_eq(in(4), 0xee);
    ck_assert_uint_eq(in(5), 0xff);
    out(1, 0); /* any write shows the current ones again */
    ck_assert_uint_eq(in(3), 0xaa);
    command(0, 0, 0, 0x40, 0xf8);
    expect(0x50, 0);
    ck_assert_uint_eq(in(3) | in(4) << 8, DISK_SECTORS - 1);
    out(6, 0x40);
    out(7, 0x27);
    expect(0x50, 0);
    ck_assert_uint_eq(in(3) | in(4) << 8, DISK_SECTORS - 1);
}
END_TEST

START_TEST(power_smart_and_buffers)
{
    uint8_t buf[512], back[512], sum = 0;
    command(0, 0, 0, 0, 0xe5);
    expect(0x50, 0);
    ck_assert_uint_eq(in(2), 0xff);
    command(0, 0, 0, 0, 0xe0);
    in(7);
    command(0, 0, 0, 0, 0x98);
    in(7);
    ck_assert_uint_eq(in(2), 0);
    command(0xd0, 0, 0xc24f00, 0, 0xb0);
    ck_assert_uint_eq(in(7), 0x58);
    harness_ins(h, CMD, 2, buf, 256);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + buf[i]);
    ck_assert_uint_eq(sum, 0);
    command(0xda, 0, 0xc24f00, 0, 0xb0);
    expect(0x50, 0);
    ck_assert_uint_eq(in(4), 0x4f);
    ck_assert_uint_eq(in(5), 0xc2);
    command(0xd9, 0, 0xc24f00, 0, 0xb0);
    in(7);
    command(0xda, 0, 0xc24f00, 0, 0xb0);
    expect(0x51, IDE_ER_ABRT);
    command(0xd8, 0, 0, 0, 0xb0);
    expect(0x51, IDE_ER_ABRT);
    memset(buf, 0x77, 512);
    command(0, 0, 0, 0, 0xe8);
    harness_outs(h, CMD, 2, buf, 256);
    expect(0x50, 0);
    harness_save_load(h);
    command(0, 0, 0, 0, 0xe4);
    in(7);
    harness_ins(h, CMD, 2, back, 256);
    ck_assert_mem_eq(buf, back, 512);
    command(0, 0, 0, 0, 0xe6); /* sleeps until a reset */
    in(7);
    command(0, 0, 0, 0, 0xec);
    ck_assert_uint_eq(alt(), 0x50);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    command(0, 0, 0, 0, 0xec);
    ck_assert_uint_eq(alt(), 0x58);
}
END_TEST

/* -- disk, DMA -- */

START_TEST(read_dma)
{
    uint8_t buf[16 * 512];
    prd(0, BUF, 512, 0);
    prd(1, BUF + 0x10000, 1024, 0);
    prd(2, BUF + 512, 512 * 13, 1);
    command(0, 16, 200, 0x40, 0xc8);
    ck_assert_uint_eq(alt(), 0x80);
    bm_start(1);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 1);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4); /* interrupt, table used up */
    expect(0x50, 0);
    harness_ram_read(h, BUF, buf, 512);
    check_sector(buf, 200);
    harness_ram_read(h, BUF + 0x10000, buf, 1024);
    check_sector(buf, 201);
    check_sector(buf + 512, 202);
    harness_ram_read(h, BUF + 512, buf, 13 * 512);
    for (unsigned s = 0; s < 13; s++)
        check_sector(buf + 512 * s, 203 + s);
    harness_out8(h, BM, 0);
    /* the bus master is started after the data is there; the table is longer than the data */
    prd(0, BUF, 0, 1);
    command(0, 1, 300, 0x40, 0xc8);
    harness_run_pending(h);
    ck_assert_uint_eq(alt(), 0x58);
    harness_save_load(h);
    ck_assert_uint_eq(irq(), 0);
    bm_start(1);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 5); /* interrupt, still active */
    expect(0x50, 0);
    harness_out8(h, BM, 8);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    harness_ram_read(h, BUF, buf, 512);
    check_sector(buf, 300);
}
END_TEST

START_TEST(large_dma_goes_in_chunks)
{
    uint8_t buf[512];
    for (unsigned i = 0; i < 10; i++)
        prd(i, BUF + i * 0x10000, 0, i == 9);
    harness_media_auto(h, 0, 1);
    command48(1280, 500, 0x25);
    bm_start(1);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    expect(0x50, 0);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_READ), 5);
    for (unsigned s = 0; s < 1280; s++) {
        harness_ram_read(h, BUF + 512 * s, buf, 512);
        check_sector(buf, 500 + s);
    }
    harness_out8(h, BM, 0);
    harness_ram_fill(h, BUF, 0x5c, 0xa0000);
    command48(1280, 5000, 0x3d); /* FUA */
    bm_start(0);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    expect(0x50, 0);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_WRITE), 5);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_FLUSH), 1);
    harness_media_peek(h, 0, 6279 * 512, buf, 512);
    ck_assert_uint_eq(buf[511], 0x5c);
    harness_media_peek(h, 0, 6280 * 512, buf, 512);
    ck_assert_uint_eq(buf[0], 0);
}
END_TEST

START_TEST(dma_trouble)
{
    /* the table ends early: the drive waits, no interrupt */
    prd(0, BUF, 512, 1);
    command(0, 2, 0, 0x40, 0xc8);
    bm_start(1);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 0);
    ck_assert_uint_eq(alt(), 0x58);
    ck_assert_uint_eq(irq(), 0);
    harness_out8(h, BM, 0);
    /* a second table takes the rest */
    bm_start(1);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    expect(0x50, 0);
    harness_out8(h, BM, 0);
    /* wrong direction */
    command(0, 1, 0, 0x40, 0xc8);
    bm_start(0);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 2);
    harness_out8(h, BM, 0);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    /* bus mastering is off */
    harness_cfg_write(h, 0, 4, 1, 2);
    command(0, 1, 0, 0x40, 0xc8);
    bm_start(1);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 2);
    ck_assert_uint_eq(alt(), 0x58);
    harness_cfg_write(h, 0, 4, 5, 2);
    /* failed media during DMA */
    harness_out8(h, BM, 0);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    command(0, 1, 0, 0x40, 0xc8);
    bm_start(1);
    harness_run_pending(h);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 5);
    expect(0x51, IDE_ER_UNC);
}
END_TEST

START_TEST(bus_master_registers)
{
    harness_out32(h, BM + 4, 0xffffffffu);
    ck_assert_uint_eq(harness_in32(h, BM + 4), 0xfffffffcu);
    harness_out8(h, BM + 2, 0x60);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 0x60);
    harness_out8(h, BM + 8, 0x08);
    ck_assert_uint_eq(harness_in8(h, BM + 8), 0x08);
    ck_assert_uint_eq(harness_in8(h, BM), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in32(h, BM + 4), 0xfffffffcu);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 4), 16);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x70108086u);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 4) >> 8, 0x010180u);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 1 << 3 | 1);
}
END_TEST

/* A solid-state disk: what the harness's media are not. */
static uint64_t trim_off[4], trim_len[4];
static unsigned trim_count;

static void ssd_info(void *self, viv_media_info_t *ret_info)
{
    (void)self;
    *ret_info = (viv_media_info_t){ .size = sizeof(*ret_info), .type = VIV_MEDIA_DISK, .size_bytes = 1 << 20,
                                    .present = 1, .non_rotational = 1 };
}

static viv_status_t ssd_submit(void *self, viv_media_req_t *req)
{
    (void)self;
    ck_assert_uint_eq(req->op, VIV_MEDIA_OP_DISCARD);
    ck_assert_uint_lt(trim_count, 4);
    trim_off[trim_count] = req->off;
    trim_len[trim_count++] = req->len_bytes;
    req->done(req, VIV_E_UNSUPPORTED); /* at once, and refused: a hint all the same */
    return VIV_OK;
}

START_TEST(trim_of_solid_state)
{
    static const viv_media_ops_t ops = { .size = sizeof(ops), .info = ssd_info, .submit = ssd_submit };
    static const uint64_t list[64] = { 8ull << 48 | 100, 0, 65535ull << 48 | 5, 1ull << 48 | 2047 };
    uint8_t buf[512];
    /* a disk that rotates does not have the command */
    command(1, 1, 0, 0x40, 0x06);
    expect(0x51, IDE_ER_ABRT);
    teardown();
    trim_count = 0;
    h = harness_create();
    harness_lun_iface(h, 0, VIV_MEDIA_ID, &ops, NULL);
    ck_assert_int_eq(harness_start(h, "piix3ide", ""), VIV_OK);
    begin();
    command(0, 0, 0, 0, 0xec);
    in(7);
    harness_ins(h, CMD, 2, buf, 256);
    ck_assert_uint_eq(word(buf, 169), 1);
    ck_assert_uint_eq(word(buf, 217), 1);
    harness_ram_write(h, BUF, list, 512);
    prd(0, BUF, 512, 1);
    command48(1, 0, 0x06); /* not TRIM */
    expect(0x51, IDE_ER_ABRT);
    out(1, 1);
    command48(1, 0, 0x06);
    bm_start(0);
    expect(0x51, IDE_ER_IDNF | IDE_ER_ABRT); /* the second range is not on the disk */
    ck_assert_uint_eq(trim_count, 1);
    harness_out8(h, BM, 0);
    harness_ram_put64(h, BUF + 16, 0);
    out(1, 1);
    command48(1, 0, 0x06);
    bm_start(0);
    expect(0x50, 0);
    ck_assert_uint_eq(trim_count, 3);
    ck_assert_uint_eq(trim_off[1], 100 * 512);
    ck_assert_uint_eq(trim_len[1], 8 * 512);
    ck_assert_uint_eq(trim_off[2], 2047 * 512);
    out(1, 1);
    command48(9, 0, 0x06); /* a longer list than IDENTIFY allows */
    expect(0x51, IDE_ER_ABRT);
}
END_TEST

/* -- CD -- */

static void packet_limit(const uint8_t *bytes, uint32_t feature, uint32_t limit)
{
    out(6, CD_UNIT);
    out(1, feature);
    out(4, limit & 0xff);
    out(5, limit >> 8);
    out(7, 0xa0);
    ck_assert_uint_eq(alt(), 0x58);
    ck_assert_uint_eq(in(2), 1);
    ck_assert_uint_eq(irq(), 0);
    harness_outs(h, CMD, 2, bytes, 6);
    harness_run_pending(h);
}

#define PACKET(limit, ...) packet_limit((const uint8_t[12]){ __VA_ARGS__ }, 0, limit)

/* Reads a reply in however many blocks; returns its length, 0 with *sense (key << 16 | asc << 8 | ascq) after a failure. */
static uint32_t reply(uint8_t *buf)
{
    uint32_t len = 0;
    while (alt() & 8) {
        ck_assert_uint_eq(irq(), 1);
        ck_assert_uint_eq(in(2), 2);
        uint32_t n = in(4) | (uint32_t)in(5) << 8;
        in(7);
        ck_assert_uint_eq(irq(), 0);
        for (uint32_t i = 0; i < n; i += 2) {
            uint16_t v = harness_in16(h, CMD);
            buf[len++] = (uint8_t)v;
            if (i + 1 < n)
                buf[len++] = (uint8_t)(v >> 8);
        }
        harness_run_pending(h);
    }
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(2), 3);
    in(7);
    return len;
}

static void sense(uint32_t want)
{
    uint8_t buf[32];
    ck_assert_uint_eq(alt() & 1, 1);
    ck_assert_uint_eq(in(1) >> 4, want >> 16);
    in(7);
    PACKET(0xfffe, 0x03, 0, 0, 0, 18);
    ck_assert_uint_eq(reply(buf), 18);
    ck_assert_uint_eq((uint32_t)buf[2] << 16 | (uint32_t)buf[12] << 8 | buf[13], want);
}

static void good(void)
{
    ck_assert_uint_eq(alt(), 0x50);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(2), 3);
    in(7);
}

static void cd_ready(void)
{
    PACKET(0xfffe, 0);
    sense(0x062900);
    PACKET(0xfffe, 0);
    good();
}

START_TEST(cd_identify_and_signature)
{
    uint8_t buf[512];
    out(6, CD_UNIT);
    out(7, 0xec);
    ck_assert_uint_eq(in(4), 0x14);
    ck_assert_uint_eq(in(5), 0xeb);
    expect(0x51, IDE_ER_ABRT);
    out(7, 0xa1);
    ck_assert_uint_eq(in(7), 0x58);
    harness_ins(h, CMD, 2, buf, 256);
    ck_assert_uint_eq(word(buf, 0), 0x85c0);
    ck_assert_uint_eq(in(7), 0x50);
    out(4, 0x11);
    out(7, 0x08);
    ck_assert_uint_eq(in(7), 0x00);
    ck_assert_uint_eq(in(4), 0x14);
    ck_assert_uint_eq(in(6), 0xb0);
    ck_assert_uint_eq(irq(), 0);
    out(1, 2);
    out(7, 0xa0); /* overlap */
    expect(0x51, IDE_ER_ABRT);
}
END_TEST

START_TEST(cd_unit_attention_and_inquiry)
{
    uint8_t buf[64];
    PACKET(0xfffe, 0x12, 0, 0, 0, 36); /* runs in spite of the unit attention */
    ck_assert_uint_eq(reply(buf), 36);
    ck_assert_uint_eq(buf[0], 5);
    ck_assert_uint_eq(buf[1], 0x80);
    ck_assert_mem_eq(buf + 8, "VIVARIUMCD-ROM          1.0 ", 28);
    cd_ready();
    PACKET(0xfffe, 0x12, 0, 0, 0, 5);
    ck_assert_uint_eq(reply(buf), 5); /* odd length */
    PACKET(0xfffe, 0x12, 0, 0, 0, 0);
    good();
    PACKET(0xfffe, 0x99);
    sense(0x052000);
    PACKET(0xfffe, 0x03, 0, 0, 0, 18);
    ck_assert_uint_eq(reply(buf), 18);
    ck_assert_uint_eq(buf[2], 0);
}
END_TEST

START_TEST(cd_read_pio)
{
    uint8_t *buf = malloc(200 * 2048);
    cd_ready();
    PACKET(0xfffe, 0x25);
    ck_assert_uint_eq(reply(buf), 8);
    ck_assert_uint_eq(ide_get_be32(buf), CD_SECTORS - 1);
    PACKET(2048, 0x28, 0, 0, 0, 0, 16, 0, 0, 2);
    ck_assert_uint_eq(in(4) | in(5) << 8, 2048);
    harness_save_load(h);
    ck_assert_uint_eq(reply(buf), 4096);
    for (unsigned s = 0; s < 8; s++)
        check_sector(buf + 512 * s, 64 + s);
    PACKET(0x1001, 0xa8, 0, 0, 0, 0, 16, 0, 0, 0, 200); /* odd limit, four chunks */
    ck_assert_uint_eq(in(4) | in(5) << 8, 0x1000);
    ck_assert_uint_eq(reply(buf), 200 * 2048);
    for (unsigned s = 0; s < 800; s++)
        check_sector(buf + 512 * s, 64 + s);
    PACKET(2048, 0x28, 0, 0, 0, 0, 16, 0, 0, 0);
    good();
    PACKET(2048, 0x28, 0, 0, 0, 0x3, 0xe7, 0, 0, 2);
    sense(0x052100);
    PACKET(2048, 0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff);
    sense(0x052100);
    harness_media_fail(h, 1, VIV_E_IO, 1);
    PACKET(2048, 0x28, 0, 0, 0, 0, 16, 0, 0, 1);
    sense(0x031100);
    free(buf);
}
END_TEST

START_TEST(cd_read_dma)
{
    uint8_t buf[512];
    cd_ready();
    prd(0, BUF, 0x1000, 0);
    prd(1, BUF + 0x1000, 0x1000, 1);
    bm_start(1);
    packet_limit((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 16, 0, 0, 4 }, 1, 0);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    good();
    for (unsigned s = 0; s < 16; s++) {
        harness_ram_read(h, BUF + 512 * s, buf, 512);
        check_sector(buf, 64 + s);
    }
    harness_out8(h, BM, 0);
    bm_start(1);
    packet_limit((const uint8_t[12]){ 0x43, 0, 0, 0, 0, 0, 0, 0, 20 }, 1, 0);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 5);
    good();
    ck_assert_uint_eq(harness_ram_get8(h, BUF + 1), 18);
}
END_TEST

START_TEST(cd_toc)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0x43, 0, 0, 0, 0, 0, 0, 0, 64);
    ck_assert_uint_eq(reply(buf), 20);
    ck_assert_mem_eq(buf, ((uint8_t[]){ 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 3, 0xe8 }), 20);
    PACKET(0xfffe, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64);
    ck_assert_uint_eq(reply(buf), 12);
    ck_assert_mem_eq(buf + 8, ((uint8_t[]){ 0, 0, 15, 25 }), 4); /* 1150 frames */
    PACKET(0xfffe, 0x43, 0, 1, 0, 0, 0, 0, 0, 64);
    ck_assert_uint_eq(reply(buf), 12);
    PACKET(0xfffe, 0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0x80); /* format 2 the old way */
    ck_assert_uint_eq(reply(buf), 48);
    ck_assert_uint_eq(buf[4 + 11 * 2 + 3], 0xa2);
    PACKET(0xfffe, 0x43, 0, 0, 0, 0, 0, 2, 0, 64);
    sense(0x052400);
    PACKET(0xfffe, 0x43, 0, 5, 0, 0, 0, 0, 0, 64);
    sense(0x052400);
}
END_TEST

/* Weighted sums over a code word must vanish; independent of how the parity was made. */
static uint8_t gf_power(uint8_t v, unsigned n)
{
    while (n--)
        v = (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
    return v;
}

static void check_codeword(const uint8_t *s, const unsigned *at, unsigned n)
{
    uint8_t sum = 0, weighted = 0;
    for (unsigned i = 0; i < n; i++) {
        sum ^= s[at[i]];
        weighted ^= gf_power(s[at[i]], n - 1 - i);
    }
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(weighted, 0);
}

START_TEST(cd_read_raw)
{
    uint8_t *buf = malloc(100 * 2352);
    unsigned at[45];
    cd_ready();
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 40, 0xf8);
    ck_assert_uint_eq(reply(buf), 40 * 2352);
    for (unsigned i = 0; i < 40; i++) {
        const uint8_t *s = buf + 2352 * i;
        ck_assert_mem_eq(s, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
        ck_assert_uint_eq(s[11], 0);
        unsigned frame = 166 + i;
        ck_assert_uint_eq(s[12], 0);
        ck_assert_uint_eq(s[13], frame / 75);
        ck_assert_uint_eq(s[14], (frame % 75 / 10) << 4 | frame % 75 % 10);
        ck_assert_uint_eq(s[15], 1);
        for (unsigned k = 0; k < 4; k++)
            check_sector(s + 16 + 512 * k, 64 + 4 * i + k);
    }
    for (unsigned column = 0; column < 86; column++) {
        for (unsigned row = 0; row < 26; row++)
            at[row] = 12 + column + 86 * row;
        check_codeword(buf, at, 26);
    }
    for (unsigned q = 0; q < 52; q++) {
        for (unsigned k = 0; k < 43; k++)
            at[k] = 12 + (q / 2 * 86 + q % 2 + 88 * k) % 2236;
        at[43] = 2248 + q;
        at[44] = 2300 + q;
        check_codeword(buf, at, 45);
    }
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x10);
    ck_assert_uint_eq(reply(buf), 2048);
    check_sector(buf, 64);
    PACKET(0xfffe, 0xb9, 0, 0, 0, 2, 16, 0, 2, 17, 0x38); /* 00:02:16 to 00:02:17 */
    ck_assert_uint_eq(reply(buf), 4 + 2048 + 288);
    check_sector(buf + 4, 64);
    PACKET(0xfffe, 0xbe, 0x04, 0, 0, 0, 16, 0, 0, 1, 0xf8); /* audio */
    sense(0x056400);
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x00);
    good();
    free(buf);
}
END_TEST

START_TEST(cd_edc_of_a_known_sector)
{
    /* all zero data at 00:02:00: the check bytes that mastering tools write */
    uint8_t data[2048] = { 0 }, sector[2352];
    ide_cdsector_mode1(0, data, sector);
    uint32_t crc = 0;
    for (unsigned i = 0; i < 2068; i++) { /* with its own EDC the CRC is zero */
        crc ^= sector[i];
        for (unsigned b = 0; b < 8; b++)
            crc = crc & 1 ? crc >> 1 ^ 0xd8018001u : crc >> 1;
    }
    ck_assert_uint_eq(crc, 0);
    ck_assert_uint_ne(sector[2064] | sector[2065], 0);
}
END_TEST

START_TEST(cd_configuration_and_events)
{
    uint8_t buf[256];
    PACKET(0xfffe, 0x46, 0, 0, 0, 0, 0, 0, 1, 0); /* in spite of the unit attention */
    uint32_t len = reply(buf);
    ck_assert_uint_eq(ide_get_be32(buf) + 4, len);
    ck_assert_uint_eq(ide_get_be16(buf + 6), 0x0008);
    PACKET(0xfffe, 0x46, 2, 0, 0x1e, 0, 0, 0, 1, 0);
    ck_assert_uint_eq(reply(buf), 16);
    ck_assert_uint_eq(ide_get_be16(buf + 8), 0x001e);
    ck_assert_uint_eq(buf[10] & 1, 1);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    ck_assert_uint_eq(reply(buf), 8);
    ck_assert_mem_eq(buf, ((uint8_t[]){ 0, 6, 4, 0x10, 0, 2, 0, 0 }), 8);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8);
    ck_assert_uint_eq(reply(buf), 4);
    PACKET(0xfffe, 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8);
    sense(0x052400);
}
END_TEST

START_TEST(cd_medium_change)
{
    uint8_t buf[64];
    cd_ready();
    harness_media_change(h, 1, 0, 0);
    PACKET(0xfffe, 0);
    sense(0x023a01);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 3);
    ck_assert_uint_eq(buf[5], 0);
    harness_media_change(h, 1, 500000ull * 2048, 1);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 2);
    ck_assert_uint_eq(buf[5], 2);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 0);
    PACKET(0xfffe, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
    sense(0x062800);
    PACKET(0xfffe, 0x46, 0, 0xff, 0xff, 0, 0, 0, 1, 0);
    reply(buf);
    ck_assert_uint_eq(ide_get_be16(buf + 6), 0x0010);
    uint8_t dvd[2052];
    PACKET(0xfffe, 0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4);
    ck_assert_uint_eq(reply(dvd), 2052);
    ck_assert_uint_eq(ide_get_be32(dvd + 12), 0x30000 + 500000 - 1);
}
END_TEST

START_TEST(cd_eject_and_prevent)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0x1e, 0, 0, 0, 1);
    good();
    ck_assert_uint_eq(harness_media_locked(h, 1), 1);
    PACKET(0xfffe, 0x1b, 0, 0, 0, 2);
    sense(0x055302);
    harness_save_load(h);
    PACKET(0xfffe, 0x1b, 0, 0, 0, 2);
    sense(0x055302);
    PACKET(0xfffe, 0x1e, 0, 0, 0, 0);
    good();
    PACKET(0xfffe, 0x1b, 0, 0, 0, 2);
    good();
    ck_assert_uint_eq(harness_media_ejected(h, 1), 1);
    PACKET(0xfffe, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[1] & 0x10, 0x10);
}
END_TEST

START_TEST(cd_mode_pages)
{
    uint8_t buf[256];
    cd_ready();
    PACKET(0xfffe, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128);
    ck_assert_uint_eq(reply(buf), 28);
    ck_assert_uint_eq(buf[8], 0x2a);
    ck_assert_uint_eq(buf[1], 26);
    PACKET(0xfffe, 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255);
    ck_assert_uint_eq(reply(buf), 8 + 36 + 20);
    PACKET(0xfffe, 0x1a, 0, 0x01, 0, 255);
    ck_assert_uint_eq(reply(buf), 16);
    ck_assert_uint_eq(buf[4 + 3], 5);
    PACKET(0xfffe, 0x5a, 0, 0x05, 0, 0, 0, 0, 0, 128);
    sense(0x052400);
    PACKET(0xfffe, 0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 128);
    sense(0x053900);
    PACKET(0xfffe, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 20);
    ck_assert_uint_eq(alt(), 0x58);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(2), 0);
    ck_assert_uint_eq(in(4), 20);
    in(7);
    static const uint8_t list[20] = { 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x0a, 0, 9, 77 };
    harness_outs(h, CMD, 2, list, 10);
    good();
    PACKET(0xfffe, 0x5a, 0, 0x01, 0, 0, 0, 0, 0, 128);
    reply(buf);
    ck_assert_uint_eq(buf[8 + 3], 9);
    ck_assert_uint_eq(buf[8 + 4], 0); /* not changeable */
    PACKET(0xfffe, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 20);
    static const uint8_t bad[20] = { 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x0b };
    harness_outs(h, CMD, 2, bad, 10);
    sense(0x051a00);
}
END_TEST

/* -- configuration and state -- */

START_TEST(models_and_bad_configuration)
{
    viv_status_t st = VIV_OK;
    teardown();
    start("Type=PIIX4");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 2, 2), 0x7111);
    teardown();
    start("Type=ICH6");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 2, 2), 0x269e);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x54, 1), 0xf0);
    teardown();
    ck_assert_ptr_null(harness_try_new("piix3ide", "Type=PIIX5", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1440 * 1024, 0);
    ck_assert_int_eq(harness_start(h, "piix3ide", ""), VIV_E_CONFIG);
    harness_free(h);
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DISK, 0, 0);
    ck_assert_int_eq(harness_start(h, "piix3ide", ""), VIV_E_CONFIG);
    harness_free(h);
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DISK, 1 << 20, 1);
    ck_assert_int_eq(harness_start(h, "piix3ide", ""), VIV_OK);
    begin();
    command(0, 1, 0, 0x40, 0x30); /* a read-only disk */
    expect(0x51, IDE_ER_ABRT);
}
END_TEST

static void media_setup(Harness *fresh)
{
    harness_lun_media(fresh, 0, VIV_MEDIA_DISK, 1 << 20, 0);
    harness_lun_media(fresh, 2, VIV_MEDIA_DVD, 1 << 20, 1);
}

START_TEST(construct_failures)
{
    ck_assert_uint_gt(harness_construct_failures_with(media_setup, "piix3ide", ""), 8);
}
END_TEST

START_TEST(hostile_state_is_refused)
{
    static const struct {
        uint8_t phase, op;
        uint32_t pos, end, len;
    } bad[] = {
        { IDE_PH_MEDIA, IDE_OP_READ, 0, 0, 0 },           { IDE_PH_PIO_IN, IDE_OP_WRITE, 0, 512, 512 },
        { IDE_PH_PIO_IN, IDE_OP_READ, 600, 512, 512 },    { IDE_PH_PIO_IN, IDE_OP_READ, 0, 1024, 512 },
        { IDE_PH_PIO_IN, IDE_OP_READ, 0, 512, 1u << 30 }, { IDE_PH_IDLE, IDE_OP_READ, 0, 0, 0 },
        { IDE_PH_PIO_OUT, IDE_OP_WRITE, 0, 512, 512 },    { 77, IDE_OP_NONE, 0, 0, 0 },
        { IDE_PH_IDLE, 99, 0, 0, 0 },                     { IDE_PH_DMA_OUT, IDE_OP_TRIM_LIST, 0, 0, 24 },
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t len;
        Piix3Ide *ide = harness_self(h);
        IdeDrive *d = &ide->channels[0].drives[0];
        d->phase = bad[i].phase;
        d->op = bad[i].op;
        d->buf_pos = bad[i].pos;
        d->block_end = bad[i].end;
        d->buf_len = bad[i].len < IDE_BUF_BYTES ? bad[i].len : 0;
        if (bad[i].len > IDE_BUF_BYTES)
            d->buf_pos = 1;
        uint8_t *blob = harness_save(h, &len);
        ck_assert_int_lt(harness_load(h, blob, len), 0);
        free(blob);
        teardown();
        setup();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("piix3ide");
    TCase *tc = tcase_create("piix3ide");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, signatures_after_reset);
    tcase_add_test(tc, absent_drives);
    tcase_add_test(tc, decode_enable);
    tcase_add_test(tc, software_reset);
    tcase_add_test(tc, interrupt_line);
    tcase_add_test(tc, identify);
    tcase_add_test(tc, read_sectors);
    tcase_add_test(tc, chs_translation);
    tcase_add_test(tc, write_sectors);
    tcase_add_test(tc, multiple_mode);
    tcase_add_test(tc, errors);
    tcase_add_test(tc, hob_registers);
    tcase_add_test(tc, power_smart_and_buffers);
    tcase_add_test(tc, read_dma);
    tcase_add_test(tc, large_dma_goes_in_chunks);
    tcase_add_test(tc, dma_trouble);
    tcase_add_test(tc, bus_master_registers);
    tcase_add_test(tc, trim_of_solid_state);
    tcase_add_test(tc, cd_identify_and_signature);
    tcase_add_test(tc, cd_unit_attention_and_inquiry);
    tcase_add_test(tc, cd_read_pio);
    tcase_add_test(tc, cd_read_dma);
    tcase_add_test(tc, cd_toc);
    tcase_add_test(tc, cd_read_raw);
    tcase_add_test(tc, cd_edc_of_a_known_sector);
    tcase_add_test(tc, cd_configuration_and_events);
    tcase_add_test(tc, cd_medium_change);
    tcase_add_test(tc, cd_eject_and_prevent);
    tcase_add_test(tc, cd_mode_pages);
    tcase_add_test(tc, models_and_bad_configuration);
    tcase_add_test(tc, construct_failures);
    tcase_add_test(tc, hostile_state_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
