/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of hpet, through the fake host. */
#include <stdlib.h>

#include <check.h>

#include "harness.h"

#define BASE    0xfed00000ull
#define CONFIG  (BASE + 0x10)
#define STATUS  (BASE + 0x20)
#define COUNTER (BASE + 0xf0)
#define TN(n)   (BASE + 0x100 + 0x20 * (n))
#define CMP(n)  (TN(n) + 8)
#define FSB(n)  (TN(n) + 16)

#define LEVEL    0x2u
#define ENB      0x4u
#define PERIOD   0x8u
#define SETVAL   0x40u
#define MODE32   0x100u
#define FSBEN    0x4000u
#define ROUTE(n) ((uint32_t)(n) << 9)

#define SECOND    1000000000ull
#define PERIOD_FS 69841279ull

/* The first ns at which the counter shows n. */
static uint64_t ns_of(uint64_t n)
{
    return (uint64_t)(((unsigned __int128)n * PERIOD_FS + 999999) / 1000000);
}

static uint64_t rd(Harness *h, uint64_t gpa)
{
    return harness_mmio_read(h, gpa, 8);
}

static void wr(Harness *h, uint64_t gpa, uint64_t value)
{
    harness_mmio_write(h, gpa, value, 8);
}

START_TEST(identity)
{
    Harness *h = harness_new("hpet", NULL);
    ck_assert_uint_eq(rd(h, BASE), PERIOD_FS << 32 | 0x8086a201);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 4, 4), PERIOD_FS);
    ck_assert_uint_eq(rd(h, CONFIG), 0);
    ck_assert_uint_eq(rd(h, STATUS), 0);
    ck_assert_uint_eq(rd(h, COUNTER), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(rd(h, TN(i)), (i == 2 ? 0x00f00800ull : 0x00f00000ull) << 32 | 0x8030);
        ck_assert_uint_eq(rd(h, CMP(i)), UINT64_MAX);
        ck_assert_uint_eq(rd(h, FSB(i)), 0);
    }
    ck_assert_uint_eq(rd(h, TN(3)), 0); /* reserved */
    ck_assert_uint_eq(rd(h, BASE + 0x8), 0);
    wr(h, BASE, 0);
    ck_assert_uint_eq(rd(h, BASE), PERIOD_FS << 32 | 0x8086a201);
    harness_free(h);
    h = harness_new("hpet", "ICH9=1");
    ck_assert_uint_eq(rd(h, BASE) & 0xffffffff, 0x8086a301);
    ck_assert_uint_eq(rd(h, TN(3)) >> 32, 0x00f01000);
    harness_free(h);
}
END_TEST

START_TEST(counter_does_not_drift)
{
    Harness *h = harness_new("hpet", NULL);
    harness_advance_ns(h, 12345);
    ck_assert_uint_eq(rd(h, COUNTER), 0); /* halted */
    wr(h, COUNTER, 1000);
    uint64_t start = harness_time_ns(h);
    wr(h, CONFIG, 1);
    uint64_t pulse0 = (uint64_t)((unsigned __int128)start * 1000000 / PERIOD_FS);
    for (unsigned i = 0; i < 200; i++) {
        harness_advance_ns(h, 987654321);
        uint64_t pulse = (uint64_t)((unsigned __int128)harness_time_ns(h) * 1000000 / PERIOD_FS);
        ck_assert_uint_eq(rd(h, COUNTER), 1000 + pulse - pulse0);
    }
    wr(h, CONFIG, 0);
    uint64_t held = rd(h, COUNTER);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(rd(h, COUNTER), held);
    wr(h, CONFIG, 1);
    ck_assert_uint_eq(rd(h, COUNTER), held);
    harness_mmio_write(h, COUNTER + 4, 0x12345678, 4); /* the upper half by itself */
    ck_assert_uint_eq(rd(h, COUNTER), 0x1234567800000000ull | (held & 0xffffffff));
    harness_free(h);
}
END_TEST

START_TEST(accesses)
{
    Harness *h = harness_new("hpet", NULL);
    harness_mmio_write(h, CMP(0), 0x11111111, 4);
    harness_mmio_write(h, CMP(0) + 4, 0x22222222, 4);
    ck_assert_uint_eq(rd(h, CMP(0)), 0x2222222211111111ull);
    harness_mmio_write(h, CMP(0), 0x33, 1); /* not allowed: dropped */
    harness_mmio_write(h, CMP(0), 0x4444, 2);
    ck_assert_uint_eq(rd(h, CMP(0)), 0x2222222211111111ull);
    ck_assert_uint_eq(harness_mmio_read(h, CMP(0), 1), 0xff);
    wr(h, TN(0), 0xffffffff);
    /* Writable bits; an impossible route leaves the old one; VAL_SET reads as 0. */
    ck_assert_uint_eq(rd(h, TN(0)) & 0xffffffff, 0xc13e);
    wr(h, TN(0), ROUTE(21));
    ck_assert_uint_eq(rd(h, TN(0)) & 0x3e00, ROUTE(21));
    wr(h, TN(0), ROUTE(11));
    ck_assert_uint_eq(rd(h, TN(0)) & 0x3e00, ROUTE(21));
    wr(h, TN(2), ROUTE(11));
    ck_assert_uint_eq(rd(h, TN(2)) & 0x3e00, ROUTE(11));
    harness_free(h);
}
END_TEST

START_TEST(one_shot)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, TN(2), ENB | ROUTE(22));
    wr(h, CMP(2), 5000);
    wr(h, CONFIG, 1);
    harness_advance_to_ns(h, ns_of(5000) - 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 0);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2); /* a pulse */
    ck_assert_uint_eq(harness_event(h, HARNESS_EV_GSI, 0).a, 22);
    ck_assert_uint_eq(harness_event(h, HARNESS_EV_GSI, 0).time_ns, ns_of(5000));
    ck_assert_uint_eq(harness_gsi_level(h, 22), 0);
    ck_assert_uint_eq(rd(h, STATUS), 0);
    harness_advance_ns(h, 1000 * SECOND); /* 64 bits: no second time */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    /* A comparator that is written with what the counter is matches there and then. */
    wr(h, CMP(2), rd(h, COUNTER));
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 4);
    /* One that lies behind does not. */
    wr(h, CMP(2), rd(h, COUNTER) - 1);
    harness_advance_ns(h, SECOND);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 4);
    harness_free(h);
}
END_TEST

START_TEST(one_shot_32_bits_comes_again_after_a_wrap)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, COUNTER, 0x7fffff000ull);
    wr(h, TN(2), ENB | MODE32 | ROUTE(20));
    wr(h, CMP(2), 0x12345678000000ffull);
    ck_assert_uint_eq(rd(h, CMP(2)), 0xff);
    wr(h, CONFIG, 1);
    harness_advance_to_ns(h, ns_of(0x10ff) - 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 0);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2);
    harness_advance_to_ns(h, ns_of(0x1000010ffull) - 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 4);
    harness_free(h);
}
END_TEST

START_TEST(periodic)
{
    Harness *h = harness_new("hpet", NULL);
    /* As the specification has it: halted, counter 0, VAL_SET, one write. */
    wr(h, TN(0), ENB | PERIOD | SETVAL | ROUTE(20));
    wr(h, CMP(0), 14318);
    wr(h, CONFIG, 1);
    for (unsigned i = 1; i <= 1000; i++) {
        harness_advance_to_ns(h, ns_of(14318ull * i) - 1);
        ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2 * (i - 1));
        harness_advance_ns(h, 1);
        ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2 * i);
        ck_assert_uint_eq(rd(h, CMP(0)), 14318ull * (i + 1));
    }
    /* Without VAL_SET a write is a new period; the accumulator goes on. */
    wr(h, CMP(0), 100000);
    ck_assert_uint_eq(rd(h, CMP(0)), 14318ull * 1001);
    harness_events_clear(h);
    harness_advance_to_ns(h, ns_of(14318ull * 1001 + 200000) - 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 4);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 6);
    harness_free(h);
}
END_TEST

START_TEST(periodic_accumulator_then_period)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, CONFIG, 1);
    harness_advance_ns(h, SECOND);
    uint32_t now = (uint32_t)rd(h, COUNTER);
    /* As Linux does it: accumulator with VAL_SET, which goes away by itself, then the period. */
    harness_mmio_write(h, TN(0), ENB | PERIOD | SETVAL | MODE32 | ROUTE(20), 4);
    harness_mmio_write(h, CMP(0), now + 1000, 4);
    harness_mmio_write(h, CMP(0), 500, 4);
    ck_assert_uint_eq(rd(h, CMP(0)), now + 1000);
    harness_advance_to_ns(h, ns_of(now + 1000ull));
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2);
    ck_assert_uint_eq(rd(h, CMP(0)), now + 1500);
    harness_advance_to_ns(h, ns_of(now + 1000ull + 10 * 500));
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 22);
    /* 64 bits by halves, VAL_SET before each. */
    harness_mmio_write(h, CONFIG, 0, 4);
    harness_mmio_write(h, TN(1), PERIOD | SETVAL, 4);
    harness_mmio_write(h, CMP(1), 0x1111, 4);
    harness_mmio_write(h, TN(1), PERIOD | SETVAL, 4);
    harness_mmio_write(h, CMP(1) + 4, 0x2222, 4);
    ck_assert_uint_eq(rd(h, CMP(1)), 0x222200001111ull);
    harness_mmio_write(h, CMP(1), 7, 4);
    ck_assert_uint_eq(rd(h, CMP(1)), 0x222200001111ull);
    harness_free(h);
}
END_TEST

START_TEST(level_triggered)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, TN(1), ENB | LEVEL | PERIOD | SETVAL | ROUTE(23));
    wr(h, CMP(1), 1000);
    wr(h, CONFIG, 1);
    harness_advance_to_ns(h, ns_of(1000));
    ck_assert_uint_eq(harness_gsi_level(h, 23), 1);
    ck_assert_uint_eq(rd(h, STATUS), 2);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX); /* up already */
    harness_advance_ns(h, SECOND);
    wr(h, STATUS, 1);
    ck_assert_uint_eq(harness_gsi_level(h, 23), 1);
    wr(h, STATUS, 2);
    ck_assert_uint_eq(harness_gsi_level(h, 23), 0);
    ck_assert_uint_eq(rd(h, STATUS), 0);
    harness_advance_ns(h, ns_of(1001));
    ck_assert_uint_eq(harness_gsi_level(h, 23), 1);
    wr(h, TN(1), LEVEL | PERIOD | ROUTE(23)); /* disabled: the status remains */
    ck_assert_uint_eq(harness_gsi_level(h, 23), 0);
    ck_assert_uint_eq(rd(h, STATUS), 2);
    wr(h, STATUS, 2);
    harness_advance_ns(h, ns_of(1001));
    ck_assert_uint_eq(rd(h, STATUS), 2); /* and is set without a timer of the host */
    wr(h, TN(1), LEVEL | ENB | PERIOD | ROUTE(21));
    ck_assert_uint_eq(harness_gsi_level(h, 21), 1);
    wr(h, TN(1), ENB | PERIOD | ROUTE(21)); /* edge now */
    ck_assert_uint_eq(harness_gsi_level(h, 21), 0);
    ck_assert_uint_eq(rd(h, STATUS), 0);
    harness_free(h);
}
END_TEST

START_TEST(isa_lines_and_legacy_replacement)
{
    Harness *h = harness_new("hpet", "ICH9=1");
    harness_irq_drive(h, 0, 1); /* the 8254 and the RTC are high */
    harness_irq_drive(h, 8, 1);
    wr(h, TN(0), ENB | PERIOD | SETVAL | ROUTE(20));
    wr(h, CMP(0), 1000);
    wr(h, TN(1), ENB);
    wr(h, CMP(1), 1500);
    wr(h, TN(3), ENB | ROUTE(12));
    wr(h, CMP(3), 100);
    wr(h, CONFIG, 3);
    ck_assert_uint_eq(harness_legacy_replacement(h), 1);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    harness_irq_drive(h, 0, 0);
    harness_irq_drive(h, 0, 1);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    harness_advance_to_ns(h, ns_of(1000));
    ck_assert_uint_eq(harness_irq_level(h, 12), 1);
    ck_assert_uint_eq(harness_irq_level(h, 0), 1); /* stays up for the 8259A */
    harness_events_clear(h);
    harness_advance_to_ns(h, ns_of(2000));
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IRQ), 3); /* 8 up; 0 down and up */
    ck_assert_uint_eq(harness_irq_level(h, 8), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_legacy_replacement(h), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 0);
    wr(h, CONFIG, 1);
    ck_assert_uint_eq(harness_irq_level(h, 0), 1); /* the other devices' */
    harness_irq_drive(h, 8, 0);
    ck_assert_uint_eq(harness_irq_level(h, 8), 0);
    harness_advance_to_ns(h, ns_of(3000)); /* by its own route again */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI), 2);
    wr(h, CONFIG, 3);
    harness_reset(h);
    ck_assert_uint_eq(harness_legacy_replacement(h), 0);
    ck_assert_uint_eq(rd(h, COUNTER), 0);
    harness_free(h);
}
END_TEST

START_TEST(fsb_delivery)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, TN(0), ENB | FSBEN | PERIOD | SETVAL);
    wr(h, CMP(0), 1000);
    wr(h, FSB(0), 0xfee0500cull << 32 | 0x0041);
    wr(h, CONFIG, 1);
    harness_advance_to_ns(h, ns_of(1000));
    HarnessEvent e = harness_event_last(h, HARNESS_EV_APIC_DELIVER);
    ck_assert_uint_eq(e.time_ns, ns_of(1000));
    ck_assert_uint_eq(e.a, 5);
    ck_assert_uint_eq(e.b, 1);
    ck_assert_uint_eq(e.c, VIV_APIC_DELIVERY_LOWEST); /* by the redirection hint */
    ck_assert_uint_eq(e.d, 0x41);
    ck_assert_uint_eq(e.e, 0);
    wr(h, FSB(0), 0xfee03000ull << 32 | 0x0442);
    harness_advance_to_ns(h, ns_of(2000));
    e = harness_event_last(h, HARNESS_EV_APIC_DELIVER);
    ck_assert(e.a == 3 && e.b == 0 && e.c == VIV_APIC_DELIVERY_NMI && e.d == 0x42);
    wr(h, FSB(0), 0x1000ull << 32 | 0x43); /* not a local APIC's address */
    harness_advance_to_ns(h, ns_of(3000));
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_APIC_DELIVER), 2);
    ck_assert_uint_eq(harness_ram_get32(h, 0x1000), 0);
    harness_save_load(h);
    harness_free(h);
}
END_TEST

START_TEST(fast_and_late_matches)
{
    Harness *h = harness_new("hpet", NULL);
    wr(h, TN(0), ENB | PERIOD | SETVAL | ROUTE(20));
    wr(h, CMP(0), 1); /* every 70 ns */
    wr(h, CONFIG, 1);
    uint64_t fired = harness_advance_ns(h, 1000000);
    ck_assert_uint_le(fired, 502);
    ck_assert_uint_ge(fired, 400);
    uint64_t given = harness_stam(h, "Ticks");
    ck_assert_uint_ge(given + harness_stam(h, "Coalesced"), 14280);
    wr(h, TN(0), ENB | PERIOD | SETVAL | ROUTE(20));
    wr(h, CMP(0), 0); /* a period of nothing: once a wrap, which is never */
    harness_advance_ns(h, SECOND);
    ck_assert_uint_le(harness_stam(h, "Ticks"), given + 2);
    harness_free(h);
}
END_TEST

START_TEST(save_and_load)
{
    Harness *h = harness_new("hpet", "ICH9=1");
    harness_save_load(h);
    wr(h, COUNTER, 0xfffffffffffff000ull); /* about to wrap */
    wr(h, TN(2), ENB | MODE32 | PERIOD | SETVAL | ROUTE(11));
    wr(h, CMP(2), 300);
    harness_mmio_write(h, TN(3), ENB | PERIOD | SETVAL | ROUTE(20), 4); /* VAL_SET is pending */
    harness_save_load(h);
    wr(h, CMP(3), 200);
    ck_assert_uint_eq(rd(h, CMP(3)), 200);
    wr(h, CONFIG, 1);
    for (unsigned i = 0; i < 100; i++) {
        harness_advance_ns(h, 7777);
        harness_save_load(h);
    }
    ck_assert_uint_eq(rd(h, COUNTER), 0xfffffffffffff000ull + 777700ull * 1000000 / PERIOD_FS);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GSI),
                      2 * ((777700ull * 1000000 / PERIOD_FS - 4096) / 200));
    wr(h, TN(2), ENB | LEVEL | MODE32 | PERIOD | ROUTE(11));
    harness_advance_ns(h, 100000);
    ck_assert_uint_eq(harness_irq_level(h, 11), 1);
    harness_save_load(h);
    ck_assert_uint_eq(rd(h, STATUS), 4);
    harness_free(h);
}
END_TEST

START_TEST(hostile_state)
{
    Harness *h = harness_new("hpet", NULL);
    size_t len;
    unsigned refused = 0;
    wr(h, TN(0), ENB | PERIOD | SETVAL | ROUTE(20));
    wr(h, CMP(0), 14318);
    wr(h, CONFIG, 3);
    harness_advance_ns(h, SECOND);
    uint8_t *blob = harness_save(h, &len);
    for (size_t i = 0; i < len; i++) {
        blob[i] ^= 0xff;
        if (harness_load(h, blob, len) == VIV_OK) {
            rd(h, COUNTER);
            rd(h, CMP(0));
            harness_advance_ns(h, 1000000);
        } else {
            refused++;
        }
        blob[i] ^= 0xff;
    }
    ck_assert_uint_gt(refused, 20);
    free(blob);
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    static const char *const bad[] = {"ICH9=2", "Ich9=1", "HpetBase=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_ptr_null(harness_try_new("hpet", bad[i], &st));
        ck_assert_int_eq(st, VIV_E_CONFIG);
    }
    ck_assert_uint_ge(harness_construct_failures("hpet", "ICH9=1"), 6);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hpet");
    TCase *tc = tcase_create("hpet");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, identity);
    tcase_add_test(tc, counter_does_not_drift);
    tcase_add_test(tc, accesses);
    tcase_add_test(tc, one_shot);
    tcase_add_test(tc, one_shot_32_bits_comes_again_after_a_wrap);
    tcase_add_test(tc, periodic);
    tcase_add_test(tc, periodic_accumulator_then_period);
    tcase_add_test(tc, level_triggered);
    tcase_add_test(tc, isa_lines_and_legacy_replacement);
    tcase_add_test(tc, fsb_delivery);
    tcase_add_test(tc, fast_and_late_matches);
    tcase_add_test(tc, save_and_load);
    tcase_add_test(tc, hostile_state);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
