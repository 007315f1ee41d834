/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: packet commands of the optical drive. */
#include "ide_fixture.h"

/* -- CD -------------------------------------------------------------------------------------- */

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

#define PACKET(limit, ...) packet_limit((const uint8_t[12]){__VA_ARGS__}, 0, limit)

/* Reads a reply in however many blocks; returns its length, 0 with *sense (key << 16 | asc << 8 |
 * ascq) after a failure. */
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
    packet_limit((const uint8_t[12]){0x28, 0, 0, 0, 0, 16, 0, 0, 4}, 1, 0);
    ck_assert_uint_eq(harness_in8(h, BM + 2), 4);
    good();
    for (unsigned s = 0; s < 16; s++) {
        harness_ram_read(h, BUF + 512 * s, buf, 512);
        check_sector(buf, 64 + s);
    }
    harness_out8(h, BM, 0);
    bm_start(1);
    packet_limit((const uint8_t[12]){0x43, 0, 0, 0, 0, 0, 0, 0, 20}, 1, 0);
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
    ck_assert_mem_eq(
        buf, ((uint8_t[]){0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 3, 0xe8}),
        20);
    PACKET(0xfffe, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64);
    ck_assert_uint_eq(reply(buf), 12);
    ck_assert_mem_eq(buf + 8, ((uint8_t[]){0, 0, 15, 25}), 4); /* 1150 frames */
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
    uint8_t data[2048] = {0}, sector[2352];
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
    ck_assert_mem_eq(buf, ((uint8_t[]){0, 6, 4, 0x5e, 0, 2, 0, 0}), 8);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x20, 0, 0, 0, 8); /* several hosts: not here */
    ck_assert_uint_eq(reply(buf), 4);
    ck_assert_uint_eq(buf[2], 0x80);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x7e, 0, 0, 0, 8); /* no events: the first class */
    ck_assert_uint_eq(reply(buf), 8);
    ck_assert_uint_eq(buf[2], 1);
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
    ck_assert_uint_eq(reply(buf), 8 + 58 + 20);
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
    static const uint8_t list[20] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x0a, 0, 9, 77};
    harness_outs(h, CMD, 2, list, 10);
    good();
    PACKET(0xfffe, 0x5a, 0, 0x01, 0, 0, 0, 0, 0, 128);
    reply(buf);
    ck_assert_uint_eq(buf[8 + 3], 9);
    ck_assert_uint_eq(buf[8 + 4], 0); /* not changeable */
    PACKET(0xfffe, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 20);
    static const uint8_t bad[20] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x0b};
    harness_outs(h, CMD, 2, bad, 10);
    sense(0x051a00);
}
END_TEST

/* Out and in again before anybody looked: the unit attention, and both events. */
START_TEST(cd_quick_change)
{
    uint8_t buf[64];
    harness_media_change(h, 1, 0, 0); /* beside the reset, which is told first */
    harness_media_change(h, 1, 600 * 2048, 1);
    PACKET(0xfffe, 0);
    sense(0x062900);
    harness_save_load(h);
    PACKET(0xfffe, 0x25);
    sense(0x062800);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 3);
    harness_save_load(h);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 2);
    PACKET(0xfffe, 0x25);
    ck_assert_uint_eq(reply(buf), 8);
    ck_assert_uint_eq(ide_get_be32(buf), 599);
}
END_TEST

START_TEST(cd_changed_under_a_command)
{
    uint8_t *buf = malloc(300 * 2048);
    cd_ready();
    PACKET(0xfffe, 0xa8, 0, 0, 0, 0, 16, 0, 0, 0, 200); /* four chunks; the first is there */
    harness_media_change(h, 1, 900 * 2048, 1);
    ck_assert_uint_eq(reply(buf), 64 * 2048);
    sense(0x062800);
    PACKET(0xfffe, 0);
    good();
    PACKET(0xfffe, 0xa8, 0, 0, 0, 0, 16, 0, 0, 0, 200);
    harness_media_change(h, 1, 0, 0);
    ck_assert_uint_eq(reply(buf), 64 * 2048);
    sense(0x023a01);
    free(buf);
}
END_TEST

/* The state is loaded where another medium, or none, is in. */
START_TEST(cd_changed_between_save_and_load)
{
    size_t len;
    uint8_t buf[64];
    cd_ready();
    uint8_t *blob = harness_save(h, &len);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    PACKET(0xfffe, 0); /* the same */
    good();
    harness_media_change(h, 1, CD_SECTORS * 2048ull, 1); /* of the same size */
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    PACKET(0xfffe, 0);
    sense(0x062800);
    harness_media_change(h, 1, 0, 0);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    PACKET(0xfffe, 0);
    sense(0x023a01);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 3);
    free(blob);
}
END_TEST

START_TEST(cd_open_tray_is_saved)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0x1b, 0, 0, 0, 2);
    good();
    PACKET(0xfffe, 0);
    sense(0x023a02);
    harness_save_load(h);
    PACKET(0xfffe, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[1] & 0x10, 0x10);
    PACKET(0xfffe, 0x1b, 0, 0, 0, 3); /* load */
    good();
    PACKET(0xfffe, 0);
    sense(0x062800);
    PACKET(0xfffe, 0);
    good();
}
END_TEST

START_TEST(cd_eject_button)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0x1e, 0, 0, 0, 3); /* persistent */
    good();
    PACKET(0xfffe, 0x1e, 0, 0, 0, 1);
    good();
    PACKET(0xfffe, 0x1e, 0, 0, 0, 0);
    good();
    ck_assert_uint_eq(harness_media_locked(h, 1), 1); /* each kind by itself */
    harness_media_eject_request(h, 1);
    harness_save_load(h);
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    reply(buf);
    ck_assert_uint_eq(buf[4], 1);
    ck_assert_uint_eq(buf[5], 2);
    PACKET(0xfffe, 0x1e, 0, 0, 0, 2);
    good();
    ck_assert_uint_eq(harness_media_locked(h, 1), 0);
    PACKET(0xfffe, 0x1b, 0, 0, 0, 2);
    good();
}
END_TEST

START_TEST(cd_vital_product_data)
{
    uint8_t buf[64];
    PACKET(0xfffe, 0x12, 1, 0, 0, 64);
    ck_assert_uint_eq(reply(buf), 7);
    PACKET(0xfffe, 0x12, 1, 0x80, 0, 64);
    ck_assert_uint_eq(reply(buf), 24);
    ck_assert_mem_eq(buf + 4, "VIVIDE01    ", 12);
    PACKET(0xfffe, 0x12, 1, 0x83, 0, 64);
    ck_assert_uint_eq(reply(buf), 52);
    ck_assert_uint_eq(buf[7], 44);
    PACKET(0xfffe, 0x12, 1, 0xb0, 0, 64);
    sense(0x052400);
    PACKET(0xfffe, 0x12, 0, 0x80, 0, 64);
    sense(0x052400);
}
END_TEST

START_TEST(cd_byte_counts)
{
    uint8_t buf[64];
    PACKET(5, 0x12, 0, 0, 0, 5); /* all of it in one odd block */
    ck_assert_uint_eq(in(4), 5);
    ck_assert_uint_eq(reply(buf), 5);
    PACKET(5, 0x12, 0, 0, 0, 36); /* else blocks are even */
    ck_assert_uint_eq(in(4), 4);
    ck_assert_uint_eq(reply(buf), 36);
    ck_assert_mem_eq(buf + 8, "VIVARIUM", 8);
    PACKET(1, 0x12, 0, 0, 0, 36);
    ck_assert_uint_eq(reply(buf), 36);
    PACKET(0xffff, 0x12, 0, 0, 0, 36);
    ck_assert_uint_eq(in(4), 36);
    ck_assert_uint_eq(reply(buf), 36);
}
END_TEST

START_TEST(cd_subchannels_and_c2)
{
    uint8_t *buf = malloc(40 * 2752), q[12];
    cd_ready();
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 200, 0, 0, 33, 0xfc, 1); /* all, C2 with error byte, P-W */
    ck_assert_uint_eq(reply(buf), 33 * (2352 + 296 + 96));
    for (unsigned i = 0; i < 33; i++) {
        const uint8_t *s = buf + 2744 * i;
        memset(q, 0, sizeof(q));
        for (unsigned bit = 0; bit < 96; bit++)
            q[bit / 8] |= (uint8_t)((s[2648 + bit] >> 6 & 1) << (7 - bit % 8));
        check_sector(s + 16, 800 + 4 * i);
        ck_assert_uint_eq(q[0], 0x41);
        unsigned frame = 200 + i;
        ck_assert_uint_eq(q[4], frame / 75);
        ck_assert_uint_eq(q[5], (frame % 75 / 10) << 4 | frame % 75 % 10);
        uint16_t crc = 0; /* over data and inverted CRC: the known remainder */
        for (unsigned k = 0; k < 12; k++) {
            crc = (uint16_t)(crc ^ q[k] << 8);
            for (unsigned b = 0; b < 8; b++)
                crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
        }
        ck_assert_uint_eq(crc, 0x1d0f);
    }
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0x10, 2); /* data and Q */
    ck_assert_uint_eq(reply(buf), 2 * 2064);
    check_sector(buf + 2064, 68);
    ck_assert_uint_eq(buf[2048], 0x41);
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x02); /* C2 alone */
    ck_assert_uint_eq(reply(buf), 294);
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x06);
    sense(0x052400);
    PACKET(0xfffe, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x10, 3);
    sense(0x052400);
    free(buf);
}
END_TEST

START_TEST(cd_without_audio)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0x45, 0, 0, 0, 0, 10, 0, 0, 5);
    sense(0x056400);
    PACKET(0xfffe, 0x45, 0, 0, 0, 0, 10, 0, 0, 0); /* nothing to play */
    good();
    PACKET(0xfffe, 0x47, 0, 0, 0, 2, 0, 0, 3, 0);
    sense(0x056400);
    PACKET(0xfffe, 0x47, 0, 0, 0, 3, 0, 0, 2, 0);
    sense(0x052400);
    PACKET(0xfffe, 0xa5, 0, 0, 1, 0, 0, 0, 0, 0, 5);
    sense(0x052100);
    PACKET(0xfffe, 0x48, 0, 0, 0, 2, 1, 0, 2, 1);
    sense(0x052400);
    PACKET(0xfffe, 0x4b, 0, 0, 0, 0, 0, 0, 0, 1);
    sense(0x052c00);
    PACKET(0xfffe, 0x4e);
    good();
    PACKET(0xfffe, 0x42, 2, 0x40, 1, 0, 0, 0, 0, 16);
    ck_assert_uint_eq(reply(buf), 16);
    ck_assert_uint_eq(buf[1], 0x15);
}
END_TEST

START_TEST(cd_speed_power_and_keys)
{
    uint8_t buf[64];
    cd_ready();
    PACKET(0xfffe, 0xbb, 0, 706 >> 8, 706 & 0xff, 0xff, 0xff);
    good();
    harness_save_load(h);
    PACKET(0xfffe, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 128);
    reply(buf);
    ck_assert_uint_eq(ide_get_be16(buf + 8 + 14), 706);
    ck_assert_uint_eq(ide_get_be16(buf + 8 + 8), IDE_CD_SPEED_KB);
    PACKET(0xfffe, 0xac, 0x10, 0, 0, 0, 0, 0, 0, 0, 1);
    ck_assert_uint_eq(reply(buf), 24);
    ck_assert_uint_eq(ide_get_be32(buf + 12), 706);
    PACKET(0xfffe, 0xac, 0x11, 0, 0, 0, 0, 0, 0, 0, 1);
    ck_assert_uint_eq(reply(buf), 8);
    PACKET(0xfffe, 0xb6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28);
    ck_assert_uint_eq(alt(), 0x58);
    in(7);
    harness_outs(h, CMD, 2, buf, 14);
    good();
    PACKET(0xfffe, 0x1b, 0, 0, 0, 0x30); /* standby */
    good();
    PACKET(0xfffe, 0x4a, 1, 0, 0, 0x14, 0, 0, 0, 8);
    reply(buf);
    ck_assert_mem_eq(buf + 2, ((uint8_t[]){2, 0x5e, 1, 3}), 4);
    PACKET(0xfffe, 0);
    good();
    PACKET(0xfffe, 0x1b, 0, 0, 0, 0x40);
    sense(0x052400);
    PACKET(0xfffe, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8);
    ck_assert_uint_eq(reply(buf), 8);
    ck_assert_uint_eq(buf[5], 0xff);
    PACKET(0xfffe, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0);
    sense(0x053002);
    harness_media_fail(h, 1, VIV_E_IO, 1);
    PACKET(0xfffe, 0x28, 0, 0, 0, 0, 77, 0, 0, 1);
    ck_assert_uint_eq(in(7) & 1, 1);
    PACKET(0xfffe, 0x03, 0, 0, 0, 18);
    reply(buf);
    ck_assert_uint_eq(buf[0], 0xf0);
    ck_assert_uint_eq(ide_get_be32(buf + 3), 77);
}
END_TEST

START_TEST(dvd_structures)
{
    uint8_t *buf = malloc(4096);
    cd_ready();
    harness_media_change(h, 1, 500000ull * 2048, 1);
    PACKET(0xfffe, 0);
    sense(0x062800);
    PACKET(0xfffe, 0xad, 0, 0, 0, 0, 0, 0, 0xff, 8, 4);
    ck_assert_uint_eq(reply(buf), 24);
    ck_assert_uint_eq(ide_get_be16(buf + 6), 2052);
    PACKET(0xfffe, 0xad, 0, 0, 0, 0, 0, 0, 0x01, 8, 4);
    ck_assert_uint_eq(reply(buf), 8);
    PACKET(0xfffe, 0xad, 0, 0, 0, 0, 0, 0, 0x02, 8, 4);
    sense(0x052400);
    PACKET(0xfffe, 0xad, 0, 0, 0, 0, 0, 1, 0x00, 8, 4); /* a second layer */
    sense(0x052400);
    PACKET(0xfffe, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0);
    sense(0x056f01);
    free(buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("piix3ide optical");
    TCase *tc = tcase_create("piix3ide");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
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
    tcase_add_test(tc, cd_quick_change);
    tcase_add_test(tc, cd_changed_under_a_command);
    tcase_add_test(tc, cd_changed_between_save_and_load);
    tcase_add_test(tc, cd_open_tray_is_saved);
    tcase_add_test(tc, cd_eject_button);
    tcase_add_test(tc, cd_vital_product_data);
    tcase_add_test(tc, cd_byte_counts);
    tcase_add_test(tc, cd_subchannels_and_c2);
    tcase_add_test(tc, cd_without_audio);
    tcase_add_test(tc, cd_speed_power_and_keys);
    tcase_add_test(tc, dvd_structures);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
