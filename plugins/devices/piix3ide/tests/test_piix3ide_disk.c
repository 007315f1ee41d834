/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: what a disk has beside reading and writing - passwords, host protected area,
 * configuration overlay, SMART and logs, power, spoilt sectors. */
#include "ide_fixture.h"

#define SECOND 1000000000ull

static void identify(uint8_t *buf)
{
    command(0, 0, 0, 0, 0xec);
    ck_assert_uint_eq(in(7), 0x58);
    harness_ins(h, CMD, 2, buf, 256);
}

static uint16_t id(unsigned n)
{
    uint8_t buf[512];
    identify(buf);
    return word(buf, n);
}

/* A command with 512 bytes out: words 0 and 17, a password. */
static void send(uint32_t cmd, uint32_t feature, uint16_t control, const char *password,
                 uint16_t revision)
{
    uint8_t buf[512] = {0};
    ide_put_le16(buf, control);
    memcpy(buf + 2, password, strlen(password));
    ide_put_le16(buf + 34, revision);
    command(feature, 0, 0, 0, cmd);
    if (!(alt() & 8))
        return;
    ck_assert_uint_eq(irq(), 0);
    harness_outs(h, CMD, 2, buf, 100);
    harness_save_load(h);
    harness_outs(h, CMD, 2, buf + 200, 156);
}

static void fetch(uint8_t *buf, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(irq(), 1);
        ck_assert_uint_eq(in(7), 0x58);
        harness_ins(h, CMD, 2, buf + 512 * i, 256);
    }
    ck_assert_uint_eq(in(7), 0x50);
}

static void power_cycle(void)
{
    harness_reset(h);
    begin();
}

/* -- security -------------------------------------------------------------------------------- */

START_TEST(password_locks_after_power_on)
{
    ck_assert_uint_eq(id(82) & 2, 2);
    ck_assert_uint_eq(id(128), 0x21);
    ck_assert_uint_eq(id(92), 0xfffe);
    send(0xf1, 0, 1, "root", 7); /* master: nothing is enabled by it */
    expect(0x50, 0);
    ck_assert_uint_eq(id(92), 7);
    ck_assert_uint_eq(id(128), 0x21);
    send(0xf1, 0, 0, "secret", 0);
    expect(0x50, 0);
    ck_assert_uint_eq(id(128), 0x23);
    ck_assert_uint_eq(id(85) & 2, 2);
    harness_out8(h, CTL, 4); /* a software reset does not lock */
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(id(128), 0x23);
    power_cycle();
    ck_assert_uint_eq(id(128), 0x27);
    command(0, 1, 0, 0x40, 0x20);
    expect(0x51, IDE_ER_ABRT);
    command(0, 1, 0, 0x40, 0x30);
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xe7);
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xf5); /* no freezing while locked */
    expect(0x51, IDE_ER_ABRT);
    send(0xf1, 0, 0, "x", 0);
    expect(0x51, IDE_ER_ABRT);
    send(0xf2, 0, 0, "wrong", 0);
    expect(0x51, IDE_ER_ABRT);
    send(0xf2, 0, 0, "secret", 0);
    expect(0x50, 0);
    ck_assert_uint_eq(id(128), 0x23);
    harness_media_auto(h, 0, 1);
    command(0, 1, 0, 0x40, 0x20);
    ck_assert_uint_eq(alt(), 0x58);
    command(0, 0, 0, 0, 0xf5);
    in(7);
    ck_assert_uint_eq(id(128), 0x2b);
    send(0xf6, 0, 0, "secret", 0); /* frozen */
    expect(0x51, IDE_ER_ABRT);
    power_cycle();
    send(0xf2, 0, 1, "root", 0); /* high security: the master may, too */
    expect(0x50, 0);
    send(0xf6, 0, 0, "other", 0);
    expect(0x51, IDE_ER_ABRT);
    send(0xf6, 0, 0, "secret", 0);
    expect(0x50, 0);
    power_cycle();
    ck_assert_uint_eq(id(128), 0x21);
}
END_TEST

START_TEST(password_attempts_and_maximum_security)
{
    send(0xf1, 0, 1, "root", 0);
    in(7);
    send(0xf1, 0, 0x100, "secret", 0);
    in(7);
    power_cycle();
    ck_assert_uint_eq(id(128), 0x127);
    send(0xf2, 0, 1, "root", 0);
    expect(0x51, IDE_ER_ABRT);
    for (unsigned i = 0; i < 4; i++) {
        send(0xf2, 0, 0, "guess", 0);
        expect(0x51, IDE_ER_ABRT);
    }
    ck_assert_uint_eq(id(128), 0x137); /* five attempts */
    send(0xf2, 0, 0, "secret", 0);
    expect(0x51, IDE_ER_ABRT);
    power_cycle();
    send(0xf2, 0, 0, "secret", 0);
    expect(0x50, 0);
}
END_TEST

START_TEST(erase_unit)
{
    uint8_t buf[512];
    send(0xf1, 0, 0, "secret", 0);
    in(7);
    power_cycle();
    send(0xf4, 0, 0, "secret", 0); /* without ERASE PREPARE */
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xf3);
    expect(0x50, 0);
    send(0xf4, 0, 0, "wrong", 0);
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0, 0xf3);
    in(7);
    send(0xf4, 0, 2, "secret", 0);
    ck_assert_uint_eq(alt(), 0x80);
    unsigned waits = 0;
    while (alt() & 0x80) {
        harness_run_pending(h);
        if (waits++ == 5)
            harness_save_load(h); /* between two chunks */
        harness_advance_ns(h, 10000000);
    }
    expect(0x50, 0);
    ck_assert_uint_eq(waits, (DISK_SECTORS + 255) / 256);
    ck_assert_uint_eq(id(128), 0x21);
    for (unsigned s = 0; s < 2000; s += 37) {
        harness_media_peek(h, 0, s * 512ull, buf, 512);
        for (unsigned i = 0; i < 512; i++)
            ck_assert_uint_eq(buf[i], 0);
    }
    /* a reset ends it, and leaves the password */
    send(0xf1, 0, 0, "secret", 0);
    in(7);
    command(0, 0, 0, 0, 0xf3);
    in(7);
    send(0xf4, 0, 0, "secret", 0);
    harness_run_pending(h);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(alt(), 0x50);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(harness_pending(h), 0);
    ck_assert_uint_eq(id(128), 0x23);
}
END_TEST

/* -- capacity -------------------------------------------------------------------------------- */

START_TEST(host_protected_area)
{
    command(0, 0, 0, 0x40, 0xf8);
    ck_assert_uint_eq(in(3) | in(4) << 8 | in(5) << 16 | (in(6) & 0xf) << 24, DISK_SECTORS - 1);
    in(7);
    command(0, 0, 0, 0x40, 0xe5);
    in(7);
    command(0, 1, 9999, 0x40, 0xf9); /* not right after READ NATIVE MAX */
    expect(0x51, IDE_ER_ABRT);
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 0, 9999, 0x40, 0xf9); /* until the next power-on */
    expect(0x50, 0);
    ck_assert_uint_eq(id(60), 10000);
    ck_assert_uint_eq(id(100), 10000);
    ck_assert_uint_eq(id(1), 9);
    command(0, 1, 10000, 0x40, 0x20);
    expect(0x51, IDE_ER_IDNF);
    command48(1, 10000, 0x24);
    expect(0x51, IDE_ER_IDNF);
    command(0, 0, 0, 0x40, 0xf8);
    ck_assert_uint_eq(in(3) | in(4) << 8, DISK_SECTORS - 1);
    in(7);
    harness_save_load(h);
    ck_assert_uint_eq(id(60), 10000);
    power_cycle();
    ck_assert_uint_eq(id(60), DISK_SECTORS);
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 0, DISK_SECTORS, 0x40, 0xf9);
    expect(0x51, IDE_ER_IDNF);
    command48(0, 0, 0x27);
    ck_assert_uint_eq(in(3) | in(4) << 8, DISK_SECTORS - 1);
    in(7);
    command48(1, 4999, 0x37); /* for good */
    expect(0x50, 0);
    power_cycle();
    ck_assert_uint_eq(id(100), 5000);
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 1, 5999, 0x40, 0xf9); /* it was set in 48 bits */
    expect(0x51, IDE_ER_ABRT);
    command48(0, 0, 0x27);
    in(7);
    command48(1, 5999, 0x37);
    expect(0x50, 0);
    command48(0, 0, 0x27);
    in(7);
    command48(1, 6999, 0x37); /* lasting, a second time */
    expect(0x51, IDE_ER_IDNF);
}
END_TEST

START_TEST(set_max_password)
{
    command(2, 0, 0, 0x40, 0xf9); /* LOCK without a password */
    expect(0x51, IDE_ER_ABRT);
    send(0xf9, 1, 0, "max", 0);
    expect(0x50, 0);
    ck_assert_uint_eq(id(86) & 0x100, 0x100);
    command(2, 0, 0, 0x40, 0xf9);
    expect(0x50, 0);
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 0, 999, 0x40, 0xf9);
    expect(0x51, IDE_ER_ABRT);
    send(0xf9, 3, 0, "min", 0);
    expect(0x51, IDE_ER_ABRT);
    send(0xf9, 3, 0, "max", 0);
    expect(0x50, 0);
    command(4, 0, 0, 0x40, 0xf9); /* FREEZE LOCK */
    expect(0x50, 0);
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 0, 999, 0x40, 0xf9);
    expect(0x51, IDE_ER_ABRT);
    power_cycle();
    command(0, 0, 0, 0x40, 0xf8);
    in(7);
    command(0, 0, 999, 0x40, 0xf9);
    expect(0x50, 0);
}
END_TEST

static void overlay_set(const uint8_t *buf)
{
    command(0xc3, 0, 0, 0, 0xb1);
    ck_assert_uint_eq(alt(), 0x58);
    harness_outs(h, CMD, 2, buf, 256);
}

START_TEST(configuration_overlay)
{
    uint8_t buf[512];
    command(0xc2, 0, 0, 0, 0xb1);
    fetch(buf, 1);
    ck_assert_uint_eq(word(buf, 0), 1);
    ck_assert_uint_eq(word(buf, 3), DISK_SECTORS - 1);
    buf[2] = 0x03;                               /* multiword DMA 0 and 1 */
    ide_put_le16(buf + 6, 11999);                /* sectors */
    ide_put_le16(buf + 14, IDE_HAS_ALL & ~0x1u); /* no SMART */
    overlay_set(buf);                            /* the checksum is wrong */
    expect(0x51, IDE_ER_ABRT);
    ck_assert_uint_eq(in(5), 255);
    ide_identify_checksum(buf);
    buf[511] = 0;
    uint8_t sum = 0;
    for (unsigned i = 0; i < 511; i++)
        sum = (uint8_t)(sum + buf[i]);
    buf[511] = (uint8_t)-sum;
    overlay_set(buf);
    expect(0x50, 0);
    ck_assert_uint_eq(id(60), 12000);
    ck_assert_uint_eq(id(82) & 1, 0);
    ck_assert_uint_eq(id(63) & 0xff, 3);
    command(0xda, 0, 0xc24f00, 0, 0xb0);
    expect(0x51, IDE_ER_ABRT);
    power_cycle();
    ck_assert_uint_eq(id(60), 12000);
    command(0, 0, 0, 0x40, 0xf8);
    ck_assert_uint_eq(in(3) | in(4) << 8, 11999);
    in(7);
    harness_save_load(h);
    command(0xc1, 0, 0, 0, 0xb1); /* FREEZE LOCK */
    expect(0x50, 0);
    command(0xc0, 0, 0, 0, 0xb1);
    expect(0x51, IDE_ER_ABRT);
    power_cycle();
    command(0xc0, 0, 0, 0, 0xb1); /* RESTORE */
    expect(0x50, 0);
    ck_assert_uint_eq(id(60), DISK_SECTORS);
    ck_assert_uint_eq(id(82) & 1, 1);
}
END_TEST

/* -- SMART and logs -------------------------------------------------------------------------- */

static void smart(uint32_t sub, uint32_t nsect, uint32_t lbal)
{
    command(sub, nsect, 0xc24f00 | lbal, 0, 0xb0);
}

static uint8_t test_status(void)
{
    uint8_t buf[512];
    smart(0xd0, 0, 0);
    fetch(buf, 1);
    return buf[363];
}

START_TEST(self_tests)
{
    uint8_t buf[512];
    smart(0xd4, 0, 1); /* short, off-line */
    expect(0x50, 0);
    ck_assert_uint_eq(test_status(), 0xf9);
    harness_advance_ns(h, 11 * SECOND);
    ck_assert_uint_eq(test_status(), 0xf5);
    harness_save_load(h);
    ck_assert_uint_eq(test_status(), 0xf5);
    harness_advance_ns(h, 10 * SECOND);
    ck_assert_uint_eq(test_status(), 0x00);
    smart(0xd4, 0, 2);
    in(7);
    smart(0xd4, 0, 0x7f); /* aborted by the host */
    expect(0x50, 0);
    ck_assert_uint_eq(test_status() >> 4, 1);
    smart(0xd4, 0, 0x81); /* captive: BSY until it is over */
    ck_assert_uint_eq(alt(), 0x80);
    harness_save_load(h);
    ck_assert_uint_eq(alt(), 0x80);
    harness_advance_ns(h, 20 * SECOND);
    ck_assert_uint_eq(in(4), 0x4f);
    expect(0x50, 0);
    smart(0xd4, 0, 0x82);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(alt(), 0x50);
    ck_assert_uint_eq(test_status() >> 4, 2); /* interrupted by a reset */
    smart(0xd4, 0, 5);
    expect(0x51, IDE_ER_ABRT);
    /* the log: four entries, the newest is the fourth */
    smart(0xd5, 1, 6);
    fetch(buf, 1);
    ck_assert_uint_eq(buf[508], 4);
    ck_assert_uint_eq(buf[2], 1);
    ck_assert_uint_eq(buf[2 + 24], 2);
    ck_assert_uint_eq(buf[2 + 24 + 1] >> 4, 1);
    ck_assert_uint_eq(buf[2 + 72], 0x82);
    command48(1, 7, 0x2f); /* its extended form */
    fetch(buf, 1);
    ck_assert_uint_eq(word(buf, 1), 4);
    ck_assert_uint_eq(buf[4 + 78], 0x82);
    /* a ring: 21 places */
    for (unsigned i = 0; i < 20; i++) {
        smart(0xd4, 0, 1);
        in(7);
        harness_advance_ns(h, 30 * SECOND);
    }
    smart(0xd5, 1, 6);
    fetch(buf, 1);
    ck_assert_uint_eq(buf[508], 3);
    ck_assert_uint_eq(buf[2 + 72], 0x82);
    ck_assert_uint_eq(buf[2], 1);
}
END_TEST

START_TEST(errors_are_logged)
{
    uint8_t buf[1024], sum = 0;
    command(0, 7, 0, 0, 0xe5);
    in(7);
    for (unsigned i = 0; i < 7; i++) {
        command48(1, DISK_SECTORS + i, 0x24);
        in(7);
    }
    smart(0xd5, 1, 1);
    fetch(buf, 1);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + buf[i]);
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(buf[0], 1);
    ck_assert_uint_eq(buf[1], 2);         /* the seventh in five places */
    ck_assert_uint_eq(word(buf, 226), 7); /* device error count */
    const uint8_t *newest = buf + 2 + 90;
    ck_assert_uint_eq(newest[48 + 7], 0x24);
    ck_assert_uint_eq(newest[60 + 1], IDE_ER_IDNF);
    ck_assert_uint_eq(newest[60 + 3] | newest[60 + 4] << 8, DISK_SECTORS + 6);
    ck_assert_uint_eq(newest[60 + 7], 0x51);
    harness_save_load(h);
    command48(2, 3, 0x2f);
    fetch(buf, 2);
    ck_assert_uint_eq(word(buf, 1), 7);
    ck_assert_uint_eq(buf[512 + 4 + 124 * 2 + 90 + 1], IDE_ER_IDNF);
    command48(3, 3, 0x2f); /* it has two sectors */
    ck_assert_uint_eq(in(7) & 1, 1);
    smart(0xd5, 1, 0); /* the directory */
    fetch(buf, 1);
    ck_assert_uint_eq(word(buf, 1), 1);
    ck_assert_uint_eq(word(buf, 3), 0);
    ck_assert_uint_eq(word(buf, 0x80), 16);
}
END_TEST

START_TEST(host_logs)
{
    uint8_t buf[1024], back[8192];
    memset(buf, 0x11, 512);
    memset(buf + 512, 0x22, 512);
    smart(0xd6, 2, 0x85);
    ck_assert_uint_eq(alt(), 0x58);
    harness_outs(h, CMD, 2, buf, 256);
    harness_save_load(h);
    harness_outs(h, CMD, 2, buf + 512, 256);
    expect(0x50, 0);
    harness_save_load(h);
    command48(16, 0x85, 0x2f);
    fetch(back, 16);
    ck_assert_mem_eq(back, buf, 1024);
    ck_assert_uint_eq(back[1024], 0);
    command48(1, 0x85 | 15 << 8, 0x3f); /* its last sector */
    harness_outs(h, CMD, 2, buf, 256);
    expect(0x50, 0);
    command48(1, 0x85 | 15 << 8, 0x2f);
    fetch(back, 1);
    ck_assert_mem_eq(back, buf, 512);
    smart(0xd6, 17, 0x80);
    expect(0x51, IDE_ER_ABRT);
    smart(0xd6, 1, 0x01); /* not the host's */
    expect(0x51, IDE_ER_ABRT);
}
END_TEST

/* -- spoilt sectors -------------------------------------------------------------------------- */

START_TEST(write_uncorrectable)
{
    uint8_t buf[512 * 4];
    harness_media_auto(h, 0, 1);
    out(1, 0x55);
    command48(2, 102, 0x45);
    expect(0x50, 0);
    command(0, 5, 100, 0x40, 0x20);
    for (unsigned s = 0; s < 2; s++) {
        ck_assert_uint_eq(in(7), 0x58);
        harness_ins(h, CMD, 2, buf, 256);
        check_sector(buf, 100 + s);
    }
    expect(0x51, IDE_ER_UNC);
    ck_assert_uint_eq(in(3), 102);
    harness_save_load(h);
    command(0, 5, 100, 0x40, 0x40);
    expect(0x51, IDE_ER_UNC);
    smart(0xd4, 0, 0x81); /* the self-test finds them */
    harness_advance_ns(h, 20 * SECOND);
    ck_assert_uint_eq(in(4), 0xf4);
    expect(0x51, IDE_ER_ABRT);
    ck_assert_uint_eq(test_status() >> 4, 7);
    memset(buf, 0x55, sizeof(buf));
    command(0, 1, 102, 0x40, 0x30);
    harness_outs(h, CMD, 2, buf, 256);
    expect(0x50, 0);
    command(0, 1, 102, 0x40, 0x40);
    expect(0x50, 0);
    command(0, 2, 102, 0x40, 0x40);
    expect(0x51, IDE_ER_UNC);
    ck_assert_uint_eq(in(3), 103);
    command(0, 4, 102, 0x40, 0x30);
    for (unsigned i = 0; i < 4; i++)
        harness_outs(h, CMD, 2, buf, 256);
    expect(0x50, 0);
    command(0, 10, 100, 0x40, 0x40);
    expect(0x50, 0);
    out(1, 0x12);
    command48(2, 102, 0x45);
    expect(0x51, IDE_ER_ABRT);
}
END_TEST

START_TEST(failing_sector_is_found)
{
    harness_media_fail(h, 0, VIV_E_IO, 1);
    command(0, 64, 200, 0x40, 0x40);
    harness_run_pending_one(h, 0); /* the chunk fails */
    for (unsigned i = 0; i < 10; i++)
        harness_run_pending_one(h, 0); /* ten sectors are fine */
    harness_media_fail(h, 0, VIV_E_IO, 1);
    harness_run_pending(h);
    expect(0x51, IDE_ER_UNC);
    ck_assert_uint_eq(in(3), 210);
    ck_assert_uint_eq(in(2), 54);
}
END_TEST

/* -- power and features ---------------------------------------------------------------------- */

static uint8_t power_mode(void)
{
    command(0, 0x55, 0, 0, 0xe5);
    in(7);
    return in(2);
}

START_TEST(standby_timer)
{
    command(0, 2, 0, 0, 0xe3); /* IDLE, 10 s */
    expect(0x50, 0);
    harness_advance_ns(h, 9 * SECOND);
    harness_save_load(h);
    harness_media_auto(h, 0, 1);
    command(0, 1, 0, 0x40, 0x40); /* starts it anew */
    in(7);
    harness_advance_ns(h, 9 * SECOND);
    harness_advance_ns(h, 2 * SECOND);
    ck_assert_uint_eq(power_mode(), 0);
    command(0, 1, 0, 0x40, 0x40); /* spins up */
    expect(0x50, 0);
    ck_assert_uint_eq(power_mode(), 0xff);
    command(0, 0, 0, 0, 0xe3); /* off */
    in(7);
    harness_advance_ns(h, 3600 * SECOND);
    ck_assert_uint_eq(power_mode(), 0xff);
}
END_TEST

START_TEST(feature_levels)
{
    ck_assert_uint_eq(id(86) & 0x8208, 0x8000);
    command(0x05, 0x80, 0, 0, 0xef);
    expect(0x50, 0);
    ck_assert_uint_eq(id(91), 0x4080);
    ck_assert_uint_eq(id(86) & 8, 8);
    command(0x05, 0xff, 0, 0, 0xef);
    expect(0x51, IDE_ER_ABRT);
    command(0x42, 0xc0, 0, 0, 0xef);
    expect(0x50, 0);
    ck_assert_uint_eq(id(94), 0x80c0);
    command(0x42, 0x10, 0, 0, 0xef);
    expect(0x51, IDE_ER_ABRT);
    command(0, 8, 0, 0, 0xc6);
    in(7);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(id(59), 0x108);
    command(0xcc, 0, 0, 0, 0xef); /* from now on a software reset reverts */
    in(7);
    harness_out8(h, CTL, 4);
    harness_out8(h, CTL, 0);
    ck_assert_uint_eq(id(59), 0);
    ck_assert_uint_eq(id(91), 0);
    command(0x06, 0, 0, 0, 0xef); /* power-up in standby */
    expect(0x50, 0);
    power_cycle();
    ck_assert_uint_eq(power_mode(), 0);
    for (unsigned feature = 0; feature < 256; feature++) { /* all are answered */
        command(feature, 0x81, 0, 0, 0xef);
        harness_run_pending(h);
        ck_assert_uint_eq(alt() & 0x88, 0);
        in(7);
    }
}
END_TEST

START_TEST(transfer_modes_of_the_controllers)
{
    static const struct {
        const char *type;
        uint16_t udma;
    } models[] = {{"Type=PIIX3", 0}, {"Type=PIIX4", 7}, {"Type=ICH6", 0x3f}};
    for (unsigned i = 0; i < 3; i++) {
        teardown();
        start(models[i].type);
        ck_assert_uint_eq(id(88), models[i].udma);
        ck_assert_uint_eq(id(63), 0x0407);
        for (unsigned mode = 0; mode < 8; mode++) {
            command(3, 0x40 + mode, 0, 0, 0xef);
            ck_assert_uint_eq(in(7) & 1, !(models[i].udma >> mode & 1));
        }
        if (models[i].udma)
            ck_assert_uint_eq(id(88) >> 8, (models[i].udma + 1u) >> 1);
    }
}
END_TEST

START_TEST(commands_without_a_feature_set)
{
    static const uint8_t none[] = {0x00, 0x03, 0x08, 0x22, 0x26, 0x2a, 0x2b, 0x32, 0x36,
                                   0x38, 0x3a, 0x3b, 0x47, 0x50, 0x51, 0x57, 0x60, 0x61,
                                   0x87, 0x92, 0xa0, 0xa1, 0xa2, 0xc0, 0xc7, 0xcc, 0xcd,
                                   0xd1, 0xda, 0xde, 0xdf, 0xed, 0xf7, 0xff};
    for (unsigned i = 0; i < sizeof(none); i++) {
        command(0, 1, 0, 0x40, none[i]);
        expect(0x51, IDE_ER_ABRT);
    }
}
END_TEST

START_TEST(hostile_disk_state)
{
    for (unsigned i = 0; i < 8; i++) {
        size_t len;
        Piix3Ide *ide = harness_self(h);
        IdeDrive *d = &ide->channels[0].drives[0];
        switch (i) {
        case 0: d->capacity.visible = DISK_SECTORS + 1; break;
        case 1: d->capacity.native = 0; break;
        case 2: d->capacity.features = 0xffff; break;
        case 3: d->smart.test = 9; break;
        case 4: d->bad.count[3] = 0x20000; break;
        case 5: d->security.attempts = 6; break;
        case 6: d->standby_ns = UINT64_MAX; break;
        default:
            d->phase = IDE_PH_WAIT;
            d->op = IDE_OP_ERASE;
            d->lba = DISK_SECTORS;
            break;
        }
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
    Suite *suite = suite_create("piix3ide disk");
    TCase *tc = tcase_create("piix3ide");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, password_locks_after_power_on);
    tcase_add_test(tc, password_attempts_and_maximum_security);
    tcase_add_test(tc, erase_unit);
    tcase_add_test(tc, host_protected_area);
    tcase_add_test(tc, set_max_password);
    tcase_add_test(tc, configuration_overlay);
    tcase_add_test(tc, self_tests);
    tcase_add_test(tc, errors_are_logged);
    tcase_add_test(tc, host_logs);
    tcase_add_test(tc, write_uncorrectable);
    tcase_add_test(tc, failing_sector_is_found);
    tcase_add_test(tc, standby_timer);
    tcase_add_test(tc, feature_levels);
    tcase_add_test(tc, transfer_modes_of_the_controllers);
    tcase_add_test(tc, commands_without_a_feature_set);
    tcase_add_test(tc, hostile_disk_state);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
