/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of mc146818, through the fake host. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define SECOND 1000000000ull
#define MS     1000000ull
#define US     1000ull

static uint8_t get(Harness *h, uint8_t index)
{
    harness_out8(h, 0x70, index);
    return harness_in8(h, 0x71);
}

static void put(Harness *h, uint8_t index, uint8_t value)
{
    harness_out8(h, 0x70, index);
    harness_out8(h, 0x71, value);
}

/* A clock whose next update is a full second away. */
static Harness *rtc_new(const char *options)
{
    Harness *h = harness_create();
    harness_wall_set_ns(h, 1234567890ull * SECOND); /* Friday, 2009-02-13 23:31:30 UTC */
    viv_status_t st = harness_start(h, "mc146818", options);
    ck_assert_int_eq(st, VIV_OK);
    return h;
}

static void set_time(Harness *h, const uint8_t *six) /* seconds, minutes, hours, day, month, year */
{
    uint8_t b = get(h, 0x0b);
    put(h, 0x0b, b | 0x80);
    put(h, 0, six[0]);
    put(h, 2, six[1]);
    put(h, 4, six[2]);
    put(h, 7, six[3]);
    put(h, 8, six[4]);
    put(h, 9, six[5]);
    put(h, 0x0b, b);
}

static void expect_time(Harness *h, const uint8_t *six)
{
    static const uint8_t regs[] = {0, 2, 4, 7, 8, 9};
    for (unsigned i = 0; i < 6; i++) {
        uint8_t got = get(h, regs[i]);
        ck_assert_msg(got == six[i], "register %u is %02x, expected %02x", regs[i], got, six[i]);
    }
}

START_TEST(starts_at_wall_time)
{
    Harness *h = rtc_new("UseUTC=1");
    expect_time(h, (const uint8_t[]){0x30, 0x31, 0x23, 0x13, 0x02, 0x09});
    ck_assert_uint_eq(get(h, 6), 6); /* Friday, Sunday is 1 */
    ck_assert_uint_eq(get(h, 0x32), 0x20);
    ck_assert_uint_eq(get(h, 0x0a), 0x26);
    ck_assert_uint_eq(get(h, 0x0b), 0x02);
    ck_assert_uint_eq(get(h, 0x0c), 0x00);
    ck_assert_uint_eq(get(h, 0x0d), 0x80);
    harness_advance_ns(h, SECOND - 1);
    expect_time(h, (const uint8_t[]){0x30, 0x31, 0x23, 0x13, 0x02, 0x09});
    harness_advance_ns(h, 1);
    expect_time(h, (const uint8_t[]){0x31, 0x31, 0x23, 0x13, 0x02, 0x09});
    harness_advance_ns(h, 1709 * SECOND); /* to midnight */
    expect_time(h, (const uint8_t[]){0x00, 0x00, 0x00, 0x14, 0x02, 0x09});
    ck_assert_uint_eq(get(h, 6), 7);
    harness_free(h);
}
END_TEST

START_TEST(fraction_of_the_wall_second)
{
    Harness *h = harness_create();
    harness_wall_set_ns(h, 1234567890ull * SECOND + 750 * MS);
    ck_assert_int_eq(harness_start(h, "mc146818", "UseUTC=1"), VIV_OK);
    harness_advance_ns(h, 250 * MS - 1);
    ck_assert_uint_eq(get(h, 0), 0x30);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(get(h, 0), 0x31);
    harness_free(h);
}
END_TEST

START_TEST(local_time)
{
    setenv("TZ", "TST-5:30", 1);
    Harness *h = rtc_new(NULL);
    expect_time(h, (const uint8_t[]){0x30, 0x01, 0x05, 0x14, 0x02, 0x09});
    harness_free(h);
}
END_TEST

START_TEST(calendar)
{
    static const struct {
        uint8_t before[6], after[6];
    } cases[] = {
        {{0x59, 0x59, 0x23, 0x28, 0x02, 0x23}, {0, 0, 0, 0x01, 0x03, 0x23}},
        {{0x59, 0x59, 0x23, 0x28, 0x02, 0x24}, {0, 0, 0, 0x29, 0x02, 0x24}},
        {{0x59, 0x59, 0x23, 0x29, 0x02, 0x00}, {0, 0, 0, 0x01, 0x03, 0x00}},
        {{0x59, 0x59, 0x23, 0x30, 0x04, 0x24}, {0, 0, 0, 0x01, 0x05, 0x24}},
        {{0x59, 0x59, 0x23, 0x31, 0x12, 0x24}, {0, 0, 0, 0x01, 0x01, 0x25}},
        {{0x09, 0x59, 0x09, 0x09, 0x09, 0x09}, {0x10, 0x59, 0x09, 0x09, 0x09, 0x09}},
        {{0x59, 0x59, 0x09, 0x09, 0x09, 0x09}, {0, 0, 0x10, 0x09, 0x09, 0x09}},
    };
    Harness *h = rtc_new("UseUTC=1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_time(h, cases[i].before);
        harness_advance_ns(h, SECOND);
        expect_time(h, cases[i].after);
    }
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x23, 0x31, 0x12, 0x99});
    put(h, 0x32, 0x20);
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0, 1, 1, 0});
    ck_assert_uint_eq(get(h, 0x32), 0x21);
    harness_free(h);
}
END_TEST

START_TEST(twelve_hours_and_binary)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 0x0b, 0x00); /* 12 h, BCD */
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x11, 0x05, 0x06, 0x07});
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(get(h, 4), 0x92); /* noon */
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x92, 0x05, 0x06, 0x07});
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(get(h, 4), 0x81);
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x91, 0x05, 0x06, 0x07});
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0x12, 0x06, 0x06, 0x07}); /* midnight, the next day */
    put(h, 0x0b, 0x04);                                              /* 12 h, binary */
    set_time(h, (const uint8_t[]){59, 59, 0x80 | 11, 31, 12, 99});
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 12, 1, 1, 0});
    put(h, 0x0b, 0x06); /* 24 h, binary */
    set_time(h, (const uint8_t[]){59, 59, 19, 15, 10, 20});
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 20, 15, 10, 20});
    harness_free(h);
}
END_TEST

START_TEST(set_stops_the_update)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 0x0b, 0x92);
    ck_assert_uint_eq(get(h, 0x0b), 0x82); /* SET clears UIE */
    harness_advance_ns(h, 5 * SECOND - MS);
    ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0);
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(get(h, 0), 0x30);
    ck_assert_uint_eq(get(h, 0x0c) & 0x10, 0);
    put(h, 0x0b, 0x02);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(get(h, 0), 0x31);
    harness_free(h);
}
END_TEST

START_TEST(update_in_progress)
{
    Harness *h = rtc_new("UseUTC=1");
    harness_advance_ns(h, SECOND - 2229 * US);
    ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0);
    harness_advance_ns(h, 1 * US);
    ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0x80);
    harness_advance_ns(h, 2228 * US - 1);
    ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0x80);
    ck_assert_uint_eq(get(h, 0), 0x30);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0);
    ck_assert_uint_eq(get(h, 0), 0x31);
    harness_free(h);
}
END_TEST

START_TEST(update_interrupt)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 0x0b, 0x12);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_IRQ).time_ns, SECOND);
    ck_assert_uint_eq(get(h, 0x0c) & 0xb0, 0x90);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    ck_assert_uint_eq(get(h, 0x0c), 0);
    harness_advance_ns(h, SECOND / 2);
    put(h, 0x0b, 0x02);
    harness_advance_ns(h, SECOND / 2);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    put(h, 0x0b, 0x12); /* enabled when the flag is up already */
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    harness_free(h);
}
END_TEST

START_TEST(periodic_interrupt_rates)
{
    static const double period_us[16] = {
        0,       3906.25, 7812.5, 122.0703125, 244.140625, 488.28125, 976.5625, 1953.125,
        3906.25, 7812.5,  15625,  31250,       62500,      125000,    250000,   500000};
    for (uint8_t rs = 0; rs < 16; rs++) {
        Harness *h = rtc_new("UseUTC=1");
        put(h, 0x0a, 0x20 | rs);
        put(h, 0x0b, 0x42);
        unsigned count = 0;
        while (harness_time_ns(h) < SECOND) {
            uint64_t next = harness_next_deadline(h);
            harness_advance_to_ns(h, next < SECOND ? next : SECOND);
            if (harness_irq_level(h, 8)) {
                count++;
                ck_assert_uint_eq(get(h, 0x0c) & 0xc0, 0xc0);
            }
        }
        unsigned expected = rs ? (unsigned)(1000000 / period_us[rs] + 0.5) : 0;
        ck_assert_msg(count == expected, "rate %u: %u interrupts in a second, expected %u", rs,
                      count, expected);
        harness_free(h);
    }
}
END_TEST

START_TEST(periodic_flag_without_interrupt)
{
    Harness *h = rtc_new("UseUTC=1");
    get(h, 0x0c);
    harness_advance_ns(h, 900 * US);
    ck_assert_uint_eq(get(h, 0x0c), 0x00);
    harness_advance_ns(h, 100 * US);
    ck_assert_uint_eq(get(h, 0x0c), 0x40); /* 1024 Hz by default; no IRQF */
    ck_assert_uint_eq(get(h, 0x0c), 0x00);
    ck_assert(harness_next_deadline(h) ==
              SECOND); /* only the update: no timer for a flag that nobody waits for */
    harness_free(h);
}
END_TEST

START_TEST(alarm)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 1, 0x35);
    put(h, 3, 0x31);
    put(h, 5, 0x23);
    put(h, 0x0b, 0x22);
    harness_advance_ns(h, 5 * SECOND - 1);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    ck_assert_uint_eq(get(h, 0x0c) & 0xa0, 0xa0);
    harness_advance_ns(h, 60 * SECOND); /* once a day */
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    put(h, 5, 0xc0); /* every hour */
    put(h, 3, 0xff); /* every minute */
    harness_advance_ns(h, 59 * SECOND);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    harness_advance_ns(h, 1 * SECOND);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    harness_free(h);
}
END_TEST

START_TEST(divider_reset)
{
    Harness *h = rtc_new("UseUTC=1");
    harness_advance_ns(h, 123 * MS);
    put(h, 0x0a, 0x76);
    harness_advance_ns(h, 10 * SECOND);
    ck_assert_uint_eq(get(h, 0), 0x30);
    ck_assert_uint_eq(get(h, 0x0a), 0x76);
    put(h, 0x0a, 0x26); /* the first update half a second later */
    harness_advance_ns(h, 500 * MS - 1);
    ck_assert_uint_eq(get(h, 0), 0x30);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(get(h, 0), 0x31);
    put(h, 0x0a, 0x36); /* no such divider: stands */
    harness_advance_ns(h, 1000 * SECOND);
    ck_assert_uint_eq(get(h, 0), 0x31);
    harness_free(h);
}
END_TEST

/* The taps for crystals of 4 and 1 MHz make the PC's 32 kHz one 128 and 32 times slower. */
START_TEST(dividers_of_other_crystals)
{
    static const struct {
        uint8_t dv;
        uint64_t slow;
    } cases[] = {{0x00, 128}, {0x10, 32}};
    for (size_t i = 0; i < 2; i++) {
        uint64_t slow = cases[i].slow;
        Harness *h = rtc_new("UseUTC=1");
        harness_advance_ns(h, SECOND / 4);
        put(h, 0x0a, cases[i].dv | 0x6); /* three quarters of a second are left, now longer ones */
        harness_advance_ns(h, SECOND * 3 / 4 * slow - 1);
        ck_assert_uint_eq(get(h, 0), 0x30);
        ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0x80);
        harness_save_load(h);
        harness_advance_ns(h, 1);
        ck_assert_uint_eq(get(h, 0), 0x31);
        ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0);
        harness_advance_ns(h, slow * (SECOND - 492 * US) - 1);
        ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0);
        harness_advance_ns(h, 1);
        ck_assert_uint_eq(get(h, 0x0a) & 0x80, 0x80);
        put(h, 0x0a, cases[i].dv | 0x1); /* 30.5 us with the right crystal */
        put(h, 0x0b, 0x42);
        uint64_t start = harness_time_ns(h);
        for (unsigned n = 0; n < 100; n++) {
            get(h, 0x0c);
            harness_advance_to_ns(h, harness_next_deadline(h));
            ck_assert_uint_eq(harness_irq_level(h, 8), 1);
            if (n == 0) {
                start = harness_time_ns(h);
            }
        }
        ck_assert_uint_le(harness_time_ns(h) - start - 99 * slow * 1953125 / 64, 1);
        harness_free(h);
    }
}
END_TEST

START_TEST(daylight_saving)
{
    static const struct {
        uint8_t before[6], weekday, after[6];
    } cases[] = {
        /* The last Sunday in April: an hour is left out. */
        {{0x59, 0x59, 0x01, 0x29, 0x04, 0x01}, 1, {0, 0, 0x03, 0x29, 0x04, 0x01}},
        {{0x59, 0x59, 0x01, 0x24, 0x04, 0x05}, 1, {0, 0, 0x03, 0x24, 0x04, 0x05}},
        {{0x59, 0x59, 0x01, 0x23, 0x04, 0x06}, 1, {0, 0, 0x02, 0x23, 0x04, 0x06}}, /* not last */
        {{0x59, 0x59, 0x01, 0x30, 0x04, 0x01}, 2, {0, 0, 0x02, 0x30, 0x04, 0x01}}, /* Monday */
        {{0x59, 0x59, 0x13, 0x29, 0x04, 0x01}, 1, {0, 0, 0x14, 0x29, 0x04, 0x01}},
        /* The last Sunday in October: an hour comes twice. */
        {{0x59, 0x59, 0x01, 0x28, 0x10, 0x01}, 1, {0, 0, 0x01, 0x28, 0x10, 0x01}},
        {{0x59, 0x59, 0x01, 0x25, 0x10, 0x09}, 1, {0, 0, 0x01, 0x25, 0x10, 0x09}},
        {{0x59, 0x59, 0x01, 0x24, 0x10, 0x09}, 1, {0, 0, 0x02, 0x24, 0x10, 0x09}},
    };
    Harness *h = rtc_new("UseUTC=1");
    for (unsigned dse = 0; dse < 2; dse++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            uint8_t after[6];
            put(h, 0x0b, (uint8_t)(0x02 | dse));
            set_time(h, cases[i].before);
            put(h, 6, cases[i].weekday);
            harness_advance_ns(h, SECOND);
            memcpy(after, cases[i].after, 6);
            if (!dse) {
                after[2] = cases[i].before[2] == 0x13 ? 0x14 : 0x02;
            }
            expect_time(h, after);
        }
    }
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x01, 0x28, 0x10, 0x01});
    put(h, 6, 1);
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0x01, 0x28, 0x10, 0x01});
    harness_save_load(h);
    harness_advance_ns(h, 3600 * SECOND); /* once only */
    expect_time(h, (const uint8_t[]){0, 0, 0x02, 0x28, 0x10, 0x01});
    put(h, 0x0b, 0x01); /* 12 hours: not in the afternoon */
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x81, 0x28, 0x10, 0x01});
    put(h, 6, 1);
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0x82, 0x28, 0x10, 0x01});
    put(h, 0x0b, 0x05); /* and binary */
    set_time(h, (const uint8_t[]){59, 59, 1, 28, 10, 1});
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 1, 28, 10, 1});
    harness_free(h);
}
END_TEST

/* What no clock shows: counters carry when they are at their end or beyond. */
START_TEST(odd_values)
{
    Harness *h = rtc_new("UseUTC=1");
    set_time(h, (const uint8_t[]){0x7f, 0xff, 0x99, 0x45, 0x13, 0xff});
    put(h, 6, 0);
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0, 0x01, 0x01, 0x00});
    ck_assert_uint_eq(get(h, 6), 1);
    set_time(h, (const uint8_t[]){0x0f, 0x00, 0x00, 0x00, 0x00, 0x00}); /* 15 */
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0x16, 0x00, 0x00, 0x00, 0x00, 0x00});
    put(h, 0x0b, 0x00); /* 12 hours: 0 counts as 12 */
    set_time(h, (const uint8_t[]){0x59, 0x59, 0x80, 0x00, 0x01, 0x00});
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0x00, 0x00, 0x81, 0x00, 0x01, 0x00});
    harness_free(h);
}
END_TEST

START_TEST(alarm_and_update_and_period_at_once)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 1, 0xc0);
    put(h, 3, 0xff);
    put(h, 5, 0xd5); /* every second */
    put(h, 0x0a, 0x2f);
    put(h, 0x0b, 0x72);
    get(h, 0x0c);
    harness_advance_ns(h, SECOND - 1);
    ck_assert_uint_eq(get(h, 0x0c), 0xc0); /* half a second ago */
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    ck_assert_uint_eq(get(h, 0x0c), 0xf0);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    harness_advance_ns(h, 10 * SECOND);
    ck_assert_uint_eq(harness_stam(h, "Ticks"), 3);
    get(h, 0x0c);
    ck_assert_uint_eq(harness_stam(h, "Coalesced"), 19);
    ck_assert_uint_eq(harness_stam(h, "Late"), 0);
    put(h, 0x0b, 0xf2); /* SET: no alarm */
    harness_advance_ns(h, 2 * SECOND);
    ck_assert_uint_eq(get(h, 0x0c) & 0x30, 0);
    harness_free(h);
}
END_TEST

START_TEST(start_time)
{
    static const char *const bad[] = {
        "StartTime=2001-02-29T00:00:00", "StartTime=2001-13-01T00:00:00",
        "StartTime=1899-12-31T00:00:00", "StartTime=2001-02-03 04:05:06",
        "StartTime=2001-02-03T24:00:00", "StartTime=2001-02-03T04:05:60",
        "StartTime=+001-02-03T04:05:06", "StartTime=now"};
    Harness *h = rtc_new("StartTime=2001-02-03T04:05:06");
    expect_time(h, (const uint8_t[]){0x06, 0x05, 0x04, 0x03, 0x02, 0x01});
    ck_assert_uint_eq(get(h, 6), 7); /* Saturday */
    ck_assert_uint_eq(get(h, 0x32), 0x20);
    harness_advance_ns(h, SECOND - 1);
    ck_assert_uint_eq(get(h, 0), 0x06);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(get(h, 0), 0x07);
    harness_free(h);
    h = rtc_new("StartTime=1969-12-31T23:59:59");
    harness_advance_ns(h, SECOND);
    expect_time(h, (const uint8_t[]){0, 0, 0, 0x01, 0x01, 0x70});
    ck_assert_uint_eq(get(h, 0x32), 0x19);
    harness_free(h);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_ptr_null(harness_try_new("mc146818", bad[i], &st));
        ck_assert_int_eq(st, VIV_E_CONFIG);
    }
}
END_TEST

START_TEST(ram_banks_and_ports)
{
    Harness *h = rtc_new("UseUTC=1");
    ck_assert_uint_eq(harness_in8(h, 0x70), 0xff);
    for (unsigned i = 0x0e; i < 0x80; i++) {
        put(h, (uint8_t)i, (uint8_t)(i ^ 0x5a));
    }
    for (unsigned i = 0; i < 0x80; i++) {
        harness_out8(h, 0x72, (uint8_t)i);
        harness_out8(h, 0x73, (uint8_t)~i);
    }
    ck_assert_uint_eq(harness_in8(h, 0x72), 0x7f);
    for (unsigned i = 0x0e; i < 0x80; i++) {
        if (i != 0x32) {
            ck_assert_uint_eq(get(h, (uint8_t)(i | 0x80)), i ^ 0x5a); /* bit 7 is the NMI mask */
        }
        ck_assert_uint_eq(harness_cmos_get(h, 0x80 + i), (uint8_t)~i);
    }
    put(h, 0x0c, 0xff);
    put(h, 0x0d, 0x00);
    ck_assert_uint_eq(get(h, 0x0c), 0x00);
    ck_assert_uint_eq(get(h, 0x0d), 0x80);
    harness_free(h);
}
END_TEST

START_TEST(role_keeps_the_checksum)
{
    Harness *h = rtc_new("UseUTC=1");
    harness_cmos_put(h, 0x10, 0xf0);
    harness_cmos_put(h, 0x2d, 0x22);
    ck_assert_uint_eq(get(h, 0x2e), 0x01);
    ck_assert_uint_eq(get(h, 0x2f), 0x12);
    harness_cmos_put(h, 0x5f, 0x77);
    ck_assert_uint_eq(get(h, 0x5f), 0x77);
    ck_assert_uint_eq(get(h, 0x2f), 0x12);
    /* Reading C through the role has no side effect. */
    put(h, 0x0b, 0x12);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(harness_cmos_get(h, 0x0c) & 0x90, 0x90);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    harness_free(h);
}
END_TEST

START_TEST(reset_keeps_clock_and_ram)
{
    Harness *h = rtc_new("UseUTC=1");
    put(h, 0x40, 0xaa);
    put(h, 0x0b, 0x7e);
    harness_advance_ns(h, 3 * SECOND);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    harness_reset(h);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    ck_assert_uint_eq(get(h, 0x0b), 0x06);
    ck_assert_uint_eq(get(h, 0x40), 0xaa);
    ck_assert_uint_eq(get(h, 0x0c), 0);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(get(h, 0x0c) & 0x10, 0x10);
    harness_free(h);
}
END_TEST

START_TEST(save_and_load_at_awkward_moments)
{
    Harness *h = rtc_new("UseUTC=1");
    harness_save_load(h);
    put(h, 0x0b, 0x52);
    harness_advance_ns(h, SECOND); /* the interrupt is up */
    harness_save_load(h);
    ck_assert_uint_eq(get(h, 0x0c) & 0xd0, 0xd0);
    harness_advance_ns(h, 500 * US);
    harness_save_load(h); /* between two periodic edges */
    harness_advance_ns(h, 500 * US);
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    ck_assert_uint_eq(get(h, 0), 0x31);
    put(h, 0x0a, 0x7f);
    harness_advance_ns(h, SECOND);
    harness_save_load(h); /* with the divider stopped */
    put(h, 0x0a, 0x26);
    harness_save_load(h);
    harness_advance_ns(h, SECOND / 2);
    ck_assert_uint_eq(get(h, 0), 0x32);
    put(h, 0x0b, 0x82);
    harness_save_load(h); /* with SET */
    harness_out8(h, 0x70, 0xc5);
    harness_save_load(h); /* index and NMI mask */
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    static const char *const bad[] = {"Irq=16", "Base=0xfffd", "UseUTC=2", "UseUtc=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_ptr_null(harness_try_new("mc146818", bad[i], &st));
        ck_assert_int_eq(st, VIV_E_CONFIG);
    }
    ck_assert_uint_ge(harness_construct_failures("mc146818", NULL), 5);
}
END_TEST

START_TEST(hostile_state)
{
    Harness *h = rtc_new("UseUTC=1");
    size_t len;
    unsigned refused = 0;
    harness_advance_ns(h, 10 * SECOND + 5);
    uint8_t *blob = harness_save(h, &len);
    for (size_t i = 0; i < len; i++) {
        blob[i] ^= 0xff;
        if (harness_load(h, blob, len) == VIV_OK) {
            get(h, 0x0c);
            get(h, 0x0a);
            harness_advance_ns(h, MS);
        } else {
            refused++;
        }
        blob[i] ^= 0xff;
    }
    ck_assert_uint_gt(refused, 30);
    free(blob);
    harness_free(h);
}
END_TEST

START_TEST(bit_7_of_the_index_gates_nmi)
{
    Harness *h = harness_new("mc146818", NULL);
    harness_nmi_drive(h, 1);
    ck_assert_uint_eq(harness_nmi_level(h), 1);
    harness_out8(h, 0x70, 0x8d);
    ck_assert_uint_eq(harness_nmi_masked(h), 1);
    ck_assert_uint_eq(harness_nmi_level(h), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_nmi_masked(h), 1);
    harness_out8(h, 0x72, 0x00); /* the other pair has no such bit */
    ck_assert_uint_eq(harness_nmi_masked(h), 1);
    harness_out8(h, 0x70, 0x0d);
    ck_assert_uint_eq(harness_nmi_level(h), 1);
    harness_out8(h, 0x70, 0x80);
    harness_reset(h);
    ck_assert_uint_eq(harness_nmi_masked(h), 0);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mc146818");
    TCase *tc = tcase_create("mc146818");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, starts_at_wall_time);
    tcase_add_test(tc, fraction_of_the_wall_second);
    tcase_add_test(tc, local_time);
    tcase_add_test(tc, calendar);
    tcase_add_test(tc, twelve_hours_and_binary);
    tcase_add_test(tc, set_stops_the_update);
    tcase_add_test(tc, update_in_progress);
    tcase_add_test(tc, update_interrupt);
    tcase_add_test(tc, periodic_interrupt_rates);
    tcase_add_test(tc, periodic_flag_without_interrupt);
    tcase_add_test(tc, alarm);
    tcase_add_test(tc, divider_reset);
    tcase_add_test(tc, dividers_of_other_crystals);
    tcase_add_test(tc, daylight_saving);
    tcase_add_test(tc, odd_values);
    tcase_add_test(tc, alarm_and_update_and_period_at_once);
    tcase_add_test(tc, start_time);
    tcase_add_test(tc, ram_banks_and_ports);
    tcase_add_test(tc, role_keeps_the_checksum);
    tcase_add_test(tc, reset_keeps_clock_and_ram);
    tcase_add_test(tc, save_and_load_at_awkward_moments);
    tcase_add_test(tc, configuration);
    tcase_add_test(tc, hostile_state);
    tcase_add_test(tc, bit_7_of_the_index_gates_nmi);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
