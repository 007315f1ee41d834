/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: task file and selection, disk commands by PIO and DMA, resets in flight, saved
 * state. */
#include "ide_fixture.h"

/* -- selection and reset --------------------------------------------------------------------- */

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

/* -- disk, PIO ------------------------------------------------------------------------------- */

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
    command(3, 0x42, 0, 0, 0xef); /* the PIIX3 has no Ultra DMA */
    expect(0x51, IDE_ER_ABRT);
    command(3, 0x11, 0, 0, 0xef); /* single word DMA is gone */
    expect(0x51, IDE_ER_ABRT);
    command(3, 0x21, 0, 0, 0xef);
    expect(0x50, 0);
    harness_media_fail(h, 0, VIV_E_IO, 2); /* the chunk, then its first sector */
    command(0, 4, 0x123456 & 0xfff, 0x40, 0x20);
    harness_run_pending(h);
    expect(0x51, IDE_ER_UNC);
    ck_assert_uint_eq(in(3), 0x56);
    ck_assert_uint_eq(in(4), 0x04);
    ck_assert_uint_eq(in(2), 4);
    harness_media_fail(h, 0, VIV_E_IO, 2);
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

/* -- disk, DMA ------------------------------------------------------------------------------- */

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
    *ret_info = (viv_media_info_t){.size = sizeof(*ret_info),
                                   .type = VIV_MEDIA_DISK,
                                   .size_bytes = 1 << 20,
                                   .present = 1,
                                   .non_rotational = 1};
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
    static const viv_media_ops_t ops = {
        .size = sizeof(ops), .info = ssd_info, .submit = ssd_submit};
    static const uint64_t list[64] = {8ull << 48 | 100, 0, 65535ull << 48 | 5, 1ull << 48 | 2047};
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

/* -- configuration and state ----------------------------------------------------------------- */

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
        {IDE_PH_MEDIA, IDE_OP_READ, 0, 0, 0},
        {IDE_PH_PIO_IN, IDE_OP_WRITE, 0, 512, 512},
        {IDE_PH_PIO_IN, IDE_OP_READ, 600, 512, 512},
        {IDE_PH_PIO_IN, IDE_OP_READ, 0, 1024, 512},
        {IDE_PH_PIO_IN, IDE_OP_READ, 0, 512, 1u << 30},
        {IDE_PH_IDLE, IDE_OP_READ, 0, 0, 0},
        {IDE_PH_PIO_OUT, IDE_OP_WRITE, 0, 512, 512},
        {77, IDE_OP_NONE, 0, 0, 0},
        {IDE_PH_IDLE, 99, 0, 0, 0},
        {IDE_PH_DMA_OUT, IDE_OP_TRIM_LIST, 0, 0, 24},
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
