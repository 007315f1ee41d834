/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of i82078: command, execution and result phases with the status bytes of the data
 * sheet, DMA and non-DMA, resets, drives and media, timing, saved states in the middle of things. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MS     1000000ull
#define BUFFER 0x20000u

#define DOR  0x3f2
#define MSR  0x3f4
#define FIFO 0x3f5
#define DIR  0x3f7

/* Runs timers and the image's requests until the controller waits for the host. */
static void settle(Harness *h)
{
    for (unsigned i = 0; i < 4000; i++) {
        uint8_t msr = harness_in8(h, MSR);
        if (msr & 0x80 && !(msr & 0x0f)) {
            return;
        }
        if (!harness_run_pending(h)) {
            uint64_t next = harness_next_deadline(h);
            ck_assert_uint_ne(next, UINT64_MAX);
            harness_advance_to_ns(h, next);
        }
    }
    ck_abort_msg("the controller does not come to rest");
}

static void put(Harness *h, uint8_t byte)
{
    ck_assert_uint_eq(harness_in8(h, MSR) & 0xc0, 0x80);
    harness_out8(h, FIFO, byte);
}

static void command(Harness *h, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put(h, (uint8_t)bytes[i]);
    }
}
#define COMMAND(h, bytes) command(h, bytes, sizeof(bytes) - 1)

/* All result bytes as hexadecimal digits. */
static const char *results(Harness *h)
{
    static char text[64];
    size_t at = 0;
    settle(h);
    while ((harness_in8(h, MSR) & 0xd0) == 0xd0) {
        ck_assert_uint_lt(at, sizeof text - 4);
        at += (size_t)sprintf(text + at, "%s%02x", at ? " " : "", harness_in8(h, FIFO));
    }
    ck_assert_uint_eq(harness_in8(h, MSR) & 0xd0, 0x80);
    text[at] = '\0';
    return text;
}

#define CHECK_RESULTS(h, text) ck_assert_str_eq(results(h), text)

/* Out of reset, motor and select of drive 0, 500 kbit/s, statuses sensed, DMA mode, head at 0. */
static void ready(Harness *h, uint8_t rate)
{
    harness_out8(h, DOR, 0x18);
    harness_out8(h, DOR, 0x1c);
    harness_out8(h, DIR, rate);
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    for (uint32_t i = 0; i < 4; i++) {
        char want[16];
        COMMAND(h, "\x08");
        ck_assert_uint_eq(harness_irq_level(h, 6), 0);
        sprintf(want, "%02x 00", 0xc0 + i);
        CHECK_RESULTS(h, want);
    }
    COMMAND(h, "\x03\xdf\x02");
    COMMAND(h, "\x07\x00");
    settle(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "20 00");
}

static Harness *start_with(uint64_t bytes, uint32_t read_only, const char *options, uint8_t rate)
{
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, bytes, read_only);
    ck_assert_msg(harness_start(h, "i82078", options) == VIV_OK, "%s", harness_error());
    ready(h, rate);
    return h;
}

static Harness *start(void)
{
    return start_with(1474560, 0, NULL, 0);
}

static void fill(uint8_t *buf, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        buf[i] = (uint8_t)(seed >> 16);
    }
}

static void fill_disk(Harness *h, uint64_t bytes)
{
    uint8_t sector[512];
    for (uint64_t at = 0; at < bytes; at += 512) {
        fill(sector, 512, (uint32_t)(at / 512) + 1);
        harness_media_poke(h, 0, at, sector, 512);
    }
}

static void check_sector(Harness *h, uint32_t gpa, uint32_t lba)
{
    uint8_t want[512], got[512];
    fill(want, 512, lba + 1);
    harness_ram_read(h, gpa, got, 512);
    ck_assert_mem_eq(got, want, 512);
}

static void seek(Harness *h, uint8_t cyl)
{
    char bytes[3] = {0x0f, 0x00, (char)cyl};
    command(h, bytes, 3);
    settle(h);
    COMMAND(h, "\x08");
    results(h);
}

/* -- registers and resets -------------------------------------------------------------------- */

START_TEST(reset_and_registers)
{
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1474560, 0);
    ck_assert_int_eq(harness_start(h, "i82078", NULL), VIV_OK);
    ck_assert_uint_eq(harness_in8(h, DOR), 0);
    ck_assert_uint_eq(harness_in8(h, MSR), 0); /* held in reset */
    ck_assert_uint_eq(harness_in8(h, 0x3f0), 0xff);
    ck_assert_uint_eq(harness_in8(h, 0x3f1), 0xff);
    ck_assert_int_eq(harness_port_mapped(h, 0x3f6), 0);
    harness_out8(h, FIFO, 0x10);
    harness_out8(h, DOR, 0x04); /* no DMAGATE: no interrupt comes out */
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_in8(h, MSR), 0x80);
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    harness_out8(h, DOR, 0x0c);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    harness_save_load(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "c0 00");
    /* Another command, and the rest of the four is gone. */
    COMMAND(h, "\x10");
    CHECK_RESULTS(h, "90");
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "80");
    /* Tape register; data rate; software reset through DSR. */
    harness_out8(h, 0x3f3, 0x02);
    ck_assert_uint_eq(harness_in8(h, 0x3f3), 0xfe);
    harness_out8(h, MSR, 0x80);
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    harness_reset(h);
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    ck_assert_uint_eq(harness_in8(h, DOR), 0);
    harness_free(h);
}
END_TEST

START_TEST(polling_switched_off)
{
    Harness *h = start();
    COMMAND(h, "\x13\x00\x30\x00");
    harness_out8(h, MSR, 0x80); /* the reset switches it on again */
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    harness_free(h);
}
END_TEST

START_TEST(control_commands)
{
    Harness *h = start();
    COMMAND(h, "\x10");
    CHECK_RESULTS(h, "90");
    COMMAND(h, "\x18");
    CHECK_RESULTS(h, "01");
    COMMAND(h, "\x01");
    CHECK_RESULTS(h, "80");
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    COMMAND(h, "\x04\x00");
    CHECK_RESULTS(h, "38"); /* ready, two sides, track 0 */
    COMMAND(h, "\x13\x00\x57\x0a");
    COMMAND(h, "\x12\x94");
    COMMAND(h, "\x0e");
    CHECK_RESULTS(h, "00 00 00 00 df 02 00 14 57 0a");
    COMMAND(h, "\x94"); /* LOCK */
    CHECK_RESULTS(h, "10");
    COMMAND(h, "\x12\x03"); /* without OW: GAP and WGATE alone */
    harness_out8(h, MSR, 0x80);
    COMMAND(h, "\x0e"); /* FIFOTHR and PRETRK are kept, implied seek and GAP/WGATE are not */
    CHECK_RESULTS(h, "00 00 00 00 df 02 00 94 07 0a");
    COMMAND(h, "\x14");
    CHECK_RESULTS(h, "00");
    harness_out8(h, MSR, 0x80);
    COMMAND(h, "\x0e");
    CHECK_RESULTS(h, "00 00 00 00 df 02 00 14 20 00");
    COMMAND(h, "\x17\x22");
    CHECK_RESULTS(h, "22");
    ck_assert_uint_eq(harness_in8(h, 0x3f1) & 3, 1); /* enhanced registers: idle */
    harness_out8(h, 0x3f3, 0x06);
    ck_assert_uint_eq(harness_in8(h, 0x3f3), 0x06);
    COMMAND(h, "\x33\x01");
    harness_free(h);
}
END_TEST

START_TEST(save_restore_and_drive_specification)
{
    Harness *h = start();
    COMMAND(h, "\x13\x00\x45\x03");
    seek(h, 7);
    COMMAND(h, "\x2e");
    CHECK_RESULTS(h, "00 00 07 00 00 00 df 02 00 00 45 03 00 00 00 00");
    harness_out8(h, MSR, 0x80);
    COMMAND(h, "\x4e\x02\x01\x07\x01\x02\x03\xaf\x05\x12\x91\x46\x04\x20\x00\x00\x00");
    COMMAND(h, "\x2e");
    CHECK_RESULTS(h, "02 01 07 01 02 03 af 05 12 91 46 04 20 00 00 00");
    COMMAND(h, "\x8e\x04\x2a\x80");
    CHECK_RESULTS(h, "04 0a 00 00");
    COMMAND(h, "\x8e\x61\xc0"); /* NRP: no results */
    ck_assert_uint_eq(harness_in8(h, MSR), 0x80);
    COMMAND(h, "\x8e\x80");
    CHECK_RESULTS(h, "04 0a 00 01");
    harness_free(h);
}
END_TEST

START_TEST(seeks)
{
    Harness *h = start();
    COMMAND(h, "\x0f\x04\x28");
    ck_assert_uint_eq(harness_in8(h, MSR), 0x81); /* drive 0 is busy, the controller is not */
    harness_save_load(h);
    settle(h);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    harness_save_load(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "24 28");
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    COMMAND(h, "\x04\x00");
    CHECK_RESULTS(h, "28");     /* not on track 0 */
    COMMAND(h, "\xcf\x00\x05"); /* in by five */
    settle(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "20 2d");
    COMMAND(h, "\x8f\x00\x2d"); /* out by forty-five */
    settle(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "20 00");
    COMMAND(h, "\x04\x00");
    CHECK_RESULTS(h, "38");
    /* A drive that is not there has no track 0: equipment check. */
    COMMAND(h, "\x07\x01");
    settle(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "21 00"); /* DOR selects drive 0, whose head moved */
    harness_out8(h, DOR, 0x2d);
    COMMAND(h, "\x07\x01");
    settle(h);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "71 00");
    harness_free(h);
}
END_TEST

START_TEST(seeks_side_by_side)
{
    Harness *h = start();
    COMMAND(h, "\x0f\x00\x10");
    COMMAND(h, "\x0f\x01\x20");
    ck_assert_uint_eq(harness_in8(h, MSR), 0x83);
    settle(h);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    COMMAND(h, "\x08");
    ck_assert_uint_eq(harness_irq_level(h, 6), 1); /* the other one */
    CHECK_RESULTS(h, "20 10");
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "21 20");
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    COMMAND(h, "\x08");
    CHECK_RESULTS(h, "80");
    harness_free(h);
}
END_TEST

/* -- reading --------------------------------------------------------------------------------- */

static void program_read(Harness *h, uint32_t bytes)
{
    harness_dma_program(h, 2, VIV_ISADMA_TO_MEMORY | VIV_ISADMA_MODE_SINGLE, BUFFER, bytes);
}

static void program_write(Harness *h, uint32_t bytes)
{
    harness_dma_program(h, 2, VIV_ISADMA_FROM_MEMORY | VIV_ISADMA_MODE_SINGLE, BUFFER, bytes);
}

START_TEST(read_by_dma)
{
    Harness *h = start();
    fill_disk(h, 1474560);
    program_read(h, 512);
    COMMAND(h, "\xe6\x00\x00\x00\x01\x02\x12\x1b\xff");
    ck_assert_uint_eq(harness_in8(h, MSR), 0x10);
    CHECK_RESULTS(h, "00 00 00 00 00 02 02");
    check_sector(h, BUFFER, 0);
    ck_assert_uint_eq(harness_dma_tcs(h, 2), 1);
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 0);
    /* A whole cylinder with MT: both sides; the ID is then that of the next. */
    program_read(h, 36 * 512);
    COMMAND(h, "\xe6\x00\x00\x00\x01\x02\x12\x1b\xff");
    settle(h);
    ck_assert_uint_eq(harness_irq_level(h, 6), 1);
    CHECK_RESULTS(h, "04 00 00 01 00 01 02");
    ck_assert_uint_eq(harness_irq_level(h, 6), 0);
    for (uint32_t i = 0; i < 36; i++) {
        check_sector(h, BUFFER + i * 512, i);
    }
    /* The last sector of side 0 with MT, and of a side without. */
    program_read(h, 512);
    COMMAND(h, "\xe6\x00\x00\x00\x12\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 01 01 02");
    program_read(h, 512);
    COMMAND(h, "\x66\x04\x00\x01\x12\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "04 00 00 01 01 01 02");
    check_sector(h, BUFFER, 35);
    /* Terminal count in the middle of a sector. */
    program_read(h, 100);
    COMMAND(h, "\x66\x00\x00\x00\x03\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 04 02");
    /* The end of the track before terminal count. */
    program_read(h, 2048);
    COMMAND(h, "\x66\x00\x00\x00\x11\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 80 00 01 00 01 02");
    ck_assert_uint_eq(harness_dma_left(h, 2), 1024);
    harness_free(h);
}
END_TEST

START_TEST(dma_programmed_late_and_save)
{
    Harness *h = start();
    fill_disk(h, 1474560);
    harness_media_auto(h, 0, 1);
    COMMAND(h, "\xe6\x00\x00\x00\x05\x02\x12\x1b\xff");
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 1); /* waits for the channel */
    harness_save_load(h);
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 1);
    program_read(h, 300);
    ck_assert_uint_eq(harness_dma_left(h, 2), 300); /* terminal count: reloaded */
    CHECK_RESULTS(h, "00 00 00 00 00 06 02");
    uint8_t want[512], got[300];
    fill(want, 512, 5);
    harness_ram_read(h, BUFFER, got, 300);
    ck_assert_mem_eq(got, want, 300);
    /* Never: an overrun after half a second. */
    harness_dma_mask(h, 2, 1);
    COMMAND(h, "\xe6\x00\x00\x00\x05\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 10 00 00 00 05 02");
    ck_assert_uint_eq(harness_stam(h, "Overruns"), 1);
    /* The gate of DOR holds DREQ back. */
    harness_out8(h, DOR, 0x14);
    COMMAND(h, "\xe6\x00\x00\x00\x05\x02\x12\x1b\xff");
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 0);
    harness_out8(h, DOR, 0x1c);
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 1);
    harness_out8(h, DOR, 0x18); /* a reset ends it */
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 0);
    harness_free(h);
}
END_TEST

START_TEST(read_without_dma)
{
    Harness *h = start();
    uint8_t want[512];
    fill_disk(h, 1474560);
    harness_media_auto(h, 0, 1);
    COMMAND(h, "\x03\xdf\x03"); /* ND */
    COMMAND(h, "\x66\x00\x00\x00\x11\x02\x12\x1b\xff");
    for (uint32_t s = 0; s < 2; s++) {
        fill(want, 512, 17 + s);
        for (uint32_t i = 0; i < 512; i++) {
            settle(h);
            ck_assert_uint_eq(harness_in8(h, MSR), 0xf0);
            ck_assert_uint_eq(harness_irq_level(h, 6), 1);
            if (i == 100) {
                harness_save_load(h);
            }
            ck_assert_uint_eq(harness_in8(h, FIFO), want[i]);
        }
    }
    CHECK_RESULTS(h, "40 80 00 01 00 01 02"); /* nobody says terminal count */
    harness_free(h);
}
END_TEST

START_TEST(what_is_not_found)
{
    Harness *h = start();
    program_read(h, 512);
    COMMAND(h, "\x66\x00\x00\x00\x13\x02\x12\x1b\xff"); /* no sector 19 */
    CHECK_RESULTS(h, "40 04 00 00 00 13 02");
    COMMAND(h, "\x66\x00\x05\x00\x01\x02\x12\x1b\xff"); /* another cylinder */
    CHECK_RESULTS(h, "40 04 10 05 00 01 02");
    COMMAND(h, "\x66\x00\x00\x01\x01\x02\x12\x1b\xff"); /* another head in the ID */
    CHECK_RESULTS(h, "40 04 00 00 01 01 02");
    COMMAND(h, "\x66\x00\x00\x00\x01\x03\x12\x1b\xff"); /* another size */
    CHECK_RESULTS(h, "40 04 00 00 00 01 03");
    COMMAND(h, "\x26\x00\x00\x00\x01\x02\x12\x1b\xff"); /* FM */
    CHECK_RESULTS(h, "40 01 00 00 00 01 02");
    harness_out8(h, DIR, 2); /* 250 kbit/s */
    COMMAND(h, "\x66\x00\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 01 00 00 00 01 02");
    harness_out8(h, DIR, 0);
    harness_out8(h, DOR, 0x0c); /* motor off */
    COMMAND(h, "\x4a\x00");
    CHECK_RESULTS(h, "40 01 00 00 00 00 00");
    harness_out8(h, DOR, 0x1c);
    COMMAND(h, "\x4a\x00");
    ck_assert_mem_eq(results(h), "00 00 00 00 00", 14);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    COMMAND(h, "\x66\x00\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 20 20 00 00 01 02");
    ck_assert_uint_eq(harness_dma_left(h, 2), 512);
    harness_free(h);
}
END_TEST

START_TEST(implied_seek_and_read_track)
{
    Harness *h = start();
    fill_disk(h, 1474560);
    COMMAND(h, "\x13\x00\x50\x00"); /* implied seek, FIFO on */
    program_read(h, 512);
    COMMAND(h, "\xe6\x00\x09\x00\x02\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "20 00 00 09 00 03 02");
    check_sector(h, BUFFER, 9 * 36 + 1);
    /* READ TRACK: from the index, whatever the IDs say. */
    program_read(h, 3 * 512);
    COMMAND(h, "\x42\x00\x09\x00\x05\x02\x03\x1b\xff");
    CHECK_RESULTS(h, "00 04 00 09 00 08 02");
    for (uint32_t i = 0; i < 3; i++) {
        check_sector(h, BUFFER + i * 512, 9 * 36 + i);
    }
    program_read(h, 18 * 512);
    COMMAND(h, "\x42\x04\x09\x01\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "04 00 00 0a 01 01 02");
    harness_free(h);
}
END_TEST

START_TEST(verify)
{
    Harness *h = start();
    COMMAND(h, "\x56\x00\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 01 00 01 02");
    COMMAND(h, "\x56\x80\x00\x00\x01\x02\x12\x1b\x03"); /* EC: three sectors */
    CHECK_RESULTS(h, "00 00 00 00 00 04 02");
    COMMAND(h, "\x56\x80\x00\x00\x11\x02\x20\x1b\x03"); /* only two are left */
    CHECK_RESULTS(h, "40 04 00 00 00 13 02");
    ck_assert_uint_eq(harness_dma_dreq(h, 2), 0);
    harness_free(h);
}
END_TEST

/* -- writing --------------------------------------------------------------------------------- */

START_TEST(write_and_deleted_data)
{
    Harness *h = start();
    uint8_t buf[1024], got[512];
    fill(buf, sizeof buf, 99);
    harness_ram_write(h, BUFFER, buf, sizeof buf);
    program_write(h, 1024);
    COMMAND(h, "\xc5\x04\x00\x01\x12\x02\x12\x1b\xff"); /* runs off the end of side 1 */
    CHECK_RESULTS(h, "44 80 00 01 00 01 02");
    harness_media_peek(h, 0, 35 * 512, got, 512);
    ck_assert_mem_eq(got, buf, 512);
    /* Half a sector: the rest is zeros. */
    harness_media_poke(h, 0, 512, buf, 512);
    program_write(h, 256);
    COMMAND(h, "\x45\x00\x00\x00\x02\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 03 02");
    harness_media_peek(h, 0, 512, got, 512);
    ck_assert_mem_eq(got, buf, 256);
    ck_assert_uint_eq(got[256] | got[511], 0);
    /* A deleted data mark. */
    program_write(h, 512);
    COMMAND(h, "\x49\x00\x00\x00\x03\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 04 02");
    harness_save_load(h);
    program_read(h, 2048);
    COMMAND(h, "\x46\x00\x00\x00\x02\x02\x12\x1b\xff"); /* ends at it */
    CHECK_RESULTS(h, "00 00 40 00 00 03 02");
    ck_assert_uint_eq(harness_dma_left(h, 2), 1024);
    program_read(h, 1024);
    COMMAND(h, "\x66\x00\x00\x00\x02\x02\x12\x1b\xff"); /* SK: passes over it */
    CHECK_RESULTS(h, "00 00 40 00 00 05 02");
    program_read(h, 512);
    COMMAND(h, "\x4c\x00\x00\x00\x03\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 04 02");
    harness_free(h);
}
END_TEST

START_TEST(write_without_dma)
{
    Harness *h = start();
    uint8_t want[512], got[512];
    fill(want, 512, 7);
    harness_media_auto(h, 0, 1);
    COMMAND(h, "\x03\xdf\x03");
    COMMAND(h, "\x45\x00\x00\x00\x12\x02\x12\x1b\xff");
    for (uint32_t i = 0; i < 512; i++) {
        settle(h);
        ck_assert_uint_eq(harness_in8(h, MSR), 0xb0);
        harness_out8(h, FIFO, want[i]);
    }
    CHECK_RESULTS(h, "40 80 00 01 00 01 02");
    harness_media_peek(h, 0, 17 * 512, got, 512);
    ck_assert_mem_eq(got, want, 512);
    harness_free(h);
}
END_TEST

START_TEST(write_protection)
{
    Harness *h = start_with(1474560, 1, NULL, 0);
    program_write(h, 512);
    COMMAND(h, "\x45\x00\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 02 00 00 00 01 02");
    COMMAND(h, "\x4d\x00\x02\x12\x54\xf6");
    ck_assert_mem_eq(results(h), "40 02 00", 8);
    COMMAND(h, "\x04\x00");
    CHECK_RESULTS(h, "78");
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_WRITE), 0);
    harness_free(h);
}
END_TEST

static void put_ids(Harness *h, uint32_t cyl, uint32_t head, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        harness_ram_put32(h, BUFFER + 4 * i, cyl | head << 8 | (i + 1) << 16 | 2u << 24);
    }
}

START_TEST(format)
{
    Harness *h = start();
    uint8_t got[512];
    fill_disk(h, 1474560);
    seek(h, 3);
    put_ids(h, 3, 1, 18);
    program_write(h, 72);
    COMMAND(h, "\x4d\x04\x02\x12\x54\xf6");
    ck_assert_mem_eq(results(h), "04 00 00", 8);
    for (uint32_t i = 0; i < 18; i++) {
        harness_media_peek(h, 0, (3 * 36 + 18 + i) * 512, got, 512);
        ck_assert_uint_eq(got[0], 0xf6);
        ck_assert_uint_eq(got[511], 0xf6);
    }
    harness_media_peek(h, 0, (3 * 36 + 17) * 512, got, 512);
    ck_assert_uint_ne(got[0] + 256u * got[511], 0xf6f6);
    /* A format that an image cannot hold: the track is lost to reads until it is formatted back. */
    program_write(h, 40);
    COMMAND(h, "\x4d\x04\x03\x0a\x54\xf6");
    ck_assert_mem_eq(results(h), "04 00 00", 8);
    program_read(h, 512);
    COMMAND(h, "\x46\x04\x03\x01\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "44 01 00 03 01 01 02");
    harness_save_load(h);
    put_ids(h, 3, 1, 18);
    program_write(h, 72);
    COMMAND(h, "\x4d\x04\x02\x12\x54\xe5");
    results(h);
    program_read(h, 512);
    COMMAND(h, "\x46\x04\x03\x01\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "04 00 00 03 01 02 02");
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER), 0xe5);
    /* FORMAT AND WRITE: an ID and its data, again and again. */
    for (uint32_t i = 0; i < 2; i++) {
        harness_ram_put32(h, BUFFER + i * 516, 3 | 1 << 8 | (i + 1) << 16 | 2u << 24);
        harness_ram_fill(h, BUFFER + i * 516 + 4, (uint8_t)(0x30 + i), 512);
    }
    program_write(h, 2 * 516);
    COMMAND(h, "\xed\x04\x02\x02\x54\x00");
    ck_assert_mem_eq(results(h), "04 00 00", 8);
    harness_media_peek(h, 0, (3 * 36 + 18 + 1) * 512, got, 512);
    ck_assert_uint_eq(got[5], 0x31);
    harness_free(h);
}
END_TEST

START_TEST(scans)
{
    Harness *h = start();
    uint8_t sector[512];
    memset(sector, 0x40, sizeof sector);
    for (uint32_t i = 0; i < 4; i++) {
        sector[100] = (uint8_t)(0x40 + i);
        harness_media_poke(h, 0, i * 512, sector, 512);
    }
    for (uint32_t i = 0; i < 8; i++) { /* what is looked for: the third; 300 may be anything */
        sector[100] = 0x42;
        sector[300] = 0xff;
        harness_ram_write(h, BUFFER + i * 512, sector, 512);
    }
    program_write(h, 4096);
    COMMAND(h, "\x51\x00\x00\x00\x01\x02\x04\x1b\x01");
    CHECK_RESULTS(h, "00 00 08 00 00 03 02");
    program_write(h, 4096);
    COMMAND(h, "\x51\x00\x00\x00\x02\x02\x04\x1b\x02"); /* every second: 2 and 4 */
    CHECK_RESULTS(h, "00 00 04 01 00 01 02");
    program_write(h, 4096);
    COMMAND(h, "\x59\x00\x00\x00\x01\x02\x04\x1b\x01"); /* the disk's is lower */
    CHECK_RESULTS(h, "00 00 00 00 00 01 02");
    program_write(h, 4096);
    COMMAND(h, "\x5d\x00\x00\x00\x02\x02\x04\x1b\x01"); /* higher or equal: not the second */
    CHECK_RESULTS(h, "00 00 08 00 00 03 02");
    program_write(h, 4096);
    COMMAND(h, "\x5d\x00\x00\x00\x04\x02\x04\x1b\x01");
    CHECK_RESULTS(h, "00 00 00 00 00 04 02");
    harness_free(h);
}
END_TEST

/* -- drives and media ------------------------------------------------------------------------ */

START_TEST(disk_change)
{
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1474560, 0);
    ck_assert_int_eq(harness_start(h, "i82078", NULL), VIV_OK);
    harness_out8(h, DOR, 0x1c);
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff); /* from power-on */
    ready(h, 0);
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff); /* no step yet */
    seek(h, 1);
    ck_assert_uint_eq(harness_in8(h, DIR), 0x7f);
    harness_media_change(h, 0, 0, 0);
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff);
    seek(h, 2); /* without a medium it stays */
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff);
    COMMAND(h, "\x4a\x00");
    CHECK_RESULTS(h, "40 01 00 00 00 00 00");
    harness_media_change(h, 0, 737280, 0);
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in8(h, DIR), 0xff);
    seek(h, 1);
    ck_assert_uint_eq(harness_in8(h, DIR), 0x7f);
    harness_out8(h, DIR, 2);
    COMMAND(h, "\x4a\x00"); /* the other density */
    ck_assert_mem_eq(results(h), "00 00 00 01 00", 14);
    harness_out8(h, DOR, 0x0c); /* nobody drives the line without the motor */
    ck_assert_uint_eq(harness_in8(h, DIR), 0x7f);
    harness_media_change(h, 0, 1234567, 0); /* no format: as good as none */
    harness_out8(h, DOR, 0x1c);
    COMMAND(h, "\x4a\x00");
    CHECK_RESULTS(h, "40 01 00 00 00 00 00");
    harness_media_change(h, 0, 1474560, 0);
    harness_free(h);
}
END_TEST

static const struct {
    uint32_t kib, cyls, heads, sectors;
    uint8_t rate;
} formats[] = {
    {160, 40, 1, 8, 2},   {180, 40, 1, 9, 2},   {320, 40, 2, 8, 2},
    {360, 40, 2, 9, 2},   {720, 80, 2, 9, 2},   {1200, 80, 2, 15, 0},
    {1440, 80, 2, 18, 0}, {1680, 80, 2, 21, 0}, {2880, 80, 2, 36, 3},
};

START_TEST(every_format)
{
    uint32_t cyls = formats[_i].cyls, heads = formats[_i].heads, sectors = formats[_i].sectors;
    Harness *h = start_with(formats[_i].kib * 1024, 0, "DriveType0=auto", formats[_i].rate);
    fill_disk(h, formats[_i].kib * 1024);
    for (uint32_t c = 0; c < cyls; c += 13) {
        seek(h, (uint8_t)c);
        for (uint32_t k = 0; k < heads; k++) {
            char read[] = {0x46, (char)(k << 2), (char)c, (char)k, 1, 2, (char)sectors, 0x1b, -1};
            program_read(h, sectors * 512);
            command(h, read, sizeof read);
            ck_assert_mem_eq(results(h), k ? "04 00 00" : "00 00 00", 8);
            for (uint32_t s = 0; s < sectors; s++) {
                check_sector(h, BUFFER + s * 512, (c * heads + k) * sectors + s);
            }
        }
    }
    harness_free(h);
}
END_TEST

START_TEST(forty_tracks_in_a_high_density_drive)
{
    Harness *h = start_with(368640, 0, "DriveType0=1.20", 1); /* 300 kbit/s */
    fill_disk(h, 368640);
    seek(h, 20);
    program_read(h, 512);
    COMMAND(h, "\x66\x00\x0a\x00\x01\x02\x09\x2a\xff"); /* cylinder 10 lies on track 20 */
    CHECK_RESULTS(h, "00 00 00 0a 00 02 02");
    check_sector(h, BUFFER, 10 * 18);
    seek(h, 21);
    COMMAND(h, "\x4a\x00");
    CHECK_RESULTS(h, "40 01 00 00 00 00 00");
    harness_free(h);
}
END_TEST

START_TEST(two_drives_and_boot_select)
{
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1474560, 0);
    harness_lun_media(h, 1, VIV_MEDIA_FLOPPY, 1474560, 0);
    ck_assert_int_eq(harness_start(h, "i82078", NULL), VIV_OK);
    ready(h, 0);
    uint8_t sector[512];
    memset(sector, 0x22, sizeof sector);
    harness_media_poke(h, 1, 0, sector, 512);
    harness_out8(h, DOR, 0x2d);
    program_read(h, 512);
    COMMAND(h, "\x66\x01\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "01 00 00 00 00 02 02");
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER), 0x22);
    /* BOOTSEL 1 swaps them. */
    COMMAND(h, "\x17\x20");
    results(h);
    harness_out8(h, 0x3f3, 0x04);
    harness_out8(h, DOR, 0x1c);
    harness_ram_put8(h, BUFFER, 0);
    program_read(h, 512);
    COMMAND(h, "\x66\x00\x00\x00\x01\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 02 02");
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER), 0x22);
    harness_free(h);
}
END_TEST

START_TEST(ps2_registers)
{
    Harness *h = start_with(1474560, 0, "Mode=PS2", 0);
    ck_assert_uint_eq(harness_in8(h, 0x3f0), 0x46); /* no second drive, track 0, nothing else */
    ck_assert_uint_eq(harness_in8(h, 0x3f1), 0xc1);
    ck_assert_uint_eq(harness_in8(h, DIR) & 0x7f, 0x78);
    harness_free(h);
    h = start_with(1474560, 1, "Mode=Model30", 0);
    ck_assert_uint_eq(harness_in8(h, 0x3f0) & 0xda, 0x1a);
    ck_assert_uint_eq(harness_in8(h, 0x3f1), 0xc3);
    ck_assert_uint_eq(harness_in8(h, DIR), 0x08);
    harness_free(h);
}
END_TEST

/* -- timing ---------------------------------------------------------------------------------- */

START_TEST(exact_timing)
{
    Harness *h = start_with(1474560, 0, "Timing=exact", 0);
    fill_disk(h, 1474560);
    uint64_t begin = harness_time_ns(h);
    seek(h, 10); /* SRT D: 3 ms a step at 500 kbit/s */
    ck_assert_uint_eq(harness_time_ns(h) - begin, 30 * MS);
    COMMAND(h, "\x13\x00\x17\x00"); /* FIFO with a threshold of 8 */
    program_read(h, 18 * 512);
    begin = harness_time_ns(h);
    COMMAND(h, "\x46\x00\x0a\x00\x01\x02\x12\x1b\xff");
    settle(h);
    uint64_t took = harness_time_ns(h) - begin;
    ck_assert_uint_ge(took, 190 * MS); /* a revolution, and up to one until sector 1 comes */
    ck_assert_uint_le(took, 600 * MS);
    CHECK_RESULTS(h, "00 00 00 0b 00 01 02");
    for (uint32_t i = 0; i < 18; i++) {
        check_sector(h, BUFFER + i * 512, 360 + i);
    }
    /* Nobody fetches the bytes: overrun within the FIFO's time. */
    COMMAND(h, "\x03\xdf\x03");
    COMMAND(h, "\x46\x00\x0a\x00\x01\x02\x12\x1b\xff");
    while ((harness_in8(h, MSR) & 0xf0) != 0xd0) {
        harness_run_pending(h);
        harness_advance_to_ns(h, harness_next_deadline(h));
    }
    CHECK_RESULTS(h, "40 10 00 0a 00 01 02");
    /* Not there: the index passes twice. */
    begin = harness_time_ns(h);
    COMMAND(h, "\x46\x00\x0a\x00\x13\x02\x12\x1b\xff");
    settle(h);
    ck_assert_uint_ge(harness_time_ns(h) - begin, 200 * MS);
    CHECK_RESULTS(h, "40 04 00 0a 00 13 02");
    harness_free(h);
}
END_TEST

START_TEST(exact_write)
{
    Harness *h = start_with(1474560, 0, "Timing=exact", 0);
    uint8_t buf[1024], got[1024];
    fill(buf, sizeof buf, 5);
    harness_ram_write(h, BUFFER, buf, sizeof buf);
    program_write(h, 1024);
    COMMAND(h, "\x45\x00\x00\x00\x04\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 06 02");
    harness_media_peek(h, 0, 3 * 512, got, sizeof got);
    ck_assert_mem_eq(got, buf, sizeof buf);
    harness_dma_mask(h, 2, 1);
    COMMAND(h, "\x45\x00\x00\x00\x04\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "40 10 00 00 00 04 02");
    harness_free(h);
}
END_TEST

/* -- robustness ------------------------------------------------------------------------------ */

START_TEST(reset_while_the_image_is_read)
{
    Harness *h = start();
    fill_disk(h, 1474560);
    program_read(h, 512);
    COMMAND(h, "\x46\x00\x00\x00\x07\x02\x12\x1b\xff");
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_pending(h), 1);
    ready(h, 0);
    /* The next command waits for the old request and then makes its own. */
    COMMAND(h, "\x46\x00\x00\x00\x08\x02\x12\x1b\xff");
    CHECK_RESULTS(h, "00 00 00 00 00 09 02");
    check_sector(h, BUFFER, 7);
    harness_free(h);
}
END_TEST

static void three_drives(Harness *h)
{
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1474560, 0);
    harness_lun_media(h, 1, VIV_MEDIA_FLOPPY, 0, 0);
    harness_lun_media(h, 3, VIV_MEDIA_FLOPPY, 2949120, 1);
}

START_TEST(configuration)
{
    static const char *const bad[] = {"Timing=slow", "Mode=XT", "DMA=4", "DriveType0=1.44MB",
                                      "IOBase=0xfffc"};
    ck_assert_uint_gt(harness_construct_failures_with(three_drives, "i82078", NULL), 12);
    for (size_t i = 0; i < LEN(bad); i++) {
        Harness *h = harness_create();
        three_drives(h);
        ck_assert_int_lt(harness_start(h, "i82078", bad[i]), 0);
        harness_free(h);
    }
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_FLOPPY, 1296384, 0);
    ck_assert_int_eq(harness_start(h, "i82078", NULL), VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(harness_error(), "1296384 bytes is no floppy format"));
    harness_free(h);
    h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DVD, 1474560, 0);
    ck_assert_int_eq(harness_start(h, "i82078", NULL), VIV_E_CONFIG);
    harness_free(h);
    h = harness_new("i82078", "MemMapped=1,IOBase=0xfd000000,IRQ=5,DMA=3");
    harness_mmio_write(h, 0xfd000002, 0x0c, 1);
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfd000004, 1), 0x80);
    harness_free(h);
}
END_TEST

/* "auto" is decided by the first medium: neither another one nor a load makes it another drive. */
START_TEST(auto_drive_stays)
{
    Harness *h = start_with(1440 * 1024, 0, "DriveType0=auto", 0);
    seek(h, 81);
    harness_media_change(h, 0, 160 * 1024, 0);
    harness_save_load(h);
    harness_media_change(h, 0, 1440 * 1024, 0);
    harness_save_load(h);
    COMMAND(h, "\x04\x00"); /* not at track 0, two sides */
    ck_assert_str_eq(results(h), "28");
    harness_free(h);
}
END_TEST

START_TEST(hostile_state)
{
    Harness *h = start();
    size_t len;
    fill_disk(h, 1474560);
    harness_media_auto(h, 0, 1);
    COMMAND(h, "\x46\x00\x00\x00\x01\x02\x12\x1b\xff");
    harness_advance_ns(h, MS); /* waits for DMA */
    uint8_t *blob = harness_save(h, &len);
    for (size_t i = 0; i<len; i += i> 1500 && i + 22000 < len ? 97 : 1) {
        uint8_t *bad = malloc(len);
        memcpy(bad, blob, len);
        bad[i] ^= (uint8_t)(i % 3 ? 0xff : 0x04);
        if (harness_load(h, bad, len) == VIV_OK) {
            program_read(h, 2048);
            harness_advance_ns(h, 900 * MS);
            harness_in8(h, FIFO);
        } else {
            ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
        }
        free(bad);
    }
    free(blob);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i82078");
    TCase *tc = tcase_create("control");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reset_and_registers);
    tcase_add_test(tc, polling_switched_off);
    tcase_add_test(tc, control_commands);
    tcase_add_test(tc, save_restore_and_drive_specification);
    tcase_add_test(tc, seeks);
    tcase_add_test(tc, seeks_side_by_side);
    suite_add_tcase(s, tc);
    tc = tcase_create("data");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, read_by_dma);
    tcase_add_test(tc, dma_programmed_late_and_save);
    tcase_add_test(tc, read_without_dma);
    tcase_add_test(tc, what_is_not_found);
    tcase_add_test(tc, implied_seek_and_read_track);
    tcase_add_test(tc, verify);
    tcase_add_test(tc, write_and_deleted_data);
    tcase_add_test(tc, write_without_dma);
    tcase_add_test(tc, write_protection);
    tcase_add_test(tc, format);
    tcase_add_test(tc, scans);
    suite_add_tcase(s, tc);
    tc = tcase_create("drives");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, disk_change);
    tcase_add_loop_test(tc, every_format, 0, (int)LEN(formats));
    tcase_add_test(tc, forty_tracks_in_a_high_density_drive);
    tcase_add_test(tc, two_drives_and_boot_select);
    tcase_add_test(tc, ps2_registers);
    tcase_add_test(tc, exact_timing);
    tcase_add_test(tc, exact_write);
    suite_add_tcase(s, tc);
    tc = tcase_create("robustness");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reset_while_the_image_is_read);
    tcase_add_test(tc, configuration);
    tcase_add_test(tc, auto_drive_stays);
    tcase_add_test(tc, hostile_state);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
